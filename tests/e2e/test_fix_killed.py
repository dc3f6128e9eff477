"""`fix --restart` on a real stack, killed at each of its steps: the next run finds all as it is, and mends the rest."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.repair.act import KIND, LOCK
from cozydiag.sandbox import Sandbox
from cozydiag.state import Lock, open_state
from scripts.laboratory.killed import AROUND, POINTS

ROOT = Path(__file__).parents[2]
SETTINGS = """
[timing]
proof = 0.2
settle = 10

[repair]
confirm = 0.1
stable = 0.2
cooldown = [0.1, 0.1, 0.1]
unproven = 1000
hourly = 1000
daily = 1000
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox.create()
    try:
        made.up()
        Path(made.folder, "fix.toml").write_text(Path(made.config).read_text().partition("[repair]")[0] + SETTINGS)
        yield made
    finally:
        made.remove()


def run(sandbox: Sandbox, folder: Path, point: str) -> int:
    line = [sys.executable, "-m", "scripts.laboratory.killed", "real", f"{sandbox.folder}/fix.toml", str(folder), point]
    return subprocess.run(line, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode


@pytest.mark.parametrize("point", [*AROUND, *POINTS])
def test_killed_at_each_step(sandbox: Sandbox, tmp_path: Path, point: str) -> None:
    sandbox.supervisor.stop("cozy-home")
    state_folder = sandbox.layout.path("state")
    with closing(open_state(state_folder)) as state:
        before = len(state.entries(KIND))
    assert run(sandbox, tmp_path, point) == -signal.SIGKILL
    steps = [*AROUND, *POINTS]
    assert (tmp_path / "points").read_text().splitlines()[-1] == point
    intended = steps.index(point) >= steps.index("after the intent")
    asked = steps.index(point) >= steps.index("after it was asked")
    known = steps.index(point) >= steps.index("after the result")
    with closing(open_state(state_folder)) as state:
        new = state.entries(KIND)[before:]
        lock = state.lock(LOCK)
        assert isinstance(lock, Lock)
        with lock:
            pass
    assert [entry.result and entry.result["result"] for entry in new] == ["verified" if known else None] * intended
    assert (sandbox.supervisor.states()["cozy-home"] in ("RUNNING", "STARTING")) is asked
    assert run(sandbox, tmp_path, "-") == 0
    with closing(open_state(state_folder)) as state:
        results = [entry.result["result"] for entry in state.entries(KIND)[before:]]
    told = (["verified"] if known else ["unknown"]) if intended else []
    assert results == (told if asked else [*told, "verified"])
    assert sandbox.supervisor.states()["cozy-home"] == "RUNNING"
