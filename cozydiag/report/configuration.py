"""The files that say how a server is put together, without their comments: nginx's sites, supervisord, cozy-stack,
CouchDB. Their secrets are hidden with all others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple, Union

from cozydiag.couchdb.layout import KINDS
from cozydiag.cozy.settings import FILES as COZY_YML
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean
from cozydiag.managers import supervisord

if TYPE_CHECKING:
    from cozydiag.config import Config

LINES: Final = 120
"""Of one file."""

_MOST = 1 << 16
_FILES = 24

Content = Union["tuple[str, ...]", Failure]


class File(NamedTuple):
    """``lines`` without comments and empty lines; ``more`` counts those behind the last."""

    path: str
    lines: Content
    more: int = 0


def collect(host: Host, config: Config) -> tuple[File, ...]:
    """The files that are there. Raises nothing for what it meets."""
    found = dict.fromkeys(path for path in _paths(host, config))
    return tuple(file for path in list(found)[:_FILES] if (file := _file(host, path)) is not None)


def patterns(config: Config) -> list[str]:
    """The files that are looked at beside nginx's, `*` for any name."""
    named = config.supervisord.conf
    found = [named] if named else list(supervisord.CONFIGURATIONS) if config.discover else []
    if config.discover:
        found += ["/etc/supervisor/conf.d/*.conf", *COZY_YML]
    for etc in [config.couchdb.etc] if config.couchdb.etc else [kind.etc for kind in KINDS if config.discover]:
        found += [f"{etc}/local.ini", f"{etc}/local.d/*.ini"]
    return found


def _paths(host: Host, config: Config) -> Iterator[str]:
    yield from _nginx(host, config)
    for pattern in patterns(config):
        folder, _, name = pattern.rpartition("/")
        yield from _in(host, folder, name) if "*" in name else (pattern,)


def _nginx(host: Host, config: Config) -> Iterator[str]:
    """The files with servers in them."""
    from cozydiag.proxies import nginx

    path = config.proxy.conf
    if path is None and config.discover:
        path = next((one for one in nginx.CONFIGURATIONS if not isinstance(host.stat(one), Failure)), None)
    for file in nginx.parse(path).files if path else ():
        content = host.read(file, max_bytes=_MOST)
        if isinstance(content, Failure) or b"server_name" in content or b"proxy_pass" in content:
            yield file


def _in(host: Host, folder: str, pattern: str) -> Iterator[str]:
    names = host.listdir(folder)
    found: Iterable[str] = () if isinstance(names, Failure) else sorted(names)
    yield from (f"{folder}/{name}" for name in found if fnmatchcase(name, pattern))


def _file(host: Host, path: str) -> File | None:
    """None where there is no such file."""
    stranger = planted(path)
    if stranger is not None:
        return File(path, Failure("error", f"{stranger} is a link of another user"))
    content = host.read(path, max_bytes=_MOST)
    if isinstance(content, Failure):
        return None if content.kind == "missing" else File(path, content)
    lines = [line.rstrip() for line in clean(content, _MOST).splitlines()]
    kept = [line for line in lines if line.strip() and line.lstrip()[0] not in "#;"]
    return File(path, tuple(kept[:LINES]), max(0, len(kept) - LINES))


def planted(path: str, owner: Callable[[], int] = os.geteuid) -> str | None:
    """The link on the way to ``path`` that neither root nor this user made: it could lead root to another's file."""
    parts = path.split("/")
    for end in range(2, len(parts) + 1):
        one = "/".join(parts[:end])
        if os.path.islink(one) and os.lstat(one).st_uid not in (0, owner()):
            return one
    return None
