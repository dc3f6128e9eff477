"""The end of what does not end: only with --force, only this very process, and never of what keeps data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Repair
from cozydiag.host import Host, Process, World
from cozydiag.managers.service import Service
from cozydiag.repair import force
from cozydiag.repair.act import Occasion, act
from cozydiag.stack import Stack
from cozydiag.testing import HANGS
from tests.unit.repair.conftest import Bench

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(100)"


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[str]]:
    """A process that does not end when it is asked to."""
    child = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.communicate(timeout=10)


def test_what_does_not_end_is_killed(deaf: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(force, "_TIME", 0.2)
    assert force.end(Host(World(), 60.0), deaf.pid)
    assert deaf.wait(10) == -9


def test_what_ends_when_it_is_asked_to_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(force, "_TIME", 10.0)
    with subprocess.Popen(["/bin/sleep", "100"]) as child:
        assert force.end(Host(World(), 60.0), child.pid)
        assert child.wait(10) == -15


def test_another_process_of_the_same_number_is_left_alone(bench: Bench, deaf: subprocess.Popen[str]) -> None:
    """Between two looks it has ended, and its number was given anew."""
    lives = iter([Process(deaf.pid, 1, "S", "old", 1.0, (), 0), Process(deaf.pid, 1, "S", "new", 2.0, (), 0)])
    bench.host.process = lambda pid: next(lives)  # type: ignore[method-assign]
    assert force.end(bench.host, deaf.pid)
    assert deaf.poll() is None


@pytest.mark.parametrize(
    ("forced", "service", "ended"),
    [
        (False, Service("fake", "home", "cozy.home"), False),
        (True, Service("fake", "home", "cozy.home"), True),
        (True, Service("fake", "couchdb", "couchdb"), False),
        (True, Service("fake", "mysql"), False),
    ],
)
def test_only_with_force_and_never_what_keeps_data(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, forced: bool, service: Service, ended: bool
) -> None:
    killed: list[int] = []

    def end(_: Host, pid: int) -> bool:
        killed.append(pid)
        return True

    monkeypatch.setattr(force, "end", end)
    bench.stack = Stack(Config(repair=Repair(stateful=("mysql",))))
    bench.manager.answer = HANGS
    bench.manager.then = lambda: setattr(bench.manager, "answer", HANGS if not killed else None)
    outcome = act(bench.host, bench.stack, bench.state, service, "restart", occasion=Occasion(force=forced))
    assert (killed, outcome.result) == (([70], "verified") if ended else ([], "failed"))
    assert len(bench.manager.asked) == 1 + ended
