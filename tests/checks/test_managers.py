"""Checks of all managers of services, with managers that say what they are told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config import Config, Supervisord
from cozydiag.host import Failure, Host, Process
from cozydiag.managers import discovery
from cozydiag.managers.service import Condition, Life, Manager, Service, State, Verb
from cozydiag.model import Finding, Status
from cozydiag.stack import Stack, ownership
from cozydiag.testing import FakeHost, FakeSupervisord, Machine, process_info

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

NOW = FakeHost(Machine()).clock.now()


class FakeManager:
    """``samples`` are what it says, one each time it is asked; the last one stays."""

    place = "/run/fake.sock"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(
        self, *samples: tuple[Condition, ...] | Failure, name: str = "fake", user: str | None = None, open_at: str = ""
    ) -> None:
        self.samples = list(samples)
        self.name = name
        self.user = user
        self.open_at = open_at
        self.lines: list[str] | Failure = []
        self.wait: Callable[[], object] = lambda: None

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        self.wait()
        return self.samples.pop(0) if len(self.samples) > 1 else self.samples[0]

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        return self.lines

    def allowed(self, host: Host) -> bool:
        return False

    def exposed(self, host: Host) -> str | None:
        return self.open_at or None

    def life(self, host: Host, service: Service) -> Life | Failure:
        return Failure("error", "not asked here")

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("fakectl", verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        return None

    def patience(self, host: Host, service: Service) -> float:
        return 1.0


def one(unit: str = "app", state: State = State.RUNNING, manager: str = "fake", **more: Any) -> Condition:
    return Condition(Service(manager, unit), state, **more)


Has = Callable[..., None]


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch) -> Has:
    """What is found on the machine."""

    def set_to(*managers: Manager) -> None:
        monkeypatch.setattr(discovery, "find", lambda *_, **__: managers)

    return set_to


def look(cozy: Cozy, check: str, machine: Machine | None = None) -> Finding:
    (finding,) = cozy.look(f"manager.{check}", machine or Machine(uid=1000))
    return finding


# --- does each answer


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ((one(),), Status.OK, ""),
        ((), Status.OK, ""),
        (Failure("permission", "permission denied"), Status.UNKNOWN, "manager.permission"),
        (Failure("locked", "its password is in /etc/x, closed to this user"), Status.UNKNOWN, "manager.permission"),
        (Failure("missing", "no such file or directory"), Status.SKIP, ""),
        (Failure("refused", "connection refused"), Status.FAIL, "manager.down"),
        (Failure("timeout", "no answer in time"), Status.FAIL, "manager.hung"),
        (Failure("protocol", "the answer is not its"), Status.FAIL, "manager.answer"),
        (Failure("closed", "closed without an answer"), Status.FAIL, "manager.answer"),
        (Failure("given_up", "others waited"), Status.UNKNOWN, "manager.unasked"),
        (Failure("slow", "its list is long"), Status.UNKNOWN, "manager.slow"),
        (Failure("login", "HTTP 401"), Status.UNKNOWN, "manager.login"),
    ],
)
def test_a_manager_gives_one_clear_result(cozy: Cozy, has: Has, said: Any, status: Status, code: str) -> None:
    has(FakeManager(said, user="deploy"))
    finding = look(cozy, "answers")
    assert (finding.status, finding.code) == (status, code)


def test_a_manager_that_hangs_takes_nothing_from_the_others(has: Has) -> None:
    """They are asked at the same time: here none could go on before all have begun."""
    together = threading.Barrier(3)
    managers = [FakeManager((one(),), name=name) for name in "abc"]
    for manager in managers:
        manager.wait = lambda: together.wait(10)
    has(*managers)
    seen = Stack(Config()).owned(FakeHost(Machine()))
    assert [owned.manager.name for owned in seen if not isinstance(owned.services, Failure)] == ["a", "b", "c"]


# --- its services


@pytest.mark.parametrize(
    ("found", "status", "code"),
    [
        (one(), Status.OK, ""),
        (one(state=State.FINISHED), Status.OK, ""),
        (one(state=State.STOPPED), Status.SKIP, ""),
        (one(state=State.STOPPED, wanted=False), Status.SKIP, ""),
        (one(state=State.STOPPED, wanted=True), Status.FAIL, "service.stopped"),
        (one("nginx", State.STOPPED, wanted=False), Status.SKIP, ""),
        (one("nginx", State.STOPPED), Status.FAIL, "service.stopped"),
        (one(state=State.STOPPING, pids=(7,)), Status.SKIP, ""),
        (one("nginx", State.STOPPING, pids=(7,)), Status.WARN, "service.stopping"),
        (one(state=State.DISABLED), Status.SKIP, ""),
        (one(state=State.FAILED, why="exit code 1"), Status.FAIL, "service.failed"),
        (one(state=State.CRASH_LOOPING, restarts=9), Status.FAIL, "service.crash_loop"),
        (one(state=State.CRASH_LOOPING, restarts=9, watch=True), Status.WARN, "service.watch"),
        (one(state=State.STOPPING, watch=True, restarts=9, since=NOW - 1), Status.WARN, "service.watch"),
        (one(state=State.DEGRADED, instances=(3, 4)), Status.WARN, "service.degraded"),
        (one(state=State.STARTING), Status.WARN, "service.starting"),
        (one(state=State.HUNG, words="activating"), Status.FAIL, "service.stuck"),
        (one(state=State.HUNG, words="reloading", pids=(7,)), Status.WARN, "service.stuck"),
        (one(state=State.UNKNOWN, words="???"), Status.UNKNOWN, "service.unknown"),
        (one(state=State.NO_PERMISSION), Status.UNKNOWN, "manager.permission"),
        (one(state=State.STOPPED, start_line="pm2 start /srv/app.js"), Status.FAIL, "service.lost"),
    ],
)
def test_every_state_has_its_finding(cozy: Cozy, has: Has, found: Condition, status: Status, code: str) -> None:
    has(FakeManager((found,)))
    finding = look(cozy, "service")
    assert (finding.status, finding.code) == (status, code)


def test_what_failed_is_told_with_the_line_that_says_why(cozy: Cozy, has: Has) -> None:
    manager = FakeManager((one("couchdb", State.FAILED),))
    manager.lines = ["starting", "Error: cannot open /etc/couchdb", "bye"]
    has(manager)
    finding = look(cozy, "service")
    assert finding.proof is not None
    assert finding.proof.line == "Error: cannot open /etc/couchdb"
    assert (finding.role, finding.affects, finding.service) == ("couchdb", ("couchdb",), "fake:couchdb")
    assert finding.commands == ("sudo fakectl restart couchdb",)


def test_a_restart_that_would_meet_the_same_fault_is_not_advised(cozy: Cozy, has: Has) -> None:
    has(FakeManager((one(state=State.FAILED, hopeless=True),)))
    finding = look(cozy, "service")
    assert (finding.restart_helps, finding.commands) == (False, ())


def test_what_needs_another_role_waits_for_it(cozy: Cozy, has: Has) -> None:
    manager = FakeManager((one("cozy-home", State.FAILED),))
    manager.lines = ["Error: connect ECONNREFUSED 127.0.0.1:9101"]
    has(manager)
    assert look(cozy, "service").waits_for == ("cozy.data-system",)


def young(restarts: int = 5, **more: Any) -> Condition:
    return one(**{"since": NOW - 2, "pids": (70,), "restarts": restarts, **more})


@pytest.mark.parametrize(
    ("later", "status"),
    [
        (young(), Status.OK),
        (young(6), Status.FAIL),
        (young(pids=(71,)), Status.FAIL),
        (young(state=State.FAILED), Status.FAIL),
        (one(state=State.STOPPED, restarts=5), Status.SKIP),
    ],
)
def test_a_crash_loop_that_looks_healthy_is_seen_in_a_second_sample(
    cozy: Cozy, has: Has, later: Condition, status: Status
) -> None:
    has(FakeManager((young(),), (later,)))
    assert look(cozy, "service").status is status


@pytest.mark.parametrize("first", [young(0), young(since=NOW - 4000), one(restarts=5)])
def test_nothing_is_looked_at_twice_without_a_reason(cozy: Cozy, has: Has, first: Condition) -> None:
    manager = FakeManager((first,), ())
    has(manager)
    assert look(cozy, "service").status is Status.OK
    assert len(manager.samples) == 1


@pytest.mark.parametrize(("age", "code"), [(5, "service.starting"), (60, "service.not_listening")])
def test_a_service_that_runs_and_does_not_listen(cozy: Cozy, has: Has, age: int, code: str) -> None:
    has(FakeManager((one("couchdb", since=NOW - age, pids=(70,)),)))
    finding = look(cozy, "service")
    assert (finding.code, finding.role) == (code, "couchdb")


def test_a_port_that_the_kernel_passes_on_to_a_container_is_listened_on(cozy: Cozy, has: Has) -> None:
    has(FakeManager((one("couchdb", since=NOW - 60, pids=(70,)),)))
    assert look(cozy, "service", Machine(web=cozy.web())).status is Status.OK


def test_the_failed_unit_is_the_cause_of_what_its_port_does_not_answer(cozy: Cozy, has: Has) -> None:
    """Two ways of seeing one fault are one cause."""
    has(FakeManager((one("couchdb.service", State.FAILED, "systemd", why="exit code 1"),), name="systemd"))
    programs = [process_info(name) for name in ("cozy-controller", "cozy-data-system", "cozy-home", "cozy-proxy")]
    down = {"127.0.0.1:5984": Failure("refused", "connection refused")}
    listening = {80: 700, 9002: 600, 9101: 601, 9103: 602, 9104: 603}
    machine = cozy.machine(web=down, supervisord=FakeSupervisord(programs), listening=listening)
    causes = [cause for cause in cozy.examine(machine).causes if cause.role == "couchdb"]
    assert [(cause.code, cause.service) for cause in causes] == [("service.failed", "systemd:couchdb.service")]
    assert "couchdb.reach" in causes[0].explains


# --- who else is there


def process(pid: int, ppid: int = 1, name: str = "node", **more: Any) -> Process:
    return Process(pid, ppid, "S", name, NOW - 100, (name, "server.js"), 0, **more)


def held(*processes: Process, pid: int = 70, files: dict[str, bytes] | None = None) -> Machine:
    """Process ``pid`` listens where home should."""
    return Machine(listening={9103: pid}, processes=processes, files=files or {})


def test_a_process_on_a_services_port_that_its_manager_does_not_own_is_an_orphan(cozy: Cozy, has: Has) -> None:
    has(FakeManager((one("cozy-home", State.FAILED),)))
    finding = look(cozy, "orphans", held(process(70)))
    assert (finding.code, finding.role) == ("service.orphan", "cozy.home")
    assert finding.by_hand == "ps -fp 70"


@pytest.mark.parametrize(
    ("processes", "pids"),
    [
        ((process(70),), (70,)),
        ((process(70, 60), process(60)), (60,)),
        ((process(70, 60), process(60, 50), process(50)), (50,)),
        ((process(70), process(80, 70)), (80,)),  # PM2's cluster mode: the daemon holds the port for them
        ((process(70, 60, "docker-proxy"), process(60, 1, "dockerd")), (90,)),
    ],
)
def test_what_belongs_to_its_manager_is_no_orphan(
    cozy: Cozy, has: Has, processes: tuple[Process, ...], pids: tuple[int, ...]
) -> None:
    has(FakeManager((one("cozy-home", pids=pids),)))
    assert look(cozy, "orphans", held(*processes)).status is Status.OK


@pytest.mark.parametrize(
    ("group", "status"), [(b"0::/system.slice/cozy-home.service\n", Status.OK), (b"0::/init.scope\n", Status.WARN)]
)
def test_a_unit_made_of_an_init_script_knows_no_process(cozy: Cozy, has: Has, group: bytes, status: Status) -> None:
    has(FakeManager((one("cozy-home.service", manager="systemd"),), name="systemd"))
    machine = held(process(70), files={"/proc/70/cgroup": group})
    assert look(cozy, "orphans", machine).status is status


@pytest.mark.parametrize(
    ("group", "code"),
    [
        (b"0::/system.slice/cozy-home.service\n", ""),
        (b"0::/system.slice/supervisor.service\n", "service.orphan"),  # left behind by a killed supervisord
        (b"0::/\n", "service.orphan"),
    ],
)
def test_what_process_1_has_taken_over_is_an_orphan_unless_a_unit_holds_it(
    cozy: Cozy, has: Has, group: bytes, code: str
) -> None:
    has(FakeManager(()))
    assert look(cozy, "orphans", held(process(70), files={"/proc/70/cgroup": group})).code == code


def test_without_any_manager_everybody_is_on_his_own(cozy: Cozy, has: Has) -> None:
    has()
    assert look(cozy, "orphans", held(process(70))).status is Status.OK


def test_a_service_of_two_managers_is_told(cozy: Cozy, has: Has) -> None:
    has(
        FakeManager((one("couchdb.service", State.FAILED, "systemd", wanted=True),), name="systemd"),
        FakeManager((one("couchdb", manager="docker"),), name="docker"),
    )
    finding = look(cozy, "owners")
    assert (finding.code, finding.role) == ("service.two_owners", "couchdb")
    assert finding.proof == ("systemd:couchdb.service", "docker:couchdb")


@pytest.mark.parametrize("idle", [State.STOPPED, State.DISABLED])
def test_a_second_owner_that_rests_is_none(cozy: Cozy, has: Has, idle: State) -> None:
    has(
        FakeManager((one("couchdb.service", idle, "systemd"),), name="systemd"),
        FakeManager((one("couchdb", manager="docker"),), name="docker"),
    )
    assert look(cozy, "owners").status is Status.OK


def test_a_container_and_the_unit_that_starts_it_are_one_owner(cozy: Cozy, has: Has) -> None:
    has(
        FakeManager((one("couchdb.service", manager="systemd"),), name="systemd"),
        FakeManager((one("couchdb", manager="podman", owner="systemd:couchdb.service"),), name="podman"),
    )
    assert look(cozy, "owners").status is Status.OK


@pytest.mark.parametrize(("inet", "place"), [("port=*:9001", "*:9001"), ("port=*:9001\nusername=a\npassword=b", "")])
def test_the_main_supervisord_takes_orders_from_all_without_discovery_too(cozy: Cozy, inet: str, place: str) -> None:
    conf = f"[unix_http_server]\nfile=/srv/s.sock\n[inet_http_server]\n{inet}\n".encode()
    machine = Machine(files={"/srv/s.conf": conf}, sockets={"/srv/s.sock": FakeSupervisord([process_info("home")])})
    config = Config(discover=False, supervisord=Supervisord("/srv/s.sock", "/srv/s.conf"))
    (finding,) = cozy.look("manager.exposed", machine, config)
    assert (finding.code, finding.proof) == (("manager.exposed", ("supervisord", place)) if place else ("", None))


def test_a_manager_that_obeys_everybody_is_told(cozy: Cozy, has: Has) -> None:
    has(FakeManager((), name="strongpm", open_at="*:8701"), FakeManager((), name="pm2"))
    finding = look(cozy, "exposed")
    assert (finding.code, finding.proof) == ("manager.exposed", ("strongpm", "*:8701"))


def test_a_service_in_a_terminal_is_told(cozy: Cozy, has: Has) -> None:
    has()
    assert look(cozy, "terminal", held(process(70, terminal=True))).code == "service.terminal"
    assert look(cozy, "terminal", held(process(70))).status is Status.OK


@pytest.mark.parametrize(
    ("name", "trace"), [("openrc", "/run/openrc/softlevel"), ("runit", "/run/runit"), ("s6", "/run/s6")]
)
def test_managers_that_nobody_can_ask_are_named(cozy: Cozy, has: Has, name: str, trace: str) -> None:
    has()
    finding = look(cozy, "known", Machine(files={trace: b""}))
    assert (finding.code, dict(finding.text.params)["name"]) == ("manager.unknown", name)


# --- names


@pytest.mark.parametrize(
    ("word", "units"),
    [
        ("nginx", ["nginx.service"]),
        ("nginx.service", ["nginx.service"]),
        ("systemd:nginx", ["nginx.service"]),
        ("api", ["api", "api"]),
        ("pm2:api", ["api", "api"]),
        ("#1", ["api"]),
        ("pm2@ann:#0", ["api"]),
        ("web_00", ["web:web_00"]),
        ("supervisord:web:web_00", ["web:web_00"]),
        ("ngin", []),
        ("", []),
    ],
)
def test_a_name_means_what_it_fits(word: str, units: list[str]) -> None:
    apps = [Condition(Service("pm2", "api", user="ann", id=number), State.RUNNING) for number in "01"]
    others = [one("nginx.service", manager="systemd"), one("web:web_00", manager="supervisord")]
    said = (tuple(apps), tuple(others), Failure("refused", "connection refused"))
    seen = [ownership.Owned(FakeManager(()), services) for services in said]
    assert [found.service.unit for found in ownership.named(seen, word)] == units
