"""The lab: what each fault must be called, and that the lab itself sees what is wrong with an answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cozydiag.sandbox.faults import FAULTS
from scripts.laboratory.__main__ import all_right, as_data, line, summary
from scripts.laboratory.bench import Outcome
from scripts.laboratory.cases import CASES, Case, Cause
from scripts.laboratory.command import Run
from scripts.laboratory.faults import MORE
from scripts.laboratory.formats import Taken
from scripts.laboratory.judge import Judgement, judge
from scripts.laboratory.repair import PROGRAMS, Repair, assess

LAB = Path(__file__).parents[2] / "scripts" / "lab"
HOME = Case("x", "g", ("part-stopped",), (Cause("service.stopped", "cozy.home"),), "repair")
LOOP = Case("x", "g", ("crash-loop",), (Cause("service.crash_loop", "cozy.data-system"),), "refuse")
WARNED = Case("x", "g", ("tls-no-redirect",), (Cause("redirect.missing", "proxy"),), "refuse")
HEALTHY = Case("x", "g", (), (), "nothing")
BEFORE = {program: f"{number}@1" for number, program in enumerate(PROGRAMS.values())}


OF_EACH_KIND = (
    "healthy", "freshly-started", "part-stopped", "part-fatal", "crash-loop", "part-hung", "port-taken",
    "couchdb-stopped", "couchdb-hung", "couchdb-401", "couchdb-locked-out", "couchdb-database-missing",
    "couchdb-maintenance", "data-system-waits-for-couchdb", "nginx-stopped", "nginx-stopped-newer-directive",
    "nginx-config-down", "nginx-config-disk", "wrong-upstream", "supervisor-killed", "supervisor-and-parts-down",
    "home-and-database", "home-and-nginx-config", "tls-expired", "tls-not-reloaded", "tls-wrong-key",
    "tls-apps-not-named", "port-taken-before-reload",
)  # fmt: skip
"""What the tests run, in half the time of the whole lab: `scripts/lab` alone runs the others as well."""

Lab = tuple[int, str, dict[str, Any]]

pytestmark = pytest.mark.timeout(600)  # the lab itself runs in the first test: a repair is looked at twice


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One of each kind, once, through the command itself: its exit code, its table, its file."""
    file = tmp_path_factory.mktemp("lab") / "lab.json"
    line = [str(LAB), f"--json={file}", *(f"--only={name}" for name in OF_EACH_KIND)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=580, check=False)
    return done.returncode, done.stdout + done.stderr, json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("id", OF_EACH_KIND)
def test_exactly_what_is_broken_is_named_and_repaired(lab: Lab, id: str) -> None:
    _, table, data = lab
    [case] = [case for case in data["cases"] if case["id"] == id]
    if case["skipped_why"]:
        pytest.skip(case["skipped_why"])
    told = [row for row in table.splitlines() if f" {id} " in row]
    assert case["right"], told
    assert sorted(case["found"], key=str) == sorted(case["expected"], key=str)
    assert case["fix_right"] is not False, told
    assert not case["wrongly_touched"], told


def test_the_lab_ends_well_only_when_all_is_right(lab: Lab) -> None:
    code, table, data = lab
    wrong = [case["id"] for case in data["cases"] if case["right"] is False or case["fix_right"] is False]
    assert (code == 0) == (not wrong), table
    assert {case["id"] for case in data["cases"]} >= set(OF_EACH_KIND)
    assert data["summary"]["cases"] == len(data["cases"])
    assert data["summary"]["false_causes"] == data["summary"]["unknown"] == data["summary"]["wrongly_touched"] == 0


def test_every_case_can_be_told_apart_and_made() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert {fault for case in CASES for fault in case.faults} <= {*FAULTS, *MORE}
    assert set(FAULTS) <= {fault for case in CASES for fault in case.faults}  # the demo makes no fault unseen


def status(*causes: Cause, code: int = 2, verdict: str = "critical", result: str = "ok", stderr: str = "") -> Run:
    found = [{"code": cause.code, "role": cause.role} for cause in causes]
    results = [{"id": "host.memory", "subject": None, "status": result}]
    return Run(code, {"verdict": verdict, "causes": found, "results": results}, stderr)


STOPPED, OTHER = Cause("service.stopped", "cozy.home"), Cause("service.stopped", "couchdb")


