"""What a report says is wrong, as what is told of it."""

from __future__ import annotations

from cozydiag.findings import skip, unknown
from cozydiag.model import Report, Result, Status
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, render
from cozydiag.watch.problems import problems


def test_the_reason_for_seeing_nothing_is_no_check_that_has_nothing_to_look_at_here() -> None:
    absent = Result("site.reach", "x", t("It is reached"), Status.SKIP, (skip(t("x is here")),), essential=True)
    closed = unknown("supervisor.closed", t("its socket is closed to this user"), unlock="sudo x")
    blind = Result("supervisor.running", None, t("It answers"), Status.UNKNOWN, (closed,), essential=True)
    report = Report(Status.UNKNOWN, (), (absent, blind), (), "server", 0.0, 0.1, privileged=False)
    told = [render(problem.text, ENGLISH) for problem in problems(report).values()]
    assert told == ["not everything could be looked at: its socket is closed to this user"]
