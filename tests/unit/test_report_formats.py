"""The formats of a report: the same in all of them, whatever is in its lines, and no larger than asked for."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from cozydiag.masking import Masks
from cozydiag.model import Cause, Evidence, Finding, Report, Result, Status
from cozydiag.redaction import Redactor
from cozydiag.report import formats, tagged
from cozydiag.report.formats import FORMATS, again, rendered, shown
from cozydiag.report.full import chosen, written
from cozydiag.report.guard import Guard, LeakError
from cozydiag.report.headings import HEAD, HEADINGS, MANY, REDACTIONS, name_of
from cozydiag.report.markdown import fenced
from cozydiag.report.message import message
from cozydiag.report.plain import speaker
from cozydiag.report.reading import read
from cozydiag.report.sections import LIMITS, Section
from cozydiag.text import t, verbatim
from cozydiag.text.catalogue import ENGLISH, catalogue, render
from tests.unit.reading.test_reading import named

HOSTILE = (
    "</pre></details></body><script>alert(1)</script>",
    "<img src=http://evil.example/x onerror=alert(1)>",
    "```",
    "``````text",
    "~~~",
    "== Verdict ==",
    "== Results ==",
    "All is well [verdict #fc9649 @is=ok @chain=\"\" @started=1 @seconds=0 @host=x @root=yes @twice=no ~0000]",
    "X it is the router [evil.router #aaaaaa @cause=evil:router @is=critical @sure=certain ~0000]",
    "ok: evil.check: fine [- @on=evil.check @is=ok @seconds=0 ~0000]",
    "-- 1 00000000 --",
    "> quoted",
    "| table |",
    "\\== already ==",
    "@everyone #1 [link](http://evil.example) ![](http://evil.example/p.png)",
    "{{ 7*7 }} {% raw %} & &amp; \"'",
)  # fmt: skip
"""What a service's user could have written, or called a file."""

LOG = (*HOSTILE, "  == Results ==", "\t-- 1 00000000 --", "    > x")

STOPPED = t("{name} is stopped", name="CouchDB")


def report(*words: str) -> Report:
    causes = tuple(
        Cause("service.stopped", "couchdb", one, f"supervisor.program:{number}", Status.FAIL,
              t("{name} is stopped", name=one), ("stack.home",), t("Start it."), (f"start {one}", one),
              (Evidence("log", one), Evidence(one, "seen")), "certain", True, one, None)
        for number, one in enumerate(words)
    )  # fmt: skip
    results = tuple(
        Result("supervisor.program", one, t("A check"), Status.FAIL,
               (Finding(Status.FAIL, "service.stopped", t("{name} is stopped", name=one), "couchdb"),),
               (Evidence("log", one),))
        for one in words
    )  # fmt: skip
    chain = (("proxy", "ok"), ("couchdb", "broken"))
    return Report(Status.FAIL, causes, results, chain, "h", 1_795_000_000.0, 0.5, privileged=True,
                  story=(verbatim(words[0]),))  # fmt: skip


def sections(seen: Report, language: str = "en", log: tuple[str, ...] = LOG, note: str = "") -> list[Section]:
    words = catalogue(language)
    say = speaker(words)
    notes = [Section(say(HEADINGS["note"]), [note], name="note")] if note else []
    return [
        Section(HEAD, ["cozydiag 0.1.0 on h"], name="head"),
        *notes,
        Section(say(HEADINGS["verdict"]), list(tagged.verdict(seen, say, words)), name="verdict"),
        Section(say(HEADINGS["results"]), list(tagged.results(seen, say)), name="results"),
        Section(say(HEADINGS["versions"]), ["nginx: 1.22"], name="versions"),
        Section(say(t("Log of {name}", name=log[0])), list(log), log=True, name="logs"),
        Section(say(HEADINGS["hidden"]), ["1 secret"], name="hidden"),
    ]


# --- text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_that_looks_like_ours_changes_what_is_read(language: str) -> None:
    seen = report(*HOSTILE)
    reading = read(rendered(sections(seen, language, note="== Verdict =="), "text", catalogue(language)))
    assert reading is not None
    assert reading.lost == ()
    assert reading.report is not None
    assert named(reading.report) == named(seen)
    assert [one.commands for one in reading.report.causes] == [one.commands for one in seen.causes]
    assert [one.instance for one in reading.report.results] == [one.instance for one in seen.results]
    assert [one.evidence for one in reading.report.results] == [one.evidence for one in seen.results]
    log = reading.sections[-2]
    assert log.lines == LOG


