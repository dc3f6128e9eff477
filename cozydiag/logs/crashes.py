"""Crash loops: a service that crashes, is started and crashes again; and the cause that comes back each time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from cozydiag.logs.events import Event
from cozydiag.model import Certainty
from cozydiag.rules import Hit, best

ENOUGH: Final = 3
WINDOW: Final = 600.0
"""So many crashes within so many seconds are a loop."""

_MOST: Final = 2 / 3
"""The share of the crashes that a cause must be seen in to be certain."""


class Loop(NamedTuple):
    """``crashes`` is the platform's own number where it gives one. ``gap`` is the median of seconds between two
    crashes, ``last`` the time of the last. ``seen``: how many of the crashes the cause was seen in."""

    service: str
    crashes: int
    gap: float | None
    first: float | None
    last: float | None
    given_up: bool
    cause: Hit | None
    certainty: Certainty
    seen: int
    detail: str


def loops(events: Sequence[Event], hits: Sequence[Hit], record_of: Sequence[int]) -> list[Loop]:
    """The loops among ``events``. ``record_of`` gives for each line that was looked at the index of its record."""
    crashes: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "crashed":
            crashes.setdefault(event.service, []).append(event)
    given_up = {event.service for event in events if event.kind == "given_up"}
    found = []
    for service in dict.fromkeys((*crashes, *given_up)):
        mine = crashes.get(service, [])
        quit_ = service in given_up or (bool(mine) and len(crashes) == 1 and bool(given_up - crashes.keys()))
        if (quit_ and (mine or len(crashes) != 1)) or _is_loop(mine):
            found.append(_loop(service, mine, quit_, hits, record_of))
    return found


def told(service: str, restarts: int, *, given_up: bool, hits: Sequence[Hit]) -> Loop:
    """A loop that its manager tells of, where no line does."""
    cause = best(hits)
    seen = sum(cause is not None and hit.rule.id == cause.rule.id for hit in hits)
    certain: Certainty = "certain" if seen >= ENOUGH else "likely"
    return Loop(service, restarts, None, None, None, given_up, cause, certain, seen, "")


def _is_loop(crashes: Sequence[Event]) -> bool:
    if any(event.number >= ENOUGH for event in crashes):
        return True
    for first, last in zip(crashes, crashes[ENOUGH - 1 :], strict=False):
        if first.at is None or last.at is None or last.at - first.at <= WINDOW:
            return True
    return False


def _loop(service: str, crashes: Sequence[Event], quit_: bool, hits: Sequence[Hit], record_of: Sequence[int]) -> Loop:
    times = [event.at for event in crashes if event.at is not None]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    causes = _causes(crashes, hits, record_of)
    chosen = max(causes.values(), key=lambda found: (len(found), found[-1].rule.rank), default=[])
    certain = bool(chosen) and len(chosen) >= _MOST * len(crashes)
    return Loop(
        service,
        max((event.number for event in crashes), default=0) or len(crashes),
        median(gaps) if gaps else None,
        min(times, default=None),
        max(times, default=None),
        quit_,
        best(chosen),
        "certain" if certain else "likely",
        len(chosen),
        crashes[-1].detail if crashes else "",
    )


def _causes(crashes: Sequence[Event], hits: Sequence[Hit], record_of: Sequence[int]) -> Mapping[str, list[Hit]]:
    """For each rule that is the best cause of a crash, its hits, one a crash. A crash's lines are those since the crash
    before it; what comes after the last is its own too, for lines of one second arrive in any order."""
    found: dict[str, list[Hit]] = {}
    ends = [crash.record for crash in crashes[:-1]]
    windows: dict[int, list[Hit]] = {}
    for hit in hits:
        windows.setdefault(bisect_left(ends, record_of[hit.line]), []).append(hit)
    for mine in windows.values():
        cause = best(mine)
        if cause is not None:
            found.setdefault(cause.rule.id, []).append(cause)
    return found
