"""Which stacks are here and where they answer: from files, units, processes and containers. Nothing is started, and no
server is asked but the engines of containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cozydiag.config.values import Config, CouchDB, Part, Setting
from cozydiag.cozy.flavour import USUAL, Flavour, Place
from cozydiag.host import Host
from cozydiag.host import url as urls

if TYPE_CHECKING:
    from cozydiag.stack import Stack


def find(stack: Stack, host: Host) -> tuple[Flavour, ...]:
    """v2 first, then every cozy-stack. What the configuration names is there even without discovery."""
    if not stack.config.discover:
        return _told(stack)
    from cozydiag.cozy import find_containers, find_v2, find_v3

    contained = find_containers.find(stack, host)
    found = (*find_v2.find(stack, host), *find_v3.find(host), *contained, *(() if contained else find_v3.boxed(host)))
    kinds = [flavour.kind for flavour in found]
    first = [
        _overridden(stack.config, one, kinds) if kinds.index(one.kind) == at else one for at, one in enumerate(found)
    ]
    return (*first, *(one for one in _told(stack) if one.kind not in kinds))


def _overridden(config: Config, flavour: Flavour, kinds: Sequence[str]) -> Flavour:
    """The first of its kind, with the addresses that somebody has configured. Where a v2 is, its CouchDB was meant."""
    others = "couchdb" if flavour.kind == "v3" and "v2" in kinds else ""
    places = (place if place.role == others else _configured(config, place) or place for place in flavour.places)
    return flavour._replace(places=tuple(places))


def _configured(config: Config, place: Place) -> Place | None:
    key = key_of(place.role)
    origin = config.origins.get(key, "default")
    if origin == "default":
        return None
    name = place.role.partition(".")[2]
    return Place(place.role, config.parts[name].url if name in config.parts else config.couchdb.url, origin)


def key_of(role: str) -> str:
    """The setting that holds the address of a role."""
    area, _, name = role.partition(".")
    return f"parts.{name}.url" if area == "cozy" else f"{area}.url"


def _told(stack: Stack) -> tuple[Flavour, ...]:
    """`[parts.stack]`: a cozy-stack that somebody has written down."""
    given = [(name, stack.config.parts[name]) for name in ("stack", "admin") if name in stack.config.parts]
    if not given or given[0][0] != "stack":
        return ()
    origins = stack.config.origins
    places = (Place(f"cozy.{name}", one.url, origins.get(f"parts.{name}.url", "")) for name, one in given)
    return (Flavour("v3", "{}:{}".format(*given[0][1].address), "", tuple(places), ()),)


def applied(config: Config, flavours: tuple[Flavour, ...]) -> Config:
    """``config`` with the addresses that were found in the place of defaults; what somebody configured stays. Of two
    servers of CouchDB v2's is the apps'; a cozy-stack's login is tried at its own (`cozystack.couchdb`)."""
    parts, settings, couchdb = dict(config.parts), dict(config.settings), config.couchdb
    has_v2 = any(flavour.kind == "v2" for flavour in flavours)
    for flavour in flavours:
        for place in flavour.places:
            if place.role == "couchdb" and flavour.kind == "v3" and has_v2:
                continue
            area, _, name = place.role.partition(".")
            key = key_of(place.role)
            known = key in settings and settings[key].origin != "default"
            parsed = urls.parse(place.url)
            if known or parsed is None or name == "admin" or (place.origin == USUAL and key in settings):
                continue
            if area == "cozy":
                parts[name] = Part(place.url, (parsed.host, parsed.port))
                settings[key] = Setting(place.url, place.origin)
            else:
                couchdb, settings[key] = _couchdb(couchdb, place)
    return config._replace(parts=parts, couchdb=couchdb, settings=settings)


def passwords(flavours: tuple[Flavour, ...]) -> list[str]:
    """What their addresses hold besides, as it stands there and as it is sent."""
    addresses = [place.url for flavour in flavours for place in flavour.places if "@" in place.url]
    if not addresses:
        return []
    from urllib.parse import unquote

    found = [url.partition("://")[2].rpartition("@")[0].partition(":")[2] for url in addresses]
    return [word for one in found for word in (one, unquote(one))]


def _couchdb(couchdb: CouchDB, place: Place) -> tuple[CouchDB, Setting]:
    """User and password stand apart from the address, as in a configuration."""
    from cozydiag.config import kinds

    address = kinds.url_with_user("couchdb.url", place.url)
    user, password = (address.user, address.password) if address.user else (couchdb.user, couchdb.password)
    found = couchdb._replace(url=address.url, address=(address.host, address.port), user=user, password=password)
    return found, Setting(address, place.origin)


def local(host: str) -> str:
    """Where to connect for what listens on all addresses, or on the name of this machine."""
    name = host.strip("[]")
    return {"": "127.0.0.1", "localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104


def url_of(host: str, port: int | str) -> str:
    name = local(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
