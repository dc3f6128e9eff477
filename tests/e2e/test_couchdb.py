"""`cozydiag couchdb` and `cozydiag curlcouch` on a running stand-in, and the replay server on the wire."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cozydiag.couchdb import Credentials, Reply, ask, broke_off
from cozydiag.host import Failure, Host, World

LIVE = Path(__file__).parents[1] / "live" / "test_couchdb.py"
RECORDINGS = Path(__file__).parents[1] / "recordings" / "couchdb"


class Server:
    """The stand-in with any recorded state (`cozydiag.sandbox.programs.couchdb --recordings`)."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.login = folder / "couchdb.login"
        self.tries = folder / "logins.jsonl"
        self.config = folder / "cozydiag.toml"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.set("healthy-admin")
        self.login.write_text("admin\nadminpw\n")
        self.config.write_text(
            f'discover = false\n[paths]\nstate = "{folder}/state.d"\n[couchdb]\nurl = "{self.url}"\n'
            f'database = "appdb"\ncredentials_file = "{self.login}"\n'
        )

    def set(self, state: str) -> None:
        part = self.state.with_suffix(".new")
        part.write_text(state)
        part.replace(self.state)

    def logins(self) -> int:
        return len(self.tries.read_text().splitlines()) if self.tries.exists() else 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "cozydiag", *arguments, "--config", str(self.config)]
        environment = {key: value for key, value in os.environ.items() if key != "COZYDIAG_COUCHDB_URL"}
        return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)

    def ask(self, path: str, login: str = "", seconds: float = 5.0) -> Reply | Failure:
        user, _, password = login.partition(":")
        return ask(Host(World(), seconds), self.url, path, Credentials(user, password) if login else None)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    line = [sys.executable, "-m", "cozydiag.sandbox.programs.couchdb", "--port", str(made.port)]
    line += ["--state", str(made.state), "--logins", str(made.tries), "--recordings", str(RECORDINGS)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while isinstance(made.ask("/"), Failure) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield made
    finally:
        process.kill()
        process.wait()


# --- the replay server


def test_states_are_served_by_method_path_and_login(server: Server) -> None:
    server.set("maintenance-true")
    up, database = server.ask("/_up"), server.ask("/appdb", "admin:adminpw")
    assert isinstance(up, Reply)
    assert isinstance(database, Reply)
    assert (up.status, up.data) == (404, {"status": "maintenance_mode"})
    assert (database.status, database.data["reason"]) == (500, "No DB shards could be opened.")
    server.set("auth-wrong-password")
    refused = server.ask("/_session", "admin:WRONG")
    assert isinstance(refused, Reply)
    assert refused.status == 401


@pytest.mark.parametrize(
    ("fault", "kind"), [("reset", "reset"), ("cut", "closed"), ("hang", "timeout"), ("drip", "timeout")]
)
def test_faults_on_the_wire(server: Server, fault: str, kind: str) -> None:
    server.set(fault)
    failure = server.ask("/", seconds=1.0)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert broke_off(failure) is (fault == "cut")


@pytest.mark.parametrize("state", ["refuse", "stopped"])
def test_it_refuses_connections_and_takes_them_again(server: Server, state: str) -> None:
    def refused() -> bool:
        seen = server.ask("/")
        return isinstance(seen, Failure) and seen.kind == "refused"

    server.set(state)
    assert soon(refused)
    server.set("healthy-admin")
    assert soon(lambda: isinstance(server.ask("/"), Reply))


def soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_the_live_part_of_the_suite_holds_for_what_was_recorded(server: Server) -> None:
    """It needs a real server, and otherwise nobody would see it run."""
    environment = {**os.environ, "COZYDIAG_COUCHDB_URL": server.url.replace("//", "//admin:adminpw@")}
    environment |= {"COZYDIAG_COUCHDB_USER": "app:apppw"}
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(LIVE)]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=100)
    assert (done.returncode, "5 passed, 1 skipped" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize(
    ("state", "login", "codes"),
    [
        ("healthy-admin", "admin:adminpw", []),
        ("healthy-other-user", "other:otherpw", []),
        ("maintenance-true", "app:apppw", ["couchdb.maintenance"]),
        ("no-system-dbs", "app:apppw", ["couchdb.system_databases_missing"]),
        ("corrupt-middle", "admin:adminpw", ["couchdb.file_damaged"]),
        ("shard-eacces", "admin:adminpw", ["couchdb.file_unreadable"]),
        ("disk-full", "admin:adminpw", ["couchdb.disk_full"]),
        ("node-host-unresolvable", "app:apppw", ["couchdb.node_renamed"]),
        ("fd-exhausted-conns", "app:apppw", ["couchdb.file_descriptors"]),
        ("stopped", "admin:adminpw", ["service.down"]),
    ],
)
def test_a_state_on_the_wire_with_its_log_is_its_cause(
    server: Server, state: str, login: str, codes: list[str]
) -> None:
    """By the clock of today, long after the log was written, and without a look at the disk."""
    log = RECORDINGS / state / "couch.log"
    if log.exists():
        server.config.write_text(f'{server.config.read_text()}log = "{log}"\n')
    server.login.write_text(login.replace(":", "\n") + "\n")
    if (RECORDINGS / state / "index.jsonl").exists():
        server.set(state)
        assert state != "stopped" or soon(lambda: "refused" in str(server.ask("/")))
    report = json.loads(server.run("status", "--only", "couchdb.*", "--format", "json").stdout)
    assert [cause["code"] for cause in report["causes"]] == codes


# --- curlcouch


def test_a_path_is_one_of_the_apps_database(server: Server) -> None:
    done = server.run("curlcouch", "/")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["db_name"] == "appdb"


def test_the_servers_own_paths(server: Server) -> None:
    assert json.loads(server.run("curlcouch", "--server", "_all_dbs").stdout) == ["_replicator", "_users", "appdb"]
    assert json.loads(server.run("curlcouch", "--server", "/").stdout)["couchdb"] == "Welcome"


def test_the_exit_code_is_that_of_the_answer(server: Server) -> None:
    done = server.run("curlcouch", "--server", "nosuch")
    assert (done.returncode, json.loads(done.stdout)["error"]) == (2, "not_found")
    server.set("hang")
    assert server.run("curlcouch", "--server", "/").returncode == 69


def test_a_refused_login_is_tried_once_whoever_asks(server: Server) -> None:
    server.login.write_text("admin\nWRONG\n")
    server.set("auth-wrong-password")
    assert server.run("curlcouch", "/").returncode == 2
    tried = server.logins()
    for command in (("curlcouch", "/"), ("couchdb",), ("status", "-q"), ("status",)):
        assert server.run(*command).returncode == 2
    assert server.logins() == tried == 1
    server.run("couchdb", "--again")
    assert server.logins() == 2


# --- the picture


def test_the_picture_of_a_server(server: Server) -> None:
    done = server.run("couchdb")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("CouchDB 3.5.0", "admin, administrator", "3 databases", "appdb", "No problem was found."):
        assert words in done.stdout


def test_the_picture_of_an_index_that_is_built(server: Server) -> None:
    server.set("view-building")
    done = server.run("couchdb")
    assert done.returncode == 1
    assert "indexer _design/slow" in done.stdout
    assert "[couchdb.index_building]" in done.stdout


def test_the_picture_without_a_login_names_the_problem_once(server: Server) -> None:
    server.login.write_text("admin\nWRONG\n")
    server.set("auth-wrong-password")
    done = server.run("couchdb")
    assert done.returncode == 2
    assert done.stdout.count("[couchdb.") == 1
    assert "WRONG" not in done.stdout + done.stderr
