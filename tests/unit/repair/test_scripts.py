"""Init scripts and cozy-monitor: command lines that prove nothing, so that only what is there counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cozydiag.host import Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.managers.scripts import Script
from cozydiag.managers.service import Life, Service
from cozydiag.testing import HANGS, FakeHost, Machine

SCRIPT = Script(lambda unit, verb: (f"/etc/init.d/{unit}", verb))
NGINX = Service("sysv", "nginx", "proxy", ("127.0.0.1", 80))
DAEMON = Service("sysv", "supervisor", "supervisor")


def process(pid: int, name: str, state: str = "S", started: float = 0.0) -> Process:
    return Process(pid, 1, state, name, started, (name,), 0)


def life(service: Service, machine: Machine) -> Life | Failure:
    return SCRIPT.life(FakeHost(machine), service)


def test_it_runs_where_somebody_listens() -> None:
    assert life(NGINX, Machine(listening={80: 700, 443: 800})) == Life(True, 700, "listens on port 80", busy=True)


def test_it_runs_where_somebody_listens_whom_nobody_can_see() -> None:
    assert life(NGINX, Machine(listening={80: 0})) == Life(True, 0, "listens on port 80", busy=True)


def test_it_does_not_run_where_nobody_listens() -> None:
    """Whatever the process in its pid file is."""
    found = life(NGINX, Machine(listening={443: 800}, processes=(process(700, "nginx"),)))
    assert found == Life(False, 0, "nothing listens on port 80", busy=True)


@pytest.mark.parametrize("name", ["supervisor", "supervisord"])
def test_without_a_place_it_is_known_by_its_name(name: str) -> None:
    found = life(DAEMON, Machine(processes=(process(40, "cron"), process(50, name))))
    assert found == Life(True, 50, f"runs as {name}", busy=True)


def test_of_several_the_first_that_was_started_counts() -> None:
    """Numbers start anew: a worker can have a lower one than its master."""
    several = (process(40, "supervisord", started=9.0), process(50, "supervisord", started=3.0))
    assert life(DAEMON, Machine(processes=several)) == Life(True, 50, "runs as supervisord", busy=True)


def test_a_process_that_has_ended_does_not_run() -> None:
    zombies = (process(40, "supervisord", "Z"), process(50, "supervisor", "Z", started=1.0))
    assert life(DAEMON, Machine(processes=zombies)) == Life(False, 0, "no process is called supervisor", busy=True)
    alive = (*zombies, process(60, "supervisord", started=2.0))
    assert life(DAEMON, Machine(processes=alive)) == Life(True, 60, "runs as supervisord", busy=True)


@pytest.mark.parametrize("code", [0, 1, 3, 7])
def test_its_exit_code_is_not_believed(code: int) -> None:
    ran: list[Sequence[str]] = []

    def nginx(argv: Sequence[str]) -> Completed:
        ran.append(argv)
        return Completed(code, b"Starting nginx: nginx failed!\n", b"")

    assert SCRIPT.ask(FakeHost(Machine(commands={"nginx": nginx})), NGINX, "restart") is None
    assert ran == [("/etc/init.d/nginx", "restart")]


@pytest.mark.parametrize("failure", [HANGS, Failure("missing", "no nginx")])
def test_a_script_that_cannot_be_run_or_does_not_end_is_a_failure(failure: Failure) -> None:
    asked = FakeHost(Machine(commands={"nginx": failure}), 5.0)
    assert SCRIPT.ask(asked, NGINX, "start") == failure
    assert asked.clock.monotonic() <= 5
