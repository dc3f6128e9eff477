"""Acts through a real systemd, booted in namespaces of its own: what it calls a success, and what is one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scripts.laboratory.managers.machine import Machine, NoMachineError, booted

HERE = Path(__file__).parent / "systemd"

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
    "no-main": "Type=forking\nGuessMainPID=no\nExecStart=/bin/sh -c 'sleep 1000 & sleep 1000 &'",
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with ExitStack() as stack:
        try:
            here = stack.enter_context(booted())
        except NoMachineError as error:
            pytest.skip(str(error))
        has(here, **UNITS)
        yield here


def has(machine: Machine, **units: str) -> None:
    for name, lines in units.items():
        machine.write(
            f"/run/systemd/system/{name}.service",
            f"[Unit]\nDefaultDependencies=no\n[Service]\n{lines}\n{QUIET}",
        )
    assert machine.run("systemctl", "daemon-reload").returncode == 0


def act(machine: Machine, name: str, verb: str, role: str = "") -> dict[str, Any]:
    address = f"systemd:{name}.service" if name else ""
    done = machine.run(sys.executable, str(HERE / "inside.py"), address, role, verb)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_start_is_proven_by_a_process_that_stays(machine: Machine) -> None:
    first = act(machine, "works", "start")
    assert (first["result"], first["before"], first["journal"]) == ("verified", 0, ["verified"])
    assert f"(PID {first['after']})" in first["text"]
    second = act(machine, "works", "restart")
    assert (second["result"], second["before"]) == ("verified", first["after"])
    assert second["after"] != first["after"]
    assert machine.state("works") == "active running success"


def test_a_start_that_systemctl_calls_a_success_is_none_without_a_program(machine: Machine) -> None:
    assert machine.run("systemctl", "start", "missing").returncode == 0
    told = act(machine, "missing", "start")
    assert (told["result"], told["after"]) == ("failed", 0)
    assert "failed/failed exit-code" in told["text"]
    assert told["seconds"] < 10  # it is not waited for to the end of all patience
    assert told["journal"] == ["failed"]


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_unit_that_crashes_again_and_again_is_no_success(machine: Machine, verb: str) -> None:
    told = act(machine, "loops", verb)
    assert told["result"] == "failed"
    assert told["after"] not in (0, told["before"])  # it ran, and did not stay


def test_a_unit_that_systemd_gave_up_starts_again_once_it_is_mended(machine: Machine) -> None:
    """Within the time of its start limit systemctl would start nothing and say that all went well."""
    machine.run("systemctl", "start", "gave-up")
    machine.until("gave-up", "exit-code failed failed")
    machine.run("touch", "/run/mended")
    assert machine.run("systemctl", "--no-block", "start", "gave-up").returncode == 0
    assert "failed" in machine.state("gave-up")
    assert act(machine, "gave-up", "start")["result"] == "verified"


def test_a_unit_that_takes_its_time_is_waited_for(machine: Machine) -> None:
    assert act(machine, "slow", "start")["result"] == "verified"


def test_a_unit_that_does_not_end_by_itself_is_replaced_all_the_same(machine: Machine) -> None:
    first = act(machine, "stubborn", "start")
    second = act(machine, "stubborn", "restart")
    assert (first["result"], second["result"], second["before"]) == ("verified", "verified", first["after"])


def test_a_stopped_process_is_replaced_without_being_killed(machine: Machine) -> None:
    pid = str(act(machine, "works", "restart")["after"])
    assert machine.run("kill", "-STOP", pid).returncode == 0
    told = act(machine, "works", "restart")
    assert (told["result"], str(told["before"])) == ("verified", pid)
    assert told["seconds"] < 10


def test_what_has_no_main_process_is_proven_by_its_invocation(machine: Machine) -> None:
    """As the units that systemd makes of init scripts."""
    assert act(machine, "no-main", "start")["result"] == "verified"
    before = machine.show("no-main", "InvocationID")
    told = act(machine, "no-main", "restart")
    assert (told["result"], told["before"], told["after"], told["text"]) == ("verified", 0, 0, "it runs and stays")
    assert machine.show("no-main", "InvocationID") != before


def test_a_reload_that_a_unit_does_not_know_is_told_in_systemds_words(machine: Machine) -> None:
    act(machine, "works", "start")
    told = act(machine, "works", "reload")
    assert told["result"] == "failed"
    assert "Job type reload is not applicable for unit works.service" in told["text"]


@pytest.mark.parametrize(("name", "words"), [("once", "active/exited success"), ("gone", "not-found")])
def test_what_has_no_process_does_not_run(machine: Machine, name: str, words: str) -> None:
    told = act(machine, name, "start")
    assert told["result"] == "failed"
    assert words in told["text"]


def test_the_unit_of_a_role_is_found(machine: Machine) -> None:
    told = act(machine, "", "restart", role="couchdb")
    assert (told["service"], told["result"]) == ("systemd:couchdb.service", "verified")


def test_nobody_was_touched_but_who_was_asked_for(machine: Machine) -> None:
    """Everything above went through the door of the one unit."""
    states = "--state=active,activating,deactivating,failed"
    shown = machine.run("systemctl", "list-units", "--type=service", states, "--plain", "--no-legend").stdout
    assert {line.split()[0].removesuffix(".service") for line in shown.splitlines()} == {*UNITS}
