"""What a report says is wrong, as things that can be remembered and told of from run to run."""

from typing import NamedTuple

from cozydiag.model import Cause, Report, Status
from cozydiag.report.counted import CODES
from cozydiag.text import Text, t

BLIND = "look"
"""The key of the problem that nobody could look."""


class Problem(NamedTuple):
    """``level`` as in `rules`: 1 warning, 2 critical, 3 unknown. ``cause`` is None where nobody could look."""

    level: int
    text: Text
    cause: Cause | None = None


def problems(report: Report) -> dict[str, Problem]:
    """By a key that stays the same while a service is broken, whichever way it shows: its role for what fails, the
    check and its subject for what warns."""
    found: dict[str, Problem] = {}
    for cause in report.causes:
        found.setdefault(_key(cause), Problem(CODES[cause.severity], cause.text, cause))
    if report.verdict is Status.UNKNOWN:
        found[BLIND] = Problem(3, _blind(report))
    return found


def _key(cause: Cause) -> str:
    if cause.severity is Status.FAIL and cause.role not in (None, "host"):
        return f"{cause.role}:{cause.subject}" if cause.role == "site" else str(cause.role)
    return cause.instance


_SEEN = (Status.OK, Status.SKIP, Status.WARN)


def _blind(report: Report) -> Text:
    from cozydiag.report.words import headline

    unknown = [one for one in report.results if one.essential and one.findings and one.status not in _SEEN]
    if not unknown:
        return headline(report)
    return t("not everything could be looked at: {why}", why=unknown[0].findings[0].text)
