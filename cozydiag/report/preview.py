"""`report --preview`: what a report would hold, without showing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cozydiag.redaction.review import risky
from cozydiag.report.full import hidden
from cozydiag.report.sections import Section
from cozydiag.text import Bytes, Text, plural, t, verbatim

if TYPE_CHECKING:
    from cozydiag.report.redacting import Prepared


def previewed(sections: Sequence[Section], prepared: Prepared | None) -> Iterator[Text]:
    """Sections and their sizes, what was hidden, what could not be read, and lines to look at twice."""
    total = sum(section.size for section in sections)
    yield plural("{n} section, {size}", "{n} sections, {size}", n=len(sections), size=Bytes(total))
    for section in sections:
        lines = plural("{n} line", "{n} lines", n=len(section.lines))
        yield t("    {heading}: {lines}, {size}", heading=section.heading, lines=lines, size=Bytes(section.size))
    if prepared is None:
        yield t("NOTHING is hidden.")
    else:
        yield t("Hidden:")
        yield from (t("    {what}", what=what) for what in hidden(prepared.guard.redactor.counts()))
        if prepared.own.closed:
            yield t("Files that could not be read, whose secrets are therefore not known:")
            yield from (verbatim(f"    {path}") for path in prepared.own.closed)
    yield from _to_look_at(sections)


def _to_look_at(sections: Sequence[Section]) -> Iterator[Text]:
    found = [(section.heading, list(risky(section.lines))) for section in sections]
    found = [(heading, numbers) for heading, numbers in found if numbers]
    if not found:
        yield t("No line looks as if it still held a secret.")
        return
    yield t("Lines that may still hold a secret:")
    for heading, numbers in found:
        shown = ", ".join(map(str, numbers[:20])) + (" …" if len(numbers) > 20 else "")
        yield t("    {heading}: {numbers}", heading=heading, numbers=shown)
