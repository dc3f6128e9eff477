"""Acts through a real systemd, booted in namespaces of its own: what it calls a success, and what is one."""

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

import cozydiag

HERE = Path(__file__).parent / "systemd"
ROOT = Path(cozydiag.__file__).parents[1]
GROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
PROGRAMS = ("unshare", "nsenter", "mount", "umount", "pivot_root", "systemctl")
LIMIT = 20.0

QUIET = "StandardOutput=null\nStandardError=null\n"
UNITS = {
    "works": "ExecStart=/bin/sleep 1000",
    "missing": "ExecStart=/nonexistent/program",
    "loops": "ExecStart=/bin/sleep 0.3\nRestart=always\nRestartSec=100ms",
    "gave-up": "ExecStart=/bin/sh -c 'test -e /run/mended && exec sleep 1000'\nRestart=always\nRestartSec=10ms",
    "slow": "ExecStartPre=/bin/sleep 1\nExecStart=/bin/sleep 1000",
    "stubborn": "ExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nTimeoutStopSec=1",
    "once": "Type=oneshot\nExecStart=/bin/true\nRemainAfterExit=yes",
    "couchdb": "ExecStart=/bin/sleep 1000",
}


def obstacle() -> str | None:
    """Why no systemd can be booted here."""
    if os.geteuid() != 0:
        return "only root can boot a systemd"
    if group() is None:
        return "there is no cgroup2 here"
    away = [program for program in PROGRAMS if shutil.which(program) is None]
    if away or not os.path.exists("/lib/systemd/systemd"):
        return f"not installed: {', '.join(away) or 'systemd'}"
    apart = [path for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix)) if device(path) != device(Path("/"))]
    return f"{apart[0]} lies on another file system than /" if apart else None


def device(path: Path) -> int:
    return path.stat().st_dev


def group() -> Path | None:
    """Where control groups of version 2 are, and may be made."""
    found = (path for path in GROUPS if (path / "cgroup.procs").exists() and (path / "cgroup.controllers").exists())
    return next((path for path in found if os.access(path, os.W_OK)), None)


