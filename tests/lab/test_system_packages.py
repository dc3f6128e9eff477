"""Debian's nginx, postfix and supervisor, installed in the lab's own overlay only, with starts forbidden: under
systemd, and with their init scripts alone.

Only with COZYDIAG_SYSTEM_PACKAGES=1: packages are downloaded, into a folder that goes away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.laboratory.managers.debian import install
from scripts.laboratory.managers.machine import HERE, LIMIT, PATH, Machine
from scripts.laboratory.managers.scene import SceneError
from tests.lab.test_systemd import machine

__all__ = ["machine"]

PACKAGES = ("nginx-light", "postfix", "supervisor")
pytestmark = pytest.mark.skipif(
    os.environ.get("COZYDIAG_SYSTEM_PACKAGES") != "1" or shutil.which("apt-get") is None,
    reason="downloads packages: set COZYDIAG_SYSTEM_PACKAGES=1 on a Debian to have it done",
)


@pytest.fixture(scope="module")
def debian(machine: Machine) -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="cozydiag-packages-") as folder:
        try:
            install(machine, Path(folder), PACKAGES)
        except SceneError as error:
            pytest.skip(str(error))
        assert not os.path.exists("/etc/postfix"), "it was to be installed in the overlay alone"
        yield machine


def cozydiag(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    done = machine.run(sys.executable, "-m", "cozydiag", "services", *words)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def told(machine: Machine) -> dict[str, dict[str, Any]]:
    return {one["address"]: one for one in json.loads(cozydiag(machine, "--format", "json").stdout)["services"]}


def until(machine: Machine, address: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT
    while (one := told(machine)[address])["state"] != state:
        assert time.monotonic() < deadline, one
        time.sleep(0.3)
    return one


def test_under_systemd_each_is_one_service_and_postfix_the_real_one(debian: Machine) -> None:
    for name in ("nginx", "supervisor", "postfix"):
        assert debian.run("timeout", "20", "systemctl", "start", name).returncode == 0
    found = told(debian)
    assert {"systemd:nginx.service", "systemd:supervisor.service", "systemd:postfix@-.service"} <= set(found)
    assert "systemd:postfix.service" not in found  # active (exited) whatever postfix does
    for name in ("nginx", "supervisor", "postfix@-"):
        assert found[f"systemd:{name}.service"]["state"] == "running"
        assert found[f"systemd:{name}.service"]["boot"] is True
    assert found["systemd:nginx.service"]["ports"] == [80]


def test_a_postfix_that_systemctl_calls_started_is_told_as_failed(debian: Machine) -> None:
    debian.run("sh", "-c", "echo broken >>/etc/postfix/main.cf")
    assert debian.run("timeout", "20", "systemctl", "restart", "postfix").returncode == 0
    until(debian, "systemd:postfix@-.service", "failed")
    assert "missing '='" in cozydiag(debian, "logs", "postfix@-").stdout
    assert cozydiag(debian, "restart", "postfix@-", "--yes").returncode == 2
    debian.run("sed", "-i", "/^broken$/d", "/etc/postfix/main.cf")
    assert cozydiag(debian, "restart", "postfix@-", "--yes").returncode == 0


def test_a_reload_of_nginx_is_proven_by_new_workers(debian: Machine) -> None:
    before = told(debian)["systemd:nginx.service"]["pids"]
    workers = debian.run("pgrep", "-P", str(before[0])).stdout.split()
    assert cozydiag(debian, "reload", "nginx", "--yes").returncode == 0
    assert told(debian)["systemd:nginx.service"]["pids"] == before
    assert not set(debian.run("pgrep", "-P", str(before[0])).stdout.split()) & set(workers)


def test_a_reload_that_nginx_does_not_do_is_not_believed(debian: Machine) -> None:
    """Its port is taken: `systemctl reload` succeeds, and nothing has changed."""
    site = "/etc/nginx/conf.d/second.conf"
    debian.run("tee", site, stdin="server { listen 127.0.0.1:7777; }\n")
    holder = "import socket, time; s = socket.create_server(('127.0.0.1', 7777)); time.sleep(1000)"
    debian.run("systemd-run", "--unit=holder", "-p", "DefaultDependencies=no", sys.executable, "-c", holder)
    deadline = time.monotonic() + LIMIT
    while ":1E61 " not in debian.run("cat", "/proc/1/net/tcp").stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert debian.run("systemctl", "reload", "nginx").returncode == 0
    assert cozydiag(debian, "reload", "nginx", "--yes").returncode == 2
    debian.run("systemctl", "stop", "holder")
    debian.run("rm", site)


def test_stopped_is_stopped_and_started_is_started(debian: Machine) -> None:
    assert cozydiag(debian, "stop", "nginx", "--yes").returncode == 0
    assert told(debian)["systemd:nginx.service"]["state"] == "stopped"
    assert cozydiag(debian, "start", "nginx", "--yes").returncode == 0


def test_a_killed_supervisord_waits_for_its_restart(debian: Machine) -> None:
    debian.run("pkill", "-KILL", "supervisord")
    one = until(debian, "systemd:supervisor.service", "failed")
    assert one["words"].startswith("activating/auto-restart")


def test_init_scripts_without_systemd(debian: Machine) -> None:
    debian.run("systemctl", "stop", "nginx", "supervisor", "postfix")
    line = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "env", f"PYTHON={sys.executable}", f"PATH={PATH}")
    done = debian.run(*line, str(HERE / "sysv.sh"))
    parts = dict(part.split("\n", 1) for part in done.stdout.split("== ")[1:])
    act = parts.pop("act")
    steps = {name: {one["address"]: one for one in json.loads(text)["services"]} for name, text in parts.items()}
    nginx = {name: services["sysv:nginx"]["state"] for name, services in steps.items()}
    assert nginx == {
        "installed": "stopped", "started": "running", "stopped": "stopped", "killed": "failed", "stale": "failed",
    }  # fmt: skip
    assert steps["started"]["sysv:supervisor"]["state"] == "running"
    assert "live on without it" in steps["killed"]["sysv:nginx"]["why"]
    assert steps["stale"]["sysv:nginx"]["pids"] == []
    assert act.splitlines()[-1] == "code 0"
