"""Tags at the ends of lines: what is written is what is read, whatever is in it."""

from __future__ import annotations

import random
import string

import pytest

from cozydiag.report import tags
from cozydiag.text import Bytes, Param, Percent, Seconds, Text, When, plural, t, verbatim
from cozydiag.text.catalogue import ENGLISH, render
from cozydiag.text.templates import templates

TEXTS = [
    t("{name} is stopped", name="couchdb"),
    t("{mount}: {free} left", mount='/a "b" [c] {d}', free=Bytes(2_500_000)),
    t("{mount} is {percent} full: {free} left", mount="i:5", percent=Percent(93.125), free=Bytes(0)),
    plural("{n} older line left out: the report would be too large)", "x", n=1),
    plural("({n} older line left out: the report would be too large)",
           "({n} older lines left out: the report would be too large)", n=7),
    t("{name} is stopped", name=t("{name} is stopped", name="é ~ # @x=1 \\")),
    t("{name} is stopped", name=verbatim("words from elsewhere")),
    t("{name} is stopped", name=""),
    verbatim("all of it comes from elsewhere [not.a tag]"),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_read(text: Text) -> None:
    words = render(text, ENGLISH)
    line = tags.sealed(f"X {words} {tags.tag('some.code', text, role='cozy.home', on='a b:c')}")
    assert tags.intact(line)
    read = tags.split(line)
    assert read is not None
    before, tag, after = read
    assert (before, tag.code, tag.about["role"], tag.about["on"], after) == (
        f"X {words}",
        "some.code",
        "cozy.home",
        "a b:c",
        "",
    )
    again = tags.text_of(tag.mark, tag.params, tag.about, words)
    assert render(again, ENGLISH) == words
    if text.template in {one for one, _ in templates()}:
        assert again.template == text.template


@pytest.mark.parametrize("value", [Seconds(3.5), When(1_795_000_000.25), Bytes(1), Percent(0.1), 5984, -3])
def test_numbers_keep_their_kind(value: Param) -> None:
    line = f"x {tags.tag('a.b', t('{name} is stopped', name=value))}"
    read = tags.split(line)
    assert read is not None
    assert (read[1].params["name"], type(read[1].params["name"])) == (value, type(value))


def test_every_change_of_a_line_breaks_its_seal_but_blanks() -> None:
    line = tags.sealed(f"X CouchDB is stopped {tags.tag('service.stopped', TEXTS[0], role='couchdb')}")
    assert tags.intact(line)
    assert tags.intact(f"  {line.replace(' ', '   ')}")
    lots = random.Random(5)  # noqa: S311  repeatable, not secret
    broken = 0
    for _ in range(300):
        at = lots.randrange(len(line))
        other = line[:at] + lots.choice(string.ascii_letters) + line[at + 1 :]
        broken += other == line or not tags.intact(other)
    assert broken >= 299  # 1 of 65536 is not seen


@pytest.mark.parametrize("line", ["", "x", "x [", "x [y", "x [y]", "x [Y z]", "x [a.b #12 ~0000]", 'x [a.b k="]'])
def test_what_is_no_tag_is_none(line: str) -> None:
    assert tags.split(line) is None


def test_marks_of_all_templates_differ() -> None:
    known = list(templates())
    assert len(known) > 800
    assert len({tags.mark(one) for one, _ in known}) == len(known)


def test_a_tag_is_written_anew_with_its_values_hidden() -> None:
    text = t("{name} is stopped", name=t("{name} is stopped", name="secret one"))
    line = f"X {render(text, ENGLISH)} {tags.tag('some.code', text, role='a secret', on='b')}"
    shown = tags.rewritten(line, lambda words: words.replace("secret", "<secret#1>"))
    assert "secret " not in shown.replace("<secret#1>", "")
    found = tags.split(shown)
    assert found is not None
    assert found[1].code == "some.code"
    assert found[1].about == {"role": "a <secret#1>", "on": "b"}
    assert found[1].mark == tags.mark("{name} is stopped")
    assert tags.rewritten("no tag, secret", str.upper) == "NO TAG, SECRET"
