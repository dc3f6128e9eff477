"""Opening the state: as it is, brought up to date, or anew where the old file is damaged."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cozydiag.state.database import NoState, State
from cozydiag.state.folder import prepare, reason, writable
from cozydiag.state.lock import LockBusy, take
from cozydiag.state.schema import MIGRATIONS
from cozydiag.text import Text, t, verbatim

if TYPE_CHECKING:
    import sqlite3

FILE = "state.db"
DAMAGED = "state.damaged"
"""The key whose value says when a damaged file was set aside: what was remembered before that is lost."""

_PATIENCE = 2.0  # seconds that one process waits for another to have written


class _UnusableError(Exception):
    def __init__(self, why: Text) -> None:
        self.why = why


class _DamagedError(_UnusableError):
    pass


def open_state(folder: str) -> State:
    """The state in ``folder``, made if need be; a ``NoState`` that says why where that is not possible."""
    try:
        return _open_or_mend(folder)
    except _UnusableError as error:
        return NoState(folder, error.why)


def _open_or_mend(folder: str) -> State:
    try:
        return _open(folder)
    except _DamagedError:
        lock = take(folder, "opening")
    if isinstance(lock, LockBusy):
        raise _UnusableError(lock.why)
    with lock:
        try:
            return _open(folder)  # another process was quicker
        except _DamagedError as damage:
            return _start_anew(folder, damage.why)


def _start_anew(folder: str, why: Text) -> State:
    now = time.time()
    path = os.path.join(folder, FILE)
    aside = f"{path}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
    try:
        os.rename(path, aside)
    except OSError as error:
        raise _UnusableError(t("{path} cannot be set aside: {why}", path=path, why=reason(error))) from error
    state = _open(folder)
    state.notes = (t("{why}; it is now {path}, and nothing from before is remembered", why=why, path=aside),)
    state.set(DAMAGED, {"at": now, "aside": aside})
    return state


def _open(folder: str) -> State:
    why = prepare(folder, FILE)
    if why is not None:
        raise _UnusableError(why)
    import sqlite3

    path = os.path.join(folder, FILE)
    try:
        return State(folder, _connect(path, may_write=writable(folder)))
    except sqlite3.OperationalError as error:
        raise _UnusableError(t("{path} cannot be used: {why}", path=path, why=verbatim(str(error)))) from error
    except sqlite3.DatabaseError as error:
        raise _DamagedError(t("{path} is damaged: {why}", path=path, why=verbatim(str(error)))) from error


def _connect(path: str, *, may_write: bool) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError."""
    import sqlite3

    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{escaped}?mode={'rw' if may_write else 'ro'}"
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _examine(connection, path)
        if may_write:
            _bring_up_to_date(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _examine(connection: sqlite3.Connection, path: str) -> None:
    import sqlite3

    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
    if _version(connection) > len(MIGRATIONS):
        raise _UnusableError(t("{path} was made by a newer cozydiag", path=path))


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=DELETE")  # who may only read cannot open a WAL file
    connection.execute("PRAGMA synchronous=EXTRA")  # FULL, and a power cut does not bring the old journal back
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[_version(connection) :]:  # asked again: another process may have been quicker
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
