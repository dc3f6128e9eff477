"""The lab's group of managers: supervisord's states on the real program, Docker's on a stand-in of its socket, and that
a wrong answer is seen."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.command import Run
from scripts.laboratory.made import Made
from scripts.laboratory.managers import run
from scripts.laboratory.managers.cases import CASES, ELSEWHERE, MANAGERS
from scripts.laboratory.managers.scene import Scene, SceneError, Tool

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = Path(__file__).parents[2] / "scripts" / "lab"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Once, through the command itself."""
    file = tmp_path_factory.mktemp("lab") / "lab.json"
    line = [str(LAB), f"--json={file}", "--only=supervisord*", "--only=docker*"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=110)
    data = json.loads(file.read_text("utf-8"))
    return {case["id"]: {**case, "table": done.stdout + done.stderr} for case in data["cases"]}


@pytest.mark.parametrize("case", [case.id for case in CASES if case.faults[0].startswith(("supervisord", "docker"))])
def test_each_state_is_one_right_finding(lab: dict[str, Any], case: str) -> None:
    if lab[case]["skipped_why"]:
        pytest.skip(lab[case]["skipped_why"])
    assert lab[case]["right"], lab[case]["table"]


def test_every_case_can_be_made_or_says_why_not() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert set(MANAGERS) == {*run.MAKERS, *ELSEWHERE}


# -- the judge --------------------------------------------------------------------------------------------


def report(*codes: str, **results: str) -> dict[str, Any]:
    """Causes of `x:a`, and what the check on each service found."""
    return {
        "causes": [{"code": code, "service": "x:a"} for code in codes],
        "results": [
            {"id": "manager.service", "subject": f"x:{name}", "status": "fail", "findings": [{"code": code}]}
            for name, code in results.items()
        ],
    }


def scene(*reports: dict[str, Any], acts: int = 2, tool: int = 0) -> Scene:
    """``reports`` are what `status` says one after the other; ``acts`` the code of cozydiag's act."""
    said = list(reports)

    def cozydiag(*words: str) -> Run:
        return Run(0, said.pop(0), "") if words[0] == "status" else Run(acts, None, "it runs")

    daemon = {"killed": lambda: lambda: None} if len(reports) > 1 else {}
    return Scene(cozydiag, {"a": "x:a", "b": "x:b"}, {"a": Tool(lambda: tool, "restart", "x:a")}, daemon)


def judged(there: Scene | Exception, kind: str, name: str, *codes: str) -> Any:
    @contextmanager
    def made() -> Iterator[Scene]:
        if isinstance(there, Exception):
            raise there
        yield there

    case = Case("x", "managers", ("x", kind, name), tuple(Cause(code, "None") for code in codes), None)
    with Made({"x": made}) as scenes:
        return run.judged(scenes, case)


WELL = report("service.failed", a="service.failed", b="")


@pytest.mark.parametrize(
    ("seen", "name", "codes", "right"),
    [
        (WELL, "a", ("service.failed",), True),
        (WELL, "b", (), True),
        (WELL, "a", ("service.stopped",), False),
        (WELL, "a", (), False),
        (WELL, "b", ("service.failed",), False),
        (report("service.failed", "service.lost", a="service.failed"), "a", ("service.failed",), False),
        (report(a="service.failed"), "a", ("service.failed",), False),  # no cause was made of it
        (report("service.failed"), "a", ("service.failed",), False),  # nobody looked
    ],
)
def test_a_state_is_right_with_one_finding_and_one_cause(
    seen: dict[str, Any], name: str, codes: tuple[str, ...], right: bool
) -> None:
    assert (not judged(scene(seen), "state", name, *codes).judgement.problems) is right


@pytest.mark.parametrize(("tool", "acts", "right"), [(0, 2, True), (0, 0, False), (1, 2, False)])
def test_a_success_that_is_believed_is_wrong(tool: int, acts: int, right: bool) -> None:
    there = scene(WELL, tool=tool, acts=acts)
    assert (not judged(there, "act", "a").judgement.problems) is right


def test_what_is_new_without_the_daemon_is_compared() -> None:
    after = report("service.failed", "manager.down", a="service.failed")
    assert not judged(scene(WELL, after), "daemon", "killed", "manager.down").judgement.problems
    assert judged(scene(WELL, after), "daemon", "killed", "manager.hung").judgement.problems
    assert judged(scene(WELL, WELL), "daemon", "killed", "manager.down").judgement.problems


def test_what_cannot_be_had_is_skipped_and_what_breaks_is_wrong() -> None:
    assert judged(SceneError("no npm"), "state", "a") == (None, "no npm")
    assert judged(RuntimeError("it does not start"), "state", "a").judgement.problems
