"""Where this server's files are, by the way it was installed. Nothing of another machine's server is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cozydiag.couchdb import ini
from cozydiag.host import Host
from cozydiag.host.failure import Failure

if TYPE_CHECKING:
    from cozydiag.config import Config


class Kind(NamedTuple):
    """One way to install CouchDB (couchdb-pkg, couchdb-docker, the snap, 1.x packages and `make install`)."""

    etc: str
    data: str
    log: str
    unit: str
    defaults: str = ""  # where default.ini is when not in ``etc``


KINDS = (
    Kind("/opt/couchdb/etc", "/var/lib/couchdb", "/var/log/couchdb/couchdb.log", "couchdb.service"),
    Kind("/etc/couchdb", "/var/lib/couchdb", "/var/log/couchdb/couch.log", "couchdb.service"),
    Kind(
        "/usr/local/etc/couchdb", "/usr/local/var/lib/couchdb", "/usr/local/var/log/couchdb/couch.log",
        "couchdb.service",
    ),
    Kind(
        "/var/snap/couchdb/current/etc", "/var/snap/couchdb/common/data", "", "snap.couchdb.server.service",
        "/snap/couchdb/current/etc",
    ),
)  # fmt: skip


class Place(NamedTuple):
    """``data``, ``views`` and ``log`` are paths, "" where they are not known. ``unit`` is systemd's name of it.

    ``closed`` are files of the configuration that this user may not read; ``files`` those that were read.
    """

    etc: str = ""
    data: str = ""
    views: str = ""
    log: str = ""
    unit: str = "couchdb.service"
    settings: ini.Ini = ini.Ini()
    files: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    vm_args: bytes = b""


def is_local(host: Host, config: Config) -> bool:
    """Whether the server's address is this machine: then its files can be looked at."""
    name, port = config.couchdb.address
    if name.lower() == "localhost" or name.startswith("127.") or name == "::1":
        return True
    return any(one.address == name for one in host.listeners(port))


def find(host: Host, config: Config) -> Place | None:
    """The files of the configured server; None for a server elsewhere, and where nothing of one is found.

    What the configuration of cozydiag names comes first (`couchdb.etc`, `couchdb.data`, `couchdb.log`). A server
    whose own files say another port is not the one that is asked.
    """
    given = config.couchdb
    if not (config.discover or given.etc or given.data or given.log) or not is_local(host, config):
        return None
    kind = _kind(host, given.etc, config.discover)
    place = _read(host, kind) if kind is not None else Place()
    port = place.settings.get("chttpd", "port") or place.settings.get("httpd", "port")
    if not given.etc and port.isdigit() and int(port) != given.address[1]:
        place = Place()
    place = place._replace(data=given.data or place.data, views=given.data or place.views, log=given.log or place.log)
    return place if place.data or place.log or place.etc else None


def _kind(host: Host, etc: str | None, discover: bool) -> Kind | None:
    if etc:
        known = next((kind for kind in KINDS if kind.etc == etc), None)
        return known or Kind(etc, "", "", "couchdb.service")
    if not discover:
        return None
    return next((kind for kind in KINDS if not isinstance(host.stat(kind.etc), Failure)), None)


def _read(host: Host, kind: Kind) -> Place:
    contents, closed = [], []
    for path in _chain(host, kind):
        content = host.read(path)
        if isinstance(content, bytes):
            contents.append((path, content))
        elif content.kind != "missing":
            closed.append(path)
    settings = ini.read(contents)
    data = settings.get("couchdb", "database_dir")
    data = data if data.startswith("/") else _first(host, kind.data, f"{kind.etc.rpartition('/')[0]}/data")
    views = settings.get("couchdb", "view_index_dir")
    flags = host.read(f"{kind.etc}/vm.args")
    return Place(
        etc=kind.etc,
        data=data,
        views=views if views.startswith("/") else data,
        log=_log(settings, kind),
        unit=kind.unit,
        settings=settings,
        files=tuple(path for path, _ in contents),
        closed=tuple(closed),
        vm_args=flags if isinstance(flags, bytes) else b"",
    )


def _chain(host: Host, kind: Kind) -> list[str]:
    """The files in the order in which they are read: what comes later wins."""
    defaults = kind.defaults or kind.etc
    found = [f"{defaults}/default.ini", *_inis(host, f"{defaults}/default.d"), f"{kind.etc}/local.ini"]
    return [*found, *_inis(host, f"{kind.etc}/local.d")]


def _inis(host: Host, folder: str) -> list[str]:
    names = host.listdir(folder)
    return [] if isinstance(names, Failure) else [f"{folder}/{name}" for name in names if name.endswith(".ini")]


def _log(settings: ini.Ini, kind: Kind) -> str:
    """A file only where the server writes one: 2.x and later write to stderr unless told (`[log] writer`)."""
    writer, file = settings.get("log", "writer"), settings.get("log", "file")
    if writer and writer != "file":
        return ""
    return file if file.startswith("/") else kind.log


def _first(host: Host, *paths: str) -> str:
    found = (path for path in paths if path and not isinstance(host.stat(path), Failure))
    return next(found, "")
