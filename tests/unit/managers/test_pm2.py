"""PM2: each recorded state, what its socket can say instead of an answer, what was saved, and who finds it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.host import Answer, Failure, Process
from cozydiag.managers import pm2
from cozydiag.managers.node import Place, reason
from cozydiag.managers.pm2 import PM2
from cozydiag.managers.service import Condition, Home, Life, Service, State, Surroundings
from cozydiag.testing import HANGS, MISSING, REFUSED, FakeClock, FakeHost, Machine, Request, answer

RECORDED = Path(__file__).parents[2] / "recordings" / "pm2"
FOLDER = "/srv/lab/pm2/home"
SOCKET = f"{FOLDER}/rpc.sock"
MOMENT = 1_795_249_323.0
TITLE = f"PM2 v7.0.4: God Daemon ({FOLDER})"

Entry = dict[str, Any]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PM2's log is in local time; it was recorded where that is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def recorded(file: str = "monitor-data.json") -> list[Entry]:
    entries: list[Entry] = json.loads((RECORDED / file).read_text())
    return entries


def entry(name: str) -> Entry:
    return next(one for one in recorded() if one["name"] == name)


def message(*parts: bytes) -> bytes:
    return bytes((0x10 + len(parts),)) + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def parts(body: bytes) -> list[bytes]:
    found, at = [], 1
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        found.append(body[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class Daemon:
    """PM2 on its socket: gives its list, and notes what it is asked for."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = list(entries)
        self.asked: list[tuple[str, Any]] = []
        self.refuses: str | None = None

    def __call__(self, request: Request) -> Answer | Failure:
        question, number = parts(request.body)
        assert question[:2] == b"j:"
        said = json.loads(question[2:])
        assert said["type"] == "call"
        if said["method"] == "getMonitorData":
            back: Any = {"args": [self.entries]}
        else:
            self.asked.append((said["method"], said["args"][0]))
            back = {"error": self.refuses, "stack": "at God"} if self.refuses else {"args": [{}]}
        return answer(200, message(b"j:" + json.dumps(back).encode(), number))


def host(
    served: Any, files: dict[str, Any] | None = None, processes: tuple[Process, ...] = (), uid: int = 0
) -> FakeHost:
    machine = Machine(
        sockets={SOCKET: served}, files=files or {}, clock=FakeClock(MOMENT), processes=processes, uid=uid
    )
    return FakeHost(machine, 2.0)


def manager(prefix: tuple[str, ...] = ("env", f"PM2_HOME={FOLDER}"), kept: list[str] | None = None) -> PM2:
    return PM2(Place(FOLDER, 0, None, prefix), kept.append if kept is not None else len)


def conditions(found: tuple[Condition, ...] | Failure) -> tuple[Condition, ...]:
    assert not isinstance(found, Failure), found
    return found


def told(*entries: Entry, files: dict[str, Any] | None = None) -> Condition:
    [found] = conditions(manager().services(host(Daemon(*entries), files)))
    return found


LOG = {f"{FOLDER}/pm2.log": (RECORDED / "pm2.log").read_bytes()}


@pytest.mark.parametrize(
    ("name", "state", "wanted", "words"),
    [
        ("my-app", State.RUNNING, True, "online"),
        ("cluster-app", State.RUNNING, True, "online"),
        ("stopped-app", State.STOPPED, False, "stopped"),
        ("crash", State.FAILED, True, "errored"),
        ("crash-few", State.FAILED, True, "errored"),
        ("backoff", State.CRASH_LOOPING, True, "waiting restart"),
        ("delayed", State.FAILED, True, "waiting restart"),
        ("slowcrash", State.CRASH_LOOPING, True, "online"),
        ("launching", State.STARTING, True, "launching"),
        ("oneshot", State.FINISHED, False, "stopped"),
        ("syntax", State.FAILED, True, "errored"),
        ("missmod", State.FAILED, True, "errored"),
        ("badport", State.FAILED, True, "errored"),
    ],
)
def test_every_recorded_state_is_told(name: str, state: State, wanted: bool, words: str) -> None:
    found = told(entry(name), files=LOG)
    assert (found.state, found.wanted, found.words) == (state, wanted, words)
    assert found.service.unit == name
    assert found.instances == (int(state is State.RUNNING), 1)


