"""The app that creates its database at every start, under the real PM2, supervisord and systemd."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scripts.laboratory.managers.machine import Machine, NoMachineError, booted
from scripts.laboratory.managers.pm2 import VERSIONS, place
from scripts.laboratory.managers.scene import SceneError
from scripts.laboratory.node import Folder, Place, until
from scripts.laboratory.story import APP, DATABASE, MENDED, Databases

ROOT = Path(__file__).parents[2]
SUPERVISORD = Path(sys.executable).with_name("supervisord")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def databases() -> Iterator[Databases]:
    server = Databases()
    yield server
    server.end()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def here(config: str) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cozydiag", *words, "--config", config], stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100,
            check=False,
        )  # fmt: skip

    return run


def causes(run: Run) -> list[dict[str, Any]]:
    done = run("status", "--only", "manager.*", "--only", "supervisor.*", "--format", "json")
    assert done.stdout, done.stderr
    return [one for one in json.loads(done.stdout)["causes"] if one["code"].startswith("service.")]


def names_the_database(run: Run) -> bool:
    return any(f"the database {DATABASE} already exists" in one["message"]["text"] for one in causes(run))


def is_told_and_left_alone(run: Run) -> None:
    """The cause, the line that shows it, and a refusal that names the steps in their order."""
    assert until(lambda: names_the_database(run), 60), causes(run)
    (cause,) = causes(run)
    assert cause["code"] in ("service.crash_loop", "service.failed")
    assert cause["restart_helps"] is False
    assert f"Database {DATABASE} already exists" in cause["evidence"][0]["line"]
    told = []

    def is_refused() -> bool:  # on a busy machine the app may just be starting in one of the two looks
        told.append(run("fix", "--restart", "--yes"))
        return told[-1].returncode == 2 and "throw_on_exists=False" in told[-1].stdout

    assert until(is_refused, 60), told[-1].stdout
    said = " ".join(told[-1].stdout.split())
    places = [
        said.find(step) for step in ("throw_on_exists=False", "stop the program", "delete it", "returns at every")
    ]
    assert -1 not in places, said
    assert places == sorted(places)


@pytest.fixture
def pm2() -> Iterator[Place]:
    try:
        found = place(VERSIONS[0])
    except SceneError as error:
        pytest.skip(str(error))
    try:
        yield found
    finally:
        found.remove()


def test_under_pm2(pm2: Place, databases: Databases) -> None:
    app = pm2.folder / "server.py"
    app.write_text(APP)
    settings = {"name": "demo", "script": "server.py", "interpreter": sys.executable,
                "args": [databases.url(), str(free_port())]}  # fmt: skip
    (pm2.folder / "apps.json").write_text(json.dumps({"apps": [settings]}))
    run = here(pm2.configure(f'[managers]\npm2 = ["{pm2.home}"]\n'))
    assert pm2.run("start", "apps.json").returncode == 0
    assert until(lambda: DATABASE in databases.names)
    assert until(lambda: causes(run) == [], 60)
    pm2.run("restart", "demo")
    is_told_and_left_alone(run)
    app.write_text(MENDED)
    pm2.run("restart", "demo")
    assert until(lambda: causes(run) == [], 60), causes(run)


@pytest.fixture
def folder() -> Iterator[Folder]:
    found = Folder()
    try:
        yield found
    finally:
        found.remove()


def test_under_supervisord(folder: Folder, databases: Databases) -> None:
    app = folder.folder / "server.py"
    app.write_text(APP)
    where = folder.folder
    (where / "supervisord.conf").write_text(
        f"[unix_http_server]\nfile={where}/s.sock\n[supervisord]\nlogfile={where}/supervisord.log\n"
        f"pidfile={where}/supervisord.pid\nchildlogdir={where}\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisorctl]\nserverurl=unix://{where}/s.sock\n"
        f"[program:demo]\ncommand={sys.executable} -u {app} {databases.url()} {free_port()}\nstartsecs=2\n"
    )
    line = [str(SUPERVISORD), "-n", "-c", str(where / "supervisord.conf")]
    supervisorctl = [str(SUPERVISORD.with_name("supervisorctl")), "-c", str(where / "supervisord.conf")]
    run = here(folder.configure(f'[supervisord]\nsocket = "{where}/s.sock"\n'))
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=where) as daemon:
        try:
            assert until(lambda: DATABASE in databases.names)
            assert until(lambda: causes(run) == [], 60), causes(run)
            subprocess.run([*supervisorctl, "restart", "demo"], capture_output=True, timeout=60, check=False)
            is_told_and_left_alone(run)
            app.write_text(MENDED)
            subprocess.run([*supervisorctl, "start", "demo"], capture_output=True, timeout=60, check=False)
            assert until(lambda: causes(run) == [], 60), causes(run)
        finally:
            daemon.terminate()
            daemon.wait(20)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(booted())
        except NoMachineError as error:
            pytest.skip(str(error))


def test_under_systemd(machine: Machine) -> None:
    units = {
        "databases": f"ExecStart={sys.executable} -m scripts.laboratory.story 5999\nEnvironment=PYTHONPATH={ROOT}",
        "demo": f"ExecStart={sys.executable} -u /run/server.py http://127.0.0.1:5999/{DATABASE} 5998\n"
        "Restart=always\nRestartSec=200ms",
    }
    for name, lines in units.items():
        text = f"[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\n{lines}\n"
        machine.write(f"/run/systemd/system/{name}.service", text)
    machine.write("/run/server.py", APP)
    machine.write("/run/cozydiag.toml", 'discover = false\n[timing]\nproof = 1.0\n[managers]\nsystemd = ["demo"]\n')
    machine.run("chmod", "600", "/run/cozydiag.toml")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "systemd-journald.service", "databases")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return machine.cozydiag(*words, "--config", "/run/cozydiag.toml")

    def listens(port: int) -> bool:
        probe = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        return machine.run(sys.executable, "-c", probe).returncode == 0

    assert until(lambda: listens(5999)), machine.run("journalctl", "-u", "databases").stdout
    machine.run("systemctl", "start", "demo")
    assert until(lambda: listens(5998))
    assert until(lambda: causes(run) == [], 60), causes(run)
    machine.run("systemctl", "restart", "demo")
    is_told_and_left_alone(run)
    page = " ".join(run("logs", "demo").stdout.split())
    assert "Crash loop of demo" in page, page
    assert f"database {DATABASE} already exists" in page
    machine.write("/run/server.py", MENDED)
    assert until(lambda: listens(5998))
    assert until(lambda: causes(run) == [], 60), causes(run)
