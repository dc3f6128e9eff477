"""What is kept of a service from run to run: whether it is well, and which life it lives."""

from __future__ import annotations

import pytest

from cozydiag.managers.service import Condition, Service
from cozydiag.managers.service import State as Is
from cozydiag.repair import observed, owners
from cozydiag.repair.plan import make
from tests.unit.repair.conftest import Bench

COUCHDB = Service("systemd", "couchdb.service", "couchdb")


@pytest.mark.parametrize(
    ("found", "well", "life"),
    [
        (Condition(COUCHDB, Is.RUNNING, since=5.0, pids=(70,), invocation="a"), True, "70"),
        (Condition(COUCHDB, Is.RUNNING, since=5.0, invocation="a"), True, "a"),  # an init script's: no main process
        (Condition(COUCHDB, Is.STOPPED, since=5.0, invocation="a"), False, ""),  # that of its last life
        (Condition(COUCHDB, Is.RUNNING), True, ""),
    ],
)
def test_what_runs_without_a_main_process_is_known_by_its_invocation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, found: Condition, well: bool, life: str
) -> None:
    monkeypatch.setattr(owners, "conditions", lambda *_: (found,))
    report = bench.report()
    [seen] = observed.services(bench.host, bench.stack, report, make(bench.host, bench.stack, report), bench.state)
    assert (seen.address, seen.well, seen.life) == ("systemd:couchdb.service", well, life)