@pytest.mark.parametrize(
    ("case", "run", "false_causes", "problem"),
    [
        (HOME, status(), 0, "not named: service.stopped of cozy.home"),
        (HOME, status(Cause("service.down", "cozy.home")), 1, "false: service.down of cozy.home"),
        (HOME, status(STOPPED, OTHER), 1, "false: service.stopped of couchdb"),
        (HOME, status(STOPPED, STOPPED), 1, "false: service.stopped of cozy.home"),
        (HOME, status(STOPPED, code=1, verdict="warning"), 0, "exit code 1 instead of 2"),
        (HOME, status(STOPPED, verdict="warning"), 0, "exit code 2 with the verdict warning"),
        (HOME, status(STOPPED, result="unknown"), 0, "not looked at: host.memory"),
        (HOME, status(STOPPED, result="error"), 0, "not looked at: host.memory"),
        (HOME, status(STOPPED, stderr="Traceback"), 0, "said on stderr: Traceback"),
        (HOME, Run(70, None, "an error"), 0, "exit code 70 and no report: an error"),
        (HEALTHY, status(code=0, verdict="ok", result="warn"), 0, "warn: host.memory"),
        (HEALTHY, status(OTHER), 1, "exit code 2 instead of 0"),
    ],
)
def test_a_wrong_answer_is_seen(case: Case, run: Run, false_causes: int, problem: str) -> None:
    judged = judge(case, run)
    assert problem in judged.problems
    assert judged.false_causes == false_causes


def test_a_right_answer_is_right() -> None:
    one, none = status(STOPPED), status(code=0, verdict="ok", result="skip")
    assert judge(HOME, one) == Judgement((STOPPED,), 0, False, (), one.report)
    assert judge(HEALTHY, none) == Judgement((), 0, False, (), none.report)


def test_what_could_not_be_looked_at_is_counted() -> None:
    assert judge(HOME, status(STOPPED, result="unknown")).unknown
    assert judge(HOME, status(code=3, verdict="unknown")).unknown


AFTER_HOME = BEFORE | {"cozy-home": "99@2"}
AFTER_COUCHDB = BEFORE | {"couchdb": "99@2"}


@pytest.mark.parametrize(
    ("case", "code", "after", "healthy", "expected"),
    [
        (HOME, 0, AFTER_HOME, True, Repair("repair", True, ())),
        (HOME, 0, AFTER_HOME, False, Repair("exit code 0", False, ())),
        (HOME, 0, AFTER_HOME | AFTER_COUCHDB | {"cozy-home": "99@2"}, True, Repair("repair", False, ("couchdb",))),
        (HOME, 2, BEFORE, False, Repair("refuse", False, ())),
        (HOME, 2, AFTER_HOME, False, Repair("in part", False, ())),
        (HOME, 0, BEFORE, True, Repair("nothing", False, ())),
        (LOOP, 2, BEFORE | {"cozy-data-system": "99@2"}, False, Repair("refuse", True, ())),
        (LOOP, 2, AFTER_COUCHDB, False, Repair("in part", False, ("couchdb",))),
        (LOOP._replace(may_touch=("couchdb",)), 2, AFTER_COUCHDB, False, Repair("in part", False, ())),
        (HEALTHY, 0, BEFORE, True, Repair("nothing", True, ())),
        (HEALTHY, 0, AFTER_HOME, True, Repair("repair", False, ("cozy-home",))),
        (WARNED, 1, BEFORE, False, Repair("refuse", True, ())),
        (WARNED, 2, BEFORE, False, Repair("exit code 2", False, ())),
        (HEALTHY, 2, {}, False, Repair("exit code 2", False, tuple(sorted(PROGRAMS.values())))),
    ],
)
def test_what_a_repair_did_is_told(
    case: Case, code: int, after: dict[str, str], healthy: bool, expected: Repair
) -> None:
    assert assess(case, Run(code, None, ""), BEFORE, after, healthy=healthy) == expected


def test_the_file_and_the_exit_code_say_the_same() -> None:
    right = Outcome(HOME, Judgement((STOPPED,), 0, False, ()), Repair("repair", True, ()), 1.0)
    wrong = Outcome(HOME, Judgement((OTHER,), 1, True, ("false",)), None, 1.0)
    unrepaired = right._replace(repair=Repair("repair", False, ("couchdb",)))
    skipped = Outcome(HOME, None, None, 0.0, "no nginx")
    unread = right._replace(taken=Taken(8, ("nagios: no output of a plugin",)))
    assert summary([right, wrong, unrepaired, skipped, unread]) == {
        "cases": 5, "right": 2, "false_causes": 1, "unknown": 1,
        "fix_cases": 3, "fix_right": 2, "repaired": 2, "rightly_refused": 0, "wrongly_touched": 1, "skipped": 1,
        "states": 1, "outputs": 8, "outputs_refused": 1,
    }  # fmt: skip
    assert "nagios: no output of a plugin" in line(unread)
    assert [all_right(some) for some in ([right], [right, skipped])] == [True, True]
    assert not any(all_right(some) for some in ([wrong], [unrepaired], [skipped], [unread], [], [right, wrong]))
    assert [line(one)[:5] for one in (right, wrong, unrepaired, skipped)] == ["ok   ", "WRONG", "FIX  ", "skip "]
    assert as_data(skipped)["skipped_why"] == "no nginx"
    assert as_data(wrong)["fix_right"] is None
    assert as_data(wrong)["fix_expected"] is None


def test_an_unknown_case_is_a_mistake() -> None:
    done = subprocess.run([LAB, "--only", "nothing-of-that-name"], capture_output=True, text=True, check=False)
    assert done.returncode not in (0, 1)
    assert "nothing-of-that-name" in done.stderr
