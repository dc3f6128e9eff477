"""What was read from the configuration of a proxy, remembered for as long as no file of it has changed.

To parse a thousand sites takes a second, to see that none has changed a hundredth of that. So little as is needed is
kept by itself: what a status looks at is not brought back together with a thousand sites of others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.proxies.protocol import (
    Certificate,
    Configuration,
    Listen,
    Location,
    Passing,
    Proxy,
    Server,
    Upstream,
)
from cozydiag.stack import Stack

if TYPE_CHECKING:
    from cozydiag.state import State

MANY = 30
"""So many files are worth to be remembered: fewer are parsed as fast as SQLite is opened."""

_FROM_FILES = ("nginx", "apache")
"""What is read from files alone. Caddy's admin API and HAProxy's one file answer at once."""


def recall(stack: Stack, host: Host, proxy: Proxy, what: str) -> Any:
    """What `keep` was given; None where nothing is, or where a file or folder is another than then."""
    if proxy.name not in _FROM_FILES:
        return None
    kept = stack.once(f"{proxy.name} kept", host, lambda host: _all(stack, host, proxy))
    return _value(kept.get(_key(proxy, what)), kept["now"]) if kept else None


def keep(stack: Stack, proxy: Proxy, read: Configuration, what: str, value: Any) -> None:
    """Remember ``value``, which was made of ``read``, where that was read whole and has many files."""
    if len(read.files) < MANY or proxy.name not in _FROM_FILES or read.unreadable or read.mistakes:
        return
    paths = list(dict.fromkeys((*read.files, *(os.path.dirname(path) for path in read.files))))  # and what comes anew
    state = _open(stack)
    try:
        state.set(_key(proxy, "files"), paths)
        state.set(_key(proxy, what), {"files": _print(paths), "value": value})
    finally:
        state.close()


def _key(proxy: Proxy, what: str) -> str:
    return f"{what} of {proxy.name} {proxy.configuration}"


def _open(stack: Stack) -> State:
    from cozydiag.state import open_state

    return open_state(stack.config.state_folder)


def _all(stack: Stack, host: Host, proxy: Proxy) -> dict[str, str]:
    """All that is kept of a proxy, as JSON by key, and under "now" how its files are; {} where none are known."""
    names = host.listdir(stack.config.state_folder)
    if isinstance(names, Failure) or "state.db" not in names:
        return {}
    end = _key(proxy, "")
    state = _open(stack)
    try:
        rows = state.query("SELECT key, value FROM pairs WHERE substr(key, ?) = ?", -len(end), end) or []
    finally:
        state.close()
    kept = {str(key): str(value) for key, value in rows}
    paths = _json(kept.get(_key(proxy, "files"), "null"))
    known = isinstance(paths, list) and all(isinstance(path, str) for path in paths)
    return {**kept, "now": _print(paths)} if known else {}


def _value(content: str | None, now: str) -> Any:
    kept = _json(content or "null")
    same = isinstance(kept, dict) and kept.get("files") == now
    return kept.get("value") if same else None


def _json(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _print(paths: Iterable[str]) -> str:
    """What tells one state of the files from another. No evidence is kept of a thousand of them."""
    from zlib import adler32, crc32

    seen = bytearray()
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            seen += b"gone\n"
        else:
            seen += b"%d %d %d\n" % (found.st_mtime_ns, found.st_size, found.st_ino)
    return f"{len(seen)} {crc32(seen)} {adler32(seen)}"


# -- configurations ------------------------------------------------------------------------------------


def plain(read: Configuration) -> list[Any]:
    """For JSON, without the names of the files."""
    return [read.servers, read.logs]


def configuration(kept: Any) -> Configuration | None:
    """Of what `plain` gave; None for anything else."""
    try:
        servers, logs = kept
        return Configuration(tuple(map(_server, servers)), logs=tuple(logs))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # of another version
        return None


def _server(row: list[Any]) -> Server:
    proxy, names, listens, certificates, locations, path, line = row
    return Server(
        proxy,
        tuple(names),
        tuple(Listen(*one) for one in listens),
        tuple(Certificate(*one) for one in certificates),
        tuple(map(_location, locations)),
        path,
        line,
    )


def _location(row: list[Any]) -> Location:
    match, upstreams, passing, group, path, line = row
    return Location(match, tuple(Upstream(*one) for one in upstreams), Passing(*passing), group, path, line)
