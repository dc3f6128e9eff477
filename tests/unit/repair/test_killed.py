"""SIGKILL at each step of a repair: the journal, the budget and the lock are right in the next run.

Each run is a process of its own, on a simulated server; `tests/e2e/test_fix_killed.py` does it on a real one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.config.values import Repair
from cozydiag.repair.act import KIND, LOCK
from cozydiag.repair.ledger import Ledger
from cozydiag.state import Lock, open_state
from cozydiag.testing.machine import FakeClock
from scripts.laboratory.killed import GATED, IN_VAIN, POINTS

ROOT = Path(__file__).parents[3]
SERVICE = "simulated:home"


def run(folder: Path, point: str = "-", kind: str = "mends") -> int:
    line = [sys.executable, "-m", "scripts.laboratory.killed", str(folder), point, kind]
    return subprocess.run(line, cwd=ROOT, timeout=60, check=False).returncode


def read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def results(folder: Path) -> list[str | None]:
    with closing(open_state(str(folder / "state"))) as state:
        return [entry.result and entry.result["result"] for entry in state.entries(KIND)]


def unproven(folder: Path) -> int:
    with closing(open_state(str(folder / "state"))) as state:
        assert state.notes == ()
        lock = state.lock(LOCK)
        assert isinstance(lock, Lock)
        with lock:
            return Ledger(state, FakeClock()).unproven(SERVICE, Repair())


def test_these_are_all_the_steps(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    assert read(tmp_path / "points") == list(POINTS)
    (tmp_path / "points").unlink()
    assert run(tmp_path) == 0  # it is broken anew on the simulated server, and was restarted just now
    assert read(tmp_path / "points") == list(GATED)
    other = tmp_path / "other"
    other.mkdir()
    assert run(other, kind="in vain") == 0
    assert read(other / "points") == list(IN_VAIN)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step_of_a_restart_that_helps(tmp_path: Path, point: str) -> None:
    intended = POINTS.index(point) >= POINTS.index("after the intent")
    asked = POINTS.index(point) >= POINTS.index("after it was asked")
    known = POINTS.index(point) >= POINTS.index("after the result")
    assert run(tmp_path, point) == -signal.SIGKILL
    assert read(tmp_path / "restarts") == ["restart home"] * asked
    assert results(tmp_path) == [("verified" if known else None)] * intended
    assert unproven(tmp_path) == intended
    (tmp_path / "points").unlink()
    assert run(tmp_path) == 0  # the simulated server is broken again: what was begun counts, and is told as it is
    assert results(tmp_path) == (["verified" if known else "unknown"] if intended else ["verified"])
    assert unproven(tmp_path) == 1
    assert len(read(tmp_path / "restarts")) == 1 if asked or not intended else read(tmp_path / "restarts") == []


@pytest.mark.parametrize("point", IN_VAIN[8:])
def test_killed_at_each_step_after_a_restart_in_vain(tmp_path: Path, point: str) -> None:
    refuted = IN_VAIN.index(point) >= IN_VAIN.index("after the refutation is written")
    assert run(tmp_path, point, "in vain") == -signal.SIGKILL
    assert results(tmp_path) == ["failed" if refuted else "verified"]
    assert run(tmp_path, kind="in vain") == 0
    assert unproven(tmp_path) == 1
    assert read(tmp_path / "restarts") == ["restart home"]


@pytest.mark.parametrize("point", GATED)
def test_killed_at_each_step_where_a_gate_is_closed(tmp_path: Path, point: str) -> None:
    assert run(tmp_path) == 0
    assert run(tmp_path, point) == -signal.SIGKILL
    assert (results(tmp_path), unproven(tmp_path)) == (["verified"], 1)
    assert run(tmp_path) == 0
    assert (results(tmp_path), read(tmp_path / "restarts")) == (["verified"], ["restart home"])
