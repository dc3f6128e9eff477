"""Init scripts, cozy-monitor and supervisord as managers of services, in every state that was recorded of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cozydiag.host import Failure, Process
from cozydiag.managers.cozy_monitor import CozyMonitor
from cozydiag.managers.service import Condition, Manager, State, Surroundings
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.managers.supervisord_control import find as find_supervisord
from cozydiag.managers.systemd import IN_CHARGE
from cozydiag.managers.sysv import SysV
from cozydiag.managers.sysv import find as find_sysv
from cozydiag.testing import HANGS, REFUSED, FakeHost, FakeSupervisord, Machine, answer, process_info

RECORDINGS = Path(__file__).parents[2] / "recordings"


def process(pid: int, name: str, *, ppid: int = 1, state: str = "S", cmdline: tuple[str, ...] = ()) -> Process:
    return Process(pid, ppid, state, name, 100.0, cmdline or (name,), 0)


def services(manager: Manager, machine: Machine) -> dict[str, Condition]:
    found = manager.services(FakeHost(machine))
    assert not isinstance(found, Failure)
    return {one.service.unit: one for one in found}


# --- init scripts: what `service X status` calls running, stopped and dead with a pid file


@pytest.mark.parametrize(
    ("script", "file", "program"),
    [
        ("nginx", "/run/nginx.pid", "nginx"),
        ("apache2", "/run/apache2/apache2.pid", "apache2"),
        ("haproxy", "/run/haproxy.pid", "haproxy"),
        ("postfix", "/var/spool/postfix/pid/master.pid", "master"),
        ("supervisor", "/run/supervisord.pid", "supervisord"),
    ],
)
def test_a_script_runs_when_the_process_of_its_pid_file_is_it(script: str, file: str, program: str) -> None:
    def told(*processes: Process, pid: bytes | None = b"70\n") -> Condition:
        files = {} if pid is None else {file: pid}
        return services(SysV((script,)), Machine(files=files, processes=processes))[script]

    assert told(process(70, program)).state is State.RUNNING
    assert told(pid=None).state is State.STOPPED
    assert told().state is State.FAILED  # SIGKILL: the pid file stays
    assert told(process(70, program, state="Z")).state is State.FAILED
    other = told(process(70, "bash"))  # the script itself calls this one running
    assert (other.state, other.pids) == (State.FAILED, ())


def test_workers_without_their_master_are_told() -> None:
    """They go on serving and hold the port: a start fails."""
    here = Machine(files={"/run/nginx.pid": b"70"}, processes=(process(71, "nginx"), process(72, "nginx")))
    found = services(SysV(("nginx",)), here)["nginx"]
    assert (found.state, found.pids) == (State.FAILED, (71, 72))
    assert "2 of its processes live on without it" in found.why


def test_what_starts_at_boot_may_have_been_stopped_on_purpose() -> None:
    here = Machine(files={"/etc/rc2.d/S01nginx": b""})
    found = services(SysV(("nginx", "haproxy")), here)
    assert (found["nginx"].boot, found["nginx"].wanted) == (True, None)
    assert (found["haproxy"].boot, found["haproxy"].wanted) == (False, False)
    assert found["haproxy"].boot_line == "update-rc.d haproxy enable"


def test_under_systemd_the_scripts_are_only_a_way_to_call_it() -> None:
    scripts = {"/etc/init.d/nginx": b""}
    assert [one.units for one in find_sysv(FakeHost(Machine(files=scripts)), Surroundings())] == [("nginx",)]
    assert find_sysv(FakeHost(Machine(files={**scripts, IN_CHARGE: b""})), Surroundings()) == ()


# --- cozy-monitor: what it printed of a stack, and what it should have


APPS: list[dict[str, Any]] = [
    {"slug": "files", "state": "installed", "port": 9120},
    {"slug": "calendar", "state": "stopped", "port": 0},
    {"slug": "kyou", "state": "broken", "port": 9122, "errormsg": "npm install failed"},
    {"slug": "contacts", "state": "installed", "port": 9123},
    {"slug": "emails", "state": "installed", "port": 9124},
    {"slug": "import-from-google", "state": "installed", "type": "static", "port": 0},
]
"""The apps behind the recordings: contacts listens nowhere, emails answers 500."""

PORTS = {"data-system": 9101, "home": 9103, "proxy": 9104, "files": 9120, "emails": 9124}


def cozy(*down: str, apps: Any = None) -> Machine:
    up = {port: 4000 + port for name, port in PORTS.items() if name not in down}
    web = {"127.0.0.1:9103": answer(200, json.dumps({"rows": APPS if apps is None else apps}))}
    return Machine(listening=up, web={} if "home" in down else web)


def printed(name: str) -> dict[str, str]:
    lines = (RECORDINGS / "cozy" / f"monitor-{name}.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(("error", "Error")))


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("up", cozy()),
        ("controller-down", cozy()),
        ("ds-down", cozy("data-system")),
        ("home-down", cozy("home")),
        ("proxy-down", cozy("proxy")),
        ("all-down", cozy("data-system", "home", "proxy")),
        ("home-500", cozy()),
    ],
)
def test_the_parts_are_as_cozy_monitor_shows_them(name: str, machine: Machine) -> None:
    found = services(CozyMonitor(), machine)
    for part in ("data-system", "home", "proxy"):
        assert (found[part].state is State.RUNNING) is (printed(name)[part] == "up")
        assert found[part].role == f"cozy.{part}"


def test_apps_are_told_more_exactly_than_cozy_monitor_shows_them() -> None:
    """It calls everything down that does not answer 200 or 403, whatever the reason."""
    found = services(CozyMonitor(), cozy())
    states = {name: str(one.state) for name, one in found.items() if name not in ("data-system", "home", "proxy")}
    shown = {name: printed("up")[name] for name in states}
    assert shown == {
        "files": "up", "calendar": "stopped", "kyou": "down", "contacts": "down", "emails": "down",
        "import-from-google": "up (static)",
    }  # fmt: skip
    assert states == {
        "files": "running", "calendar": "stopped", "kyou": "failed", "contacts": "failed", "emails": "running",
        "import-from-google": "running",
    }  # fmt: skip
    assert found["calendar"].wanted is False
    assert found["kyou"].why == "npm install failed"
    assert found["contacts"].why == "nothing listens on its port 9123"


@pytest.mark.parametrize("rows", ["x", [1, None], {"a": 1}, [{}], [{"slug": "a", "port": "x", "state": 3}]])
def test_a_strange_list_of_apps_takes_nothing_from_the_parts(rows: Any) -> None:
    assert {"data-system", "home", "proxy"} <= set(services(CozyMonitor(), cozy(apps=rows)))


# --- supervisord

SOCKET = "/run/supervisor.sock"


def recorded(name: str) -> list[dict[str, Any]]:
    lines = (RECORDINGS / "supervisord" / f"{name}-info.json").read_text().splitlines()
    return [json.loads(line.strip().rstrip(",")) for line in lines if line.strip().startswith("{")]


def told(daemon: FakeSupervisord) -> dict[str, Condition]:
    return services(Supervisord(SOCKET), Machine(sockets={SOCKET: daemon}))


def test_every_recorded_program_is_told_rightly() -> None:
    words = {
        "STOPPED": "stopped", "STARTING": "starting", "RUNNING": "running", "BACKOFF": "crash-looping",
        "FATAL": "failed",
    }  # fmt: skip
    infos = {one["name"]: one for one in recorded("process")}
    found = told(FakeSupervisord(list(infos.values()), configs=recorded("config")))
    assert len(found) == len(infos)
    seen = set()
    for name, one in found.items():
        info = infos[name.rpartition(":")[2]]
        seen.add(info["statename"])
        if info["statename"] != "EXITED":
            assert str(one.state) == words[info["statename"]]
        assert one.pids == ((info["pid"],) if info["pid"] else ())
    assert seen == {*words, "EXITED"}


@pytest.mark.parametrize(
    ("status", "codes", "state"),
    [(0, [0], State.FINISHED), (7, [0], State.FAILED), (7, [0, 7], State.FINISHED), (-1, [0], State.FAILED)],
)
def test_what_has_ended_as_it_should_is_finished(status: int, codes: list[int], state: State) -> None:
    info = process_info("job", "EXITED", exitstatus=status, stop=5)
    config = {"name": "job", "group": "job", "exitcodes": codes, "autostart": True, "startsecs": 0}
    found = told(FakeSupervisord([info], configs=[config]))["job"]
    assert (found.state, found.exit_code) == (state, status)


@pytest.mark.parametrize(
    ("socket", "files", "autostart", "boot", "line"),
    [
        (SOCKET, ("/etc/systemd/system/multi-user.target.wants/supervisor.service",), True, True, ""),
        (SOCKET, ("/etc/rc2.d/S01supervisor",), True, True, ""),
        (SOCKET, (), True, False, "systemctl enable supervisor"),
        (SOCKET, ("/etc/rc2.d/S01supervisor",), False, False, "autostart=true in [program:home]"),
        ("/srv/s.sock", (), True, None, ""),
    ],
)
def test_what_comes_back_needs_a_supervisord_that_does(
    socket: str, files: tuple[str, ...], autostart: bool, boot: bool | None, line: str
) -> None:
    config = {"name": "home", "group": "home", "exitcodes": [0], "autostart": autostart, "startsecs": 1}
    daemon = FakeSupervisord([process_info("home")], configs=[config])
    machine = Machine(sockets={socket: daemon}, files=dict.fromkeys(files, b""))
    found = services(Supervisord(socket), machine)["home"]
    assert (found.boot, found.boot_line) == (boot, line)


def test_members_of_groups_have_their_whole_name() -> None:
    assert set(told(FakeSupervisord([process_info("web:web_00"), process_info("home")]))) == {"web:web_00", "home"}


def test_restarts_are_counted_from_its_log() -> None:
    line = "2026-11-21 08:10:12,123 WARN exited: home (exit status 1; not expected)\n"
    found = told(FakeSupervisord([process_info("home"), process_info("other")], log=line * 3))
    assert (found["home"].restarts, found["other"].restarts) == (3, 0)


@pytest.mark.parametrize("answers", [HANGS, REFUSED, answer(401), answer(200, "half an ans"), answer(500)])
def test_a_supervisord_that_does_not_answer_is_one_failure(answers: Any) -> None:
    found = Supervisord(SOCKET).services(FakeHost(Machine(sockets={SOCKET: answers})))
    assert isinstance(found, Failure)


def test_every_supervisord_is_found_and_kept_apart() -> None:
    """One of root's at its usual place, one of a user's, a second one of root's."""
    files = {
        "/etc/supervisor/supervisord.conf": conf("/run/supervisor.sock"),
        "/home/ann/s.conf": conf("%(here)s/s.sock"),
        "/srv/second.conf": conf("/srv/second.sock", "[inet_http_server]\nport=*:9001\n"),
    }
    line = ("/usr/bin/python3", "/usr/bin/supervisord")
    processes = (
        process(10, "supervisord", cmdline=(*line, "-c", "/etc/supervisor/supervisord.conf")),
        process(20, "supervisord", cmdline=(*line, "--configuration=/home/ann/s.conf"))._replace(uid=1000),
        process(30, "supervisord", cmdline=(*line, "-c", "/srv/second.conf")),
    )
    around = Surroundings(processes=processes, homes=())
    found = find_supervisord(FakeHost(Machine(files=files)), around)
    assert [(one.place, one.user) for one in found] == [
        ("/run/supervisor.sock", None), ("/home/ann/s.sock", "1000"), ("/srv/second.sock", "/srv/second.sock"),
    ]  # fmt: skip
    assert [one.exposed(FakeHost(Machine())) for one in found] == [None, None, "*:9001"]


