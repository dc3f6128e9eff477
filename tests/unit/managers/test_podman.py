"""podman: its recorded states, by its program and by its socket, each user's apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.schema import build
from cozydiag.host import Answer, Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.managers.containers import container, stamp
from cozydiag.managers.podman import Podman
from cozydiag.managers.service import Condition, Home, Service
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.testing import HANGS, FakeClock, FakeHost, Machine, Request, answer

RECORDINGS = Path(__file__).parents[2] / "recordings/podman"
INSPECTED = json.loads((RECORDINGS / "inspect.json").read_text())
ROWS = json.loads((RECORDINGS / "ps.json").read_text())
MOMENT = stamp("2026-11-21T09:08:44.5Z") or 0.0
ROOT = {"/run/libpod": b"", "/var/lib/containers/storage": b""}
ANN = Home("ann", 1000, "/home/ann")


class FakeProgram:
    """The podman on the machine. ``then`` happens to a container that is acted on."""

    def __init__(self, *containers: dict[str, Any]) -> None:
        self.containers = [dict(one) for one in containers or INSPECTED]
        self.calls: list[tuple[str, ...]] = []
        self.then: Callable[[dict[str, Any]], object] = lambda container: None
        self.code = 0
        self.systemctl: Callable[[Sequence[str]], Completed] = lambda argv: Completed(0, b"", b"")

    def __call__(self, argv: Sequence[str]) -> Completed | Failure:
        self.calls.append(tuple(argv))
        words = list(argv[argv.index("podman") + 1 :])
        if words[0] == "ps":
            known = {one["Id"] for one in self.containers}
            return Completed(0, json.dumps([row for row in ROWS if row["Id"] in known], indent=1).encode(), b"")
        names = words[words.index("--") + 1 :]
        found = [one for one in self.containers if any(name in (one["Name"], one["Id"][: len(name)]) for name in names)]
        if words[0] == "inspect":
            code, said = (0, b"") if len(found) == len(names) else (125, b'Error: no such object: "x"\n')
            return Completed(code, json.dumps(found).encode(), said)
        if words[0] == "logs":
            return Completed(0, b"out 1\n", b"\x1b[31merr 1\n")
        for one in found:
            self.then(one)
        return Completed(self.code, b"", b"Error: crun: not found\n" if self.code else b"")


def machine(program: object, **changes: Any) -> Machine:
    commands = {"podman": program, "runuser": program}
    return Machine(**{"commands": commands, "files": ROOT, "clock": FakeClock(MOMENT), **changes})


def states(podman: Podman, there: Machine) -> dict[str, Condition]:
    found = podman.services(FakeHost(there))
    assert not isinstance(found, Failure), found
    return {one.service.unit: one for one in found}


def check(found: dict[str, Condition]) -> None:
    assert {name: str(one.state) for name, one in found.items()} == {
        "ok": "running",
        "hc": "hung",
        "exited1": "failed",
        "restarting": "crash-looping",
    }
    assert found["restarting"].restarts == 8
    assert found["hc"].why == "unhealthy"
    assert found["exited1"].exit_code == 1


def test_every_recorded_state_by_its_program() -> None:
    program = FakeProgram()
    check(states(Podman(), machine(program)))
    assert [call[1] for call in program.calls] == ["ps", "inspect"]


def rest(request: Request) -> Answer:
    path = request.target.partition("?")[0].removeprefix("/v4.0.0/libpod/containers/")
    if path == "json":
        return answer(200, json.dumps(ROWS))
    found = [one for one in INSPECTED if one["Id"] == path.partition("/")[0]]
    return answer(200, json.dumps(found[0])) if found else answer(404, '{"message": "no such container"}')


def test_every_recorded_state_by_its_socket() -> None:
    server = Process(70, 1, "S", "podman", 1.0, ("/usr/bin/podman", "system", "service"), 0)
    there = machine(Failure("missing", "no podman"), sockets={"/run/podman/podman.sock": rest}, processes=(server,))
    found = [one for one in Stack(Config()).managers(FakeHost(there)) if isinstance(one, Podman)]
    check(states(found[0], there))


def test_a_socket_without_its_service_is_not_touched() -> None:
    program = FakeProgram()
    there = machine(program, sockets={"/run/podman/podman.sock": rest}, files={**ROOT, "/run/podman/podman.sock": b""})
    found = [one for one in Stack(Config()).managers(FakeHost(there)) if isinstance(one, Podman)]
    check(states(found[0], there))
    assert not there.requests


def test_between_two_restarts_it_says_exited() -> None:
    dying = dict(next(one for one in INSPECTED if one["Name"] == "restarting"))
    dying["State"] = {**dying["State"], "Status": "exited", "Running": False, "Pid": 0, "ExitCode": 3}
    assert states(Podman(), machine(FakeProgram(dying)))["restarting"].state == "crash-looping"
    assert states(Podman(), machine(FakeProgram(dying), clock=FakeClock(MOMENT + 900)))["restarting"].state == "failed"


def test_health_that_nobody_looks_at_is_no_start() -> None:
    unseen = dict(next(one for one in INSPECTED if one["Name"] == "hc"))
    unseen["State"] = {**unseen["State"], "Health": {"Status": "starting", "FailingStreak": 0, "Log": None}}
    assert states(Podman(), machine(FakeProgram(unseen)))["hc"].state == "running"


def test_after_a_reboot() -> None:
    found = states(Podman(), machine(FakeProgram()))
    line = "systemctl enable podman-restart.service"
    assert (found["restarting"].boot, found["restarting"].boot_line) == (False, line)
    unit = "/etc/systemd/system/default.target.wants/podman-restart.service"
    assert states(Podman(), machine(FakeProgram(), files={**ROOT, unit: b""}))["restarting"].boot is True


def test_users_are_kept_apart() -> None:
    program = FakeProgram()
    pause = Process(90, 1, "S", "podman pause", 1.0, (), 1000)
    files = {
        **ROOT,
        "/etc/passwd": b"root:x:0:0::/root:\nann:x:1000:1000::/home/ann:\nbob:x:1001:1001::/home/bob:\n",
        "/home/ann/.local/share/containers/storage": b"",
        "/run/user/1000/libpod/tmp/pause.pid": b"90",
    }
    there = machine(program, files=files, processes=(pause,))
    found = {one.user: one for one in Stack(Config()).managers(FakeHost(there)) if isinstance(one, Podman)}
    assert set(found) == {None, "ann"}
    assert states(found["ann"], there)["ok"].service.address == "podman@ann:ok"
    assert program.calls[0][:5] == ("runuser", "-u", "ann", "--", "podman")


@pytest.mark.parametrize(
    ("podman", "changes", "kind"),
    [
        (Podman(), {"files": {}}, "missing"),
        (Podman(home=ANN), {}, "missing"),
        (Podman(), {"uid": 1000}, "permission"),
        (Podman(home=ANN), {"uid": 1001}, "permission"),
    ],
)
def test_nothing_is_started_and_nobody_is_asked_without_right(podman: Podman, changes: Any, kind: str) -> None:
    program = FakeProgram()
    found = podman.services(FakeHost(machine(program, **changes)))
    assert isinstance(found, Failure)
    assert found.kind == kind
    assert not program.calls


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (HANGS, "timeout"),
        (Failure("missing", "no podman"), "missing"),
        (Completed(0, b"Emulate Docker CLI", b""), "protocol"),
        (Completed(0, b'{"a": 1}', b""), "protocol"),
        (Completed(125, b"", b"Error: database is locked\n"), "error"),
    ],
)
def test_instead_of_an_answer(said: object, kind: str) -> None:
    found = Podman().services(FakeHost(machine(said)))
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_without_containers() -> None:
    assert Podman().services(FakeHost(machine(Completed(0, b"[]\n", b"")))) == ()


def test_its_log_and_its_lines() -> None:
    service = Service("podman", "ok", id="ac46266068fb")
    assert Podman().log(FakeHost(machine(FakeProgram())), service, 5) == ["out 1", "err 1"]
    assert Podman().command(service, "restart") == ("podman", "restart", "ok")
    assert Podman(home=ANN).command(service, "stop") == ("runuser", "-u", "ann", "--", "podman", "stop", "ok")


def proof(program: FakeProgram, tmp_path: Path) -> Outcome:
    host, stack = FakeHost(machine(program), 600.0), Stack(Config())
    with closing(open_state(str(tmp_path / "state"))) as state:
        return act(host, stack, state, Service("podman", "hc", id="66d71330f100"), "restart")


def test_a_restart_is_proven(tmp_path: Path) -> None:
    program = FakeProgram()
    program.then = lambda one: one.update(State={**one["State"], "Pid": 777})
    outcome = proof(program, tmp_path)
    assert (outcome.result, outcome.pid_before, outcome.pid_after) == ("verified", 11670, 777)


@pytest.mark.parametrize("changes", [{}, {"Running": False, "Status": "exited", "Pid": 0, "ExitCode": 1}])
def test_a_restart_is_refuted(changes: dict[str, Any], tmp_path: Path) -> None:
    program = FakeProgram()
    program.then = lambda one: one.update(State={**one["State"], **changes})
    assert proof(program, tmp_path).result == "failed"


def test_a_restart_that_podman_refuses(tmp_path: Path) -> None:
    program = FakeProgram()
    program.code = 126
    outcome = proof(program, tmp_path)
    assert outcome.result == "failed"
    assert "not found" in str(outcome.text.params)


def owned(program: FakeProgram) -> list[tuple[str, ...]]:
    """What systemctl is asked; the container of the unit is made anew."""
    [container] = program.containers
    container["Config"] = {**container["Config"], "Labels": {"PODMAN_SYSTEMD_UNIT": "container-hc.service"}}
    asked: list[tuple[str, ...]] = []

    def systemctl(argv: Sequence[str]) -> Completed:
        asked.append(tuple(argv))
        container.update(Id="f" * 64, State={**container["State"], "Pid": 777})
        return Completed(0, b"", b"")

    program.systemctl = systemctl
    return asked


def hc() -> FakeProgram:
    return FakeProgram(next(one for one in INSPECTED if one["Name"] == "hc"))


def test_what_a_unit_starts_is_restarted_by_that_unit(tmp_path: Path) -> None:
    """podman itself would leave the unit with a process that it does not know."""
    program = hc()
    asked = owned(program)
    there = machine(program, commands={"podman": program, "systemctl": program.systemctl})
    podman = Podman()
    [found] = states(podman, there).values()
    assert (found.owner, found.boot, found.boot_line) == ("systemd:container-hc.service", None, "")
    assert podman.command(found.service, "restart") == ("systemctl", "restart", "container-hc.service")
    stack = Stack(Config())
    with closing(open_state(str(tmp_path / "state"))) as state:
        outcome = act(FakeHost(there, 600.0), stack, state, found.service, "restart")
    assert (outcome.result, outcome.pid_before, outcome.pid_after) == ("verified", 11670, 777)
    assert asked == [("systemctl", "--no-block", "restart", "container-hc.service")]
    assert not [call for call in program.calls if "restart" in call]


def test_a_users_unit_is_asked_of_his_own_systemd() -> None:
    program = hc()
    owned(program)
    pause = Process(90, 1, "S", "podman pause", 1.0, (), 1000)
    files = {**ROOT, "/run/user/1000/libpod/tmp/pause.pid": b"90"}
    podman = Podman(home=ANN)
    [found] = states(podman, machine(program, files=files, processes=(pause,))).values()
    assert found.owner == "systemd@ann:container-hc.service"
    assert podman.command(found.service, "stop") == (
        "runuser", "-u", "ann", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000", "systemctl", "--user", "stop",
        "container-hc.service",
    )  # fmt: skip


# --- what a Cozy's checks need of containers


def boxed(name: str, image: str, **changes: Any) -> dict[str, Any]:
    """One that runs, as podman 4.3 inspects it, in the network of root's podman."""
    network = {"IPAddress": "10.88.0.3", "Ports": {}, "Networks": {"podman": {"IPAddress": "10.88.0.3"}}}
    one = next(one for one in INSPECTED if one["Name"] == "ok")
    return {**one, "Id": name.ljust(64, "0"), "Name": name, "ImageName": image, "Config": {"Image": image},
            "NetworkSettings": network, **changes}  # fmt: skip


