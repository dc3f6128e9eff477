"""What the history has to say of a report: since when, how often before, what changed, what is coming."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cozydiag.model import Report, Status
from cozydiag.text import Percent, Seconds, Text, When, plural, t
from cozydiag.watch import changes, history, trends
from cozydiag.watch.history import Run

if TYPE_CHECKING:
    from cozydiag.host import Host
    from cozydiag.state import State

MONTH = 30 * 86400.0
_JUST = 60.0  # seconds: what has just begun needs no word
_OLD = 3 * 3600.0  # seconds after which "the last run" says little about now


def story(host: Host, state: State, report: Report) -> tuple[Text, ...]:
    """Sentences for people, the most useful first; none without a history."""
    now = report.started_at
    past = history.runs(state, now - MONTH)
    if not past:
        return ()
    found = [*_bad(host, state, report, past)] if report.verdict is not Status.OK and report.causes else []
    found += coming(state, now)
    if found and not os.access(os.path.join(state.folder, "state.db"), os.W_OK):
        found.append(t("This is from root's history in {folder}.", folder=state.folder))
    return tuple(found)


def coming(state: State, now: float) -> list[Text]:
    """What will happen if it goes on like this."""
    found = []
    for trend in trends.trends(state, now):
        found.append(t("{path} will be full in about {left}, if it goes on like this", path=trend.name,
                       left=Seconds(_whole_days(trend.left))))  # fmt: skip
    for trend in trends.overdue(state, now):
        found.append(t("the certificate of {site} was not renewed, and ends in {left}", site=trend.name,
                       left=Seconds(_whole_days(trend.left))))  # fmt: skip
    return found


def _bad(host: Host, state: State, report: Report, past: Sequence[Run]) -> list[Text]:
    cause = report.causes[0]
    stretch = begun(past, cause.code)
    last = past[-1]
    if stretch is None:
        if last.bad or report.started_at - last.until > _OLD:
            return (
                [t("All was well at {when}, when it was last looked at.", when=When(last.until))]
                if not last.bad
                else []
            )
        return [t("All was well at {when}.", when=When(last.until))]
    first, well = stretch
    age = report.started_at - first.at
    found = [t("It has been so since {when} ({age}).", when=When(first.at), age=Seconds(age))] if age > _JUST else []
    before = times(past, cause.code, first.id)
    if before:
        found.append(
            plural(
                "It was so {n} time before, within a month.", "It was so {n} times before, within a month.", n=before
            )
        )
    if well is not None:
        moved = changes.changed(host, well, first)
        rows = state.query("SELECT at, value FROM samples WHERE name = 'free:/' ORDER BY at") or []
        grown = changes.shrunk([(at, value) for at, value in rows], well.until, first.at)
        if grown is not None:
            moved.append(t("{size} more on the disk", size=grown))
        if moved:
            found.append(t("Between {well} and {bad} changed:", well=When(well.until), bad=When(first.at)))
            found += moved
        else:
            found.append(
                t(
                    "Nothing that is watched changed between {well} and {bad}.",
                    well=When(well.until),
                    bad=When(first.at),
                )
            )
    return found


def begun(past: Sequence[Run], code: str) -> tuple[Run, Run | None] | None:
    """The first run of the stretch with this cause that goes on, and the last without any before it."""
    first: Run | None = None
    for index in range(len(past) - 1, -1, -1):
        if code not in {one[0] for one in past[index].causes}:
            well = next((run for run in reversed(past[: index + 1]) if not run.bad), None)
            return None if first is None else (first, well)
        first = past[index]
    return None if first is None else (first, None)


def times(past: Sequence[Run], code: str, before: int) -> int:
    """How many stretches with this cause there were before run ``before``."""
    count, inside = 0, False
    for run in past:
        if run.id >= before:
            break
        has = code in {one[0] for one in run.causes}
        count, inside = count + (has and not inside), has
    return count


def availability(past: Sequence[Run], instance: str) -> Percent | None:
    """In how many of the runs that looked at it this was well; None when none did."""
    seen = [(run.n, run.statuses[instance]) for run in past if instance in run.statuses]
    looked = sum(n for n, status in seen if status in ("ok", "warn", "fail", "timeout"))
    if not looked:
        return None
    return Percent(100 * sum(n for n, status in seen if status in ("ok", "warn")) / looked)


def _whole_days(seconds: float) -> float:
    return max(1, round(seconds / 86400.0)) * 86400.0
