"""A whole log looked at: its known problems, exceptions, crash loops and story."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cozydiag.logs import crashes, exceptions, story
from cozydiag.logs.crashes import Loop
from cozydiag.logs.events import Event, events
from cozydiag.logs.records import Record, records
from cozydiag.logs.story import Happening
from cozydiag.rules import Rule, Scanner
from cozydiag.rules.scan import Hit, is_source


class Problem(NamedTuple):
    """A rule that lines of the log fit; ``hit`` and ``line`` are the last of them. ``told`` is False where a rule of
    higher rank fits the same line."""

    hit: Hit
    times: int
    first: float | None
    last: float | None
    line: str
    told: bool


class Failed(NamedTuple):
    """The same exception, ``times`` times."""

    language: str
    type: str
    message: str
    outer: str
    times: int
    first: float | None
    last: float | None


class Analysis(NamedTuple):
    """``loud`` are the last lines that were written as errors, for what no rule knows."""

    problems: tuple[Problem, ...]
    failures: tuple[Failed, ...]
    loops: tuple[Loop, ...]
    story: tuple[Happening, ...]
    loud: tuple[str, ...]
    lines: int


_LOUD = re.compile(r"(?i)\b(?:error|fatal|exception|critical|panic|cannot|can't|denied|failed)\b")
_FEW = 5


def analyse(
    lines: Iterable[str], rules: Mapping[str, Rule], *, whole: bool = False, now: float | None = None,
    started: float | None = None,
) -> Analysis:  # fmt: skip
    """What clean ``lines`` of one log say. Unless the ``whole`` is asked for, what stands before the start of a program
    that has not crashed since is no problem any more; the story has it all the same."""
    found = _in_order(list(_timed(records(lines, now))))
    happened = events(found)
    told = [(index, line) for index, record in enumerate(found) for line in record.lines]
    record_of = [index for index, _ in told]
    origins = [found[index].origin for index in record_of]
    hits = Scanner(rules.values()).hits([line for _, line in told], origins)
    since = 0 if whole else max(present(happened), _first_since(found, started))
    recent = [hit for hit in hits if record_of[hit.line] >= since]
    times = {number: found[index].at for number, index in enumerate(record_of)}
    loops = crashes.loops([one for one in happened if one.record >= since], recent, record_of)
    happenings = story.timed(story.story(happened, hits, record_of), times)
    return Analysis(
        tuple(_problems(recent, [line for _, line in told], times)),
        tuple(_failures(found, told, since)),
        tuple(loops),
        tuple(happenings),
        tuple(_loud(found[since:])),
        len(told),
    )


def _first_since(found: Sequence[Record], started: float | None) -> int:
    """The first record of the process that was ``started`` then, by its manager's word; 0 where no line has a time."""
    if started is None or all(record.at is None for record in found):
        return 0
    early = started - 1.0  # a manager writes its own line before
    return next((index for index, one in enumerate(found) if one.at is not None and one.at >= early), len(found))


def _loud(found: Sequence[Record]) -> list[str]:
    own = [one for one in found if not one.origin.startswith(("RTR", "CELL", "API"))]
    lines = [line for one in own for line in one.lines if line.strip() and (one.channel == "ERR" or _LOUD.search(line))]
    return lines[-_FEW:]


def _in_order(found: list[Record]) -> list[Record]:
    """`cf events` has the newest first."""
    rows = [record for record in found if record.origin == "EVENT"]
    newest_first = len(rows) > 1 and (rows[0].at or 0.0) > (rows[-1].at or 0.0)
    return rows[::-1] if newest_first and len(found) - len(rows) <= 2 else found


def _timed(found: Iterable[Record]) -> Iterator[Record]:
    """What carries no time was written after the record before it, and is taken to be of the same moment."""
    at: float | None = None
    for record in found:
        at = record.at if record.at is not None else at
        yield record._replace(at=at)


def present(happened: Sequence[Event]) -> int:
    """The record of the present start of the one service that the log is about: it started, and neither crashed since
    nor was given up. 0 where that is not so, or the log is about several."""
    lives = [one for one in happened if one.kind in ("started", "crashed", "given_up")]
    if len({one.service for one in lives}) != 1 or lives[-1].kind != "started":
        return 0
    if not any(one.kind == "crashed" for one in lives):
        return 0
    asked = [one.record for one in happened if one.kind == "start_asked" and one.record < lives[-1].record]
    crashed = max(one.record for one in lives if one.kind == "crashed")
    return next((index for index in reversed(asked) if index > crashed), lives[-1].record)


def _problems(hits: Sequence[Hit], lines: Sequence[str], times: Mapping[int, float | None]) -> list[Problem]:
    """Highest rank first, causes before the rest."""
    by_rule: dict[str, list[Hit]] = {}
    top: dict[int, int] = {}
    for hit in hits:
        by_rule.setdefault(hit.rule.id, []).append(hit)
        top[hit.line] = max(top.get(hit.line, 0), hit.rule.rank)
    found = []
    for mine in by_rule.values():
        at = [time for hit in mine if (time := times[hit.line]) is not None]
        plain = [hit for hit in mine if not is_source(hit)] or mine
        told = any(hit.rule.rank >= top[hit.line] for hit in mine)
        found.append(
            Problem(plain[-1], len(mine), min(at, default=None), max(at, default=None), lines[plain[-1].line], told)
        )
    roles = ("cause", "symptom", "normal")
    return sorted(found, key=lambda one: (roles.index(one.hit.rule.role), -one.hit.rule.rank))


def _failures(found: Sequence[Record], told: Sequence[tuple[int, str]], since: int) -> list[Failed]:
    """The exceptions of each program apart: lines of several stand between each other."""
    streams: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for number, (index, line) in enumerate(told):
        record = found[index]
        if index >= since and not record.origin.startswith(("RTR", "CELL", "API")):
            streams.setdefault((record.origin, record.instance), []).append((number, line))
    together: dict[tuple[str, str, str], Failed] = {}
    for one in exceptions.of_streams(list(streams.values())):
        at = found[told[one.line][0]].at
        key = (one.language, one.type, one.message)
        known = together.get(key)
        if known is None:
            together[key] = Failed(*key, one.outer, 1, at, at)
        else:
            together[key] = known._replace(times=known.times + 1, last=at or known.last)
    return list(together.values())
