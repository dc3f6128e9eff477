"""The data folder, seen from outside: HTTP cannot tell that a missing file was replaced by an empty one."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.files import Entry

_DEEPEST = 6
"""Folders below one another: a database's name may hold slashes."""

_HEADER = b"\x01"
"""The first byte of every file: its first block is a header (couch_file.erl)."""


class Data(NamedTuple):
    """Database names are as CouchDB has them, paths are absolute. ``shards``: the files of each database.

    ``empty`` have no bytes; ``closed`` their own server may not read and write; ``compactions`` are left over from a
    compaction that broke off, ``unmigrated`` databases of 1.x that 2.x and later do not see. ``owner`` is the folder's.
    """

    shards: dict[str, list[str]]
    empty: tuple[str, ...]
    closed: tuple[tuple[str, Entry], ...]
    compactions: tuple[tuple[str, Entry], ...]
    unmigrated: tuple[str, ...]
    owner: int
    old_layout: bool


def survey(host: Host, folder: str) -> Data | Failure:
    """Everything in the data folder, by names and sizes alone."""
    own = host.stat(folder)
    top = host.entries(folder)
    if isinstance(own, Failure) or isinstance(top, Failure):
        return own if isinstance(own, Failure) else top if isinstance(top, Failure) else Failure("error", "")
    clustered = any(entry.name in ("shards", "_dbs.couch") for entry in top)
    found = _Found(own.st_uid)
    for entry in top:
        found.take(folder, "", entry, system=clustered)
    if clustered:
        for path, ranges in _folders(host, f"{folder}/shards"):
            for name, entry in _below(host, path, ranges, ""):
                found.take(path, name, entry)
    return Data(
        found.shards, tuple(found.empty), tuple(found.closed), tuple(found.compactions), tuple(found.unmigrated),
        own.st_uid, not clustered,
    )  # fmt: skip


def headless(host: Host, paths: Sequence[str]) -> Iterator[str]:
    """Those that do not begin as a file of CouchDB does: it would take them for empty, and say nothing."""
    for path in paths:
        first = host.read(path, max_bytes=1, follow=False)
        if isinstance(first, bytes) and first and first != _HEADER:
            yield path


class _Found:
    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.shards: dict[str, list[str]] = {}
        self.empty: list[str] = []
        self.closed: list[tuple[str, Entry]] = []
        self.compactions: list[tuple[str, Entry]] = []
        self.unmigrated: list[str] = []

    def take(self, folder: str, prefix: str, entry: Entry, *, system: bool = False) -> None:
        """One file. ``system``: it stands in the top folder of a server of 2.x or later."""
        name, path = entry.name, f"{folder}/{prefix}{entry.name}"
        if not stat.S_ISREG(entry.mode):
            return
        if ".couch.compact" in name:
            self.compactions.append((path, entry))
        elif name.endswith(".couch") and not name.endswith(".deleted.couch"):  # enable_database_recovery
            database = prefix + name[: -len(".couch")]
            if not system and (folder.rpartition("/")[0].endswith("/shards")):
                database = database.rpartition(".")[0]  # the seconds of its creation
            if system and name not in ("_dbs.couch", "_nodes.couch"):
                self.unmigrated += [database] if database not in ("_users", "_replicator") else []
                return
            self.shards.setdefault(database, []).append(path)
            if entry.size == 0:
                self.empty.append(path)
            if not self._is_usable(entry):
                self.closed.append((path, entry))

    def _is_usable(self, entry: Entry) -> bool:
        if self.owner == 0:  # then CouchDB is root, or an ordinary user of a container of root's: nobody can tell
            return True
        bits = 0o600 if entry.uid == self.owner else 0o006
        return entry.mode & bits == bits or entry.mode & 0o060 == 0o060


def _folders(host: Host, folder: str) -> Iterator[tuple[str, list[Entry]]]:
    """The ranges of the shards and what is in them."""
    ranges = host.entries(folder)
    for entry in [] if isinstance(ranges, Failure) else ranges:
        path = f"{folder}/{entry.name}"
        inside = host.entries(path) if stat.S_ISDIR(entry.mode) else Failure("missing", "")
        if not isinstance(inside, Failure):
            yield path, inside


def _below(host: Host, folder: str, entries: Sequence[Entry], prefix: str) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        if not stat.S_ISDIR(entry.mode):
            yield prefix, entry
        elif prefix.count("/") < _DEEPEST:
            inside = host.entries(f"{folder}/{prefix}{entry.name}")
            yield from () if isinstance(inside, Failure) else _below(host, folder, inside, f"{prefix}{entry.name}/")
