"""Known problems: what somebody has decided to live with, why, and until when. They are shown, and alarm nobody."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from cozydiag.engine.diagnosis import verdict
from cozydiag.model import Cause, Known, Report
from cozydiag.state import State
from cozydiag.text import Text, When, t

_KEY = "ignored"
CHANGE, FOREVER = "change", "forever"


class Ignored(NamedTuple):
    """``id`` is the instance of a check (`host.disk:/`) or the code of a cause, either with * in it. ``until`` is a
    moment in epoch seconds, ``change`` or ``forever``; with ``change`` it holds while each cause says what it said
    first (``said``, by instance)."""

    id: str
    until: float | str
    reason: str
    by: str
    at: float
    said: dict[str, Any]

    def expired(self, now: float) -> bool:
        return isinstance(self.until, float) and now >= self.until

    def words(self) -> Text:
        """`forever`, `until it changes`, `until 2026-12-24 00:00:00`"""
        if isinstance(self.until, float):
            return t("until {when}", when=When(self.until))
        return t("until it changes") if self.until == CHANGE else t("for good")


def load(state: State) -> list[Ignored]:
    """All of them, those that have expired too."""
    found = state.get(_KEY, [])
    return [one for one in map(_read, found if isinstance(found, list) else []) if one is not None]


def save(state: State, ignored: Iterable[Ignored]) -> bool:
    """Whether it is safely on the disk."""
    return state.set(_KEY, [one._asdict() for one in ignored])


def apply(report: Report, ignored: Sequence[Ignored]) -> Report:
    """The report with the causes that are known set apart; the verdict is that of the others."""
    now = report.started_at
    pairs = [(cause, _for(cause, ignored, now)) for cause in report.causes]
    known = tuple(Known(cause, one.reason, one.words()) for cause, one in pairs if one is not None)
    if not known:
        return report
    causes = tuple(cause for cause, one in pairs if one is None)
    covered = {cause.instance for cause, one in pairs if one is not None}
    follow = {name for cause, one in pairs if one is not None for name in cause.explains}
    follow -= {name for cause in causes for name in (cause.instance, *cause.explains)}
    counted = [one for one in report.results if one.instance not in covered | follow]
    return report._replace(causes=causes, known=(*report.known, *known), verdict=verdict(counted, causes))


def note(state: State, report: Report, ignored: Sequence[Ignored]) -> None:
    """For those that hold until it changes: what each cause says when it is first seen."""
    changed = False
    for one in ignored:
        for cause in (*report.causes, *(known.cause for known in report.known)):
            if one.until == CHANGE and _matches(one, cause) and cause.instance not in one.said:
                one.said[cause.instance] = _saying(cause)
                changed = True
    if changed:
        save(state, ignored)


def _for(cause: Cause, ignored: Sequence[Ignored], now: float) -> Ignored | None:
    return next((one for one in ignored if not one.expired(now) and _matches(one, cause) and _same(one, cause)), None)


def _matches(one: Ignored, cause: Cause) -> bool:
    names = (cause.instance, cause.instance.partition(":")[0], cause.code)
    return any(fnmatchcase(name, one.id) for name in names)


def _same(one: Ignored, cause: Cause) -> bool:
    said = one.said.get(cause.instance)
    return one.until != CHANGE or said is None or said == _saying(cause)


def _saying(cause: Cause) -> list[Any]:
    """What makes a cause another one: its code, how bad it is, and what is named. Numbers move all the time."""
    words = [value for _, value in cause.text.params if type(value) is str]
    return [cause.code, str(cause.severity), words]


def _read(data: Any) -> Ignored | None:
    if not isinstance(data, dict):
        return None
    until, said = data.get("until"), data.get("said")
    texts = [data.get(name) for name in ("id", "reason", "by")]
    if not isinstance(until, (int, float, str)) or not all(isinstance(one, str) for one in texts):
        return None
    moment = until if isinstance(until, str) else float(until)
    at = data.get("at")
    return Ignored(data["id"], moment, data["reason"], data["by"], float(at) if isinstance(at, (int, float)) else 0.0,
                   said if isinstance(said, dict) else {})  # fmt: skip