def test_version_5_says_the_same() -> None:
    found = conditions(manager().services(host(Daemon(*recorded("monitor-data-5.4.3.json")))))
    assert [(one.service.unit, one.state, one.exit_code) for one in found] == [
        ("five", State.RUNNING, None),
        ("c5", State.FAILED, 1),
    ]


def test_the_whole_list_is_told_at_once_and_instances_of_a_cluster_together() -> None:
    found = {one.service.unit: one for one in conditions(manager().services(host(Daemon(*recorded()))))}
    assert len(found) == 14
    cluster = found["cluster-app"]
    assert (cluster.instances, cluster.mode, cluster.service.id) == ((2, 2), "cluster", "1 9")
    assert cluster.pids == (28249, 28311)


def test_the_pid_of_what_waits_is_another_ones_by_now() -> None:
    assert entry("backoff")["pid"] == 31504
    assert told(entry("backoff")).pids == ()


def test_an_app_restored_as_stopped_has_no_pid_at_all() -> None:
    one = entry("stopped-app")
    del one["pid"]
    assert told(one).state is State.STOPPED


def cluster(*statuses: str) -> list[Entry]:
    found = []
    for number, status in enumerate(statuses):
        one = entry("cluster-app")
        one["pm_id"], one["pid"] = number, 100 + number if status == "online" else 0
        one["pm2_env"] |= {"status": status, "pm_uptime": (MOMENT - 100 + number) * 1000}
        found.append(one)
    return found


@pytest.mark.parametrize(
    ("statuses", "state", "instances"),
    [
        (("online", "online", "online", "errored"), State.DEGRADED, (3, 4)),
        (("online", "online", "online", "stopped"), State.DEGRADED, (3, 4)),
        (("online", "launching"), State.STARTING, (1, 2)),
        (("errored", "stopped"), State.FAILED, (0, 2)),
        (("stopped", "stopped"), State.STOPPED, (0, 2)),
    ],
)
def test_a_cluster_is_as_many_as_run(statuses: tuple[str, ...], state: State, instances: tuple[int, int]) -> None:
    found = told(*cluster(*statuses))
    assert (found.state, found.instances) == (state, instances)


def revived(since: float, *, created: float = 1000.0, restarts: int = 5) -> Entry:
    one = entry("slowcrash")
    one["pm2_env"] |= {
        "pm_uptime": (MOMENT - since) * 1000, "created_at": (MOMENT - created) * 1000, "restart_time": restarts
    }  # fmt: skip
    return one


def ends(*ago: float) -> dict[str, Any]:
    rows = (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(MOMENT - one)) for one in ago)
    lines = "".join(f"{row}: PM2 log: App [slowcrash:7] exited with code [2] via signal [SIGINT]\n" for row in rows)
    return {f"{FOLDER}/pm2.log": lines.encode()}


@pytest.mark.parametrize(
    ("one", "files", "state"),
    [
        (revived(2), ends(70, 40, 3), State.CRASH_LOOPING),
        (revived(2), ends(9000, 4000, 3), State.RUNNING),  # it ends once in a while
        (revived(2, created=2), ends(70, 40, 3), State.RUNNING),  # somebody has just restarted it
        (revived(2, created=50), ends(70, 60, 3), State.RUNNING),  # two of the three were before that
        (revived(40), ends(70, 60, 50), State.RUNNING),  # it has settled
        (revived(2), {}, State.CRASH_LOOPING),  # without the log its counter must do
        (revived(2, restarts=2), {}, State.RUNNING),
    ],
)
def test_a_crash_loop_is_told_from_restarts_by_people(one: Entry, files: dict[str, Any], state: State) -> None:
    assert told(one, files=files).state is state


def test_what_could_not_be_ended_or_never_is_ready_is_stuck() -> None:
    stuck = entry("crash")
    stuck["pid"] = 77
    assert told(stuck).state is State.HUNG
    late = entry("launching")
    late["pm2_env"]["pm_uptime"] = (MOMENT - 200) * 1000
    assert (told(late).state, told(late).why) == (State.HUNG, "it never said that it is ready")


