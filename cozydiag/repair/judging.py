"""What a look after an act says of it."""

from __future__ import annotations

from cozydiag.model import FAILING, Cause, Report, Status
from cozydiag.repair.plan import Action

_UNSEEN = (Status.UNKNOWN, Status.ERROR)


def well(report: Report, action: Action) -> bool:
    """None of what this cause stood for fails of itself any more, nor is it still starting, and it could be looked at.
    What is wrong with something else and does not pass by itself is not waited for: that is a cause of its own."""
    own = action.cause.instance
    failing = {r.instance for r in report.results if r.status in FAILING and not r.explained_by}
    failing -= {c.instance for c in report.causes if c.instance != own and _lasts(c, action.cause)}
    starting = {c.instance for c in report.causes if c.severity is Status.WARN and c.code == "service.starting"}
    unseen = {r.instance for r in report.results if r.status in _UNSEEN and r.instance == own}
    return not (failing | starting | unseen).intersection(action.failing)


def _lasts(other: Cause, mended: Cause) -> bool:
    """Its manager has given it up, or no restart helps it."""
    return other.restart_helps is False or (other.code == "service.failed" and other.role != mended.role)


def worse(first: Report, last: Report) -> tuple[Cause, ...]:
    """What was well at first, and is broken of itself now."""
    well = {result.instance for result in first.results if result.status is Status.OK}
    return tuple(cause for cause in last.causes if cause.severity is Status.FAIL and cause.instance in well)


def revealed(first: Report, last: Report) -> tuple[str, ...]:
    """The services that only the last look could see (home lists the apps, the data-system must be up for that)."""
    before = {result.instance for result in first.results}
    found = [r for r in last.results if r.id == "manager.service" and r.instance not in before]
    return tuple(result.subject for result in found if result.subject)
