"""A report in numbers, for machines: what each result counts as, and how many there are of each."""

from __future__ import annotations

from cozydiag.model import FAILING, Report, Result, Status

CODES = {Status.OK: 0, Status.WARN: 1, Status.FAIL: 2, Status.UNKNOWN: 3}
"""The states of the monitoring plugins API, and cozydiag's exit codes."""


def code(result: Result) -> int:
    """0 well or not here, 1 warning, 2 critical, 3 nobody could look."""
    if result.status in FAILING:
        return 2
    if result.status is Status.SKIP:
        return 0
    return CODES.get(result.status, 3)


def here(report: Report) -> list[Result]:
    """The results of what is on this server."""
    return [result for result in report.results if result.status is not Status.SKIP]


def numbers(report: Report) -> tuple[int, int, int, int]:
    """How many results are well, warnings, critical, unknown."""
    codes = [code(result) for result in here(report)]
    return codes.count(0), codes.count(1), codes.count(2), codes.count(3)
