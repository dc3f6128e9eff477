"""A time in which nobody repairs, because somebody works on the server."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.host import Clock
from cozydiag.repair.moments import Moment
from cozydiag.state import State

_KEY = "maintenance"


class Maintenance(NamedTuple):
    """``left`` is in seconds, ``by`` whoever declared it."""

    left: float
    by: str
    reason: str


def current(state: State, clock: Clock) -> Maintenance | None:
    """The one that is on; None when there is none, or when its time is over."""
    found = state.get(_KEY)
    if not isinstance(found, dict):
        return None
    since, seconds = Moment.read(found.get("since")), found.get("seconds")
    if since is None or not isinstance(seconds, (int, float)):
        return None
    left = seconds - since.age(clock)
    return Maintenance(left, str(found.get("by", "")), str(found.get("reason", ""))) if left > 0 else None


def declare(state: State, clock: Clock, seconds: float, by: str, reason: str) -> bool:
    """From now on, for ``seconds``; whether it is safely on the disk."""
    return state.set(_KEY, {"since": Moment.now(clock), "seconds": seconds, "by": by, "reason": reason})


def end(state: State) -> bool:
    """From now on there is none; whether that is safely on the disk."""
    return state.set(_KEY, None)
