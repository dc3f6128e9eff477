"""The timer of `cozydiag schedule`, written, run in its own confinement and taken away under a real systemd."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest

from cozydiag.watch.timer import all_paths
from scripts.laboratory.managers.machine import Machine
from tests.lab.test_systemd import machine

__all__ = ["machine"]

CONFIG = "/run/cozydiag-cron.toml"
SETTINGS = """
discover = false
[managers]
systemd = ["works.service"]
[services."cozy.home"]
manager = "systemd"
unit = "works.service"
[paths]
logs = "/var/log"
[notify]
prometheus = "/run/textfile/cozydiag.prom"
"""

NO_DEVICES = "[Service]\nPrivateDevices=no\n"
"""In namespaces of namespaces nobody may make devices (mknod(2)): this one wall is missing in the lab."""


@pytest.fixture(scope="module")
def scheduled(machine: Machine) -> Iterator[Machine]:
    machine.run("systemctl", "start", "works")
    machine.write(CONFIG, SETTINGS)
    machine.run("mkdir", "/run/textfile")
    done = machine.cozydiag("schedule", "install", "--every", "2min", "--with-fix", "--config", CONFIG)
    assert done.returncode == 0, done.stderr
    machine.run("mkdir", "-p", "/run/systemd/system/cozydiag.service.d")
    machine.write("/run/systemd/system/cozydiag.service.d/lab.conf", NO_DEVICES)
    machine.run("systemctl", "daemon-reload")
    yield machine
    machine.run("systemctl", "stop", "works")


def test_the_timers_run(scheduled: Machine) -> None:
    assert (
        scheduled.run("systemctl", "is-active", "cozydiag.timer", "cozydiag-fix.timer").stdout.split() == ["active"] * 2
    )
    assert scheduled.run("systemctl", "is-enabled", "cozydiag.timer").stdout.strip() == "enabled"


def test_a_run_in_its_confinement_sees_what_a_run_by_hand_sees(scheduled: Machine) -> None:
    by_hand = json.loads(scheduled.cozydiag("status", "--format", "json", "--config", CONFIG).stdout)
    done = scheduled.run("systemctl", "start", "cozydiag.service")
    shown = scheduled.run("systemctl", "show", "-p", "Result,ExecMainStatus,ExecMainCode", "cozydiag.service").stdout
    assert done.returncode == 0, shown
    rows = json.loads(scheduled.cozydiag("history", "--format", "json", "--config", CONFIG).stdout)
    assert len(rows) == 1
    seen = {
        f"{one['id']}:{one['subject']}" if one["subject"] else one["id"]: one["status"] for one in by_hand["results"]
    }
    assert rows[0]["statuses"] == seen
    assert rows[0]["verdict"] == by_hand["verdict"]


def test_it_can_write_what_it_must(scheduled: Machine) -> None:
    written = scheduled.run("cat", "/run/textfile/cozydiag.prom").stdout
    assert "cozydiag_last_run_timestamp_seconds" in written
    assert scheduled.run("stat", "-c", "%a", "/run/textfile/cozydiag.prom").stdout.strip() == "644"


def test_it_is_confined(scheduled: Machine) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    scheduled.run("rm", "-r", "/run/systemd/system/cozydiag.service.d")
    scheduled.run("systemctl", "daemon-reload")
    shown = scheduled.run("systemd-analyze", "security", "--no-pager", "--offline=true",
                          "/etc/systemd/system/cozydiag.service").stdout  # fmt: skip
    level = re.search(r"Overall exposure level for cozydiag.service: ([0-9.]+)", shown)
    assert level is not None, shown
    assert float(level[1]) <= 3.0


def test_nothing_is_left_of_it(scheduled: Machine) -> None:
    done = scheduled.cozydiag("schedule", "remove")
    assert done.returncode == 0
    assert sorted(done.stdout.split()) == sorted(path for path in all_paths() if path.startswith("/etc/systemd"))
    for path in all_paths():
        assert scheduled.run("test", "-e", path).returncode == 1
    listed = scheduled.run("systemctl", "list-unit-files", "--no-legend", "cozydiag*").stdout
    assert listed == ""
    assert scheduled.cozydiag("schedule", "remove").stdout == "There was no timer.\n"