def test_why_it_died_stands_in_its_error_log() -> None:
    log = (
        b"node:internal:1078\n  throw err;\n  ^\n\nError: Cannot find module 'express'\nRequire stack:\n"
        b"- /srv/app.js\n    at Module._load (node:internal:901)\n  code: 'MODULE_NOT_FOUND',\n}\n\nNode.js v20.20.2\n"
    )
    found = told(entry("missmod"), files={"/srv/lab/pm2/home/logs/missmod-error.log": log})
    assert found.why == "Error: Cannot find module 'express'"
    assert found.hopeless


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], ""),
        (["listening", "out of paper"], "out of paper"),
        (["TypeError: x is undefined", "    at f (app.js:1)", "Node.js v20.1.0"], "TypeError: x is undefined"),
    ],
)
def test_the_reason_is_the_error_and_not_its_stack(lines: list[str], why: str) -> None:
    assert reason(lines) == why


def test_environments_end_where_they_are_read_but_for_what_must_be_masked() -> None:
    one = entry("my-app")
    one["pm2_env"]["env"] = {"COUCH_PASSWORD": "hunter22", "HOME": "/home/somebody", "EDITOR": "ed"}
    one["pm2_env"]["TOKEN"] = "t0ken"
    kept: list[str] = []
    found = manager(kept=kept).services(host(Daemon(one)))
    assert sorted(kept) == ["hunter22", "t0ken"]
    assert "hunter22" not in str(found)
    assert "somebody" not in str(found)


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (HANGS, "timeout"),
        (REFUSED, "refused"),
        (MISSING, "missing"),
        (Failure("permission", "permission denied"), "permission"),
        (answer(200, ""), "closed"),
        (answer(200, b"\x12\x00\x00\xff\xffj:"), "closed"),
        (answer(200, "HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol"),
        (answer(200, message(b"j:{")), "protocol"),
        (answer(200, message(b"j:" + b"[" * 100_000)), "protocol"),
        (answer(200, message(b"j:{}")), "protocol"),
        (answer(200, message(b'j:{"args":[[1,2]]}')), "protocol"),
        (answer(200, message(b'j:{"args":[[{"pm2_env":{}}]]}')), "protocol"),
        (answer(200, message(b'j:{"error":"no such method"}')), "error"),
    ],
)
def test_what_is_no_answer_is_one_clear_failure(served: Any, kind: str) -> None:
    found = manager().services(host(served))
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_a_daemon_without_its_socket_is_not_one_that_was_never_started() -> None:
    daemon = Process(70, 1, "S", "PM2 v7.0.4: God", 1.0, (TITLE,), 0)
    found = manager().services(host(MISSING, {f"{FOLDER}/pm2.pid": b"70"}, (daemon,)))
    assert isinstance(found, Failure)
    assert (found.kind, "process 70" in found.detail) == ("closed", True)


# -- what was saved ------------------------------------------------------------------------------------

SAVED = {
    "name": "api", "status": "online", "exec_mode": "fork_mode", "exec_interpreter": "node",
    "pm_exec_path": "/srv/api/app.js", "pm_cwd": "/srv/api", "args": ["--port", "9104"], "env": {"TOKEN": "t0ken"},
}  # fmt: skip
WANTS = "/etc/systemd/system/multi-user.target.wants"
UNIT = {f"{WANTS}/pm2-root.service": f"[Service]\nEnvironment=PM2_HOME={FOLDER}\n".encode()}


def dump(*entries: Entry) -> dict[str, Any]:
    return {f"{FOLDER}/dump.pm2": json.dumps(entries).encode()}


def test_what_was_saved_and_is_not_in_the_list_has_its_whole_command() -> None:
    kept: list[str] = []
    files = dump(SAVED, SAVED | {"name": "off", "status": "stopped"})
    [found] = conditions(manager(kept=kept).services(host(Daemon(), files)))
    assert (found.service.unit, found.state, found.wanted) == ("api", State.STOPPED, True)
    assert found.start_line == (
        f"env PM2_HOME={FOLDER} pm2 start /srv/api/app.js --name api --cwd /srv/api -- --port 9104"
    )
    assert not found.boot
    assert kept == ["t0ken", "t0ken"]


