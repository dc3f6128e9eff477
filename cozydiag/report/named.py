"""What the rules of today say of the logs in a report that was read: it may be older than they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cozydiag.logs.analysis import Problem, analyse
from cozydiag.report.headings import name_of
from cozydiag.report.reading import ReadSection
from cozydiag.rules import Rule
from cozydiag.text import Text, plural, t


class Named(NamedTuple):
    """A known problem in the log under ``heading``."""

    heading: str
    problem: Problem

    def texts(self) -> tuple[Text, Text, Text]:
        """What it is, the line that says so, what to do."""
        hit = self.problem.hit
        return (
            t("{log}: {cause} [{id}]", log=self.heading, cause=hit.meaning, id=hit.rule.id),
            plural("Seen once: {line}", "Seen {n} times: {line}", n=self.problem.times, line=self.problem.line.strip()),
            t("What to do: {remedy}", remedy=hit.remedy),
        )


def named(sections: Sequence[ReadSection], rules: Mapping[str, Rule]) -> list[Named]:
    """The causes that the logs name. One that did not come whole is left out: what it says may be somebody else's."""
    found = []
    for section in sections:
        if section.whole and name_of(section.heading) == "logs":
            told = [one for one in analyse(section.lines, rules).problems if one.told and one.hit.rule.role == "cause"]
            found += [Named(section.heading, one) for one in told]
    return found
