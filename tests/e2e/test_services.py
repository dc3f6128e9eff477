"""`cozydiag services` as people run it, on a real supervisord and a real nginx."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.sandbox import Sandbox
from tests.e2e.terminal import Terminal
from tests.e2e.test_fix import NOBODY, for_nobody, python_for_nobody

PROGRAMS = {"couchdb", "cozy-controller", "cozy-data-system", "cozy-home", "cozy-proxy", "nginx"}


class Server:
    """A sandbox, and what is typed at it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.config = str(Path(sandbox.folder, "services.toml"))
        Path(self.config).write_text(Path(sandbox.config).read_text() + "\n[timing]\nproof = 0.2\n")
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cozydiag", "services", *words, "--config", self.config], env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, **more,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def all(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in json.loads(self.run("--format", "json").stdout)["services"]}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    sandbox = Sandbox.create(tempfile.mkdtemp(prefix="cozydiag-services-", dir="/tmp"))
    try:
        sandbox.up()
        yield Server(sandbox)
    finally:
        sandbox.remove()


def test_one_table_shows_all_on_80_columns(server: Server) -> None:
    done = server.run()
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].split()[:4] == ["name", "manager", "state", "PID"]
    assert {line.split()[0] for line in lines[1:]} == PROGRAMS
    assert max(map(len, lines)) <= 80


def test_json_has_the_numbers(server: Server) -> None:
    found = server.all()
    assert set(found) == PROGRAMS
    for one in found.values():
        assert (one["manager"], one["state"], one["wanted"], one["boot"]) == ("supervisord", "running", True, None)
        assert one["memory_bytes"] > 1 << 20
        assert 0 <= one["cpu_percent"] < 1000
        assert len(one["ports"]) >= 1
        assert one["address"] == f"supervisord:{one['name']}"
        os.kill(one["pids"][0], 0)


def test_one_service_alone_with_the_end_of_its_log(server: Server) -> None:
    done = server.run("show", "supervisord:cozy-home")
    assert done.returncode == 0
    assert "supervisord:cozy-home" in done.stdout
    assert json.loads(server.run("show", "cozy-home", "--format", "json").stdout)["name"] == "cozy-home"


def test_a_log_has_as_many_lines_as_are_asked_for(server: Server) -> None:
    whole = server.run("logs", "cozy-home", "-n", "100").stdout.splitlines()
    assert server.run("logs", "cozy-home", "-n", "1").stdout.splitlines() == whole[-1:]


def test_a_log_can_be_followed(server: Server) -> None:
    line = [
        sys.executable,
        "-m",
        "cozydiag",
        "services",
        "logs",
        "cozy-home",
        "-f",
        "-n",
        "1",
        "--config",
        server.config,
    ]
    with subprocess.Popen(line, env=server.environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            first = child.stdout.readline()
            subprocess.run(
                [sys.executable, "-m", "cozydiag", "status", "--only", "stack.home", "--config", server.config],
                env=server.environment, stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip
            second = child.stdout.readline()
            assert "GET" in second
            assert first != second
        finally:
            child.terminate()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "nobody"), 64, "no service is called nobody"),
        (("logs", "nobody"), 64, "no service is called nobody"),
        (("restart", "nobody", "--yes"), 64, "no service is called nobody"),
        (("restart", "cozy-home"), 64, "nobody is here to be asked"),
        (("reload", "cozy-home", "--yes"), 64, "supervisord has no reload"),
        (("remove", "cozy-home"), 64, "there is no command remove"),
        (("--format", "xml"), 64, "--format takes one of text, json"),
        (("logs", "cozy-home", "-n", "0"), 64, ""),
    ],
)
def test_mistakes_are_one_sentence_and_change_nothing(
    server: Server, words: tuple[str, ...], code: int, said: str
) -> None:
    before = {name: one["pids"] for name, one in server.all().items()}
    done = server.run(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {name: one["pids"] for name, one in server.all().items()} == before


def test_a_restart_gives_a_new_process_and_touches_no_other(server: Server) -> None:
    before = server.all()
    assert server.run("restart", "cozy-home", "--yes").returncode == 0
    after = server.all()
    changed = {name for name in PROGRAMS if before[name]["pids"] != after[name]["pids"]}
    assert changed == {"cozy-home"}


def test_what_is_stopped_stays_down_until_it_is_started(server: Server) -> None:
    (pid,) = server.all()["cozy-home"]["pids"]
    assert server.run("stop", "cozy-home", "--yes").returncode == 0
    one = server.all()["cozy-home"]
    assert (one["state"], one["wanted"], one["pids"]) == ("stopped", False, [])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert server.run().returncode == 0  # as somebody wanted
    assert server.run("start", "cozy-home", "--yes").returncode == 0
    assert server.all()["cozy-home"]["state"] == "running"


@pytest.mark.parametrize(("answer", "changes"), [("n", False), ("y", True)])
def test_on_a_terminal_it_is_asked_for(server: Server, answer: str, changes: bool) -> None:
    before = server.all()["cozy-home"]["pids"]
    line = [sys.executable, "-m", "cozydiag", "services", "restart", "cozy-home", "--config", server.config]
    terminal = Terminal(line, server.environment)
    try:
        terminal.until("Do it? (y = yes) ")
        assert "restart cozy-home" in terminal.said
        terminal.type(f"{answer}\n")
        assert terminal.end() == 0
    finally:
        terminal.close()
    assert (server.all()["cozy-home"]["pids"] != before) is changes


def test_what_comes_back_after_a_reboot(server: Server) -> None:
    """Nobody knows what would start this supervisord with the machine."""
    done = server.run("--boot")
    assert done.returncode == 0
    assert [line.endswith(" not known") for line in done.stdout.splitlines()[1:]] == [True] * len(PROGRAMS)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_who_may_not_ask_is_told_so(server: Server) -> None:
    python = python_for_nobody()
    if python is None:
        pytest.skip("nobody can run this Python here")
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(Path(server.config).read_text())
        file.flush()
        os.chmod(file.name, 0o644)
        done = subprocess.run(
            [python, "-m", "cozydiag", "services", "--config", file.name], env=for_nobody(), cwd="/", user=NOBODY,
            group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "")
    assert "supervisord could not be asked: permission denied" in done.stdout


def test_a_crash_loop_is_told_in_the_table(server: Server) -> None:
    server.sandbox.break_("crash-loop")
    try:
        deadline = time.monotonic() + 20
        while not any(one["state"] in ("crash-looping", "failed") for one in server.all().values()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        done = server.run()
        assert done.returncode == 2
    finally:
        server.sandbox.heal()