def test_a_saved_cluster_is_started_as_one() -> None:
    one = SAVED | {"exec_mode": "cluster_mode", "args": [], "exec_interpreter": "/usr/bin/bun"}
    [found] = conditions(manager().services(host(Daemon(), dump(one, one, one))))
    assert found.instances == (0, 3)
    assert found.start_line.endswith("--cwd /srv/api -i 3 --interpreter /usr/bin/bun")


@pytest.mark.parametrize("dumped", [b"{", b"{}", b'["x"]', Failure("permission", "permission denied")])
def test_a_saved_list_that_cannot_be_read_hides_nothing(dumped: Any) -> None:
    found = conditions(manager().services(host(Daemon(entry("my-app")), {f"{FOLDER}/dump.pm2": dumped})))
    assert [one.state for one in found] == [State.RUNNING]


def test_without_a_daemon_the_saved_should_run_only_where_something_starts_it() -> None:
    assert manager().services(host(MISSING, dump(SAVED))) == MISSING
    [found] = conditions(manager().services(host(MISSING, dump(SAVED) | UNIT)))
    assert found.boot
    assert found.start_line == f"env PM2_HOME={FOLDER} pm2 resurrect"


@pytest.mark.parametrize(
    ("files", "boot", "line"),
    [
        ({}, False, f"env PM2_HOME={FOLDER} pm2 startup -u root && env PM2_HOME={FOLDER} pm2 save"),
        (UNIT, False, f"env PM2_HOME={FOLDER} pm2 save"),
        (dump(SAVED | {"name": "my-app"}), False, f"env PM2_HOME={FOLDER} pm2 startup -u root"),
        (dump(SAVED | {"name": "my-app"}) | UNIT, True, ""),
        (dump(SAVED | {"name": "my-app"}) | {"/etc/init.d/pm2-root": b""}, True, ""),
    ],
)
def test_what_comes_back_after_a_reboot(files: dict[str, Any], boot: bool, line: str) -> None:
    found = told(entry("my-app"), files=files)
    assert (found.boot, found.boot_line) == (boot, line)


def test_a_usual_folder_is_started_by_its_home() -> None:
    theirs = PM2(Place("/home/deploy/.pm2", 1000, "deploy", ("sudo", "-u", "deploy", "-H"), "deploy"))
    machine = FakeHost(Machine(sockets={"/home/deploy/.pm2/rpc.sock": Daemon(entry("my-app"))}), 2.0)
    [found] = conditions(theirs.services(machine))
    assert found.service.address == "pm2@deploy:my-app"
    assert found.boot_line == "pm2 startup -u deploy --hp /home/deploy && sudo -u deploy -H pm2 save"


# -- acts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "name", "asked"),
    [
        ("restart", "my-app", [("restartProcessId", {"id": 0, "env": {}})]),
        ("reload", "my-app", [("reloadProcessId", {"id": 0, "env": {}})]),
        ("stop", "my-app", [("stopProcessId", 0)]),
        ("start", "my-app", []),
        ("start", "stopped-app", [("restartProcessId", {"id": 2, "env": {}})]),
        ("restart", "backoff", [("stopProcessId", 5), ("restartProcessId", {"id": 5, "env": {}})]),
        ("stop", "backoff", [("stopProcessId", 5)]),
    ],
)
def test_it_is_asked_by_id(verb: str, name: str, asked: list[tuple[str, Any]]) -> None:
    daemon = Daemon(entry(name))
    service = told(entry(name)).service
    assert manager().ask(host(daemon), service, verb) is None
    assert daemon.asked == asked


def test_each_instance_is_asked_and_a_refusal_is_told() -> None:
    daemon = Daemon(*cluster("online", "online"))
    service = told(*cluster("online", "online")).service
    assert manager().ask(host(daemon), service, "restart") is None
    assert [argument["id"] for _, argument in daemon.asked] == [0, 1]
    daemon.refuses = "process already started"
    assert manager().ask(host(daemon), service, "restart") == Failure("error", "process already started")
    gone = manager().ask(host(daemon), Service("pm2", "nosuch"), "restart")
    assert isinstance(gone, Failure)
    assert gone.kind == "missing"


