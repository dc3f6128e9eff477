"""Help for those who write checks: a machine made of tables, and the contract that every check meets.

from cozydiag.testing import FakeHost, Machine, contract, run_check

def test_it_sees_a_dead_server() -> None:
    findings = run_check(mycheck, FakeHost(Machine()), Stack(Config()))
    assert [finding.code for finding in findings] == ["mine.down"]
"""

from __future__ import annotations

from cozydiag.testing.contract import DEAD, STRANGE, contract
from cozydiag.testing.host import FakeHost
from cozydiag.testing.machine import (
    HANGS,
    MISSING,
    REFUSED,
    FakeClock,
    Machine,
    Request,
    Served,
    answer,
    recorded,
)
from cozydiag.testing.running import results, run_check
from cozydiag.testing.supervisord import FakeSupervisord, process_info

__all__ = [
    "DEAD", "HANGS", "MISSING", "REFUSED", "STRANGE", "FakeClock", "FakeHost", "FakeSupervisord", "Machine", "Request",
    "Served", "answer", "contract", "process_info", "recorded", "results", "run_check",
]  # fmt: skip
