"""The formats for monitoring systems, held against what others wrote to read them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cozydiag.model import Cause, Evidence, Finding, Report, Result, Status
from cozydiag.report.as_json import as_json, as_line
from cozydiag.report.junit import junit
from cozydiag.report.nagios import nagios, trouble
from cozydiag.report.prometheus import prometheus
from cozydiag.text import t, verbatim
from cozydiag.text.catalogue import ENGLISH, Catalogue, catalogue
from scripts.laboratory.formats import wrong

HOSTILE = 'a|b\n<c> & "d" \\ e\' {f} \x00\x1b[31m\ufffe é'
STATUSES = tuple(Status)


def result(status: Status, number: int = 0, words: str = "it is so") -> Result:
    code = "" if status in (Status.OK, Status.SKIP) else f"code.{status}"
    findings = (Finding(status, code, verbatim(words), "cozy.home"),) if status is not Status.BLOCKED else ()
    return Result(f"some.check{number}", HOSTILE if number % 2 else None, t("A check"), status,
                  findings, (Evidence("GET /", words),), seconds=0.0125)  # fmt: skip


def cause(words: str) -> Cause:
    return Cause("code.fail", "cozy.home", HOSTILE, "some.check", Status.FAIL, verbatim(words), (), None, (), (),
                 "certain", None, None, None)  # fmt: skip


def report(*results: Result, verdict: Status = Status.OK, causes: tuple[Cause, ...] = ()) -> Report:
    return Report(verdict, causes, results, (), "hôte<1>", 1_795_000_000.5, 0.75, True)


ALL = report(
    *(result(one, n, HOSTILE) for n, one in enumerate(STATUSES)), verdict=Status.FAIL, causes=(cause(HOSTILE),)
)
MANY = report(*(result(Status.FAIL, n, "très long " * 30) for n in range(200)), verdict=Status.FAIL,
              causes=tuple(cause("é" * 3000) for _ in range(9)))  # fmt: skip
EMPTY = report(verdict=Status.UNKNOWN)
EVERY = pytest.mark.parametrize("seen", [ALL, MANY, EMPTY], ids=["every state", "very much", "nothing"])


@EVERY
@pytest.mark.parametrize("words", [ENGLISH, catalogue("fr")], ids=["en", "fr"])
def test_who_reads_it_takes_it(seen: Report, words: Catalogue) -> None:
    """nagiosplugin, the parser of Prometheus, its promtool where that is installed, and the schema of Jenkins."""
    assert wrong("nagios", nagios(seen, words)) == []
    assert wrong("prometheus", prometheus(seen)) == []
    assert wrong("junit", junit(seen, words)) == []
    assert wrong("json", as_json(seen)) == []
    assert wrong("jsonl", as_line(seen)) == []


@pytest.mark.parametrize(
    ("layout", "right", "spoilt"),
    [
        ("nagios", "COZY CRITICAL", "COZY FAILS"),
        ("nagios", "ok=1;", "ok=1 s;"),
        ("nagios", "ok=1;;;0;7", "ok=1;;;0;7;"),
        ("nagios", "warning=1", "warning=01:"),
        ("nagios", "\nwarning: ", "\n| warning: "),
        ("prometheus", "cozydiag_status 2\n", "cozydiag_status\n"),
        ("prometheus", "cozydiag_status 2\n", "cozydiag_status 2\ncozydiag_status 2\n"),
        ("prometheus", 'role="', 'role="\n'),
        ("junit", "<testcase", "<testcases"),
        ("junit", ' failures="2"', ""),
        ("junit", ' time="0.750"', ' time="a while"'),
        ("json", '"critical"', '"bad"'),
        ("jsonl", ",", ",\n"),
    ],
)
def test_who_reads_it_refuses_what_is_spoilt(layout: str, right: str, spoilt: str) -> None:
    written = {"nagios": nagios(ALL, ENGLISH), "prometheus": prometheus(ALL), "junit": junit(ALL, ENGLISH),
               "json": as_json(ALL), "jsonl": as_line(ALL)}[layout]  # fmt: skip
    assert right in written
    assert wrong(layout, written.replace(right, spoilt)) != []


def test_nagios_counts_what_is_here() -> None:
    assert "ok=1;;;0;7 warning=1;;;0;7 critical=2;;;0;7 unknown=3;;;0;7 time=0.750s;;;0" in nagios(ALL, ENGLISH)


def test_a_plugin_that_cannot_look_says_unknown() -> None:
    assert trouble("no such | file\nhere") == "COZY UNKNOWN - no such ¦ file here\n"


@EVERY
def test_prometheus_reads_it(seen: Report) -> None:
    families = {one.name: one for one in text_string_to_metric_families(prometheus(seen))}
    assert all(one.type == "gauge" and one.documentation for one in families.values())
    assert not any(sample.timestamp for one in families.values() for sample in one.samples)
    assert families["cozydiag_last_run_timestamp_seconds"].samples[0].value == 1_795_000_001.25
    if seen is ALL:
        states = {one.labels["check"]: one.value for one in families["cozydiag_check_status"].samples}
        assert list(states.values()) == [0, 1, 2, 3, 3, 2, 3]
        (one,) = families["cozydiag_cause"].samples
        assert one.labels["subject"] == HOSTILE


def test_one_cause_that_is_seen_twice_is_one_sample() -> None:
    (family,) = [one for one in text_string_to_metric_families(prometheus(MANY)) if one.name == "cozydiag_cause"]
    assert len(family.samples) == 1


@EVERY
def test_junit_is_xml_and_counts_rightly(seen: Report) -> None:
    suites = ET.fromstring(junit(seen, ENGLISH).encode())  # noqa: S314  it is our own
    (suite,) = suites
    assert int(suite.attrib["tests"]) == len(suite) == len(seen.results)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
    assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    assert suite.attrib["hostname"] == "hôte<1>"
    if seen is ALL:
        children = [case[0].tag if len(case) else "" for case in suite]
        assert children == ["", "skipped", "system-out", "failure", "error", "skipped", "failure", "error"]