def test_a_life_is_that_of_the_youngest_instance() -> None:
    group = cluster("online", "online", "online")
    assert manager().life(host(Daemon(*group)), told(*group).service) == Life(True, 102, "online, online, online")
    group[1]["pm2_env"]["status"] = "waiting restart"
    found = manager().life(host(Daemon(*group)), told(*group).service)
    assert isinstance(found, Life)
    assert (found.running, found.busy) == (False, True)


def test_patience_is_that_of_its_own_settings() -> None:
    one = entry("my-app")
    assert manager().patience(host(Daemon(one)), told(one).service) == pytest.approx(9.6)
    one["pm2_env"] |= {"kill_timeout": 30_000, "listen_timeout": 10_000}
    assert manager().patience(host(Daemon(one)), told(one).service) == pytest.approx(45.0)


def test_the_command_is_for_the_right_user() -> None:
    service = Service("pm2", "api", id="3 4")
    assert manager(("sudo", "-u", "deploy", "-H")).command(service, "restart") == (
        "sudo", "-u", "deploy", "-H", "pm2", "restart", "3", "4"
    )  # fmt: skip
    assert manager(()).command(Service("pm2", "api"), "start") == ("pm2", "resurrect")


# -- finding -------------------------------------------------------------------------------------------

HOMES = (Home("root", 0, "/root"), Home("deploy", 1000, "/home/deploy"), Home("ann", 1001, "/home/ann"))


def test_every_users_daemon_is_found_and_kept_apart() -> None:
    processes = (
        Process(70, 1, "S", "PM2 v7.0.4: God", 1.0, ("PM2 v7.0.4: God Daemon (/home/deploy/.pm2)",), 1000),
        Process(71, 1, "S", "PM2 v5.4.3: God", 1.0, ("PM2 v5.4.3: God Daemon (/srv/pm2)",), 1000),
        Process(72, 1, "S", "node", 1.0, ("node", "/srv/PM2 v1/app.js"), 1000),
        Process(73, 1, "S", "PM2 v7.0.4: God", 1.0, ("PM2 v7.0.4: God Daemon (/in/a/container)",), 0),
    )
    files = dict.fromkeys(("/home/deploy/.pm2", "/srv/pm2", "/root/.pm2", "/root/.pm2/dump.pm2", "/home/ann/.pm2"), b"")
    around = Surroundings(processes=processes, homes=HOMES)
    found = pm2.find(host(MISSING, files), around)
    assert sorted((one.user or "", one.place) for one in found) == [
        ("", "/root/.pm2/rpc.sock"),
        ("/srv/pm2", "/srv/pm2/rpc.sock"),
        ("deploy", "/home/deploy/.pm2/rpc.sock"),
    ]
    commands = {one.user: one.command(Service("pm2", "api", id="0"), "stop")[:-3] for one in found}
    assert commands == {
        None: (),
        "deploy": ("sudo", "-u", "deploy", "-H"),
        "/srv/pm2": ("sudo", "-u", "deploy", "-H", "env", "PM2_HOME=/srv/pm2"),
    }


def test_without_discovery_only_the_configured_folder_counts() -> None:
    [found] = pm2.find(host(MISSING), Surroundings(discover=False, named=(f"{FOLDER}/",)))
    assert found.place == SOCKET


def test_for_root_a_log_must_be_its_users(tmp_path: Path) -> None:
    """Whoever runs PM2 chooses the path of its logs."""
    one = entry("crash")
    one["pm2_env"]["pm_err_log_path"] = one["pm2_env"]["pm_out_log_path"] = "/etc/shadow"
    machine = host(Daemon(one), {"/etc/shadow": b"root:x:secret"})  # of user 0
    theirs = PM2(Place(FOLDER, 1000, "deploy", ()))
    found = theirs.log(machine, Service("pm2", "crash", id="3"), 5)
    assert isinstance(found, Failure)
    assert found.kind == "permission"
    assert manager().log(machine, Service("pm2", "crash", id="3"), 5) == ["root:x:secret"]


def test_names_that_a_terminal_would_obey_are_harmless() -> None:
    one = entry("my-app")
    one["name"] = "api\x1b[2J\x07"
    assert told(one).service.unit == "api"
