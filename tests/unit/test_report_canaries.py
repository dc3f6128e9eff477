"""A secret where one can stand, in a log, a name or a configuration: it is in no format, in no form."""

from __future__ import annotations

import html
import json

import pytest

from cozydiag.masking import Masks
from cozydiag.redaction import Redactor
from cozydiag.report.formats import FORMATS, page
from cozydiag.report.full import written
from cozydiag.report.guard import Guard
from cozydiag.report.message import message
from cozydiag.report.plain import speaker
from cozydiag.report.sections import Section
from cozydiag.text.catalogue import catalogue
from tests.unit.redaction.test_canaries import CANARY, PLACES, forms
from tests.unit.test_report_formats import report, sections


def inside(made: str) -> list[str]:
    """The forms in which it is there, also behind the escapes of the format."""
    texts = (made, html.unescape(made), made.replace("\\\\", "\\"))
    return [name for name, form in forms(CANARY).items() if any(form in text for text in texts)]


def redacted(place: str, language: str) -> tuple[list[Section], Guard]:
    lines = PLACES[place].format(CANARY).split("\n")
    bare = [f"bare {form} here" for form in forms(CANARY).values()]
    given = sections(report(lines[-1]), language, (*lines, *bare), note=lines[-1])
    given.append(Section("Configuration: /etc/x", lines, name="configuration"))
    guard = Guard(Masks(()), Redactor())
    return guard.sections(given, speaker(catalogue(language))), guard


@pytest.mark.parametrize("place", PLACES)
def test_no_format_has_it(place: str) -> None:
    words = catalogue("fr")
    shown, guard = redacted(place, "fr")
    read = page(shown).report
    assert read is not None
    assert [(one.code, one.instance) for one in read.causes] == [("service.stopped", "supervisor.program:0")]
    for layout in FORMATS:
        made = written(shown, layout, words, guard)
        assert inside(made) == [], layout
        if layout == "json":
            assert CANARY not in json.dumps(json.loads(made), ensure_ascii=False)
    assert inside(message(shown, words, "cozydiag report")) == []
