"""The sandbox itself: what it starts, what its faults look like from outside, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import cozydiag
from cozydiag.sandbox import Sandbox, SandboxError
from cozydiag.sandbox.faults import FAULTS
from cozydiag.sandbox.layout import REAL_PORTS, Layout, free_shift
from cozydiag.sandbox.programs.wire import Answer, UnreachableError, ask

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ADMIN, MEMBER = ("admin", "adminpw"), ("app", "apppw")
STATUS_UP = '{"couchdb":true,"datasystem":true,"controller":true,"home":true,"registered":true,"proxy":true}'


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = Sandbox.create()
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.remove()


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """A healthy sandbox; whoever breaks it finds it healed."""
    yield running
    running.heal()


@pytest.fixture
def healthy(running: Sandbox) -> Iterator[Sandbox]:
    """A healthy sandbox for tests that change no more than the state of CouchDB."""
    yield running
    running.couchdb("healthy")


def get(sandbox: Sandbox, program: str, path: str = "/", login: tuple[str, str] | None = None) -> Answer:
    return ask("GET", sandbox.layout.port(program), path, login=login, agent="test", limit=5)


def raw(sandbox: Sandbox, request: str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n") -> socket.socket:
    """A connection to CouchDB on which a request was sent."""
    connection = socket.create_connection(("127.0.0.1", sandbox.layout.port("couchdb")), timeout=10)
    connection.sendall(request.encode())
    return connection


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)


# --- the healthy stack


def test_all_programs_run_and_answer(healthy: Sandbox) -> None:
    assert healthy.supervisor.states() == dict.fromkeys(REAL_PORTS, "RUNNING")
    assert get(healthy, "cozy-controller").body == b"Cozy Controller version 2.5.10"
    assert get(healthy, "cozy-data-system").body.startswith(b"<strong>Cozy Data System</strong>")
    refused = get(healthy, "cozy-controller", "/drones/running")
    assert (refused.status, refused.body) == (401, b"Application is not authenticated")


def test_the_front_answers_as_the_real_one(healthy: Sandbox) -> None:
    front = get(healthy, "nginx")
    assert (front.status, front.headers["location"]) == (302, "/login")
    login = get(healthy, "nginx", "/login")
    assert (login.status, login.headers["x-cozy-login-page"]) == (200, "true")
    assert get(healthy, "nginx", "/status").body.decode() == STATUS_UP
    assert set(json.loads(get(healthy, "nginx", "/routes").body)) == {"files", "import-from-google"}
    rows = json.loads(get(healthy, "cozy-home", "/api/applications/").body)["rows"]
    assert {row["slug"]: row["state"] for row in rows} == {"files": "stopped", "import-from-google": "installed"}


def test_a_healthy_start_leaves_no_complaint_in_the_logs(healthy: Sandbox) -> None:
    fresh = Sandbox.create()
    try:
        fresh.up()
        said = {path.name: path.read_text() for path in Path(fresh.folder, "logs").glob("*err*.log")}
    finally:
        fresh.remove()
    assert set(said.values()) == {""}
    assert len(said) == len(REAL_PORTS) + 1  # with nginx's own error log


def test_what_a_sandbox_beside_has_stopped_keeps_its_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir(mode=0o700)
    shift = free_shift(str(tmp_path / "one"))
    monkeypatch.setattr("cozydiag.sandbox.layout.SHIFTS", (shift,))
    assert free_shift(str(tmp_path / "two")) == shift
    Layout(str(tmp_path / "one"), shift).save()
    with pytest.raises(SandboxError, match="No free ports"):
        free_shift(str(tmp_path / "two"))


def test_the_configuration_names_the_sandbox_only(healthy: Sandbox) -> None:
    with open(healthy.config, "rb") as file:
        found = tomllib.load(file)
    assert found["discover"] is False
    assert found["sites"][0]["address"] == f"127.0.0.1:{healthy.layout.port('nginx')}"
    assert found["parts"]["data-system"]["url"] == f"http://127.0.0.1:{healthy.layout.port('cozy-data-system')}"
    assert found["services"]["cozy.home"] == {"manager": "supervisord", "unit": "cozy-home"}
    assert set(found["services"]) == {
        "proxy",
        "couchdb",
        "cozy.controller",
        "cozy.data-system",
        "cozy.home",
        "cozy.proxy",
    }
    for path in (
        found["programs"]["nginx"],
        found["programs"]["supervisorctl"],
        found["paths"]["state"],
        found["paths"]["logs"],
        found["supervisord"]["socket"],
        found["supervisord"]["conf"],
        found["proxy"]["nginx"]["conf"],
        found["proxy"]["nginx"]["pid"],
        found["couchdb"]["credentials_file"],
    ):
        assert os.path.exists(path), path


def test_only_its_owner_can_read_it(healthy: Sandbox) -> None:
    assert os.stat(healthy.folder).st_mode & 0o777 == 0o700
    assert os.stat(os.path.join(healthy.folder, "couchdb.login")).st_mode & 0o777 == 0o600


def test_an_opened_sandbox_has_the_same_ports(healthy: Sandbox) -> None:
    assert Sandbox.open(healthy.folder).layout == healthy.layout


def test_up_does_no_harm_twice(healthy: Sandbox) -> None:
    before = sorted(healthy.pids())
    healthy.up()
    assert sorted(healthy.pids()) == before


# --- CouchDB


@pytest.mark.parametrize(
    ("state", "path", "login", "status", "says"),
    [
        ("healthy", "/", None, 200, '"couchdb":"Welcome"'),
        ("healthy", "/cozy", ADMIN, 200, '"db_name":"cozy"'),
        ("healthy", "/cozy", MEMBER, 200, '"doc_count":2001'),
        ("healthy", "/cozy", None, 401, "not authorized"),
        ("healthy", "/cozy/_all_docs?limit=1", ADMIN, 200, "_design/v"),
        ("healthy", "/_all_dbs", ADMIN, 200, '["_replicator","_users","cozy"]'),
        ("healthy", "/_all_dbs", MEMBER, 401, "not a server admin"),
        ("healthy", "/_session", ("admin", "wrong"), 401, "Name or password is incorrect."),
        ("healthy", "/other", ADMIN, 404, "Database does not exist."),
        ("healthy", "/cozy/nothing", ADMIN, 404, "missing"),
        ("wrong-password", "/_session", ADMIN, 401, "Name or password is incorrect."),
        ("wrong-password", "/", None, 200, '"couchdb":"Welcome"'),
        ("locked-out", "/_session", ADMIN, 403, "temporarily locked"),
        ("locked-out", "/cozy", MEMBER, 200, '"db_name":"cozy"'),
        ("maintenance", "/_up", None, 404, "maintenance_mode"),
        ("maintenance", "/cozy", ADMIN, 500, "No DB shards could be opened."),
        ("maintenance", "/cozy/_security", ADMIN, 500, "No DB shards could be opened."),
        ("maintenance", "/_session", MEMBER, 401, "Name or password is incorrect."),
        ("maintenance", "/_all_dbs", ADMIN, 412, "nodedown"),
        ("no-system-dbs", "/_users", ADMIN, 404, "Database does not exist."),
        ("database-missing", "/cozy", ADMIN, 404, '{"error":"not_found","reason":"Database does not exist."}'),
        ("database-missing", "/_all_dbs", ADMIN, 200, '["_replicator","_users"]'),
        ("database-missing", "/_session", ADMIN, 200, '"name":"admin"'),
    ],
)
def test_couchdb_answers_as_recorded(
    healthy: Sandbox, state: str, path: str, login: tuple[str, str] | None, status: int, says: str
) -> None:
    healthy.couchdb(state)
    answer = get(healthy, "couchdb", path, login)
    assert answer.status == status
    assert says in answer.body.decode()
    assert answer.headers["server"] == "CouchDB/3.5.0 (Erlang OTP/25)"
    assert answer.headers["x-cozydiag-stand-in"] == "1"


def test_couchdb_refuses(healthy: Sandbox) -> None:
    def refused() -> bool:
        try:
            get(healthy, "couchdb")
        except UnreachableError as error:
            return "ECONNREFUSED" in str(error)
        return False

    healthy.couchdb("refuse")
    wait(refused)
    healthy.couchdb("healthy")
    wait(lambda: not refused())


def test_couchdb_hangs(healthy: Sandbox) -> None:
    healthy.couchdb("hang")
    with raw(healthy) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        healthy.couchdb("healthy")
        connection.settimeout(10)
        assert connection.recv(1) == b""


def test_couchdb_resets(healthy: Sandbox) -> None:
    healthy.couchdb("reset")
    with raw(healthy) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)


def test_couchdb_drips(healthy: Sandbox) -> None:
    healthy.couchdb("drip")
    with raw(healthy) as connection:
        assert connection.recv(4096) == b"H"


def test_couchdb_cuts_bodies(healthy: Sandbox) -> None:
    healthy.couchdb("cut")
    with raw(healthy) as connection:
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: 255" in head
    assert 0 < len(body) < 255


def test_tries_to_log_in_are_counted(healthy: Sandbox) -> None:
    before = len(healthy.logins("test"))
    get(healthy, "couchdb", "/")
    get(healthy, "couchdb", "/_session", ("admin", "wrong"))
    form = "name=admin&password=no"
    with raw(
        healthy,
        "POST /_session HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nConnection: close\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}",
    ) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
    tries = healthy.logins("test")[before:]
    assert [(one["user"], one["what"], one["status"]) for one in tries] == [
        ("admin", "GET /_session", 401),
        ("admin", "POST /_session", 401),
    ]


# --- the parts, when CouchDB fails


def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", f"cozydiag.sandbox.programs.{program}", *options]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("state", "messages"),
    [
        ("refuse", ["error - lib/db | Error: Error: connect ECONNREFUSED 127.0.0.1:{port} (localhost:{port})"]),
        (
            "wrong-password",
            [
                "info - lib/db | Database cozy on localhost:{port} doesn't exist.",
                "CouchError: unauthorized: Name or password is incorrect.",
            ],
        ),
        ("database-missing", ["CouchError: not_found: Database does not exist."]),
        ("maintenance", ["CouchError: internal_server_error: No DB shards could be opened."]),
    ],
)
def test_the_data_system_does_not_start(healthy: Sandbox, state: str, messages: list[str]) -> None:
    healthy.couchdb(state)
    if state == "refuse":
        wait(lambda: not healthy.answers("couchdb"))
    port = healthy.layout.port("couchdb")
    login = os.path.join(healthy.folder, "couchdb.login")
    done = run("data_system", "--port=1", f"--couchdb={port}", f"--credentials={login}")
    assert done.returncode == 1
    for message in messages:
        assert message.format(port=port) in done.stdout
    healthy.couchdb("healthy")
    wait(lambda: healthy.answers("couchdb"))


def test_the_data_system_needs_its_credentials() -> None:
    done = run("data_system", "--port=1", "--couchdb=1", "--credentials=/nonexistent/couchdb.login")
    assert (done.returncode, done.stderr) == (1, "No CouchDB credentials file found: /nonexistent/couchdb.login\n")


def test_the_controller_gives_up_without_couchdb() -> None:
    done = run("controller", "--port=1", "--couchdb=1", "--interval=0.01")
    assert (done.returncode, done.stderr) == (1, "Error during autostart: \ncouchDB isn't started\n")


# --- faults


def status(sandbox: Sandbox, program: str, path: str) -> int | str:
    """The status of an answer, or node's word for there being none."""
    try:
        return ask("GET", sandbox.layout.port(program), path, agent="test", limit=1).status
    except UnreachableError as error:
        return str(error).split()[-2] if "ECONN" in str(error) else str(error)


