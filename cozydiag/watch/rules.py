"""When somebody is told: a state machine for each problem, on a clock that is given. It knows nothing of channels.

Two bad runs make a problem and two good ones end it (gatus has 3 and 2); what was told last is what counts, so that
nothing is lost while a problem comes and goes; after a day a reminder. More than four changes within an hour are
flapping: that is told once, then nothing until all has been quiet for half an hour, and then how it ended.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

TWICE = 2
"""Runs in a row that say the same before it is believed."""

REMIND = 24 * 3600.0
HOUR = 3600.0
QUIET = 1800.0
"""Seconds."""

CHANGES = 4
"""More changes than these within an hour are flapping."""

NEW, WORSE, BETTER, REMINDER, OVER, FLAPS, ENDED = (
    "new", "worse", "better", "reminder", "over", "flaps", "settled",
)  # fmt: skip
"""What is told of a problem. SETTLED closes what flapped, whichever way it ended."""

GOOD: Final = 0
"""Levels are those of the monitoring plugins: 0 good, 1 warning, 2 critical, 3 unknown."""

_GRAVITY = (0, 1, 3, 2)  # of level 0, 1, 2, 3: critical is worse than unknown


class Memory(NamedTuple):
    """What is remembered of one problem. Times are in epoch seconds.

    ``raw`` is the level of the last run and ``streak`` how many runs said so (good, or bad in any way); ``believed``
    is the level after two of them, ``since`` when the last bad stretch began, ``told`` the level that was told last
    and ``told_at`` when. ``changes`` are the moments of the last hour at which it went from good to bad or back.
    """

    raw: int = GOOD
    streak: int = TWICE
    believed: int = GOOD
    since: float = 0.0
    told: int = GOOD
    told_at: float = 0.0
    changes: tuple[float, ...] = ()
    flapping: bool = False
    told_flapping: bool = False


class News(NamedTuple):
    """Something to tell of a problem: one of the kinds above, how bad it is now, and since when it was bad."""

    kind: str
    level: int
    since: float


def seen(before: Memory | None, level: int, now: float, *, first_run: bool = False) -> Memory:
    """What is remembered of a problem after a run that saw it at ``level``. A first run is believed at once."""
    memory = _without_future(before or Memory(), now)
    bad, was_bad = level != GOOD, memory.raw != GOOD
    streak = memory.streak + 1 if bad == was_bad else 1
    since = now if bad and not was_bad and (memory.believed == GOOD and not memory.flapping) else memory.since
    changes = memory.changes if bad == was_bad or first_run else (*memory.changes, now)
    changes = tuple(moment for moment in changes[-2 * CHANGES :] if now - moment <= HOUR)
    last = changes[-1] if changes else 0.0
    flapping = (memory.flapping or len(changes) > CHANGES) and now - last < QUIET
    if memory.flapping and not flapping:
        changes = ()  # it has settled: what comes now is counted anew
    believed = _believed(memory, level, sure=first_run or streak >= TWICE)
    return memory._replace(
        raw=level, streak=min(streak, TWICE), believed=believed, since=since, changes=changes, flapping=flapping
    )


def _believed(memory: Memory, level: int, *, sure: bool) -> int:
    """How bad it is changes, too, when two runs say the same."""
    if not sure or (level != GOOD and memory.believed != GOOD and level != memory.raw):
        return memory.believed
    return level


def news(memory: Memory, now: float, remind: float = REMIND) -> News | None:
    """What is to be told now, if anything."""
    kind = _kind(memory, now, remind)
    return None if kind is None else News(kind, memory.believed, memory.since)


def told(memory: Memory, what: News, now: float) -> Memory:
    """What is remembered once ``what`` has reached somebody."""
    if what.kind == FLAPS:
        return memory._replace(told_flapping=True, told_at=now)
    return memory._replace(told=memory.believed, told_at=now, told_flapping=False)


def forgettable(memory: Memory, now: float) -> bool:
    """Nothing is left to remember: all is good, was told so, and has not changed for an hour."""
    quiet = not memory.changes or now - memory.changes[-1] > HOUR
    return memory.believed == memory.told == memory.raw == GOOD and quiet and not memory.told_flapping


def _kind(memory: Memory, now: float, remind: float) -> str | None:
    if memory.flapping:
        return None if memory.told_flapping else FLAPS
    if memory.told_flapping:
        return ENDED
    if memory.believed != memory.told:
        if memory.told == GOOD:
            return NEW
        if memory.believed == GOOD:
            return OVER
        return WORSE if _GRAVITY[memory.believed] > _GRAVITY[memory.told] else BETTER
    if GOOD not in (memory.believed, memory.raw) and now - memory.told_at >= remind:
        return REMINDER
    return None


def _without_future(memory: Memory, now: float) -> Memory:
    """A clock that was set back must neither silence reminders for a day nor make every change look recent."""
    return memory._replace(
        since=min(memory.since, now), told_at=min(memory.told_at, now),
        changes=tuple(moment for moment in memory.changes if moment <= now),
    )  # fmt: skip


def to_data(memory: Memory) -> dict[str, Any]:
    """For the state file: what differs from the default."""
    return {name: value for name, value in memory._asdict().items() if value != Memory._field_defaults[name]}


def from_data(data: Mapping[str, Any]) -> Memory:
    """Back again; whatever does not fit is as if it had never been."""
    known = {name: data[name] for name in Memory._fields if name in data}
    known["changes"] = tuple(one for one in known.get("changes", ()) if isinstance(one, (int, float)))
    fits = all(isinstance(value, (int, float, tuple)) for value in known.values())
    return Memory(**known) if fits and known.get("raw", 0) in (0, 1, 2, 3) else Memory()
