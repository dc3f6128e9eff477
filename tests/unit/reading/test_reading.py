"""Reports read again: whole ones say the same, damaged ones say nothing wrong and what is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from cozydiag.model import Cause, Evidence, Finding, Known, Report, Result, Status
from cozydiag.report import tagged
from cozydiag.report.as_json import as_data
from cozydiag.report.comparing import differences
from cozydiag.report.plain import speaker
from cozydiag.report.reading import Reading, read
from cozydiag.report.seal import seal
from cozydiag.report.sections import Section
from cozydiag.report.words import headline
from cozydiag.text import Bytes, Percent, Seconds, t, verbatim
from cozydiag.text.catalogue import ENGLISH, catalogue, render

STOPPED = t("{name} is stopped", name="CouchDB")
DOWN = Cause(
    "service.stopped", "couchdb", "couchdb", "supervisor.program:couchdb", Status.FAIL, STOPPED,
    ("couchdb.reach", "stack.home"), t("Start it."), ("sudo supervisorctl start couchdb", "second --line [x]"),
    (Evidence("supervisord:couchdb", "STOPPED: [not a tag] : really"),), "certain", True,
    "supervisorctl status couchdb", "supervisord:couchdb",
)  # fmt: skip
DISK = Cause(
    "host.disk_nearly_full", "host", "/", "host.disk:/", Status.WARN,
    t("{mount} is {percent} full: {free} left", mount="/", percent=Percent(93.0), free=Bytes(2_500_000)), (),
    t("Make room soon."), (), (), "likely", False, None, None,
)  # fmt: skip
RESULTS = (
    Result("supervisor.program", "couchdb", t("A check"), Status.FAIL,
           (Finding(Status.FAIL, "service.stopped", STOPPED, "couchdb", t("Start it.")),
            Finding(Status.OK, "", verbatim("but its port is free"))),
           (Evidence("GET http://127.0.0.1:5984/", "connection refused"),), role="couchdb", essential=True),
    Result("couchdb.reach", None, t("A check"), Status.BLOCKED, (), (), ("supervisor.program:couchdb",)),
    Result("host.disk", "/", t("A check"), Status.WARN,
           (Finding(Status.WARN, DISK.code, DISK.text, "host", DISK.remedy),)),
    Result("app.answers", "a b", t("A check"), Status.OK, (Finding(Status.OK, "", t("{name} is stopped", name="x")),)),
)  # fmt: skip
REPORT = Report(
    Status.FAIL, (DOWN, DISK), RESULTS, (("proxy", "ok"), ("couchdb", "broken")), "host-1", 1_795_000_000.125, 0.5,
    privileged=True, second_look=True,
    known=(Known(DISK._replace(instance="host.disk:/var", subject="/var"), "old disk", t("for good")),),
    story=(t("{size} more on the disk", size=Bytes(5)),
           t("It has been so since {when} ({age}).", when="noon", age=Seconds(5))),
)  # fmt: skip


def written(language: str, report: Report = REPORT) -> str:
    words = catalogue(language)
    say = speaker(words)
    sections = [
        Section("cozydiag report", ["cozydiag 0.1.0 on host-1"]),
        Section(say(t("Verdict")), list(tagged.verdict(report, say, words))),
        Section(say(t("Results")), list(tagged.results(report, say))),
        Section(say(t("Versions")), ["nginx: 1.22", "CouchDB: 3.5.0"]),
        Section("Log of couchdb", ["one", "", "two [error] x"], log=True),
    ]
    return "\n".join(map(str, seal(sections)))


def data(report: Report | None) -> dict[str, Any]:
    assert report is not None
    found = as_data(report)
    for result in found["results"]:
        result["seconds"] = 0
    found["results"].sort(key=lambda one: (one["id"], one["subject"] or ""))  # they stand worst first
    found["known"] = [one["cause"] for one in found["known"]]
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_whole_report_says_the_same_in_every_language(language: str) -> None:
    reading = read(written(language))
    assert reading is not None
    assert reading.lost == ()
    assert all(section.whole for section in reading.sections)
    assert data(reading.report) == data(REPORT)


@pytest.mark.parametrize("label", ["By hand", "To see it"])
def test_the_label_of_a_row_is_for_people_alone(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    """Reports of earlier versions call it otherwise."""
    monkeypatch.setattr(tagged, "LABELS", tuple(verbatim(label) if one == t("To see it") else one
                                                for one in tagged.LABELS))  # fmt: skip
    text = written("en")
    reading = read(text)
    assert f"    {label}: supervisorctl status couchdb [" in text
    assert reading is not None
    assert reading.report is not None
    assert [one.by_hand for one in reading.report.causes] == ["supervisorctl status couchdb", None]


def test_what_is_no_report_is_none() -> None:
    assert read("") is None
    assert read("Hello,\nmy cozy is down\n") is None


def test_a_mark_that_is_not_known_here_leaves_the_sentence() -> None:
    strange = DOWN._replace(text=t("a check of somebody's own says {x}", x="y"))
    reading = read(written("en", REPORT._replace(causes=(strange,))))
    assert reading is not None
    assert reading.report is not None
    assert render(reading.report.causes[0].text, ENGLISH) == "a check of somebody's own says y"


# --- what forums do


def quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.split("\n"))


FORUM: dict[str, Callable[[str], str]] = {
    "quoted": quoted,
    "quoted twice": lambda text: quoted(quoted(text)),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no trailing blanks": lambda text: "\n".join(line.rstrip() for line in text.split("\n")),
    "no leading blanks": lambda text: "\n".join(line.lstrip() for line in text.split("\n")),
    "in a fence, with words around it": lambda text: f"Hello,\n\n```text\n{text}```\n\nThanks!\n",
    "more empty lines": lambda text: text.replace("\n", "\n\n"),
    "no empty lines": lambda text: "\n".join(line for line in text.split("\n") if line.strip()),
    "no-break spaces": lambda text: text.replace("    ", "\u00a0   "),
}


def named(report: Report) -> dict[tuple[str, str], str]:
    """Its causes, in English."""
    return {(cause.code, cause.instance): render(cause.text, ENGLISH) for cause in report.causes}


@pytest.mark.parametrize("name", FORUM)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_forums_do_costs_nothing(name: str, language: str) -> None:
    reading = read(FORUM[name](written(language)))
    assert reading is not None
    assert reading.report is not None
    assert named(reading.report) == named(REPORT)
    assert [cause.commands for cause in reading.report.causes] == [cause.commands for cause in REPORT.causes]
    assert reading.lost == ()


# --- damage


def damaged(text: str, lots: random.Random) -> str:
    lines = text.split("\n")
    kind = lots.choice(["cut", "begin", "lose", "swap", "letter", "letters", "double", "wrap", "join"])
    at = lots.randrange(len(lines))
    if kind == "cut":
        return text[: lots.randrange(len(text))]
    if kind == "begin":
        return text[lots.randrange(len(text)) :]
    if kind == "lose":
        return "\n".join(line for line in lines if lots.random() > 0.1)
    if kind == "swap":
        other = lots.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "double":
        lines.insert(at, lines[at])
    elif kind == "wrap":
        lines = [part for line in lines for part in (line[:60], line[60:]) if part]
    elif kind == "join":
        lines[at : at + 2] = [" ".join(lines[at : at + 2])]
    else:
        letters = list(text)
        for _ in range(1 if kind == "letter" else 30):
            letters[lots.randrange(len(letters))] = lots.choice('abcxyz0159 =:[]{}#~@"')
        return "".join(letters)
    return "\n".join(lines)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_of_many_damaged_ones_none_says_anything_wrong(language: str) -> None:
    whole = written(language)
    true = {(one.code, one.instance, render(one.text, ENGLISH)) for one in REPORT.causes}
    lots = random.Random(11)  # noqa: S311  repeatable, not secret
    silent = []
    for number in range(400):
        text = damaged(whole, lots)
        reading = read(text)
        if reading is None:
            continue
        found = _causes(reading)
        assert found <= true, (number, found - true)
        if found < true and not reading.lost:
            silent.append(number)
    assert silent == []


def _causes(reading: Reading) -> set[tuple[str, str, str]]:
    causes = reading.report.causes if reading.report is not None else ()
    return {(one.code, one.instance, render(one.text, ENGLISH)) for one in causes}


def test_what_is_lost_is_said() -> None:
    whole = written("en")
    at = whole.index("== Results")
    reading = read(whole[: at + 200])
    assert reading is not None
    assert [render(one, ENGLISH) for one in reading.lost] == ["the section Results breaks off"]
    reading = read(whole[at:])
    assert reading is not None
    assert reading.report is None
    assert "the verdict is missing: nothing can be said about the cause" in [
        render(one, ENGLISH) for one in reading.lost
    ]
    changed = whole.replace("CouchDB is stopped [service.stopped", "CouchDB is asleep [service.stopped", 1)
    reading = read(changed)
    assert reading is not None
    said = [render(one, ENGLISH) for one in reading.lost]
    assert said[0] == "1 finding was changed on its way and is left out"
    assert "the section Verdict was changed" in said


# --- differences


def test_what_changed_from_one_to_the_other() -> None:
    mended = REPORT._replace(causes=(DISK,), results=(RESULTS[0]._replace(status=Status.OK, findings=()), *RESULTS[1:]))
    old, new = read(written("en")), read(written("fr", mended).replace("CouchDB: 3.5.0", "CouchDB: 3.5.0"))
    assert old is not None
    assert new is not None
    said = [render(one, ENGLISH) for one in differences(old, new)]
    assert said[:2] == ["over: CouchDB is stopped [service.stopped]",
                        "still: / is 93% full: 2.5 MB left [host.disk_nearly_full]"]  # fmt: skip
    assert said[2].startswith("supervisor.program:couchdb: FAILS, now ok")
    same = differences(old, old)
    assert [one.template for one in same] == ["still: {cause} [{code}]"] * 2


def test_a_verdict_whose_cause_is_lost_is_not_well() -> None:
    lines = [line for line in written("en").split("\n") if "@cause=" not in line]
    reading = read("\n".join(lines))
    assert reading is not None
    assert reading.report is not None
    assert reading.report.causes == ()
    assert render(headline(reading.report), ENGLISH) == "Something is broken; its cause is missing here"
    mild = reading.report._replace(verdict=Status.WARN)
    assert render(headline(mild), ENGLISH) == "It works, with warnings that are missing here"
