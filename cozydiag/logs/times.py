"""When a line was written, in the spellings that logs have."""

from __future__ import annotations

import re
import time
from calendar import timegm
from typing import Final

_MONTHS: Final = {name: number for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)}  # fmt: skip

_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T :](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z\b|UTC\b|[+-]\d\d:?\d\d\b)?"
)
_DAY_FIRST = re.compile(
    r"(\d{1,2})[/ ]([A-Z][a-z]{2})[/ ](\d{4})[: ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s?(GMT|UTC|[+-]\d{4}\b)?"
)  # nginx's and Apache's access logs, Redis, CouchDB 1.x
_APACHE = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})")
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\b")

REACH: Final = 64
"""Characters from the start of a line in which its time is looked for."""


def of(line: str, now: float | None = None) -> float | None:
    """Epoch seconds; None where the line carries no time. Without a zone it is local. Syslog leaves out the year: the
    latest that is not after ``now``."""
    head = line[:REACH]
    if found := _ISO.search(head):
        year, month, day, *rest = found.groups()
        return _epoch(int(year), int(month), int(day), rest)
    if found := _DAY_FIRST.search(head):
        day, name, year, *rest = found.groups()
        return _epoch(int(year), _MONTHS.get(name, 0), int(day), rest)
    if found := _APACHE.search(head):
        name, day, hour, minute, second, part, year = found.groups()
        return _epoch(int(year), _MONTHS.get(name, 0), int(day), [hour, minute, second, part, None])
    if found := _SYSLOG.search(head):
        name, day, *rest = found.groups()
        return _this_year(_MONTHS.get(name, 0), int(day), [*rest, None], time.time() if now is None else now)
    return None


def _this_year(month: int, day: int, rest: list[str | None], now: float) -> float | None:
    year = time.localtime(now).tm_year
    at = _epoch(year, month, day, rest)
    return _epoch(year - 1, month, day, rest) if at is not None and at > now + 86400 else at


def _epoch(year: int, month: int, day: int, rest: list[str | None]) -> float | None:
    """``rest``: hour, minute, second, the digits behind its point, the zone."""
    hour, minute, second = (int(one or 0) for one in rest[:3])
    part, zone = float(f"0.{rest[3] or 0}"), rest[4]
    if not (1970 <= year <= 2200 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    if zone is None:
        return time.mktime((year, month, day, hour, minute, second, 0, 0, -1)) + part
    return timegm((year, month, day, hour, minute, second)) + part - _offset(zone)


def _offset(zone: str) -> int:
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds
