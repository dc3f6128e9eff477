"""Lines of any log as records: when, who, by which channel, what; the marks that a platform puts before each are gone.

Marks may stand in one another: docker compose before supervisord before the program's own. Lines that go on with what
the line before them said (frames of a traceback, wrapped terms) are part of its record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from cozydiag.logs import structured, times


class Record(NamedTuple):
    """``at`` is in epoch seconds, None where nothing says. ``origin`` is the part of a platform (`APP/PROC/WEB`), the
    program or the unit, "" where it is unknown, ``instance`` which of several; ``channel`` is OUT, ERR or ""."""

    at: float | None
    origin: str
    instance: str
    channel: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


class Mark(NamedTuple):
    """What stands before the text of a line."""

    at: float | None
    origin: str
    instance: str
    channel: str
    rest: str


_NESTED: Final = 3
_LONGEST: Final = 400
"""Lines of one record."""

_CLOUD_FOUNDRY = re.compile(
    r"\s*(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\s+)?"
    r"\[((?:APP|API|CELL|RTR|STG|SSH|LGR|DEA|HEALTH|PROXY|UAA|App)(?:/[A-Za-z][A-Za-z0-9_-]*|/\d+(?=/))*)"
    r"(?:/([0-9a-zA-Z]+))?\]\s*(?:(OUT|ERR)\b ?)?((?s:.*))"
)
_PM2 = re.compile(r"(?:(\d{1,4})\|([^|]{1,60}?)|(PM2))\s*\| ?((?s:.*))")
_COMPOSE = re.compile(r"([A-Za-z0-9][\w.-]{0,80}?)\s+\| ?((?s:.*))")
_SYSLOG = re.compile(
    r"((?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]{2,5}"  # journalctl -o short-full
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)))"
    r" [\w.:-]{1,100} ([\w@.()/\\-]{1,100}?)(?:\[(\d+)\])?: ?((?s:.*))"
)
_SUPERVISORD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?:CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT) ((?s:.*))")
_PM2_LOG = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d): (PM2) (?:log|error): ?((?s:.*))")
_STAMPED = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d|(?=: ))):? (?:(stdout|stderr) [FP] )?((?s:.*))"
)
_CF_EVENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d{4}))\s{2,}((?:audit\.)?app\.\S.*)")
_FOREVER = re.compile(r"(?:error|info|warn|data): {1,4}(?=Forever |Script )((?s:.*))")

_GOES_ON = re.compile(
    r"\s|at [\w$.<>]+[ (]|Caused by: |\.\.\. \d+ more|[}\])]+[;,]?$|Traceback \(most|During handling of"
    r"|The above exception|goroutine \d+ \[|Require stack:|- /"
)
"""Beginnings of lines that never stand alone."""


_ALONE = re.compile(r"[\w.-]{1,120} exited with code \d{1,3}$")
"""What docker compose says itself, without a mark."""


def records(lines: Iterable[str], now: float | None = None) -> Iterator[Record]:
    """The records of clean ``lines``, in their order."""
    current: Record | None = None
    marked = False  # whether this log puts marks before its lines
    more: list[str] = []
    for line in lines:
        mark = _mark(line, now)
        marked = marked or mark is not None
        text = line if mark is None else mark.rest
        same = current is not None and (
            mark is None or (mark.origin, mark.instance) == (current.origin, current.instance)
        )
        unmarked = marked and mark is None and not _ALONE.match(text)
        goes_on = unmarked or not text or bool(_GOES_ON.match(text))
        if current is not None and same and goes_on and len(more) < _LONGEST:
            more.append(text)
            continue
        if current is not None:
            yield current._replace(text="\n".join(more))
        current, more = _record(line, mark, now), [text]
    if current is not None:
        yield current._replace(text="\n".join(more))


def _record(line: str, mark: Mark | None, now: float | None) -> Record:
    if mark is None:
        return Record(times.of(line, now), "", "", "", "")
    at = times.of(mark.rest, now) if mark.at is None else mark.at
    return Record(at, mark.origin, mark.instance, mark.channel, "")


def _mark(line: str, now: float | None) -> Mark | None:
    """All marks of one line together: the outer ones say who and when, unless an inner one knows better."""
    whole: Mark | None = None
    for _ in range(_NESTED):
        rest = line if whole is None else whole.rest
        inner = _outermost(rest, now)
        if inner is None:
            break
        if whole is not None:
            inner = Mark(
                inner.at if whole.at is None else whole.at, inner.origin or whole.origin,
                inner.instance or whole.instance, inner.channel or whole.channel, inner.rest,
            )  # fmt: skip
        whole = inner
    return whole


def _outermost(line: str, now: float | None) -> Mark | None:
    first = line.lstrip()[:1]
    if first == "{":
        found = structured.parse(line)
        return None if found is None else Mark(*found)
    if first == "[":
        return _cloud_foundry(line, now)
    if first.isdigit():
        return _first(line, now, _cloud_foundry, _supervisord, _pm2_log, _syslog, _pm2, _event, _stamped)
    return _first(line, now, _syslog, _pm2, _compose, _forever) if first else None


def _first(line: str, now: float | None, *readers: Callable[[str, float | None], Mark | None]) -> Mark | None:
    return next((mark for reader in readers if (mark := reader(line, now)) is not None), None)


def _cloud_foundry(line: str, now: float | None) -> Mark | None:
    if (found := _CLOUD_FOUNDRY.match(line)) is None:
        return None
    stamp, origin, instance, channel, rest = found.groups()
    return Mark(times.of(stamp, now) if stamp else None, origin.upper(), instance or "", channel or "", rest)


def _supervisord(line: str, now: float | None) -> Mark | None:
    found = _SUPERVISORD.match(line)
    return Mark(times.of(found[1], now), "supervisord", "", "", found[2]) if found else None


def _pm2_log(line: str, now: float | None) -> Mark | None:
    found = _PM2_LOG.match(line)
    return Mark(times.of(found[1], now), "PM2", "", "", found[3]) if found else None


def _pm2(line: str, now: float | None) -> Mark | None:  # noqa: ARG001
    found = _PM2.match(line)
    return Mark(None, (found[2] or found[3]).strip(), found[1] or "", "", found[4]) if found else None


def _compose(line: str, now: float | None) -> Mark | None:  # noqa: ARG001
    found = _COMPOSE.match(line)
    return Mark(None, found[1], "", "", found[2]) if found else None


def _syslog(line: str, now: float | None) -> Mark | None:
    found = _SYSLOG.match(line)
    return Mark(times.of(found[1], now), found[2], found[3] or "", "", found[4]) if found else None


def _event(line: str, now: float | None) -> Mark | None:
    """A row of `cf events`."""
    found = _CF_EVENT.match(line)
    return Mark(times.of(found[1], now), "EVENT", "", "", found[2]) if found else None


def _stamped(line: str, now: float | None) -> Mark | None:
    found = _STAMPED.match(line)
    if found is None:
        return None
    channel = {"stdout": "OUT", "stderr": "ERR"}.get(found[2] or "", "")
    return Mark(times.of(found[1], now), "", "", channel, found[3])


def _forever(line: str, now: float | None) -> Mark | None:  # noqa: ARG001
    found = _FOREVER.match(line)
    return Mark(None, "forever", "", "", found[1]) if found else None
