"""Every run as one row: what it saw, how long it took, in which surroundings. What two have in common is kept once.

Rows older than two days are joined where neighbours saw the same; what is older than 400 days goes, and there are
never more than a fixed number of rows, so that the file stays small whatever happens.
"""

import json
from _blake2 import blake2b  # what hashlib gives out, without the OpenSSL that this loads
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cozydiag import __version__
from cozydiag.model import Report
from cozydiag.state import State

KEEP = 400 * 86400.0
FRESH = 2 * 86400.0
ROWS = 20_000
"""Seconds, seconds, and rows."""

_TIDY_EVERY = 86400.0
_SLOW = 0.2  # seconds: a check that takes less is not worth a word


class Run(NamedTuple):
    """One run, or ``n`` of them in a row that saw the same, from ``at`` until ``until`` (epoch seconds).

    ``verdict`` is ok, warning, critical or unknown; ``statuses`` has the status of each instance; ``causes`` are
    (code, role, instance, severity). ``surroundings`` are versions and files, as `surroundings.look` gives them.
    """

    id: int
    at: float
    until: float
    n: int
    seconds: float
    slow: Mapping[str, float]
    verdict: str
    statuses: Mapping[str, str]
    causes: tuple[tuple[str, str, str, str], ...]
    surroundings: Mapping[str, Any]
    boot: str

    @property
    def bad(self) -> bool:
        return self.verdict in ("critical", "unknown")


def record(state: State, report: Report, surroundings: Mapping[str, Any], boot: str) -> int | None:
    """Write down a run; its number once it is safely on the disk."""
    picture, around = _picture(report), {"cozydiag": __version__, **surroundings}
    slow = {one.instance: round(one.seconds, 2) for one in report.results if one.seconds >= _SLOW}
    ended = report.started_at + report.seconds
    if state.query("BEGIN IMMEDIATE") is None:
        return None
    ids = [_kept(state, data) for data in (picture, around)]
    state.query(
        "INSERT INTO runs (at, until, n, seconds, slow, picture, surroundings, boot) VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
        report.started_at, ended, report.seconds, json.dumps(slow) if slow else None, *ids, boot,
    )  # fmt: skip
    rows = state.query("SELECT last_insert_rowid()")
    if state.query("COMMIT") is None:
        state.query("ROLLBACK")
        return None
    return int(rows[0][0]) if rows else None


def runs(state: State, since: float = 0.0, limit: int = ROWS) -> list[Run]:
    """The last runs, oldest first, that had not ended before ``since``."""
    rows = state.query(
        """SELECT r.id, r.at, r.until, r.n, r.seconds, r.slow, p.data, s.data, r.boot FROM runs r
           JOIN pictures p ON p.id = r.picture JOIN pictures s ON s.id = r.surroundings
           WHERE r.until >= ? ORDER BY r.id DESC LIMIT ?""",
        since, limit,
    )  # fmt: skip
    cache: dict[str, Any] = {}
    return [_run(row, cache) for row in reversed(rows or [])]


def tidy(state: State, now: float) -> None:
    """Once a day: join what is old and the same, let go of what is very old."""
    last = state.get("history.tidied", 0.0)
    if isinstance(last, (int, float)) and 0 <= now - last < _TIDY_EVERY:
        return
    if state.query("BEGIN IMMEDIATE") is None:
        return
    state.query("DELETE FROM runs WHERE until < ?", now - KEEP)
    _join(state, now - FRESH)
    state.query("DELETE FROM runs WHERE id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?)", ROWS)
    state.query("DELETE FROM samples WHERE at < ?", now - KEEP)
    state.query("DELETE FROM pictures WHERE id NOT IN (SELECT picture FROM runs UNION SELECT surroundings FROM runs)")
    state.set("history.tidied", now)
    state.query("COMMIT")


def _join(state: State, before: float) -> None:
    rows = state.query(
        "SELECT id, until, n, seconds, picture, surroundings, boot FROM runs WHERE until < ? ORDER BY id", before
    )
    first: tuple[Any, ...] | None = None
    for row in rows or []:
        if first is None or first[4:] != row[4:]:
            first = row
            continue
        n = first[2] + row[2]
        seconds = (first[3] * first[2] + row[3] * row[2]) / n
        state.query("UPDATE runs SET until = ?, n = ?, seconds = ?, slow = NULL WHERE id = ?",
                    row[1], n, seconds, first[0])  # fmt: skip
        state.query("DELETE FROM runs WHERE id = ?", row[0])
        first = (first[0], row[1], n, seconds, *first[4:])


def _picture(report: Report) -> dict[str, Any]:
    from cozydiag.report.as_json import VERDICTS

    return {
        "verdict": VERDICTS[report.verdict],
        "statuses": {one.instance: str(one.status) for one in report.results},
        "causes": [(one.code, one.role or "", one.instance, VERDICTS[one.severity]) for one in report.causes],
    }


def _kept(state: State, data: Mapping[str, Any]) -> int | None:
    """The number of this picture, the old one where it was seen before."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    mark = blake2b(text.encode(errors="backslashreplace"), digest_size=16).hexdigest()
    state.query("INSERT OR IGNORE INTO pictures (mark, data) VALUES (?, ?)", mark, text)
    rows = state.query("SELECT id FROM pictures WHERE mark = ?", mark)
    return rows[0][0] if rows else None


def _run(row: Sequence[Any], cache: dict[str, Any]) -> Run:
    number, at, until, n, seconds, slow, picture, around, boot = row
    for text in (picture, around):
        if text not in cache:
            cache[text] = json.loads(text)
    seen = cache[picture]
    causes = tuple((str(c[0]), str(c[1]), str(c[2]), str(c[3])) for c in seen["causes"])
    return Run(number, at, until, n, seconds, json.loads(slow) if slow else {}, seen["verdict"], seen["statuses"],
               causes, cache[around], boot)  # fmt: skip
