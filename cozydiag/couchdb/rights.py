"""Who owns CouchDB's folders and files, and what its own user may do there: what will stop its next start."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cozydiag.couchdb import access, ini
from cozydiag.couchdb.layout import Place
from cozydiag.findings import fail, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_ROLE = "couchdb"
_READ, _WRITE, _ENTER = 4, 2, 1


def of(host: Host, stack: Stack, place: Place) -> Iterator[Finding]:
    """Nothing where CouchDB is root, or where nobody can tell whom it runs as."""
    user = _user(host, stack, place)
    if not user:
        return
    yield from _data(host, place, user)
    yield from _settings(host, place, user)
    yield from _log(host, place, user)
    yield from _cookie_file(host, place, user)


def _user(host: Host, stack: Stack, place: Place) -> int:
    """Its process's; else whose the data folder is."""
    pid = access.process_id(stack, host)
    process = host.process(pid) if pid else None
    if process is not None and process.name.startswith("beam"):
        return process.uid
    seen = host.stat(place.data) if place.data else Failure("missing", "")
    return 0 if isinstance(seen, Failure) else seen.st_uid


def _may(seen: os.stat_result, user: int, wanted: int) -> bool:
    """By owner and others; a group that may is taken for one of its own."""
    own = seen.st_mode >> 6 if seen.st_uid == user else seen.st_mode
    return own & wanted == wanted or (seen.st_mode >> 3) & wanted == wanted


def _proof(path: str, seen: os.stat_result, user: int) -> Evidence:
    return Evidence(path, f"mode {seen.st_mode & 0o7777:o}, user {seen.st_uid}; CouchDB is user {user}")


def _data(host: Host, place: Place, user: int) -> Iterator[Finding]:
    for path in dict.fromkeys((place.data, place.views)):
        seen = host.stat(path) if path else Failure("missing", "")
        if not isinstance(seen, Failure) and not _may(seen, user, _READ | _WRITE | _ENTER):
            yield fail(
                "couchdb.data_closed_to_it",
                t("CouchDB's user may not use its own data folder {path}", path=path),
                t("Give the folder and all in it back to CouchDB's user (chown -R), with mode 755 or 700; copy nothing "
                  "over it. It goes on with what it has open, and does not start again like this."),
                role=_ROLE, proof=_proof(path, seen, user), restart_helps=False,
            )  # fmt: skip
            return


def _settings(host: Host, place: Place, user: int) -> Iterator[Finding]:
    """The last file of the chain is where the server writes what it changes (config.erl)."""
    own = [path for path in place.files if "/default." not in path]
    path = own[-1] if own else ""
    seen = host.stat(path) if path else Failure("missing", "")
    if not isinstance(seen, Failure) and not _may(seen, user, _WRITE):
        yield warn(
            "couchdb.settings_unwritable",
            t("CouchDB may not write its settings into {path}", path=path),
            t("Give that file back to CouchDB's user. Until then each start makes a new hash of the administrator's "
              "password and ends all sessions, and settings changed in Fauxton are lost."),
            role=_ROLE, proof=_proof(path, seen, user), restart_helps=False,
        )  # fmt: skip


def _log(host: Host, place: Place, user: int) -> Iterator[Finding]:
    if not place.log:
        return
    path = place.log
    seen = host.stat(path)
    if isinstance(seen, Failure) and seen.kind == "missing":
        path = place.log.rpartition("/")[0]
        seen = host.stat(path)
    if not isinstance(seen, Failure) and not _may(seen, user, _WRITE):
        yield warn(
            "couchdb.log_closed_to_it",
            t("CouchDB may not write its log {path}: its next start will fail", path=path),
            t("Give that back to CouchDB's user (chown); a log that logrotate made anew as root is the usual reason."),
            role=_ROLE, proof=_proof(path, seen, user), restart_helps=False,
        )  # fmt: skip


def _cookie_file(host: Host, place: Place, user: int) -> Iterator[Finding]:
    """Erlang reads it where vm.args gives no cookie, and does not start with one that others may read (auth.erl)."""
    if "-setcookie" in ini.vm_args(place.vm_args) or not place.etc:
        return
    path = f"{place.etc.rpartition('/')[0]}/.erlang.cookie"
    seen = host.stat(path)
    if not isinstance(seen, Failure) and (seen.st_mode & 0o077 or seen.st_uid != user):
        yield warn(
            "couchdb.cookie_file_open",
            t("CouchDB's cookie file {path} is not its user's alone: its next start will fail", path=path),
            t("Give it to CouchDB's user and close it to all others (chown, then chmod 400)."),
            role=_ROLE, proof=_proof(path, seen, user), restart_helps=False,
        )  # fmt: skip
