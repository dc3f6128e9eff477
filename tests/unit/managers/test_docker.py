"""Docker: each recorded state, what its socket can say instead of an answer, and restarts proven and refuted."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.engine import registry
from cozydiag.host import Answer, Failure, Host, Process, World
from cozydiag.host.commands import Completed
from cozydiag.managers.containers import name_of, stamp
from cozydiag.managers.docker import Docker, plain
from cozydiag.managers.service import Condition, Service
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.testing import HANGS, REFUSED, FakeClock, FakeHost, Machine, Request, answer, run_check

SOCKET = "/run/docker.sock"
RECORDED = json.loads((Path(__file__).parents[2] / "recordings/docker/inspect.json").read_text())
MOMENT = stamp("2026-11-21T09:06:16Z") or 0.0
DAEMON = Process(400, 1, "S", "dockerd", 1_795_240_000.0, ("/usr/sbin/dockerd", "-H", "fd://"), 0)

Inspected = dict[str, Any]


def recorded(name: str) -> Inspected:
    return dict(next(one for one in RECORDED if one["Name"] == f"/{name}"))


class FakeDocker:
    """The Engine API on a socket. ``then`` changes a container when somebody acts on it."""

    def __init__(self, *containers: Inspected) -> None:
        self.containers = {one["Id"]: one for one in containers}
        self.acts: list[str] = []
        self.then: Callable[[Inspected], None] = lambda container: None
        self.refuses: Answer | None = None
        self.log = answer(200, b"")

    def __call__(self, request: Request) -> Answer | Failure:
        path = request.target.partition("?")[0]
        if path == "/containers/json":
            rows = [{"Id": one["Id"], "Names": [one["Name"]], "Labels": {}} for one in self.containers.values()]
            return answer(200, json.dumps(rows))
        _, _, name, last = path.split("/")
        found = next((one for one in self.containers.values() if one["Id"].startswith(name)), None)
        if found is None:
            return answer(404, json.dumps({"message": f"No such container: {name}"}))
        if last == "json":
            return answer(200, json.dumps(found))
        if last == "logs":
            return self.log
        self.acts.append(f"{request.method} {last}")
        self.then(found)
        return self.refuses or answer(204)


def machine(served: object, **changes: Any) -> Machine:
    usual = {"sockets": {SOCKET: served}, "files": {SOCKET: b""}, "processes": (DAEMON,), "clock": FakeClock(MOMENT)}
    return Machine(**{**usual, **changes})


def seen(*containers: Inspected) -> Condition:
    found = Docker().services(FakeHost(machine(FakeDocker(*containers))))
    assert not isinstance(found, Failure)
    return found[0]


STATES: Mapping[str, tuple[str, bool | None, int | None]] = {
    "ok": ("running", True, 0),
    "healthy": ("running", True, 0),
    "unhealthy": ("hung", True, 0),
    "hstarting": ("starting", True, 0),
    "paused": ("hung", True, 0),
    "restarting": ("crash-looping", True, 9),
    "slowloop": ("crash-looping", True, 6),
    "onfail3": ("failed", True, 3),
    "badcmd": ("failed", True, 0),
    "exited1": ("failed", False, 0),
    "exited0": ("finished", False, 0),
    "killed": ("stopped", None, 0),
    "created": ("stopped", None, 0),
}


@pytest.mark.parametrize("name", STATES)
def test_every_recorded_state(name: str) -> None:
    found = seen(recorded(name))
    assert (found.state, found.wanted, found.restarts) == STATES[name]
    assert found.service.address == f"docker:{name}"


def test_all_states_are_recorded() -> None:
    assert sorted(STATES) == sorted(one["Name"][1:] for one in RECORDED)


def test_why() -> None:
    assert seen(recorded("unhealthy")).why == "unhealthy: connect ECONNREFUSED 127.0.0.1:9104"
    assert "/nosuch" in seen(recorded("badcmd")).why
    assert seen(recorded("killed")).why == "ended by SIGKILL"
    assert seen(recorded("onfail3")).why == "exit 4, given up after 3 restarts"
    oom = recorded("exited1")
    oom["State"] = {**oom["State"], "OOMKilled": True, "ExitCode": 137}
    assert seen(oom).why == "killed: out of memory"


def test_a_long_life_after_many_restarts_is_no_loop() -> None:
    survivor = recorded("slowloop")
    survivor["State"] = {**survivor["State"], "StartedAt": "2026-11-21T09:05:40.5Z"}
    assert seen(survivor).state == "running"


def test_one_crash_in_months_is_no_loop() -> None:
    survivor = {**recorded("slowloop"), "Created": "2026-01-01T00:00:00Z"}
    survivor["State"] = {**survivor["State"], "FinishedAt": "2026-11-21T09:06:14.1Z"}
    assert seen(survivor).state == "running"


def test_stopped_by_its_owner() -> None:
    stopped = recorded("restarting")
    stopped["State"] = {**stopped["State"], "Status": "exited", "Running": False, "Restarting": False}
    found = seen(stopped)
    assert (found.state, found.wanted) == ("stopped", False)


def test_a_server_that_ended_well_is_not_finished() -> None:
    server = recorded("exited0")
    server["Config"] = {**server["Config"], "ExposedPorts": {"5984/tcp": {}}}
    assert (seen(server).state, seen(server).wanted) == ("stopped", None)


def findings(*containers: Inspected) -> list[tuple[str, str]]:
    host, stack = FakeHost(machine(FakeDocker(*containers)), 20.0), Stack(Config())
    return [(str(one.status), one.code) for one in run_check(registry.load().checks["manager.service"], host, stack)]


def test_a_job_that_failed_breaks_nothing_and_a_server_does() -> None:
    left = recorded("exited1")
    assert findings(left) == [("warn", "service.job_failed")]
    left["Config"] = {**left["Config"], "ExposedPorts": {"80/tcp": {}}}
    assert findings(left) == [("fail", "service.failed")]


def test_one_finding_for_every_state() -> None:
    found = findings(*(recorded(name) for name in STATES))
    assert sorted(found) == sorted([
        ("ok", ""), ("ok", ""), ("ok", ""),  # ok, healthy, exited0
        ("warn", "service.stuck"), ("warn", "service.stuck"),  # unhealthy, paused
        ("warn", "service.starting"), ("warn", "service.job_failed"),
        ("fail", "service.crash_loop"), ("fail", "service.crash_loop"),  # restarting, slowloop
        ("fail", "service.failed"), ("fail", "service.failed"),  # badcmd, onfail3
        ("skip", ""), ("skip", ""),  # killed, created
    ])  # fmt: skip


def test_after_a_reboot() -> None:
    assert (seen(recorded("restarting")).boot, seen(recorded("restarting")).boot_line) == (True, "")
    found = seen(recorded("ok"))
    assert (found.boot, found.boot_line) == (False, "docker update --restart unless-stopped ok")


def test_ports_and_compose() -> None:
    composed = recorded("ok")
    labels = {"com.docker.compose.project": "cozy", "com.docker.compose.service": "couchdb"}
    composed["Config"] = {**composed["Config"], "Labels": labels}
    composed["NetworkSettings"] = {"Ports": {
        "5984/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5984"}], "9100/tcp": None, "53/udp": [{"HostPort": "53"}],
    }}  # fmt: skip
    found = seen(composed)
    assert found.service.address == "docker:cozy/couchdb"
    assert found.service.place == ("127.0.0.1", 5984)
    assert Docker().command(found.service, "restart") == ("docker", "restart", composed["Id"][:12])
    labels["com.docker.compose.container-number"] = "2"
    assert name_of(composed) == "cozy/couchdb/2"


def test_compose_plays_its_role_and_has_no_port_here_that_it_does_not_publish() -> None:
    composed = recorded("ok")
    labels = {"com.docker.compose.project": "cozy", "com.docker.compose.service": "couchdb"}
    composed["Config"] = {**composed["Config"], "Labels": labels}
    host, stack = FakeHost(machine(FakeDocker(composed))), Stack(Config())
    found = [one for owned in stack.owned(host) if not isinstance(owned.services, Failure) for one in owned.services]
    assert [(one.subject, one.role, one.service.place) for one in found] == [("docker:cozy/couchdb", "couchdb", None)]


def test_environments_are_dropped_and_credentials_masked() -> None:
    told = recorded("ok")
    told["Config"] = {**told["Config"], "Env": ["COUCHDB_PASSWORD=hunter22", "COUCHDB_USER=admin", "COLOUR=mauve"]}
    host, stack = FakeHost(machine(FakeDocker(told))), Stack(Config())
    assert "mauve" not in str(stack.owned(host)) + str(host.evidence)
    kept: list[str] = []
    Docker(keep_secret=kept.append).services(FakeHost(machine(FakeDocker(told))))
    assert kept == ["hunter22"]


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (REFUSED, "refused"),
        (HANGS, "timeout"),
        (Failure("permission", "permission denied"), "permission"),
        (Failure("closed", "closed after 3 of 90 bytes"), "closed"),
        (answer(200, "<html>"), "protocol"),
        (answer(200, '{"a": 1}'), "protocol"),
        (answer(500, '{"message": "driver failed"}'), "error"),
    ],
)
def test_instead_of_an_answer(served: object, kind: str) -> None:
    found = Docker().services(FakeHost(machine(served)))
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_one_that_lists_and_then_hangs_is_one_failure() -> None:
    docker = FakeDocker(recorded("ok"), recorded("healthy"))

    def half(request: Request) -> Answer | Failure:
        return docker(request) if request.target.startswith("/containers/json") else HANGS

    found = Docker().services(FakeHost(machine(half)))
    assert isinstance(found, Failure)
    assert found.kind == "timeout"


def test_a_real_socket_file(tmp_path: Path) -> None:
    """Dead, hung and closed to this user: nobody listens, nobody answers, nobody may."""
    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        assert kind(path) == "refused"
        listening.listen(1)
        assert kind(path) == "timeout"
        if os.geteuid():
            os.chmod(path, 0)
            assert kind(path) == "permission"
    assert kind(str(tmp_path / "none.sock")) == "missing"


def kind(path: str) -> str:
    found = Docker(path).services(Host(World(), 0.3))
    assert isinstance(found, Failure)
    return found.kind


def test_shapes_that_nobody_expects() -> None:
    odd: list[Inspected] = [
        {"Id": "a" * 64, "State": {}, "Config": None, "Name": 7, "HostConfig": [], "NetworkSettings": {"Ports": []}}
    ]
    assert seen(*odd).state == "unknown"
    half = FakeDocker(recorded("ok"))
    half.containers[recorded("ok")["Id"]] = {"Id": recorded("ok")["Id"], "Name": "/ok"}
    found = Docker().services(FakeHost(machine(half)))
    assert not isinstance(found, Failure)
    assert (found[0].state, found[0].subject) == ("unknown", "docker:ok")


SYSTEMD = {"/run/systemd/system": b"", SOCKET: b""}


@pytest.mark.parametrize(("state", "kind"), [("inactive", "missing"), ("failed", "refused")])
def test_a_daemon_that_sleeps_is_not_woken(state: str, kind: str) -> None:
    asleep = machine(
        FakeDocker(recorded("ok")),
        processes=(),
        files=SYSTEMD,
        commands={"systemctl": Completed(0, f"ActiveState={state}\n".encode(), b"")},
    )
    found = Docker().services(FakeHost(asleep))
    assert isinstance(found, Failure)
    assert found.kind == kind
    assert not asleep.requests


def test_a_daemon_that_systemd_knows_to_run_is_asked() -> None:
    hidden = machine(
        FakeDocker(recorded("ok")),
        processes=(),
        files=SYSTEMD,
        commands={"systemctl": Completed(0, b"ActiveState=active\n", b"")},
    )
    assert not isinstance(Docker().services(FakeHost(hidden)), Failure)


def test_the_daemons_of_users_and_open_doors() -> None:
    mine = Process(500, 1, "S", "dockerd", 1_795_240_000.0, ("dockerd", "-H", "tcp://0.0.0.0:2375"), 1000)
    files = {SOCKET: b"", "/etc/passwd": b"ann:x:1000:1000::/home/ann:"}
    both = machine(FakeDocker(), processes=(DAEMON, mine), files=files)
    host = FakeHost(both)
    found = {one.place: one for one in Stack(Config()).managers(host) if one.name == "docker"}
    assert {place: one.user for place, one in found.items()} == {SOCKET: None, "/run/user/1000/docker.sock": "ann"}
    assert found["/run/user/1000/docker.sock"].exposed(host) == "0.0.0.0:2375"
    assert found[SOCKET].exposed(host) is None


@pytest.mark.parametrize(
    ("file", "place"),
    [
        (b'{"hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2375"]}', "0.0.0.0:2375"),
        (b'{"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": true}', None),
        (b'{"hosts": ["tcp://127.0.0.1:2375"]}', None),
        (b"{", None),
        (b"[]", None),
    ],
)
def test_doors_that_its_file_opens(file: bytes, place: str | None) -> None:
    host = FakeHost(machine(FakeDocker(), files={SOCKET: b"", "/etc/docker/daemon.json": file}))
    found = [one for one in Stack(Config()).managers(host) if one.name == "docker"]
    assert [one.exposed(host) for one in found] == [place]


def test_logs() -> None:
    docker = FakeDocker(recorded("unhealthy"))
    docker.log = answer(200, b"\1\0\0\0\0\0\0\6one\nt\n\2\0\0\0\0\0\0\x0a\x1b[31mboom\n")
    lines = Docker().log(FakeHost(machine(docker)), Service("docker", "x", id=recorded("unhealthy")["Id"][:12]), 2)
    assert lines == ["t", "boom"]
    assert plain(b"a terminal's\n") == b"a terminal's\n"
    assert plain(b"\1\0\0\0\0\0\0\xffcut") == b"cut"


def proof(docker: FakeDocker, tmp_path: Path, verb: str = "restart") -> Outcome:
    host, stack = FakeHost(machine(docker), 600.0), Stack(Config())
    container = next(iter(docker.containers.values()))
    service = Service("docker", container["Name"][1:], id=container["Id"][:12])
    with closing(open_state(str(tmp_path / "state"))) as state:
        return act(host, stack, state, service, verb)


def moved(**changes: Any) -> Callable[[Inspected], None]:
    return lambda container: container.update(State={**container["State"], **changes})


def test_a_restart_is_proven(tmp_path: Path) -> None:
    docker = FakeDocker(recorded("unhealthy"))
    docker.then = moved(Pid=9000)
    outcome = proof(docker, tmp_path)
    assert (outcome.result, outcome.pid_after) == ("verified", 9000)
    assert docker.acts == ["POST restart"]


@pytest.mark.parametrize(
    "changes",
    [
        {},  # docker says 204, and the same process is still there
        {"Running": False, "Status": "exited", "Pid": 0, "ExitCode": 1},  # `docker restart` of what exits: exit 0
        {"Restarting": True, "Status": "restarting", "Pid": 0},
        {"Status": "created", "Running": False, "Pid": 0, "Error": "exec: /nosuch: no such file"},
    ],
)
def test_a_restart_is_refuted(changes: dict[str, Any], tmp_path: Path) -> None:
    docker = FakeDocker(recorded("ok"))
    docker.then = moved(**changes)
    assert proof(docker, tmp_path).result == "failed"


def test_a_start_that_docker_refuses(tmp_path: Path) -> None:
    docker = FakeDocker(recorded("badcmd"))
    docker.refuses = answer(400, '{"message": "exec: /nosuch: no such file or directory"}')
    assert proof(docker, tmp_path, "start").result == "failed"


def test_a_container_that_is_gone(tmp_path: Path) -> None:
    docker = FakeDocker(recorded("ok"))
    docker.then = lambda container: docker.containers.clear()
    assert proof(docker, tmp_path).result == "failed"
