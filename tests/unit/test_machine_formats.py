"""The formats for monitoring systems, held against parsers that others wrote and against the grammars of their docs."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest
from nagiosplugin.performance import Performance
from prometheus_client.parser import text_string_to_metric_families

from cozydiag.model import Cause, Evidence, Finding, Report, Result, Status
from cozydiag.report.junit import junit
from cozydiag.report.nagios import LIMIT, nagios, trouble
from cozydiag.report.prometheus import prometheus
from cozydiag.text import t, verbatim
from cozydiag.text.catalogue import ENGLISH, catalogue

HOSTILE = 'a|b\n<c> & "d" \\ e\' {f} \x00\x1b[31m\ufffe é'
STATUSES = tuple(Status)


def result(status: Status, number: int = 0, words: str = "it is so") -> Result:
    code = "" if status in (Status.OK, Status.SKIP) else f"code.{status}"
    finding = Finding(status, code, verbatim(words), "cozy.home")
    return Result(f"some.check{number}", HOSTILE if number % 2 else None, t("A check"), status,
                  (finding,), (Evidence("GET /", words),), seconds=0.0125)  # fmt: skip


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

DATUM = r"'?[^\s='|]+'?=-?[0-9.]+(us|ms|s|%|[KMGT]?B|c)?(;[^; ]*){0,4}"
"""Performance data of the Monitoring Plugins Development Guidelines: 'label'=value[UOM];[warn];[crit];[min];[max]"""


@EVERY
@pytest.mark.parametrize("language", ["en", "fr"])
def test_nagios_reads_it(seen: Report, language: str) -> None:
    text = nagios(seen, catalogue(language))
    first, *more = text.removesuffix("\n").split("\n")
    words, data = first.split(" | ")
    assert re.match(r"COZY (OK|WARNING|CRITICAL|UNKNOWN) - .", words)
    assert all(re.fullmatch(DATUM, one) for one in data.split())
    assert not any("|" in line or not line for line in more)
    assert len(text.encode()) <= LIMIT


@EVERY
def test_nagios_numbers_are_what_nagiosplugin_writes(seen: Report) -> None:
    data = nagios(seen, ENGLISH).splitlines()[0].partition(" | ")[2]
    for datum in data.split():
        match = re.fullmatch(r"(\w+)=([0-9.]+)([a-z]*);([^;]*);([^;]*);([^;]*)(?:;(.*))?", datum)
        assert match is not None, datum
        label, value, unit, warning, critical, least, most = match.groups()
        assert str(Performance(label, value, unit, warning, critical, least, most)) == datum


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


@EVERY
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_it(seen: Report) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=prometheus(seen), capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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


# --- the schema that Jenkins' xUnit plugin holds JUnit files against (junit-10.xsd), its rules for what we write

CHILDREN = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "system-out": set(), "failure": set(),
            "testcase": {"skipped", "error", "failure", "system-out"}, "error": set(), "skipped": set()}  # fmt: skip
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}}
ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id",
                  "package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"type", "message"}, "system-out": set(),
}  # fmt: skip
SUREFIRE_TIME = r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?"


@EVERY
def test_jenkins_takes_it(seen: Report) -> None:
    for element in ET.fromstring(junit(seen, ENGLISH).encode()).iter():  # noqa: S314  it is our own
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert REQUIRED.get(element.tag, set()) <= element.attrib.keys() <= ALLOWED[element.tag]
        if element.tag in ("testsuites", "testsuite"):
            assert re.fullmatch(SUREFIRE_TIME, element.attrib["time"])