def conf(socket: str, more: str = "") -> bytes:
    return f"[unix_http_server]\nfile={socket} ; a comment\n{more}[supervisord]\n".encode()


@pytest.mark.parametrize(
    ("inet", "place"),
    [
        ("[inet_http_server]\nport=127.0.0.1:9001\n", "127.0.0.1:9001"),
        ("[inet_http_server]\nport=:9001\nusername=a\npassword=b\n", None),
        (";[inet_http_server]\n;port=:9001\n", None),
    ],
)
def test_a_supervisord_without_a_password_takes_orders_from_all(inet: str, place: str | None) -> None:
    files: Mapping[str, bytes] = {"/etc/supervisord.conf": conf("/run/s.sock", inet)}
    (found,) = find_supervisord(FakeHost(Machine(files=files)), Surroundings())
    assert (found.place, found.exposed(FakeHost(Machine()))) == ("/run/s.sock", place)


@pytest.mark.parametrize(
    ("ages", "age", "state"),
    [
        ((9, 6, 3), 1, State.CRASH_LOOPING),
        ((9, 6, 3), 8, State.RUNNING),  # it has lived twice as long as it ever did between its crashes
        ((6, 3), 1, State.RUNNING),
        ((1800, 1500, 1200), 1, State.RUNNING),
    ],
)
def test_a_crash_loop_is_seen_while_it_looks_healthy(ages: tuple[int, ...], age: int, state: State) -> None:
    now = 1_795_248_737
    stamps = [time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - age - ago)) for ago in ages]
    log = "".join(f"{stamp},000 WARN exited: home (exit status 1; not expected)\n" for stamp in stamps)
    found = told(FakeSupervisord([process_info("home", start=now - age, now=now)], log=log))["home"]
    assert (found.state, found.restarts) == (state, len(ages))