SILENT, REFUSED = "ESOCKETTIMEDOUT", "ECONNREFUSED"


class Seen(NamedTuple):
    """A fault from outside: the programs that do not read RUNNING, what ports answer, a line in a log."""

    states: dict[str, str]
    answers: dict[tuple[str, str], int | str]
    log: tuple[str, str] | None = None


SEEN = {
    "part-stopped": Seen({"cozy-home": "STOPPED"}, {("cozy-home", "/"): REFUSED, ("nginx", "/login"): 200}),
    "part-fatal": Seen(
        {"cozy-home": "FATAL"},
        {("cozy-home", "/"): REFUSED},
        ("supervisord.log", "gave up: cozy-home entered FATAL state, too many start retries too quickly"),
    ),
    "part-hung": Seen({}, {("cozy-home", "/"): SILENT, ("nginx", "/status"): SILENT, ("nginx", "/login"): 200}),
    "front-hung": Seen({}, {("cozy-proxy", "/login"): SILENT, ("nginx", "/login"): SILENT}),
    "port-taken": Seen(
        {"cozy-home": "FATAL"},
        {("cozy-home", "/api/applications/"): 200, ("nginx", "/routes"): 200},
        ("home-err.log", "Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}"),
    ),
    "data-system-stopped": Seen(
        {"cozy-data-system": "STOPPED"},
        {("nginx", "/login"): 500, ("nginx", "/"): 401, ("cozy-home", "/api/applications/"): 500},
        ("home-err.log", "error - controllers/applications | Error: connect ECONNREFUSED 127.0.0.1:"),
    ),
    "controller-stopped": Seen({"cozy-controller": "STOPPED"}, {("nginx", "/login"): 200}),
    "couchdb-stopped": Seen({"couchdb": "STOPPED"}, {("cozy-data-system", "/"): 200, ("nginx", "/login"): 500}),
    "couchdb-hung": Seen({}, {("couchdb", "/"): SILENT, ("nginx", "/login"): SILENT, ("cozy-data-system", "/"): 200}),
    "couchdb-401": Seen(
        {},
        {("couchdb", "/"): 200, ("nginx", "/login"): 500},
        ("data-system-err.log", "error - lib/db | CouchError: unauthorized: Name or password is incorrect."),
    ),
    "couchdb-database-missing": Seen({}, {("couchdb", "/cozy"): 404, ("nginx", "/login"): 500}),
    "couchdb-maintenance": Seen({}, {("couchdb", "/_up"): 404, ("nginx", "/login"): 500}),
    "nginx-stopped": Seen({"nginx": "STOPPED"}, {("nginx", "/login"): REFUSED, ("cozy-proxy", "/login"): 200}),
    "nginx-hung": Seen({}, {("nginx", "/login"): SILENT, ("cozy-proxy", "/login"): 200}),
    "nginx-config-down": Seen(
        {"nginx": "FATAL"},
        {("nginx", "/login"): REFUSED, ("cozy-proxy", "/login"): 200},
        ("nginx-err.log", 'unknown directive "proxy_pas"'),
    ),
    "nginx-config-disk": Seen({}, {("nginx", "/login"): 200}),
    "wrong-upstream": Seen(
        {},
        {("nginx", "/login"): 502, ("cozy-proxy", "/login"): 200},
        ("nginx-error.log", "connect() failed (111: Connection refused) while connecting to upstream"),
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_looks_like_itself(sandbox: Sandbox, name: str) -> None:
    sandbox.break_(name)
    seen = SEEN[name]
    states = sandbox.supervisor.states()
    assert {program: state for program, state in states.items() if state != "RUNNING"} == seen.states
    assert {key: status(sandbox, *key) for key in seen.answers} == seen.answers
    if seen.log:
        file, line = seen.log
        assert line.format(port=sandbox.layout.port("cozy-home")) in log(sandbox, file)


def log(sandbox: Sandbox, name: str) -> str:
    return Path(sandbox.folder, "logs", name).read_text()


def test_every_fault_is_looked_at() -> None:
    assert {*SEEN, "crash-loop", "supervisor-killed", "supervisor-and-parts-down"} == set(FAULTS)


def test_a_crash_loop_reads_running_between_its_deaths(sandbox: Sandbox) -> None:
    before = len(log(sandbox, "supervisord.log"))
    sandbox.break_("crash-loop")
    assert sandbox.supervisor.states()["cozy-data-system"] == "RUNNING"
    said = log(sandbox, "supervisord.log")[before:]
    assert said.count("exited: cozy-data-system (exit status 1; not expected)") >= 3
    assert said.count("success: cozy-data-system entered RUNNING state") >= 3


def test_a_killed_supervisord_leaves_its_programs(sandbox: Sandbox) -> None:
    before = set(sandbox.pids())
    sandbox.break_("supervisor-killed")
    assert len(before - set(sandbox.pids())) == 1
    assert all(sandbox.answers(program) for program in REAL_PORTS)
    with pytest.raises(ConnectionRefusedError):
        sandbox.supervisor.states()
    sandbox.up()  # ends the orphans first
    assert not before & set(sandbox.pids())


def test_all_down(sandbox: Sandbox) -> None:
    sandbox.break_("supervisor-and-parts-down")
    assert sandbox.pids() == []
    with pytest.raises(FileNotFoundError):
        sandbox.supervisor.states()


def test_a_fault_that_does_not_exist(healthy: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no fault named flood"):
        healthy.break_("flood")
    with pytest.raises(SandboxError, match="no state flood"):
        healthy.couchdb("flood")


def test_a_fault_that_cannot_be_made_now(sandbox: Sandbox) -> None:
    sandbox.break_("part-stopped")
    sandbox.break_("part-stopped")  # no harm twice
    with pytest.raises(SandboxError, match=r"NOT_RUNNING.*Heal the sandbox first"):
        sandbox.break_("part-hung")
    sandbox.down()
    with pytest.raises(SandboxError, match="is not running"):
        sandbox.break_("part-stopped")


# --- the end


def test_down_ends_everything_and_nothing_else(sandbox: Sandbox) -> None:
    with subprocess.Popen(["sleep", "600"], cwd=sandbox.folder) as bystander:
        try:
            sandbox.break_("part-hung")
            os.kill(int(Path(sandbox.folder, "supervisord.pid").read_text()), signal.SIGSTOP)
            sandbox.down()
            sandbox.down()
            assert bystander.poll() is None
        finally:
            bystander.kill()
    assert sandbox.pids() == []
    assert sandbox.layout.ports_are_free()


def test_remove_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "s"
    sandbox = Sandbox.create(str(place))
    sandbox.remove()
    assert not place.exists()
    with pytest.raises(SandboxError, match="no sandbox in"):
        Sandbox.open(str(place))


def test_other_ports_when_the_old_ones_are_taken(tmp_path: Path) -> None:
    sandbox = Sandbox.create(str(tmp_path / "s"))
    old = sandbox.layout
    try:
        with socket.create_server(("127.0.0.1", old.port("cozy-home"))):
            sandbox.up()
            assert sandbox.layout.shift != old.shift
            assert Sandbox.open(sandbox.folder).layout == sandbox.layout
            assert f":{sandbox.layout.port('cozy-home')}" in Path(sandbox.config).read_text()
    finally:
        sandbox.remove()


# --- what it says when it cannot


def test_a_folder_must_be_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="is not empty"):
        Sandbox.create(str(tmp_path))


@pytest.mark.parametrize("name", ["with space", "x" * 90, "per%cent"])
def test_a_path_must_suit_everybody(tmp_path: Path, name: str) -> None:
    with pytest.raises(SandboxError, match="too long or has unusual characters"):
        Sandbox.create(str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot be used"):
        Sandbox.create(str(tmp_path / "file"))


def test_nginx_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cozydiag.sandbox.nginx.SYSTEM", ())
    monkeypatch.setattr("cozydiag.sandbox.nginx._of_wheel", lambda: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxError, match="apt-get install nginx"):
        Sandbox.create(str(tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_supervisor_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SandboxError, match="needs the Python package supervisor"):
        Sandbox.create(str(tmp_path / "s"))


def test_a_program_that_does_not_come_up_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sandbox = Sandbox.create(str(tmp_path / "s"))
    monkeypatch.setattr(sandbox, "answers", lambda program: False)
    try:
        with pytest.raises(SandboxError, match="couchdb did not come up in time"):
            sandbox.up(wait=0)
    finally:
        sandbox.remove()


def test_paths_of_other_users_are_refused(monkeypatch: pytest.MonkeyPatch, healthy: Sandbox, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: os.stat(healthy.folder).st_uid + 1)
    with pytest.raises(SandboxError, match="belongs to another user"):
        Sandbox.open(healthy.folder)
    with pytest.raises(SandboxError, match="belongs to another user"):
        Sandbox.create(str(tmp_path))


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    from cozydiag.sandbox.layout import SHIFTS

    ports = [Layout("/x", shift).port(program) for shift in (SHIFTS[0], SHIFTS[-1]) for program in REAL_PORTS]
    assert min(ports) > 1024
    assert max(ports) < 32768


# --- as another user


def python_for(user: str) -> str | None:
    """An interpreter >= 3.10 that this user can run."""
    test = "import sys; sys.exit(sys.version_info < (3, 10))"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", test], user=user, cwd="/", check=False, timeout=60).returncode == 0:
                return python
        except OSError:
            pass
    return None


UP_AND_DOWN = """
from cozydiag.sandbox import Sandbox
sandbox = Sandbox.create()
try:
    sandbox.up()
    print(sorted(set(sandbox.supervisor.states().values())), sandbox.answers("nginx"))
finally:
    sandbox.remove()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_it_runs_as_nobody_without_a_home_or_a_language() -> None:
    python = python_for("nobody")
    if python is None:
        pytest.skip("nobody can run no Python >= 3.10 here")
    places = [str(Path(cozydiag.__file__).parents[1]), *(place for place in sys.path if "site-packages" in place)]
    environment = {"HOME": "", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(places), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-c", UP_AND_DOWN],
        user="nobody",
        group=pwd.getpwnam("nobody").pw_gid,
        extra_groups=[],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("['RUNNING'] True\n", "", 0)
