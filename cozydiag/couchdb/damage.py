"""What is wrong with the files in the data folder, and what was left over there."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.couchdb import access, files, rights
from cozydiag.couchdb.layout import Place
from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import Bytes, plural, t

_ROLE = "couchdb"
_OLD = 86400.0
"""Seconds after which a file of a compaction is no longer one that is under way."""
_LARGE = 1 << 20

COPY = t(
    "Make a copy of the whole data folder now, before anything else. Do not restart CouchDB and do not compact: both "
    "can make what is left unreadable for good. Then compare with a backup."
)


def of(host: Host, stack: Stack, place: Place) -> Iterator[Finding]:
    seen = stack.once("couchdb.files", host, lambda host: files.survey(host, place.data))
    if isinstance(seen, Failure):
        if seen.kind == "missing":
            yield skip(t("CouchDB's data folder is not there"))
            return
        text = t("{path} could not be looked at: {why}", path=place.data, why=seen.detail)
        yield unknown("couchdb.data_closed", text, unlock=ourselves("status", stack.config))
        return

    found = [*_lost(host, stack, seen), *_closed(seen), *_left_over(host, seen), *rights.of(host, stack, place)]
    yield from found
    if not found and (seen.shards or not seen.old_layout):
        yield ok(
            plural("{n} database on the disk", "{n} databases on the disk", n=len({*seen.shards} - {"_dbs", "_nodes"}))
        )
    elif not found:
        yield skip(t("there is no file of CouchDB's in {path}", path=place.data))


def _lost(host: Host, stack: Stack, seen: files.Data) -> Iterator[Finding]:
    if seen.empty:
        yield fail(
            "couchdb.data_lost",
            t("a file of CouchDB's data is empty: {path}. CouchDB takes it for a new one and says nothing",
              path=seen.empty[0]),
            COPY, role=_ROLE, proof=Evidence(seen.empty[0], "0 bytes"), restart_helps=False,
        )  # fmt: skip
        return
    vital = [*access.expected(stack, host), "_dbs", "_users"]
    from cozydiag.couchdb import files

    for path in files.headless(host, [path for name in vital for path in seen.shards.get(name, ())]):
        yield fail(
            "couchdb.data_lost",
            t("a file of CouchDB's data does not begin as one: {path}. CouchDB takes it for a new one and says "
              "nothing", path=path),
            COPY, role=_ROLE, proof=Evidence(path, "no header in its first block"), restart_helps=False,
        )  # fmt: skip
        return


def _closed(seen: files.Data) -> Iterator[Finding]:
    for path, entry in seen.closed[:1]:
        yield fail(
            "couchdb.file_unreadable",
            t("CouchDB may not open a file of its data: {path}", path=path),
            t("Give that file back to CouchDB's user (`chown`, then `chmod 644`); nothing is lost."),
            role=_ROLE,
            proof=Evidence(path, f"mode {entry.mode & 0o7777:o}, user {entry.uid}; the folder is of user {seen.owner}"),
            restart_helps=False,
        )


def _left_over(host: Host, seen: files.Data) -> Iterator[Finding]:
    before = host.clock.now() - _OLD
    old = [(path, entry) for path, entry in seen.compactions if entry.modified < before and entry.size > _LARGE]
    if old:
        size = Bytes(sum(entry.size for _, entry in old))
        yield warn(
            "couchdb.compaction_left_over",
            t("compactions that broke off have left files of {size} behind, such as {path}", size=size, path=old[0][0]),
            t("See that nothing is being compacted (`cozydiag couchdb`), then compact that database again: CouchDB "
              "takes these files up or throws them away."),
            role=_ROLE, proof=Evidence(old[0][0], f"{old[0][1].size} bytes"), restart_helps=False,
        )  # fmt: skip
    if seen.unmigrated:
        yield warn(
            "couchdb.unmigrated",
            t("the database {name} is still in the form of CouchDB 1.x, which this CouchDB does not see",
              name=seen.unmigrated[0]),
            t("Replicate it from a CouchDB 1.x or 2.x into this one; keep the file."),
            role=_ROLE, restart_helps=False,
        )  # fmt: skip
