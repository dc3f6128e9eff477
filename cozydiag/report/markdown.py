"""`report --format markdown`: for forums. All that is from outside stands in fences, so that it pings nobody, loads
nothing and looks like nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from cozydiag.report import words
from cozydiag.report.formats import Page
from cozydiag.report.headings import HEADINGS
from cozydiag.report.plain import speaker
from cozydiag.report.sections import Section
from cozydiag.text import plural
from cozydiag.text.catalogue import Catalogue

_TICKS = re.compile("`+")


def markdown(page: Page, catalogue: Catalogue) -> str:
    """The note and the verdict in the open, each other section folded."""
    return "\n".join(_lines(page, catalogue)) + "\n"


def _lines(page: Page, catalogue: Catalogue) -> Iterator[str]:
    say = speaker(catalogue)
    if page.warning:
        yield from (f"**{page.warning}**", "")
    note, verdict = page.section("note"), page.section("verdict")
    if note is not None:
        yield from (f"### {say(HEADINGS['note'])}", "", *fenced(note.lines), "")
    if page.report is not None:
        yield from (f"### {say(words.headline(page.report))}", "")
    if verdict is not None:
        yield from (*fenced(verdict.lines), "")
    for section in page.rest:
        yield from _folded(section, say(plural("{n} line", "{n} lines", n=len(section.lines))))


def _folded(section: Section, size: str) -> Iterator[str]:
    """Of a heading nothing is Markdown: its letters that could be are written as HTML writes them."""
    heading = re.sub(r"[^\w\s/.,()-]", lambda found: f"&#{ord(found[0])};", section.heading)
    yield f"<details><summary><code>{heading}</code> ({escape(size)})</summary>"
    yield ""
    yield from fenced(section.lines)
    yield from ("", "</details>", "")


def fenced(lines: Sequence[str]) -> list[str]:
    """Lines in a fence that none of them can close."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]