class Machine:
    """A booted systemd."""

    def __init__(self, init: int) -> None:
        self.init = init

    def run(self, *line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        enter = ("nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")
        return subprocess.run(
            [*enter, *line], input=stdin, env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    def has(self, **units: str) -> None:
        for name, lines in units.items():
            unit = f"[Unit]\nDefaultDependencies=no\n[Service]\n{lines}\n{QUIET}"
            assert self.run("tee", f"/run/systemd/system/{name}.service", stdin=unit).returncode == 0
        assert self.run("systemctl", "daemon-reload").returncode == 0

    def state(self, name: str) -> str:
        shown = self.run("systemctl", "show", "-p", "ActiveState,SubState,Result", "--value", name).stdout
        return " ".join(sorted(shown.split()))

    def until(self, name: str, state: str) -> None:
        deadline = time.monotonic() + LIMIT
        while self.state(name) != state:
            assert time.monotonic() < deadline, self.state(name)
            time.sleep(0.05)

    def act(self, name: str, verb: str, role: str = "") -> dict[str, Any]:
        address = f"systemd:{name}.service" if name else ""
        done = self.run(sys.executable, str(HERE / "inside.py"), address, role, verb)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    why = obstacle()
    parent = group()
    if why is not None or parent is None:
        pytest.skip(why or "there is no cgroup2 here")
    own = parent / f"cozydiag-lab-{os.getpid()}"
    try:
        own.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    folder = tempfile.mkdtemp(prefix="cozydiag-lab-")
    line = ["/bin/sh", "-c", f'echo $$ >"{own}/cgroup.procs" && exec "$0" "$1"', str(HERE / "boot"), folder]
    outer = subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        machine = booted(outer)
        machine.has(**UNITS)
        yield machine
    finally:
        outer.kill()  # unshare passes it on to process 1, and the kernel to all the rest
        outer.communicate()
        os.rmdir(folder)
        remove(own)


def booted(outer: subprocess.Popen[str]) -> Machine:
    """Skips where it does not come up: namespaces, overlays and control groups are not allowed everywhere."""
    deadline = time.monotonic() + LIMIT
    while outer.poll() is None and time.monotonic() < deadline:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        if children:
            machine = Machine(int(children[0]))
            if machine.run("systemctl", "is-system-running").stdout == "running\n":
                return machine
        time.sleep(0.05)
    outer.kill()
    pytest.skip(f"systemd does not boot here: {outer.communicate()[1].strip() or 'not in time'}")


def remove(group: Path) -> None:
    """A control group goes when its last process has been collected."""
    deadline = time.monotonic() + LIMIT
    while group.exists():
        for path in sorted(group.rglob("*/"), reverse=True):
            try:
                path.rmdir()
            except OSError:
                pass
        try:
            group.rmdir()
        except OSError:
            assert time.monotonic() < deadline, f"{group} stays"
            time.sleep(0.05)


def test_a_start_is_proven_by_a_process_that_stays(machine: Machine) -> None:
    first = machine.act("works", "start")
    assert (first["result"], first["before"], first["journal"]) == ("verified", 0, ["verified"])
    assert f"(PID {first['after']})" in first["text"]
    second = machine.act("works", "restart")
    assert (second["result"], second["before"]) == ("verified", first["after"])
    assert second["after"] != first["after"]
    assert machine.state("works") == "active running success"


def test_a_start_that_systemctl_calls_a_success_is_none_without_a_program(machine: Machine) -> None:
    assert machine.run("systemctl", "start", "missing").returncode == 0
    told = machine.act("missing", "start")
    assert (told["result"], told["after"]) == ("failed", 0)
    assert "failed/failed exit-code" in told["text"]
    assert told["seconds"] < 10  # it is not waited for to the end of all patience
    assert told["journal"] == ["failed"]


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_unit_that_crashes_again_and_again_is_no_success(machine: Machine, verb: str) -> None:
    told = machine.act("loops", verb)
    assert told["result"] == "failed"
    assert told["after"] not in (0, told["before"])  # it ran, and did not stay


def test_a_unit_that_systemd_gave_up_starts_again_once_it_is_mended(machine: Machine) -> None:
    """Within the time of its start limit systemctl would start nothing and say that all went well."""
    machine.run("systemctl", "start", "gave-up")
    machine.until("gave-up", "exit-code failed failed")
    machine.run("touch", "/run/mended")
    assert machine.run("systemctl", "--no-block", "start", "gave-up").returncode == 0
    assert "failed" in machine.state("gave-up")
    assert machine.act("gave-up", "start")["result"] == "verified"


def test_a_unit_that_takes_its_time_is_waited_for(machine: Machine) -> None:
    assert machine.act("slow", "start")["result"] == "verified"


def test_a_unit_that_does_not_end_by_itself_is_replaced_all_the_same(machine: Machine) -> None:
    first = machine.act("stubborn", "start")
    second = machine.act("stubborn", "restart")
    assert (first["result"], second["result"], second["before"]) == ("verified", "verified", first["after"])


def test_a_stopped_process_is_replaced_without_being_killed(machine: Machine) -> None:
    pid = str(machine.act("works", "restart")["after"])
    assert machine.run("kill", "-STOP", pid).returncode == 0
    told = machine.act("works", "restart")
    assert (told["result"], str(told["before"])) == ("verified", pid)
    assert told["seconds"] < 10


def test_a_reload_that_a_unit_does_not_know_is_told_in_systemds_words(machine: Machine) -> None:
    machine.act("works", "start")
    told = machine.act("works", "reload")
    assert told["result"] == "failed"
    assert "Job type reload is not applicable for unit works.service" in told["text"]


@pytest.mark.parametrize(("name", "words"), [("once", "active/exited success"), ("gone", "not-found")])
def test_what_has_no_process_does_not_run(machine: Machine, name: str, words: str) -> None:
    told = machine.act(name, "start")
    assert told["result"] == "failed"
    assert words in told["text"]


def test_the_unit_of_a_role_is_found(machine: Machine) -> None:
    told = machine.act("", "restart", role="couchdb")
    assert (told["service"], told["result"]) == ("systemd:couchdb.service", "verified")


def test_nobody_was_touched_but_who_was_asked_for(machine: Machine) -> None:
    """Everything above went through the door of the one unit."""
    states = "--state=active,activating,deactivating,failed"
    shown = machine.run("systemctl", "list-units", "--type=service", states, "--plain", "--no-legend").stdout
    assert {line.split()[0].removesuffix(".service") for line in shown.splitlines()} == {*UNITS}