def test_addresses_and_published_ports() -> None:
    doors = {"8080/tcp": [{"HostIp": "", "HostPort": "18080"}], "6060/tcp": None}
    network = {"IPAddress": "", "Ports": doors, "Networks": {"cozy_default": {"IPAddress": "10.89.0.4"}}}
    seen = container(boxed("stack", "docker.io/cozy/cozy-stack:1.6.44", NetworkSettings=network))
    assert (seen.program, seen.addresses, seen.exposed) == ("cozy-stack", ("10.89.0.4",), (6060, 8080))
    assert seen.published == ((8080, "127.0.0.1", 18080),)
    assert container(boxed("c", "docker.io/library/couchdb:3.3")).addresses == ("10.88.0.3",)
    bare = container(next(one for one in INSPECTED if one["Name"] == "ok"))  # `--network none`
    assert (bare.addresses, bare.published, bare.volumes) == ((), (), ())


def test_volumes() -> None:
    mounts = [
        {"Type": "volume", "Name": "couch", "Source": "/var/lib/containers/storage/volumes/couch/_data",
         "Destination": "/opt/couchdb/data", "Driver": "local", "Mode": "", "Options": ["nosuid"], "RW": True},
        {"Type": "volume", "Name": "a" * 64, "Source": "/x", "Destination": "/opt/couchdb/etc", "RW": True},
        {"Type": "bind", "Source": "/srv/logs", "Destination": "/logs", "Options": ["rbind"], "RW": True},
    ]  # fmt: skip
    assert container(boxed("couchdb", "couchdb:3.3", Mounts=mounts)).volumes == (
        ("/opt/couchdb/data", "couch", True),
        ("/opt/couchdb/etc", "a" * 64, False),
        ("/logs", "/srv/logs", True),
    )


