"""`cozydiag cron` and what belongs to it, as a timer and a tired person run them, on a real stack."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cozydiag.couchdb.memory import VOLATILE
from cozydiag.sandbox import Sandbox
from tests.e2e.terminal import Terminal

COMMAND = (sys.executable, "-m", "cozydiag")
CRONS = {"PATH": "/usr/bin:/bin", "HOME": "/", "SHELL": "/bin/sh", "LOGNAME": "root"}
"""What cron gives (crontab(5)): a short PATH, no language, no terminal."""


class Server:
    """A sandbox with a state of its own, and what a timer runs there."""

    def __init__(self, sandbox: Sandbox, folder: Path, more: str = "") -> None:
        self.sandbox = sandbox
        self.state = folder / "state"
        self.config = folder / "cron.toml"
        text = Path(sandbox.config).read_text().replace(sandbox.layout.path("state"), str(self.state))
        self.config.write_text(f"{text}\n{more}\n")
        self.environment = CRONS | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}

    def line(self, *words: str) -> list[str]:
        return [*COMMAND, *words, "--config", str(self.config)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.line(*words), env=self.environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def cron(self, *words: str) -> tuple[int, str]:
        done = self.run("cron", *words)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def rows(self) -> int:
        with sqlite3.connect(self.state / "state.db") as connection:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tempfile.mkdtemp(prefix="cozydiag-", dir="/tmp"))
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.remove()


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> Server:
    return Server(sandbox, tmp_path)


@pytest.fixture
def broken(sandbox: Sandbox) -> Iterator[None]:
    sandbox.break_("couchdb-stopped")
    yield
    sandbox.heal()


def test_silent_when_well(server: Server) -> None:
    assert [server.cron() for _ in range(2)] == [(0, ""), (0, "")]
    assert server.rows() == 2


def test_heard_once_when_not_and_once_when_it_is_over(sandbox: Sandbox, server: Server) -> None:
    assert server.cron() == (0, "")
    sandbox.break_("couchdb-stopped")
    try:
        said = [server.cron() for _ in range(4)]
    finally:
        sandbox.heal()
    assert [code for code, _ in said] == [2, 2, 2, 2]
    assert [bool(text) for _, text in said] == [False, True, False, False]
    assert said[1][1].startswith(f"[cozydiag] CRITICAL: couchdb on {os.uname().nodename}\n\nCouchDB is stopped")
    said = [server.cron() for _ in range(3)]
    assert [(code, text.partition(" on ")[0]) for code, text in said] == [
        (0, ""),
        (0, "[cozydiag] OK: couchdb"),
        (0, ""),
    ]


def test_a_first_run_that_fails_speaks_in_the_language_of_its_option(server: Server, broken: None) -> None:
    code, text = server.cron("--lang", "fr")
    assert code == 2
    assert "CouchDB est arrêté" in text
    assert server.cron("--lang", "fr") == (2, "")


def test_a_format_is_printed_in_every_run(server: Server) -> None:
    for _ in range(2):
        assert server.cron("--format", "nagios")[1].startswith("COZY OK - ")
    assert json.loads(server.cron("--format", "jsonl")[1])["verdict"] == "ok"


def test_status_and_history_say_since_when(server: Server, sandbox: Sandbox) -> None:
    server.cron()
    sandbox.break_("couchdb-stopped")
    try:
        server.cron()
        status = server.run("status")
        seen = json.loads(server.run("status", "--format", "json").stdout)
    finally:
        sandbox.heal()
    assert "Nothing that is watched changed between" in status.stdout
    assert [one["id"] for one in seen["story"]] == ["Nothing that is watched changed between {well} and {bad}."]
    shown = server.run("history").stdout
    assert "critical" in shown
    assert "couchdb.reach: well in 50% of the runs, 1 change" in shown
    assert [one["verdict"] for one in json.loads(server.run("history", "--format", "json").stdout)] == [
        "ok",
        "critical",
    ]
    assert server.run("history", "--since", "yesterday").returncode == 64


def test_a_known_problem_is_shown_and_alarms_nobody(server: Server, broken: None) -> None:
    done = server.run(
        "ignore",
        "couchdb.*",
        "supervisor.program:couchdb",
        "service.*",
        "--until",
        "2031-01-31",
        "--reason",
        "new disk",
    )
    assert done.returncode == 0
    status = server.run("status")
    assert status.returncode == 0, status.stdout
    assert (
        "Known, until 2031-01-31 00:00:00: CouchDB is stopped [supervisor.program:couchdb] (new disk)" in status.stdout
    )
    assert server.cron() == (0, "")
    assert "by " in server.run("ignore").stdout
    assert server.run("ignore", "--remove", "couchdb.*", "supervisor.program:couchdb", "service.*").returncode == 0
    assert server.run("status").returncode == 2


@pytest.mark.parametrize(
    "words", [("x.y",), ("x.y", "--until", "soon"), ("x.y", "--until", "2001-01-01"), ("x.y", "--remove")]
)
def test_ignoring_needs_to_know_until_when(server: Server, words: tuple[str, ...]) -> None:
    done = server.run("ignore", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (64, "", 1)


def test_what_no_check_is_called_is_kept_and_said(server: Server) -> None:
    done = server.run("ignore", "zebra.stripes", "--until", "forever")
    assert (done.returncode, "No check is called zebra.stripes now" in done.stdout) == (0, True)


# --- many at once, and ends of all kinds


def test_of_twenty_at_once_one_runs(server: Server) -> None:
    server.cron()
    children = [
        subprocess.Popen(server.line("cron"), env=server.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
        for _ in range(20)
    ]  # fmt: skip
    said = [child.communicate(timeout=60)[0] for child in children]
    codes = [child.returncode for child in children]
    assert set(codes) <= {0, 75}
    assert 0 in codes
    assert said == [b""] * 20
    assert server.rows() == 1 + codes.count(0)
    assert not list(server.state.glob("*-journal"))


def test_a_run_that_is_killed_loses_itself_alone(server: Server, broken: None) -> None:
    lots = random.Random(7)  # noqa: S311  repeatable, not secret
    assert server.cron()[1] != ""
    killed = 0
    for _ in range(25):
        child = subprocess.Popen(
            server.line("cron"), env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        time.sleep(lots.uniform(0.05, 0.6))
        child.send_signal(signal.SIGKILL)
        said = child.communicate(timeout=60)[0]
        killed += child.returncode == -signal.SIGKILL
        assert said == b""  # it was told before
        with sqlite3.connect(server.state / "state.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert killed
    assert server.cron() == (2, "")


@pytest.mark.parametrize("closing", ["<&-", "</dev/null >&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(server: Server, closing: str) -> None:
    line = ["/bin/sh", "-c", f'"$@" {closing}', "sh", *server.line("cron")]
    done = subprocess.run(line, env=server.environment, cwd="/", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_disk_that_takes_nothing_stops_no_look(server: Server, broken: None) -> None:
    server.cron()
    line = ["/bin/sh", "-c", 'ulimit -f 0; "$@"', "sh", *server.line("cron")]
    environment = server.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(line, env=environment, cwd="/", capture_output=True, timeout=60, check=False)
    with suppress(OSError):  # root's second place for what the disk does not take; here that takes nothing either
        os.rmdir(VOLATILE)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


# --- channels


class Watcher:
    """What a healthchecks server, Uptime Kuma and a webhook hear."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes]] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                heard.append((self.command, self.path, body))
                self.send_response(404 if self.path.startswith("/gone") else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"OK")

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    watcher.server.shutdown()
    watcher.server.server_close()


