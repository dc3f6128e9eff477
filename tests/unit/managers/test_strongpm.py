"""StrongLoop PM: recorded lists replayed at chosen moments, passwords, open doors, restarts proven and refuted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cozydiag.config import Config
from cozydiag.host import Answer, Failure, Process
from cozydiag.managers.containers import stamp
from cozydiag.managers.service import Condition, Service, Surroundings
from cozydiag.managers.strongpm import StrongPM, find
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.testing import HANGS, REFUSED, FakeClock, FakeHost, Machine, Request, answer

RECORDINGS = Path(__file__).parents[2] / "recordings/strongpm"
PLACE = "127.0.0.1:8701"
DURING = stamp("2026-11-21T08:41:02.5Z") or 0.0
DAEMON = Process(28434, 1, "S", "node", 100.0, ("node", "/usr/lib/node_modules/strong-pm/bin/sl-pm.js"), 0)


def recorded(name: str) -> list[dict[str, Any]]:
    return list(json.loads((RECORDINGS / f"{name}.json").read_text()))


class FakePM:
    """Its REST API, as far as it is asked. ``then`` happens when somebody acts."""

    def __init__(self, processes: str = "processes", instances: str = "instances", login: str = "") -> None:
        self.services = recorded("services")
        self.instances = recorded(instances)
        self.processes = recorded(processes)
        self.login = login
        self.acts: list[str] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self, request: Request) -> Answer:
        if self.login and request.header("Authorization") != self.login:
            return answer(401, "401 Unauthorized\n")
        path, _, query = unquote(request.target).removeprefix("/api/").partition("?")
        if request.method == "POST":
            self.acts.append(path)
            self.then()
            return answer(200, '[{"response": {"message": "re-starting..."}}]')
        if path == "ServiceProcesses":
            wanted = json.loads(query.removeprefix("filter="))
            living = "where" in wanted
            return self.give([one for one in self.processes if not living or one["stopTime"] is None])
        if path.endswith("/instances"):
            return self.give([one for one in self.instances if f"Services/{one['serverServiceId']}/instances" == path])
        lists = {"Services": self.services, "ServiceInstances": self.instances}
        return self.give(lists[path]) if path in lists else answer(404, '{"error": {"message": "no such thing"}}')

    def give(self, rows: list[dict[str, Any]]) -> Answer:
        return answer(200, json.dumps(rows))

    def alive(self) -> tuple[Process, ...]:
        return tuple(
            Process(one["pid"], one["parentPid"], "S", "node", 100.0, ("node",), 0)
            for one in self.processes
            if one["stopTime"] is None
        )


def machine(pm: object, now: float = DURING, **changes: Any) -> Machine:
    alive = pm.alive() if isinstance(pm, FakePM) else ()
    return Machine(**{"web": {PLACE: pm}, "processes": (DAEMON, *alive), "clock": FakeClock(now), **changes})


def states(pm: FakePM, now: float = DURING) -> dict[str, Condition]:
    found = StrongPM().services(FakeHost(machine(pm, now)))
    assert not isinstance(found, Failure), found
    return {one.service.unit: one for one in found}


def test_one_that_runs_and_one_that_crashes() -> None:
    found = states(FakePM())
    assert {name: str(one.state) for name, one in found.items()} == {"my-app": "running", "crash-app": "crash-looping"}
    running, crashing = found["my-app"], found["crash-app"]
    assert (running.pids, running.instances, running.service.place) == ((24524,), (1, 1), ("127.0.0.1", 3001))
    assert (crashing.restarts, crashing.exit_code, crashing.instances) == (6, 1, (0, 1))


def test_a_crash_loop_in_the_moment_of_its_worker() -> None:
    pm = FakePM()
    last = pm.processes[-1]
    last["stopTime"], last["stopReason"] = None, ""
    assert states(pm)["crash-app"].state == "crash-looping"


def test_restarts_by_hand_are_no_crash_loop() -> None:
    moment = stamp("2026-11-21T08:42:00Z") or 0.0
    pm = FakePM("processes-later")
    for one in pm.processes:  # as it was at that moment
        if (stamp(one["stopTime"]) or 0.0) > moment:
            one["stopTime"], one["stopReason"] = None, ""
    pm.processes = [one for one in pm.processes if (stamp(one["startTime"]) or 0.0) <= moment]
    found = states(pm, moment)
    assert {name: str(one.state) for name, one in found.items()} == {"my-app": "running", "crash-app": "crash-looping"}


def test_stopped_by_its_owner() -> None:
    pm = FakePM(instances="instances-stopped")
    found = states(pm)["my-app"]
    assert (found.state, found.wanted, found.words) == ("stopped", False, "not started")


def test_fewer_workers_than_wanted() -> None:
    pm = FakePM()
    pm.instances[0]["setSize"] = 4
    found = states(pm)["my-app"]
    assert (found.state, found.instances) == ("degraded", (1, 4))


def test_processes_that_are_gone_do_not_count() -> None:
    pm = FakePM()
    found = StrongPM().services(FakeHost(machine(pm, processes=(DAEMON,))))
    assert not isinstance(found, Failure)
    assert [str(one.state) for one in found] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (REFUSED, "refused"),
        (HANGS, "timeout"),
        (answer(401, "401 Unauthorized\n"), "login"),
        (answer(200, "<html>"), "protocol"),
        (answer(200, "[1, 2]"), "protocol"),
        (answer(500, '{"error": {"message": "out of order"}}'), "error"),
    ],
)
def test_instead_of_an_answer(served: object, kind: str) -> None:
    found = StrongPM().services(FakeHost(machine(served)))
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_the_password_is_used_and_shown_nowhere() -> None:
    pm = FakePM(login="Basic Y296eTpzM2NyZXQ=")
    kept: list[str] = []
    around = Surroundings(False, ("http://cozy:s3cret@127.0.0.1:8701",), keep_secret=kept.append)
    host = FakeHost(machine(pm))
    manager = find(host, around)[0]
    assert not isinstance(manager.services(host), Failure)
    assert kept == ["s3cret"]
    service = Service("strongpm", "my-app", id="1")
    shown = [manager.place, str(host.evidence), str(manager.command(service, "restart"))]
    assert "s3cret" not in "".join(shown)


def test_a_wrong_password_is_told_apart() -> None:
    host = FakeHost(machine(FakePM(login="Basic eDp5")))
    found = StrongPM(login="cozy:wrong").services(host)
    assert found == Failure("login", "http://127.0.0.1:8701 does not take this password")


@pytest.mark.parametrize(
    ("address", "login", "open_"), [("0.0.0.0", "", True), ("127.0.0.1", "", False), ("::", "x", False)]
)
def test_exposed(address: str, login: str, open_: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from cozydiag.host import Listener

    host = FakeHost(machine(FakePM(login=login)))
    monkeypatch.setattr(host, "listeners", lambda port=None: [Listener(address, 8701, 1)])
    assert StrongPM().exposed(host) == ("*:8701" if open_ else None)


def test_where_it_listens_is_read_off_its_command_line() -> None:
    elsewhere = DAEMON._replace(cmdline=("node", "/usr/bin/sl-pm", "--listen", "8765"))
    found = find(FakeHost(Machine()), Surroundings(processes=(elsewhere,)))
    assert [one.place for one in found] == ["http://127.0.0.1:8765"]
    service = Service("strongpm", "my-app", id="1")
    assert found[0].command(service, "stop") == ("slc", "ctl", "-C", "http://127.0.0.1:8765", "stop", "my-app")
    assert StrongPM().command(service, "restart") == ("slc", "ctl", "restart", "my-app")


def proof(pm: FakePM, tmp_path: Path, there: Machine) -> Outcome:
    host, stack = FakeHost(there, 600.0), Stack(Config())
    with closing(open_state(str(tmp_path / "state"))) as state:
        return act(host, stack, state, Service("strongpm", "my-app", id="1"), "restart")


def test_a_restart_is_proven(tmp_path: Path) -> None:
    pm = FakePM()
    there = machine(pm)

    def restart() -> None:
        for one in pm.processes[:2]:
            one["stopTime"] = "2026-11-21T08:41:03.000Z"
        new = {**pm.processes[0], "id": 70, "pid": 31, "parentPid": 30, "stopTime": None}
        pm.processes += [new, {**new, "id": 71, "pid": 30, "workerId": 0}]
        there.processes = (DAEMON, *pm.alive())

    pm.then = restart
    outcome = proof(pm, tmp_path, there)
    assert (outcome.result, outcome.pid_before, outcome.pid_after) == ("verified", 24524, 31)
    assert pm.acts == ["Services/1/restart"]


def test_a_restart_that_says_not_started_for_a_while_is_waited_for(tmp_path: Path) -> None:
    """As the real one does, for two seconds."""
    pm = FakePM()
    there = machine(pm)

    def restart() -> None:
        for one in pm.processes[:2]:
            one["stopTime"] = "2026-11-21T08:41:03.000Z"
        pm.instances[0].update(started=False, setSize=0)

    def serve(request: Request) -> Answer:
        if pm.acts and there.clock.passed > 2 and not pm.instances[0]["started"]:
            pm.instances[0].update(started=True, setSize=1)
            new = {**pm.processes[0], "id": 70, "pid": 31, "parentPid": 30, "stopTime": None}
            pm.processes += [new, {**new, "id": 71, "pid": 30, "workerId": 0}]
            there.processes = (DAEMON, *pm.alive())
        return pm(request)

    pm.then = restart
    there.web = {PLACE: serve}
    assert proof(pm, tmp_path, there).result == "verified"


def test_a_restart_is_refuted(tmp_path: Path) -> None:
    pm = FakePM()
    there = machine(pm)

    def restart() -> None:  # only the supervisor comes back
        pm.processes[0]["stopTime"] = "2026-11-21T08:41:03.000Z"
        there.processes = (DAEMON, *pm.alive())

    pm.then = restart
    outcome = proof(pm, tmp_path, there)
    assert (outcome.result, pm.acts) == ("failed", ["Services/1/restart"])


def test_a_restart_that_changes_nothing_is_refuted(tmp_path: Path) -> None:
    pm = FakePM()
    assert proof(pm, tmp_path, machine(pm)).result == "failed"