def test_ports_of_a_pod_are_not_those_of_each_container_in_it() -> None:
    doors = {
        "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
        "5984/tcp": [{"HostIp": "", "HostPort": "5984"}],
    }
    network = {"Ports": doors, "Networks": {"podman": {"IPAddress": "10.88.0.9"}}}
    redis = container(boxed("redis", "redis:7", Pod="p" * 64, NetworkSettings=network))
    assert (redis.exposed, len(redis.published)) == ((), 2)


def cozy(*containers: dict[str, Any], web: dict[str, Any] | None = None, **changes: Any) -> dict[str, tuple[str, str]]:
    """Where the Cozy in these containers is found."""

    def podman(argv: Sequence[str]) -> Completed:
        listed = "ps" in argv
        rows = [{"Id": one["Id"], "Names": [one["Name"]]} for one in containers]
        return Completed(0, json.dumps(rows if listed else containers).encode(), b"")

    there = machine(podman, web=web or {}, elsewhere=Failure("unreachable", "no route to host"), **changes)
    flavours = Stack(build(None, {})).flavours(FakeHost(there, 5.0))
    return {place.role: (place.url, place.origin) for one in flavours for place in one.places}


def test_a_cozy_is_found_at_the_addresses_of_its_containers() -> None:
    stack, couchdb = boxed("stack", "cozy/cozy-stack"), boxed("couchdb", "couchdb:3.3")
    couchdb["NetworkSettings"] = {"Networks": {"podman": {"IPAddress": "10.88.0.2"}}, "Ports": {"5984/tcp": None}}
    web = {"10.88.0.3:8080": answer(200), "10.88.0.2:5984": answer(200)}
    assert cozy(stack, couchdb, web=web) == {
        "cozy.stack": ("http://10.88.0.3:8080", "podman:stack"),
        "cozy.admin": ("", "podman:stack"),
        "couchdb": ("http://10.88.0.2:5984", "podman:couchdb"),
    }


@pytest.mark.parametrize(("mode", "url"), [("slirp4netns", ""), ("host", "http://127.0.0.1:8080")])
def test_of_a_users_containers_only_the_network_of_the_machine_is_reached(mode: str, url: str) -> None:
    files = {
        "/etc/passwd": b"ann:x:1000:1000::/home/ann:/bin/sh\n",
        "/home/ann/.local/share/containers/storage": b"",
        "/run/user/1000/libpod/tmp/pause.pid": b"77\n",
    }
    pause = Process(77, 1, "S", "catatonit", 0.0, ("catatonit", "-P"), 1000)
    stack = boxed("stack", "cozy/cozy-stack", HostConfig={"NetworkMode": mode})
    found = cozy(stack, web={"127.0.0.1:8080": answer(200)}, files=files, processes=(pause,))
    assert found["cozy.stack"][0] == url
