"""What is printed, whole: each report in each format, compared with the files in `reports/`.

After a change of words, `python tests/unit/test_reports.py` writes these files anew: read what changed.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

import cozydiag.report
from cozydiag.model import Cause, Evidence, Finding, Known, Report, Result, Status
from cozydiag.report import words
from cozydiag.report.as_json import as_json
from cozydiag.report.plain import plain
from cozydiag.report.terminal import Terminal
from cozydiag.text import Bytes, Percent, Seconds, Text, t
from cozydiag.text.catalogue import catalogue, render

EXPECTED: Final = Path(__file__).parent / "reports"
NOON: Final = 1_795_262_400.0


def result(name: str, status: Status, text: Text, **fields: Any) -> Result:
    """A result with one finding, whose fields are given as `finding`."""
    check, _, subject = name.partition(":")
    more = fields.pop("finding", {})
    code = "" if status in (Status.OK, Status.SKIP) else "test.code"
    return Result(check, subject or None, t("A test"), status, (Finding(status, code, text, **more),), **fields)


def report(verdict: Status, results: list[Result], causes: list[Cause] | None = None, **fields: Any) -> Report:
    usual: dict[str, Any] = {"privileged": True, "host": "cozy", "started_at": NOON, "seconds": 0.4321, "chain": ()}
    return Report(verdict=verdict, causes=tuple(causes or ()), results=tuple(results), **{**usual, **fields})


REACH = result(
    "couchdb.reach",
    Status.FAIL,
    t("nothing answers at {place}, the address of CouchDB: {why}", place="127.0.0.1:5984", why="connection refused"),
    finding={"role": "couchdb", "advice": t("Read its log.")},
    evidence=(Evidence("GET http://127.0.0.1:5984/", "connection refused"),),
    role="couchdb",
    seconds=0.0012,
    essential=True,
)
UP = Result("couchdb.up", None, t("CouchDB is in service"), Status.BLOCKED, blocked_by=("couchdb.reach",))
HOME = result(
    "stack.home",
    Status.FAIL,
    t("{name} answers with an error: HTTP {status} {words}", name="home", status=500, words='{"error":"ECONNREFUSED"}'),
    explained_by=("couchdb.reach",),
    role="cozy.home",
)
PROXY = result(
    "stack.proxy",
    Status.TIMEOUT,
    t("no answer within {limit}", limit=Seconds(2.0)),
    explained_by=("couchdb.reach", "stack.home"),
    role="cozy.proxy",
)
DISK = result(
    "host.disk:/",
    Status.WARN,
    t("{mount} is {percent} full: {free} left", mount="/", percent=Percent(93.4), free=Bytes(2_500_000_000)),
    finding={"role": "host", "advice": t("Make room soon.")},
    role="host",
)
PROGRAM = result(
    "supervisor.program:cozy-home",
    Status.OK,
    t("{name} has been running for {age}", name="cozy-home", age=Seconds(4000)),
    role="cozy.home",
)
NO_SUPERVISORD = result("supervisor.running", Status.SKIP, t("supervisord is not installed here"))

COUCHDB_DOWN = Cause(
    code="service.down",
    role="couchdb",
    subject=None,
    instance="couchdb.reach",
    severity=Status.FAIL,
    text=REACH.findings[0].text,
    explains=("couchdb.up", "stack.home", "stack.proxy"),
    remedy=t("Start CouchDB with the tool that owns it, then read its log if it does not stay."),
    commands=("sudo systemctl start couchdb",),
    evidence=REACH.evidence,
    certainty="certain",
    restart_helps=True,
    by_hand="curl -sS -i http://127.0.0.1:5984/",
    service="systemd:couchdb",
)
DISK_NEARLY_FULL = Cause(
    code="host.disk_nearly_full",
    role="host",
    subject="/",
    instance="host.disk:/",
    severity=Status.WARN,
    text=DISK.findings[0].text,
    explains=(),
    remedy=t("Make room soon."),
    commands=(),
    evidence=(),
    certainty="likely",
    restart_helps=False,
    by_hand="df -h /; df -i /",
    service=None,
)

HEALTHY = report(
    Status.OK,
    [PROGRAM, NO_SUPERVISORD],
    chain=(
        ("proxy", "absent"),
        ("cozy.proxy", "ok"),
        ("cozy.home", "ok"),
        ("cozy.data-system", "ok"),
        ("couchdb", "ok"),
    ),
)
BROKEN = report(
    Status.FAIL,
    [PROGRAM, REACH, UP, HOME, PROXY, DISK, NO_SUPERVISORD],
    [COUCHDB_DOWN, DISK_NEARLY_FULL],
    chain=(
        ("proxy", "ok"),
        ("cozy.proxy", "waiting"),
        ("cozy.home", "waiting"),
        ("cozy.data-system", "warn"),
        ("couchdb", "broken"),
    ),
    second_look=True,
)
BLIND = report(
    Status.UNKNOWN,
    [
        result(
            "supervisor.running",
            Status.UNKNOWN,
            t("supervisord's socket {socket} is closed to this user", socket="/run/supervisor.sock"),
            finding={"unlock": "sudo cozydiag status"},
            essential=True,
        ),
        result("my.check", Status.ERROR, t("the check itself is broken: {why}", why="KeyError: 'x'")),
        PROGRAM,
    ],
    privileged=False,
    chain=(("proxy", "unknown"), ("cozy.proxy", "ok")),
)
REMEMBERED = BROKEN._replace(
    causes=(COUCHDB_DOWN,),
    known=(Known(DISK_NEARLY_FULL, "a larger disk is ordered", t("until it changes")),),
    story=(t("{size} more on the disk", size=Bytes(5_200_000)),
           t("changed: {names}", names="/etc/nginx/nginx.conf")),
)  # fmt: skip
REPORTS: Final = {"healthy": HEALTHY, "broken": BROKEN, "blind": BLIND, "remembered": REMEMBERED}


def printed(report: Report, layout: str, language: str, symbols: words.Symbols = words.UNICODE) -> str:
    if layout == "json":
        return as_json(report)
    if layout == "text":
        return plain(report, catalogue(language), symbols=symbols)
    if layout == "verbose":
        return plain(report, catalogue(language), symbols=symbols, verbose=True)
    file = io.StringIO()
    Terminal(file, catalogue(language), symbols, width=80).show(report)
    return file.getvalue()


COMMANDS: Final = {command for one in REPORTS.values() for cause in one.causes for command in (*cause.commands,
                   cause.by_hand)}  # fmt: skip
"""They are never broken: they are there to be copied."""

KINDS: Final = [
    ("terminal", "en"), ("terminal", "fr"), ("text", "en"), ("text", "fr"), ("verbose", "en"), ("json", "en"),
]  # fmt: skip
ALL: Final = [(name, *kind) for name in REPORTS for kind in KINDS]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("name", "layout", "language"), ALL)
def test_the_whole_output(name: str, layout: str, language: str) -> None:
    expected = (EXPECTED / f"{name}.{layout}.{language}").read_text(encoding="utf-8")
    assert printed(REPORTS[name], layout, language) == expected


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_line_is_wider_than_the_terminal(name: str, language: str) -> None:
    lines = printed(REPORTS[name], "terminal", language).splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("width", [40, 50, 59])
def test_a_narrow_terminal_has_room_for_what_is_said(name: str, language: str, width: int) -> None:
    """The name of a check stands below, where it is needed, and not beside."""
    file = io.StringIO()
    Terminal(file, catalogue(language), words.UNICODE, width=width).show(REPORTS[name])
    lines = file.getvalue().splitlines()
    shown = words.counted(REPORTS[name])
    said = [render(words.what(one), catalogue(language)) for one in REPORTS[name].results if one.status not in shown]
    assert [one for one in said if not any(one[:9] in line for line in lines)] == []
    assert [line for line in lines if len(line) > width and line.strip() not in COMMANDS] == []


@pytest.mark.parametrize(("name", "layout"), [("healthy", "text"), ("broken", "text"), ("broken", "terminal")])
def test_the_fallback_draws_with_ascii(name: str, layout: str) -> None:
    assert printed(REPORTS[name], layout, "en", words.ASCII).isascii()


COLOURS = re.compile(r"\x1b\[[\d;]*m")


def coloured(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    return printed(BROKEN, "terminal", "en")


def test_colours_change_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    output = coloured(monkeypatch)
    assert "\x1b[1;31m" in output
    assert COLOURS.sub("", output) == (EXPECTED / "broken.terminal.en").read_text(encoding="utf-8")


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {code for match in COLOURS.findall(coloured(monkeypatch, NO_COLOR="1")) for code in match[2:-1].split(";")}
    assert codes <= {"0", "1", "2"}  # reset, bold and dim are no colours


# --- JSON


def schema() -> Mapping[str, Any]:
    path = Path(next(iter(cozydiag.report.__path__))) / "status-1.schema.json"
    loaded: Mapping[str, Any] = json.loads(path.read_text())
    return loaded


def flaws(data: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", REPORTS)
def test_json_fits_the_schema(name: str) -> None:
    assert flaws(json.loads(as_json(REPORTS[name]))) == []


def spoiled(path: str, value: object) -> dict[str, Any]:
    """The broken report with ``value`` put at ``path``."""
    data: Any = json.loads(as_json(BROKEN))
    *way, last = path.split(".")
    place = data
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return dict(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verdict", "fine"),
        ("started_at", "2026-11-21 12:00"),
        ("extra", 1),
        ("causes.0.extra", 1),
        ("causes.0.severity", "ok"),
        ("causes.0.service", "couchdb"),
        ("causes.0.certainty", "perhaps"),
        ("causes.0.code", "Down"),
        ("causes.0.remedy.commands", "reboot"),
        ("causes.0.message.params", {"x": None}),
        ("results.0.status", "fine"),
        ("results.0.findings.0.advice", ""),
        ("results.1.blocked_by", ["a", "a"]),
        ("seconds", -1),
    ],
)
def test_the_schema_is_strict(path: str, value: object) -> None:
    assert flaws(spoiled(path, value)) != []


# --- words from outside

EVIL = "[red]x[/red] [bold] :smile: [/] [link=http://evil]y[/link] \\[notice] {place} %s 100% <b>&amp;"


def test_markup_in_collected_text_is_printed_as_it_is() -> None:
    cause = COUCHDB_DOWN._replace(
        text=t("nothing answers at {place}, the address of CouchDB: {why}", place="P", why=EVIL),
        evidence=(Evidence("GET /", EVIL),),
        commands=(EVIL,),
        by_hand=EVIL + " ",
        remedy=t("{words}", words=EVIL),
    )
    evil = result("stack.home", Status.OK, t("{words}", words=EVIL), evidence=(Evidence("log", EVIL),))
    hostile = BROKEN._replace(causes=(cause,), results=(evil, REACH))
    for language in ("en", "fr"):
        assert printed(hostile, "verbose", language).count(EVIL) == 7
        file = io.StringIO()
        Terminal(file, catalogue(language), words.UNICODE, width=400).show(hostile, verbose=True)
        assert file.getvalue().count(EVIL) == 7
    assert flaws(json.loads(as_json(hostile))) == []
    assert json.loads(as_json(hostile))["causes"][0]["evidence"][0]["line"] == EVIL


def test_a_finding_without_advice_can_be_shown() -> None:
    bare = COUCHDB_DOWN._replace(remedy=None, commands=(), by_hand=None, evidence=(), restart_helps=None)
    report = BROKEN._replace(causes=(bare,))
    for layout in ("terminal", "text", "verbose"):
        assert "nothing answers at 127.0.0.1:5984" in printed(report, layout, "en")
    assert flaws(json.loads(as_json(report))) == []


def test_what_is_known_is_told_in_the_headline_too() -> None:
    known = Known(COUCHDB_DOWN, "", t("for good"))
    report = BROKEN._replace(verdict=Status.OK, causes=(), known=(known,))
    assert "All is well, but for 1 known problem" in printed(report, "text", "en")


def test_no_line_of_french_begins_with_its_colon() -> None:
    for width in range(40, 100):
        shown = io.StringIO()
        Terminal(shown, catalogue("fr"), words.UNICODE, width).show(REPORTS["remembered"])
        assert [line for line in shown.getvalue().splitlines() if line.lstrip()[:1] in (":", ";")] == []
        assert "\u00a0: " in shown.getvalue()


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for name, layout, language in ALL:
        (EXPECTED / f"{name}.{layout}.{language}").write_text(
            printed(REPORTS[name], layout, language), encoding="utf-8"
        )
