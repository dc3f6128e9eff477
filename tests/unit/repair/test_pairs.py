"""Two cozydiags at once, fifty times: never two acts at the same time, and none that is not in the journal."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from cozydiag.repair.act import KIND
from cozydiag.repair.budget import reset
from cozydiag.repair.ledger import Ledger
from cozydiag.state import open_state
from cozydiag.testing.machine import FakeClock

ROOT = Path(__file__).parents[3]


def begin(folder: Path) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "scripts.laboratory.pairs", str(folder)]
    return subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_at_once_fifty_times(tmp_path: Path) -> None:
    pair = [begin(tmp_path), begin(tmp_path)]
    rounds: list[list[str]] = []
    try:
        for child in pair:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for _ in range(50):
            for child in pair:
                assert child.stdin is not None
                child.stdin.write("go\n")
                child.stdin.flush()
            rounds.append([child.stdout.readline().strip() for child in pair if child.stdout is not None])
            with closing(open_state(str(tmp_path / "state"))) as state:
                reset(Ledger(state, FakeClock()), None)
                state.query("UPDATE journal SET data = json_set(data, '$.moment', json('[0, \"earlier\", 0]'))")
    finally:
        for child in pair:
            child.communicate(timeout=60)
    assert {tuple(sorted(said)) for said in rounds} <= {("acted", "busy"), ("acted", "passed")}
    assert (tmp_path / "acts").read_text().split() == ["begin", "end"] * 50
    with closing(open_state(str(tmp_path / "state"))) as state:
        assert [entry.result["result"] for entry in state.entries(KIND)] == ["verified"] * 50
