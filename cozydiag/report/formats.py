"""One redacted list of sections in every format: nothing is in one that was not redacted for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.model import Report
from cozydiag.report import tagged
from cozydiag.report.headings import HEADINGS, name_of, redaction_in
from cozydiag.report.plain import speaker
from cozydiag.report.reading import ReadSection, read
from cozydiag.report.seal import seal
from cozydiag.report.sections import Section
from cozydiag.text.catalogue import Catalogue

FORMATS = ("text", "markdown", "html", "json")

TAGGED = ("verdict", "results")
"""The names of the sections whose lines carry tags."""


class Page(NamedTuple):
    """``report`` is what the sections say once they were redacted, None where that cannot be told."""

    sections: tuple[Section, ...]
    report: Report | None

    def section(self, name: str) -> Section | None:
        return next((one for one in self.sections if one.name == name), None)

    @property
    def redaction(self) -> tuple[str, str]:
        """`full`, `secrets`, `none` or `unknown`, and the line that says so."""
        head = self.section("head")
        return redaction_in(head.lines if head is not None else ())

    @property
    def warning(self) -> str:
        """That nothing was hidden; "" where that is not so."""
        kind, line = self.redaction
        return line if kind == "none" else ""

    @property
    def rest(self) -> tuple[Section, ...]:
        """All but what stands on top of a page: the note and the verdict."""
        return tuple(one for one in self.sections if one.name not in ("note", "verdict"))


def page(sections: Sequence[Section]) -> Page:
    """Read from the sealed text, so that no format knows anything that is not in it."""
    found = read(text(sections))
    shown = [one._replace(lines=list(map(tagged.bare, one.lines))) if one.name in TAGGED else one for one in sections]
    return Page(tuple(shown), found.report if found is not None else None)


def again(report: Report | None, sections: Sequence[ReadSection], catalogue: Catalogue) -> Page:
    """A page of a report that was read: what is tagged in this language, the rest in the one it was written in."""
    say = speaker(catalogue)
    made = []
    for one in sections:
        name = name_of(one.heading)
        lines = list(one.lines)
        if report is not None and name in TAGGED:
            fresh = tagged.verdict(report, say, catalogue) if name == "verdict" else tagged.results(report, say)
            lines = list(fresh)
        lines = list(map(tagged.bare, lines)) if name in TAGGED else lines
        heading = say(HEADINGS[name]) if name in HEADINGS else one.heading
        made.append(Section(heading, lines, log=name == "logs", name=name))
    return Page(tuple(made), report)


def text(sections: Sequence[Section]) -> str:
    return "\n".join(map(str, seal(sections)))


def rendered(sections: Sequence[Section], layout: str, catalogue: Catalogue) -> str:
    """The sections in one of `FORMATS`, ending with a line end."""
    return text(sections) if layout == "text" else shown(page(sections), layout, catalogue)


def shown(made: Page, layout: str, catalogue: Catalogue) -> str:
    """A page in one of the formats that are no text."""
    if layout == "markdown":
        from cozydiag.report.markdown import markdown

        return markdown(made, catalogue)
    if layout == "html":
        from cozydiag.report.html import html

        return html(made, catalogue)
    from cozydiag.report.as_report import as_report

    return as_report(made, catalogue)
