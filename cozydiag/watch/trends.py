"""Numbers over weeks: how long a disk will last, and certificates that are not renewed. Said only of steady trends."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cozydiag.model import Report
from cozydiag.state import State
from cozydiag.text import Bytes, When

EVERY = 3600.0
"""Seconds between two samples of one number."""

LATE, RENEWED = 20 * 86400.0, 30 * 86400.0
"""Seconds before its end: certbot and acme.sh renew a certificate of 90 days 30 days before."""

_DAYS = 14 * 86400.0  # what a trend is drawn from
_LEAST = 24  # samples
_SPAN = 3 * 86400.0  # seconds that they must cover
_STEADY = 0.8  # the share of the variance that the line must explain (its coefficient of determination)
_HORIZON = 60 * 86400.0  # what is further away is not a forecast


class Trend(NamedTuple):
    """``left`` seconds until the number reaches nothing, from now."""

    name: str
    left: float


def sample(state: State, report: Report) -> None:
    """Write down the numbers of this run, one an hour of each."""
    numbers = dict(_numbers(report))
    at = report.started_at
    for name, value in numbers.items():
        rows = state.query("SELECT max(at) FROM samples WHERE name = ?", name)
        last = rows[0][0] if rows else None
        if last is None or not 0 <= at - last < EVERY:
            state.query("INSERT OR REPLACE INTO samples (name, at, value) VALUES (?, ?, ?)", name, at, value)


def trends(state: State, now: float) -> list[Trend]:
    """The disks that will be full within two months if it goes on like this, the first one first."""
    found = []
    for (name,) in state.query("SELECT DISTINCT name FROM samples WHERE name LIKE 'free:%'") or []:
        rows = state.query("SELECT at, value FROM samples WHERE name = ? AND at BETWEEN ? AND ? ORDER BY at",
                           name, now - _DAYS, now)  # fmt: skip
        left = end_of(rows or [], now)
        if left is not None:
            found.append(Trend(name.partition(":")[2], left))
    return sorted(found, key=lambda trend: trend.left)


def overdue(state: State, now: float) -> list[Trend]:
    """Certificates that had more than RENEWED seconds once and now have less than LATE: nobody renews them."""
    found = []
    for name, most in (
        state.query("SELECT name, max(value) FROM samples WHERE name LIKE 'certificate:%' GROUP BY name") or []
    ):
        rows = state.query("SELECT at, value FROM samples WHERE name = ? ORDER BY at DESC LIMIT 1", name)
        if rows and most > RENEWED:
            left = rows[0][1] - (now - rows[0][0])
            if 0 < left < LATE:
                found.append(Trend(name.partition(":")[2], left))
    return sorted(found, key=lambda trend: trend.left)


def end_of(points: Sequence[tuple[float, float]] | Sequence[tuple[object, ...]], now: float) -> float | None:
    """Seconds from ``now`` until the line through the points reaches zero; None where that is no steady fall."""
    pairs = [(float(at) - now, float(value)) for at, value in points if isinstance(at, (int, float))]  # type: ignore[arg-type]
    if len(pairs) < _LEAST or pairs[-1][0] - pairs[0][0] < _SPAN:
        return None
    n = len(pairs)
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    xx = sum((x - mean_x) ** 2 for x, _ in pairs)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    yy = sum((y - mean_y) ** 2 for _, y in pairs)
    slope = xy / xx
    if slope >= 0 or yy == 0 or xy * xy / (xx * yy) < _STEADY:
        return None
    left = pairs[-1][1] / -slope + pairs[-1][0]
    return left if 0 < left < _HORIZON else None


def _numbers(report: Report) -> Mapping[str, float]:
    """What the findings measured: bytes free on each disk, seconds until each certificate ends."""
    found = {}
    for result in report.results:
        for finding in result.findings:
            params = dict(finding.text.params)
            free, end = params.get("free"), params.get("end")
            if result.id == "host.disk" and isinstance(free, Bytes):
                found[f"free:{result.subject}"] = float(free)
            elif result.id.startswith("site.") and isinstance(end, When):
                found[f"certificate:{result.subject}"] = float(end) - report.started_at
    return found
