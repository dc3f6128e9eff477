"""What is remembered: values by key, and a journal of what was done."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from cozydiag.state.lock import Lock, LockBusy, take
from cozydiag.text import Text, t, verbatim

if TYPE_CHECKING:
    import sqlite3


class Entry(NamedTuple):
    """A line of the journal. ``at`` is in epoch seconds; ``result`` is None until it is known."""

    id: int
    at: float
    kind: str
    data: Any
    result: Any


class State:
    """What is remembered, for any thread to use.

    Reading and writing never raise: what cannot be read is absent, what cannot be written answers False or None,
    and ``notes`` says why.
    """

    def __init__(self, folder: str, connection: sqlite3.Connection | None, notes: tuple[Text, ...] = ()) -> None:
        self.folder = folder
        self.notes = notes
        self._connection = connection
        self._guard = threading.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        """The value that ``key`` was last set to."""
        rows = self.query("SELECT value FROM pairs WHERE key = ?", _plain(key))
        return _read(rows[0][0]) if rows else default

    def set(self, key: str, value: Any) -> bool:
        """Remember ``value``, anything that JSON can hold; whether it is safely on the disk."""
        return self.query("INSERT OR REPLACE INTO pairs VALUES (?, ?)", _plain(key), json.dumps(value)) is not None

    def append(self, kind: str, data: Any, *, at: float | None = None) -> int | None:
        """Write a line into the journal; its id once it is safely on the disk, None if it is not."""
        moment = time.time() if at is None else at
        sql = "INSERT INTO journal (at, kind, data) VALUES (?, ?, ?)"
        with self._guard:
            if self._run(sql, (moment, kind, json.dumps(data))) is None:
                return None
            rows = self._run("SELECT last_insert_rowid()", ())
            return rows[0][0] if rows else None

    def update(self, entry: int, result: Any) -> bool:
        """Write what came of a line of the journal; whether it is safely on the disk."""
        return self.query("UPDATE journal SET result = ? WHERE id = ?", json.dumps(result), entry) is not None

    def entries(self, kind: str | None = None, *, since: float = 0.0) -> list[Entry]:
        """The journal, oldest first."""
        sql = "SELECT id, at, kind, data, result FROM journal WHERE at >= ? AND (? IS NULL OR kind = ?) ORDER BY id"
        rows = self.query(sql, since, kind, kind) or []
        return [Entry(entry, at, kind, _read(data), _read(result)) for entry, at, kind, data, result in rows]

    def latest(self, kind: str, limit: int) -> list[Entry]:
        """The last lines of a kind, oldest first, whatever the clock said when they were written."""
        sql = "SELECT id, at, kind, data, result FROM journal WHERE kind = ? ORDER BY id DESC LIMIT ?"
        rows = self.query(sql, kind, limit) or []
        return [Entry(entry, at, kind, _read(data), _read(result)) for entry, at, kind, data, result in reversed(rows)]

    def entry(self, entry: int) -> Entry | None:
        """One line of the journal; None where there is none (any more)."""
        rows = self.query("SELECT id, at, kind, data, result FROM journal WHERE id = ?", entry) or []
        return next((Entry(e, at, kind, _read(data), _read(result)) for e, at, kind, data, result in rows), None)

    def forget(self, kind: str, keep: int) -> None:
        """Of a kind keep only the last lines: the journal of a server that runs for years must not grow for ever."""
        last = "SELECT id FROM journal WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        self.query(f"DELETE FROM journal WHERE kind = ? AND id <= ({last})", kind, kind, keep)  # noqa: S608  no value

    def service(self, address: str) -> dict[str, Any]:
        """What is remembered of a service; {} when nothing is."""
        rows = self.query("SELECT data FROM services WHERE address = ?", _plain(address))
        found = _read(rows[0][0]) if rows else None
        return found if isinstance(found, dict) else {}

    def services(self) -> dict[str, dict[str, Any]]:
        """What is remembered of all of them, by address."""
        rows = self.query("SELECT address, data FROM services ORDER BY address") or []
        found = {address: _read(data) for address, data in rows}
        return {address: data for address, data in found.items() if isinstance(data, dict)}

    def keep_service(self, address: str, data: dict[str, Any]) -> bool:
        """Remember this of a service; whether it is safely on the disk."""
        sql = "INSERT OR REPLACE INTO services VALUES (?, ?)"
        return self.query(sql, _plain(address), json.dumps(data)) is not None

    def lock(self, name: str) -> Lock | LockBusy:
        """Take the lock ``name``, to be let go of by ``with``, or say who has it."""
        return take(self.folder, name)

    def query(self, sql: str, *params: str | float | None) -> list[tuple[Any, ...]] | None:
        """The rows that ``sql`` gives, none for a write; None if it could not be carried out."""
        with self._guard:
            return self._run(sql, params)

    def close(self) -> None:
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, sql: str, params: tuple[str | float | None, ...]) -> list[tuple[Any, ...]] | None:
        if self._connection is None:
            return None
        import sqlite3

        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.DatabaseError as error:
            note = t("the state in {folder} could not be used: {why}", folder=self.folder, why=verbatim(str(error)))
            self.notes = tuple(dict.fromkeys((*self.notes, note)))
            return None


class NoState(State):
    """Where nothing can be remembered: empty, and never locked by anybody, so that nobody acts without a journal."""

    def __init__(self, folder: str, why: Text) -> None:
        super().__init__(folder, None, (t("nothing is remembered from run to run: {why}", why=why),))
        self._why = why

    def lock(self, name: str) -> LockBusy:
        return LockBusy(name, self._why)


def _read(value: str | None) -> Any:
    try:
        return None if value is None else json.loads(value)
    except ValueError:
        return None


def _plain(key: str) -> str:
    """``key`` without the lone surrogates that names of files may hold and SQLite does not take."""
    return key.encode("utf-8", "backslashreplace").decode("utf-8")
