"""`report --post`: a short message for a forum, from what was redacted already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files

from cozydiag.model import Cause, Report
from cozydiag.report import words
from cozydiag.report.formats import Page, page
from cozydiag.report.markdown import fenced
from cozydiag.report.plain import Say, speaker
from cozydiag.report.sections import Section
from cozydiag.text import Text, t
from cozydiag.text.catalogue import Catalogue

_LAST = 5
"""Acts, and causes, that are told."""


def message(sections: Sequence[Section], catalogue: Catalogue, command: str) -> str:
    """Title, cause, since when, what was tried, what it runs on; then where to post it, and where not any more.

    ``command`` writes the whole report.
    """
    say = speaker(catalogue)
    made = page(sections)
    lines = [*fenced([say(_title(made))]), "", *_body(made, say), ""]
    lines.append(say(t("The whole report is in the file that this writes, to be read first and then attached:")))
    lines += ["", *fenced([command]), "", "-" * 20, *_where(say)]
    return "\n".join(lines) + "\n"


def _title(made: Page) -> Text:
    if made.report is None:
        return t("The verdict is missing.")
    causes = made.report.causes
    return causes[0].text if causes else words.headline(made.report)


def _body(made: Page, say: Say) -> Iterator[str]:
    """All in one fence: nothing in it can ping anybody or look like something else."""
    lines = []
    note = made.section("note")
    if note is not None:
        lines += [*note.lines, ""]
    if made.report is not None:
        lines += [
            say(words.headline(made.report)),
            *_causes(made.report, say),
            *map(say, words.background(made.report)),
        ]
    acts = made.section("journal")
    if acts is not None:
        lines += ["", acts.heading, *(f"    {line}" for line in acts.lines[-_LAST:])]
    versions = made.section("versions")
    if versions is not None:
        lines += ["", *versions.lines]
    yield from fenced(lines)


def _causes(report: Report, say: Say) -> Iterator[str]:
    for cause in report.causes[:_LAST]:
        yield from ("", f"{say(cause.text)} [{cause.code}]", *_rows(cause, say))


def _rows(cause: Cause, say: Say) -> Iterator[str]:
    for one in cause.evidence[:2]:
        yield f"    {one.source}: {one.line}"
    if cause.remedy is not None:
        yield f"    {say(cause.remedy)}"


def _where(say: Say) -> Iterator[str]:
    known = json.loads(files("cozydiag.report").joinpath("channels.json").read_text(encoding="utf-8"))
    yield say(t("Where to post the lines above (looked at in {when}):", when=known["checked"]))
    yield from (f"    {one['name']}: {one['url']}" for one in known["channels"] if one["alive"])
    yield say(t("Nobody reads these any more, though old guides name them:"))
    yield from (f"    {one['name']}: {one['url']}" for one in known["channels"] if not one["alive"])
