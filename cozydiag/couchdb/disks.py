"""The file systems of CouchDB's data and views: whether a write can succeed there."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.couchdb.layout import Place
from cozydiag.findings import fail, ok, skip, unknown
from cozydiag.host import Disk, Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import Bytes, t

_ROLE = "couchdb"
_ROOM = 64 << 20
"""Bytes below which a write may fail at any moment: a file grows by more than one document at a time."""


def of(host: Host, stack: Stack, place: Place) -> Iterator[Finding]:
    if isinstance(host.stat(place.data), Failure):
        yield _no_folder(host, stack, place)
        return
    disks = {path: host.disk(path) for path in dict.fromkeys((place.data, place.views))}
    seen = [(path, disk) for path, disk in disks.items() if not isinstance(disk, Failure)]
    bad = next((finding for path, disk in seen if (finding := _disk(path, disk))), None)
    if bad is not None:
        yield bad
    elif seen:
        yield ok(t("there is room for CouchDB's data in {path}", path=place.data))
    else:
        yield skip(t("the file system of {path} could not be looked at", path=place.data))


def _no_folder(host: Host, stack: Stack, place: Place) -> Finding:
    seen = host.stat(place.data)
    if isinstance(seen, Failure) and seen.kind == "missing":
        return fail(
            "couchdb.data_missing",
            t("CouchDB's data folder {path} is not there", path=place.data),
            t("Mount it, or correct database_dir. Do not make an empty folder in its place: CouchDB would start "
              "without any of the databases."),
            role=_ROLE,
            restart_helps=False,
        )  # fmt: skip
    why = seen.detail if isinstance(seen, Failure) else "-"
    text = t("{path} could not be looked at: {why}", path=place.data, why=why)
    return unknown("couchdb.data_closed", text, unlock=ourselves("status", stack.config))


def _disk(path: str, disk: Disk) -> Finding | None:
    by_hand = f"df -h {path}; df -i {path}; findmnt -T {path}"
    if disk.read_only:
        return fail(
            "couchdb.read_only",
            t("CouchDB cannot write: the file system of its data is read-only"),
            t("Read `dmesg`: after disk errors the kernel does this. Make a copy of the data before the disk is "
              "mended."),
            role=_ROLE, proof=Evidence(disk.mount, "read-only"), by_hand=by_hand, restart_helps=False,
        )  # fmt: skip
    if disk.available < _ROOM:
        return fail(
            "couchdb.disk_full",
            t("CouchDB cannot write: {free} are left in {path}", free=Bytes(disk.available), path=path),
            t("Make room first; nothing else helps. Reading still works, so everything looks well but for what is "
              "saved. Compaction needs room as well and does nothing now."),
            role=_ROLE, proof=Evidence(disk.mount, f"{disk.available} bytes left"), by_hand=by_hand,
            restart_helps=False,
        )  # fmt: skip
    if disk.inodes and disk.inodes_free < 100:
        return fail(
            "couchdb.inodes",
            t("CouchDB cannot make files: the file system of {path} has no room for more", path=path),
            t("Delete folders with very many small files, such as old caches and sessions."),
            role=_ROLE, proof=Evidence(disk.mount, f"{disk.inodes_free} inodes left"), by_hand=by_hand,
            restart_helps=False,
        )  # fmt: skip
    return None
