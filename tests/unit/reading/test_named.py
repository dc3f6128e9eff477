"""What today's rules say of the logs in a report that was read."""

from __future__ import annotations

from cozydiag.report.formats import rendered
from cozydiag.report.named import named
from cozydiag.report.reading import Reading, read
from cozydiag.report.sections import Section
from cozydiag.rules import load
from cozydiag.text.catalogue import ENGLISH, render

TAKEN = "Error: listen EADDRINUSE: address already in use 127.0.0.1:9103"
RULES = load(None).rules


def reading(*lines: str, heading: str = "Log of cozy-home (stderr)", log: bool = True) -> tuple[str, Reading]:
    given = [Section("cozydiag report", ["x"], name="head"), Section(heading, list(lines), log=log, name="logs")]
    text = rendered(given, "text", ENGLISH)
    found = read(text)
    assert found is not None
    return text, found


def test_a_known_problem_in_a_log_is_named_with_its_remedy() -> None:
    _, found = reading("starting", TAKEN, TAKEN)
    (one,) = named(found.sections, RULES)
    what, seen, remedy = (render(text, ENGLISH) for text in one.texts())
    assert what.startswith("Log of cozy-home (stderr): ")
    assert seen == f"Seen 2 times: {TAKEN}"
    assert remedy.startswith("What to do: ")


def test_a_french_report_is_no_other() -> None:
    _, found = reading(TAKEN, heading="Journal de cozy-home (stderr)")
    assert [one.problem.hit.rule.role for one in named(found.sections, RULES)] == ["cause"]


def test_only_logs_are_read_so() -> None:
    _, found = reading(TAKEN, heading="Configuration: /etc/x", log=False)
    assert named(found.sections, RULES) == []


def test_a_log_that_did_not_come_whole_names_nothing() -> None:
    text, _ = reading("starting", TAKEN)
    for damaged in (text.replace("9103", "9104"), text[: text.index("--")], text.replace("starting\n", "")):
        found = read(damaged)
        assert found is not None
        assert found.lost
        assert named(found.sections, RULES) == []