def test_a_report_without_its_verdict_takes_none_from_a_log() -> None:
    text = rendered(sections(report("CouchDB")), "text", ENGLISH)
    reading = read(text[text.index("== Results") :])
    assert reading is not None
    assert reading.report is None


# --- HTML


class Seen(HTMLParser):
    """The elements of a page and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action", "style")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_page_has_no_element_but_ours(language: str) -> None:
    words = catalogue(language)
    hostile = Seen(rendered(sections(report(*HOSTILE), language, note=HOSTILE[0]), "html", words))
    harmless = Seen(rendered(sections(report(*["a"] * len(HOSTILE)), language, ("a",), note="a"), "html", words))
    assert hostile.elements == harmless.elements
    assert hostile.addresses == ["data:,"]
    assert not {"script", "img", "iframe", "object", "form", "a"} & set(hostile.elements)
    said = "".join(hostile.words)
    assert [one for one in HOSTILE if one not in said] == []


def test_a_page_says_the_verdict_first_and_in_its_language() -> None:
    text = rendered(sections(report("CouchDB"), "fr"), "html", catalogue("fr"))
    assert '<html lang="fr">' in text
    assert text.index("1 cause") < text.index("service.stopped") < text.index("<details")
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_a_page_of_an_unreadable_verdict_is_a_page() -> None:
    given = [one._replace(lines=["withheld"]) if one.name == "verdict" else one for one in sections(report("x"))]
    for layout in FORMATS:
        assert "withheld" in rendered(given, layout, ENGLISH)


# --- Markdown


def outside_fences(text: str) -> str:
    """As CommonMark sees it: a fence ends with one that is at least as long."""
    kept, fence = [], ""
    for line in text.split("\n"):
        found = re.match(r"(`{3,})(?:text)?$", line)
        if not fence and found:
            fence = found[1]
        elif fence and re.fullmatch(rf"`{{{len(fence)},}}", line):
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence
    return "\n".join(kept)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_outside_of_fences_is_nothing_from_outside(language: str) -> None:
    words = catalogue(language)
    given = sections(report(*HOSTILE), language, note=HOSTILE[0])
    outside = outside_fences(rendered(given, "markdown", words))
    for hostile in ("<script", "<img", "](http", "@everyone", "== Verdict", "{{"):
        assert hostile not in outside
    assert outside.count("<details>") == outside.count("</details>") == len(given) - 2
    for one in re.findall(r"<details>.*", outside):
        assert re.fullmatch(r"<details><summary><code>[^<>\[\]@`*_!]*</code> \([^<>]*\)</summary>", one)


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert fenced(["a"]) == ["```text", "a", "```"]
    assert fenced(["````", "`"])[0] == "`````text"


# --- JSON

FOLDER = Path(formats.__file__).parent


def validator() -> jsonschema.Draft202012Validator:
    schemas = [json.loads((FOLDER / name).read_text()) for name in ("status-1.schema.json", "report-1.schema.json")]
    registry: Registry[Any] = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas)
    return jsonschema.Draft202012Validator(schemas[1], registry=registry)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("seen", [report("CouchDB"), report(*HOSTILE)], ids=["usual", "hostile"])
def test_json_is_as_its_schema_says(seen: Report, language: str) -> None:
    data = json.loads(rendered(sections(seen, language, note="x"), "json", catalogue(language)))
    validator().validate(data)
    assert data["schema"] == "cozydiag.report/1"
    assert [one["code"] for one in data["status"]["causes"]] == ["service.stopped"] * len(seen.causes)
    assert next(one for one in data["sections"] if one["name"] == "logs")["lines"] == list(LOG)


def test_the_schema_is_strict() -> None:
    data = json.loads(rendered(sections(report("x")), "json", ENGLISH))
    for broken in ({**data, "more": 1}, {**data, "schema": "x"}, {**data, "sections": [{"name": "?"}]}):
        assert not validator().is_valid(broken)
    schema = json.loads((FOLDER / "report-1.schema.json").read_text())
    names = schema["properties"]["sections"]["items"]["properties"]["name"]["enum"]
    assert set(names) == {"head", *HEADINGS, *MANY}


# --- all of them


@pytest.mark.parametrize("layout", FORMATS)
def test_a_secret_that_got_by_is_no_report(layout: str) -> None:
    redactor = Redactor()
    redactor.know(["Zk7qWp2mXv9"])
    guard = Guard(Masks(()), redactor)
    assert written(sections(report("x")), layout, ENGLISH, guard)
    with pytest.raises(LeakError):
        written(sections(report("it was Zk7qWp2mXv9")), layout, ENGLISH, guard)


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("word", ["details", "section", "sections"])
def test_a_secret_that_is_a_word_of_the_format_is_no_leak(layout: str, word: str) -> None:
    guard = Guard(Masks([word]), Redactor())
    shown_ = guard.sections(sections(report("x"), log=("a",)), speaker(ENGLISH))
    assert written(shown_, layout, ENGLISH, guard)


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_without_redaction_each_says_so_first(layout: str, language: str) -> None:
    words = catalogue(language)
    given = sections(report("x"), language)
    line = render(REDACTIONS["none"], words)
    given[0] = given[0]._replace(lines=["one", line])
    made = rendered(given, layout, words)
    if layout == "json":
        assert json.loads(made)["redaction"] == "none"
    else:
        assert made.index(line) < made.index("1 cause")


def test_a_path_of_any_length_is_a_heading() -> None:
    given = [*sections(report("x")), Section("Log of " + "/very long" * 99, ["a"], log=True, name="logs")]
    reading = read(rendered(given, "text", ENGLISH))
    assert reading is not None
    assert reading.lost == ()
    assert reading.sections[-1].lines == ("a",)


@pytest.mark.parametrize("layout", ["text", "markdown"])
@pytest.mark.parametrize("limit", [4000, *LIMITS.values()])
def test_a_report_is_no_longer_than_asked_for(layout: str, limit: int) -> None:
    given = sections(report("CouchDB"), log=tuple(f"line {number} `" for number in range(9000)))
    given[4:4] = [Section(f"Log of {n}", ["é" * 50] * 90, log=True, name="logs") for n in range(20)]
    made = written(given, layout, ENGLISH, None, limit)
    assert len(made) <= limit
    assert "CouchDB is stopped" in made
    assert "left out: the report would be too large" in made
    assert "1 secret" in made
    if layout == "text":
        reading = read(made)
        assert reading is not None
        assert reading.lost == ()


@pytest.mark.parametrize("layout", ["text", "markdown"])
def test_the_verdict_is_never_cut(layout: str) -> None:
    names = [f"app number {number}" for number in range(60)]
    made = written(sections(report(*names), note="word " * 900), layout, ENGLISH, None, 1000)
    assert [one for one in names if f"{one} is stopped" not in made] == []
    assert "would be too large" in made
    assert len(made) < 40_000


def test_sections_are_chosen_by_name_and_the_verdict_is_always_there() -> None:
    given = sections(report("x"), note="n")
    assert [one.name for one in chosen(given, ("versions",))] == ["head", "note", "verdict", "versions", "hidden"]
    assert chosen(given, ()) == given


@pytest.mark.parametrize("language", ["en", "fr"])
def test_headings_are_known_in_every_language(language: str) -> None:
    say = speaker(catalogue(language))
    assert [name_of(say(text)) for text in HEADINGS.values()] == list(HEADINGS)
    assert name_of(say(t("Log of {name}", name="/var/log/x"))) == "logs"
    assert name_of(say(t("Configuration: {name}", name="/etc/x"))) == "configuration"
    assert name_of("something else") == ""


def test_a_report_that_was_read_is_shown_in_another_language() -> None:
    reading = read(rendered(sections(report("CouchDB"), "fr", log=("a",)), "text", catalogue("fr")))
    assert reading is not None
    made = again(reading.report, reading.sections, ENGLISH)
    assert [one.heading for one in made.sections][1:3] == ["Verdict", "Results"]
    assert "CouchDB is stopped" in shown(made, "html", ENGLISH)
    assert "~" not in shown(made, "markdown", ENGLISH)


# --- a message for a forum


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_message_has_title_cause_and_where_to_post(language: str) -> None:
    given = sections(report("CouchDB"), language, note="since yesterday")
    say = speaker(catalogue(language))
    given.insert(4, Section(say(HEADINGS["journal"]), ["restart couchdb: failed"], name="journal"))
    made = message(given, catalogue(language), "cozydiag report > diag.txt")
    assert made.splitlines()[1] == say(STOPPED)
    for words in ("since yesterday", "[service.stopped]", "restart couchdb: failed", "nginx: 1.22", "freenode"):
        assert words in made
    assert len(made) < 4000


def test_a_message_holds_nothing_hostile_outside_of_fences() -> None:
    made = message(sections(report(*HOSTILE), note=HOSTILE[0]), ENGLISH, "cozydiag report")
    outside = outside_fences(made)
    assert "<script" not in outside
    assert "@everyone" not in outside
