"""CouchDB's disk, files and settings, seen from this machine: also when every answer over HTTP is green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import (
    Bytes,
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Stack,
    check,
    fail,
    ok,
    plural,
    skip,
    t,
    unknown,
    warn,
)  # fmt: skip
from cozydiag.couchdb import access
from cozydiag.stack.words import ourselves

if TYPE_CHECKING:
    from cozydiag.couchdb import files
    from cozydiag.couchdb.layout import Place
    from cozydiag.host import Disk

_ROLE = "couchdb"
_ROOM = 64 << 20
"""Bytes below which a write may fail at any moment: a file grows by more than one document at a time."""
_OLD = 86400.0
"""Seconds after which a file of a compaction is no longer one that is under way."""
_LARGE = 1 << 20

_COPY = t(
    "Make a copy of the whole data folder now, before anything else. Do not restart CouchDB and do not compact: both "
    "can make what is left unreadable for good. Then compare with a backup."
)


@check("couchdb.storage", t("CouchDB can write where its data are"), role=_ROLE, because=["host.disk"])
def storage(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.data:
        yield skip(t("CouchDB's data folder is not on this machine, or not known"))
        return
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


@check("couchdb.files", t("CouchDB's files are whole"), role=_ROLE,
       because=["host.disk", "couchdb.storage"])  # fmt: skip
def data(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.data:
        yield skip(t("CouchDB's data folder is not on this machine, or not known"))
        return
    from cozydiag.couchdb import files

    seen = stack.once("couchdb.files", host, lambda host: files.survey(host, place.data))
    if isinstance(seen, Failure):
        if seen.kind == "missing":
            yield skip(t("CouchDB's data folder is not there"))
            return
        text = t("{path} could not be looked at: {why}", path=place.data, why=seen.detail)
        yield unknown("couchdb.data_closed", text, unlock=ourselves("status", stack.config))
        return
    from cozydiag.couchdb import rights

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
            _COPY, role=_ROLE, proof=Evidence(seen.empty[0], "0 bytes"), restart_helps=False,
        )  # fmt: skip
        return
    vital = [*access.expected(stack, host), "_dbs", "_users"]
    from cozydiag.couchdb import files

    for path in files.headless(host, [path for name in vital for path in seen.shards.get(name, ())]):
        yield fail(
            "couchdb.data_lost",
            t("a file of CouchDB's data does not begin as one: {path}. CouchDB takes it for a new one and says "
              "nothing", path=path),
            _COPY, role=_ROLE, proof=Evidence(path, "no header in its first block"), restart_helps=False,
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


@check("couchdb.settings", t("CouchDB's own settings make sense"), role=_ROLE)
def settings(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.files:
        yield skip(t("CouchDB's settings are not on this machine, or closed to this user"))
        return
    stack.keep_secret(*place.settings.section("admins").values())
    secret = place.settings.get("chttpd_auth", "secret")
    from cozydiag.couchdb import ini

    flags = ini.vm_args(place.vm_args)
    stack.keep_secret(secret, flags.get("-setcookie", ""))
    found = [*_malformed(place), *_cookie(place, flags), *_arguments(place), *_in_clear(place)]
    yield from found
    if not found and place.settings.settings:
        yield ok(plural("{n} setting", "{n} settings", n=len(place.settings.settings)))
    elif not found:
        yield skip(t("CouchDB's settings are empty"))


def _malformed(place: Place) -> Iterator[Finding]:
    own = [line for line in place.settings.malformed if not line.path.endswith("/default.ini")]
    if own:
        path, number = own[0]
        yield warn(
            "couchdb.settings_malformed",
            t("CouchDB leaves out line {number} of {path} without a word: it is no setting", number=number, path=path),
            t("Write it as `key = value` below the head of a section, or put a ; before it if it is a comment."),
            role=_ROLE, proof=Evidence(f"{path}:{number}", "not key = value"), restart_helps=False,
        )  # fmt: skip


def _cookie(place: Place, flags: dict[str, str]) -> Iterator[Finding]:
    if flags.get("-setcookie") == "monster":
        yield warn(
            "couchdb.cookie_known",
            t("CouchDB's Erlang cookie is the one that everybody knows"),
            t("Write a long random word after -setcookie in vm.args, then restart CouchDB: from 3.2.2 on it refuses "
              "to start with this one (CVE-2022-24706)."),
            role=_ROLE, proof=Evidence(f"{place.etc}/vm.args", "-setcookie"), restart_helps=False,
        )  # fmt: skip


def _arguments(place: Place) -> Iterator[Finding]:
    """What of vm.args will stop the next start."""
    from cozydiag.couchdb import ini

    for number, why in ini.bad_arguments(place.vm_args):
        yield warn(
            "couchdb.vm_args_malformed",
            t("line {number} of {path} will stop CouchDB's next start: {why}", number=number,
              path=f"{place.etc}/vm.args", why=why),
            t("Correct that line: one flag a line, a cookie of letters and digits without quotes, a name of the form "
              "name@host where host is an address or has a dot in it."),
            role=_ROLE, proof=Evidence(f"{place.etc}/vm.args:{number}", "-"), restart_helps=False,
        )  # fmt: skip
        return


def _in_clear(place: Place) -> Iterator[Finding]:
    for name, word in place.settings.section("admins").items():
        if not word.startswith(("-pbkdf2", "-hashed-")):
            line = place.settings.places["admins", name]
            yield warn(
                "couchdb.admin_in_clear",
                t("the password of CouchDB's administrator {name} stands readable in {path}", name=name,
                  path=line.path),
                t("CouchDB replaces it by a hash when it starts, unless it cannot write there; then every start makes "
                  "a new one and ends all sessions. Let its user write the folder local.d, then restart CouchDB."),
                role=_ROLE, proof=Evidence(f"{line.path}:{line.number}", "not hashed"), restart_helps=True,
            )  # fmt: skip
            return