def test_it_is_heard_elsewhere(sandbox: Sandbox, tmp_path: Path, watcher: Watcher, broken: None) -> None:
    secret = "T0PS3CR3T"
    server = Server(sandbox, tmp_path, f"""[notify]
ping = "{watcher.url}/ping/{secret}"
kuma = "{watcher.url}/api/push/{secret}"
webhook = "{watcher.url}/hook/{secret}"
apprise = ["json://127.0.0.1:{watcher.server.server_address[1]}/apprise"]
""")  # fmt: skip
    code, text = server.cron()
    assert (code, secret in text) == (2, False)
    paths = [path.partition("?")[0] for _, path, _ in watcher.heard]
    assert paths == [
        f"/ping/{secret}/start",
        f"/hook/{secret}",
        "/apprise",
        f"/ping/{secret}/fail",
        f"/api/push/{secret}",
    ]
    rids = {path.partition("rid=")[2] for _, path, _ in watcher.heard if "rid=" in path}
    assert len(rids) == 1
    assert json.loads(watcher.heard[1][2])["subject"].startswith("[cozydiag] CRITICAL")
    assert b"CouchDB is stopped" in watcher.heard[3][2]
    assert "status=down&msg=" in watcher.heard[4][1]
    watcher.heard.clear()
    assert server.cron() == (2, "")
    assert [path.split("/")[1] for _, path, _ in watcher.heard] == ["ping", "ping", "api"]


def test_each_way_can_be_tried(sandbox: Sandbox, tmp_path: Path, watcher: Watcher) -> None:
    server = Server(sandbox, tmp_path, f'[notify]\nping = "{watcher.url}/p"\nwebhook = "{watcher.url}/gone/s3cret"\n')
    assert server.run("notify").stdout.splitlines()[:2] == ["ping", "webhook"]
    done = server.run("notify", "--test")
    assert done.returncode == 2
    assert done.stdout.splitlines() == ["✗ webhook: HTTP 404", "✓ ping"]
    assert server.cron() == (0, "")  # a channel that fails changes nothing


# --- the live screen, and the timer


def test_a_live_screen_stays_and_ends_as_it_was(server: Server) -> None:
    terminal = Terminal(server.line("status", "--watch", "1"), {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"})
    try:
        terminal.until("q ends it.")
        first = terminal.said
        deadline = time.monotonic() + 30
        while terminal.said.count("q ends it.") < 3:
            assert time.monotonic() < deadline
            terminal.read()
        assert first.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
        assert "\x1b[2J" not in terminal.said  # nothing is wiped before it is drawn
        terminal.type("q")
        assert terminal.end() == 0
        assert terminal.said.endswith("\x1b[?25h\x1b[?1049l")
    finally:
        terminal.close()


def test_a_live_screen_needs_a_terminal(server: Server) -> None:
    done = server.run("status", "--watch")
    assert (done.returncode, done.stdout) == (64, "")


def test_the_timer_is_shown_and_changes_nothing(server: Server) -> None:
    done = server.run("schedule", "show", "--every", "10min", "--with-fix")
    assert done.returncode == 0
    assert "cozydiag cron" in done.stdout
    assert str(server.config) in done.stdout
    assert server.run("schedule", "show", "--every", "often").returncode == 64
