"""One sentence that says what this server is; where it is nothing of the kind, what was looked for and what is here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Final, NamedTuple

from cozydiag.couchdb import access
from cozydiag.cozy import apps
from cozydiag.cozy.flavour import Flavour
from cozydiag.findings import ok, skip, unknown
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.proxies.protocol import NAMES
from cozydiag.stack import ELSEWHERE, Site, Stack, fronts
from cozydiag.stack.words import ourselves
from cozydiag.text import Text, plural, t, verbatim

_MAILERS: Final = {
    "postfix": "/usr/sbin/postfix", "Exim": "/usr/sbin/exim4", "OpenSMTPD": "/usr/sbin/smtpd",
    "msmtp": "/usr/sbin/msmtp",
}  # fmt: skip
_MANAGERS: Final = {"sysv": "SysV", "docker": "Docker", "pm2": "PM2", "cozy-monitor": "cozy-controller"}

LOOKED_FOR: Final = t(
    "a Cozy v2 (/etc/cozy, /usr/local/cozy, a controller under supervisord), a cozy-stack (its unit, its process, "
    "/etc/cozy/cozy.yml, a container), a site of a reverse proxy that leads to a program of this machine"
)


class Seen(NamedTuple):
    """What `status` and `discover` tell of. ``mail`` is the name of a mail server, "" for none; ``couchdb`` who looks
    after CouchDB, None where there is no CouchDB."""

    system: str
    flavours: tuple[Flavour, ...]
    sites: tuple[Site, ...]
    apps: int
    couchdb: str | None
    mail: str
    proxies: tuple[tuple[str, int], ...]
    """Each with the number of its sites, -1 where its configuration cannot be read; only told where nothing of a Cozy
    and no site is here."""


def look(host: Host, stack: Stack) -> Iterator[Finding]:
    seen = see(host, stack)
    if seen.flavours or seen.sites or seen.couchdb is not None:
        yield ok(sentence(seen))
        return
    if stack.config.sites:
        yield skip(t("only the configured sites are looked at: no Cozy and no CouchDB is here"))
        return
    yield unknown("stack.nothing", t("looked for: {what}", what=LOOKED_FOR))
    yield unknown("stack.nothing", t("what is here: {what}", what=joined([*_rest(seen), verbatim(seen.system)])))
    yield unknown(
        "stack.nothing",
        t(
            "to have a site looked at all the same, write {table} and its url into {file}",
            table="[[sites]]",
            file="/etc/cozydiag/config.toml",
        ),
        unlock=ourselves("discover --write", stack.config),
    )


def see(host: Host, stack: Stack) -> Seen:
    """Files and configurations are read; of servers only home is asked, for its apps."""
    flavours = stack.flavours(host)
    every = stack.once("sites", host, stack.source("sites")).items
    sites = tuple(site for site in every if site.origin not in ("configuration", ELSEWHERE))
    number = len(apps.listed(stack, host)) if any(one.kind == "v2" for one in flavours) else 0
    mail = next((name for name, path in _MAILERS.items() if not isinstance(host.stat(path), Failure)), "")
    proxies = () if flavours or sites else _proxies(host, stack)
    return Seen(system(host), flavours, sites, number, _couchdb(host, stack), mail, proxies)


def sentence(seen: Seen) -> Text:
    """`this is a Cozy v2 with 3 apps on Debian 12, CouchDB under SysV, MTA postfix`"""
    what = [_named(flavour, seen.apps) for flavour in seen.flavours]
    others = len(seen.sites) if not what else 0
    if others:
        what.append(plural("a server with {n} site of another program",
                           "a server with {n} sites of other programs", n=others))  # fmt: skip
    if not what:
        what.append(t("a CouchDB without a Cozy"))
    return joined([t("this is {what} on {system}", what=joined(what), system=seen.system), *_rest(seen)])


def _named(flavour: Flavour, number: int) -> Text:
    if flavour.kind == "v2" and flavour.container is None:
        return plural("a Cozy v2 with {n} app", "a Cozy v2 with {n} apps", n=number)
    if flavour.kind == "v2":
        return t("a Cozy v2 in a container ({name})", name=flavour.container.address if flavour.container else "")
    if flavour.container is not None:
        return t("a cozy-stack in a container ({name})", name=flavour.container.address)
    if flavour.way == "systemd":
        return t("a cozy-stack under systemd")
    return t("a cozy-stack")


def _rest(seen: Seen) -> list[Text]:
    rest = []
    if not (seen.flavours or seen.sites):
        rest += [
            plural("{name} with {n} site", "{name} with {n} sites", n=number, name=NAMES[name])
            if number >= 0
            else verbatim(NAMES[name])
            for name, number in seen.proxies
        ]
    if seen.couchdb is not None:
        rest.append(t("CouchDB under {manager}", manager=seen.couchdb) if seen.couchdb else verbatim("CouchDB"))
    if seen.mail:
        rest.append(t("MTA {name}", name=seen.mail))
    return rest


def joined(texts: list[Text]) -> Text:
    """With commas; the last word order is the same in both languages."""
    return reduce(lambda first, rest: t("{first}, {rest}", first=first, rest=rest), texts)


def system(host: Host) -> str:
    """`Debian 12`, by /etc/os-release; YunoHost stands before what it is built on."""
    content = host.read("/etc/os-release")
    pairs = (line.partition("=") for line in ([] if isinstance(content, Failure) else _text(content).splitlines()))
    told = {key: value.strip("\"'") for key, _, value in pairs}
    name = told.get("NAME", "").removesuffix(" GNU/Linux") or "Linux"
    named = f"{name} {told.get('VERSION_ID', '')}".strip()
    return f"YunoHost ({named})" if not isinstance(host.stat("/etc/yunohost"), Failure) else named


def _text(content: bytes) -> str:
    from cozydiag.host.logs import clean

    return "\n".join(clean(line) for line in content.splitlines())


def _couchdb(host: Host, stack: Stack) -> str | None:
    """Who looks after it; "" where it is here and nobody does, None where there is none."""
    program = stack.program(host, "couchdb")
    if program is not None:
        return "supervisord"
    for owned in stack.owned(host):
        for found in () if isinstance(owned.services, Failure) else owned.services:
            if found.role == "couchdb":
                return _MANAGERS.get(found.service.manager, found.service.manager)
    if any(place.role == "couchdb" and place.url for one in stack.flavours(host) for place in one.places):
        return ""
    reply = access.root(stack, host)
    return None if isinstance(reply, Failure) or not reply.is_couchdb else ""


def _proxies(host: Host, stack: Stack) -> tuple[tuple[str, int], ...]:
    found = []
    for proxy in fronts.proxies(stack, host):
        names = fronts.names(stack, host, proxy)
        found.append((proxy.name, -1 if isinstance(names, Failure) else len(names)))
    return tuple(found)
