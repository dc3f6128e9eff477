"""The real forever in a folder of its own: every state that can be made, monitors that hang or are killed, acts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from cozydiag.config import load
from cozydiag.host import Host, World
from cozydiag.managers import forever
from cozydiag.managers.service import Condition, State, Surroundings
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from scripts.laboratory.managers.forever import looked, manager, monitor, place, start, started
from scripts.laboratory.managers.scene import SceneError
from scripts.laboratory.node import Place, until


@pytest.fixture(scope="module")
def lab() -> Iterator[Place]:
    with ExitStack() as stack:
        try:
            here = stack.enter_context(started())
        except SceneError as error:
            pytest.skip(str(error))
        yield here


@pytest.fixture
def alone() -> Iterator[Place]:
    """One script that works, and whose monitor may be done away with."""
    try:
        here = place()
    except SceneError as error:
        pytest.skip(str(error))
    try:
        start(here, "works")
        assert until(lambda: "works" in looked(here) and told(here)["works"].state is State.RUNNING)
        yield here
    finally:
        here.remove()


def host(seconds: float = 2.0) -> Host:
    return Host(World(), seconds, "test")


def told(here: Place) -> dict[str, Condition]:
    found = looked(here)
    assert found
    return found


def acted(here: Place, name: str, verb: str) -> Outcome:
    stack = Stack(load(here.configure(f'proof = 1.5\n[managers]\nforever = ["{here.home}"]\n'), {}))
    service = told(here)[name].service
    with closing(open_state(str(here.folder / "state"))) as state:
        return act(host(60.0), stack, state, service, verb)


STATES = {
    "works": (State.RUNNING, True),
    "spins": (State.CRASH_LOOPING, True),
    "loops": (State.CRASH_LOOPING, True),
    "given-up": (State.FAILED, True),
    "once": (State.FINISHED, False),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state_is_told(lab: Place, name: str) -> None:
    def as_expected() -> bool:  # after an act it takes a while until a crash loop is one again
        found = told(lab)[name]
        return (found.state, found.wanted, found.boot) == (*STATES[name], False)

    assert until(as_expected), told(lab)[name]


def test_why_it_died_and_how_it_was_started_is_told(lab: Place) -> None:
    found = told(lab)
    assert found["given-up"].why == "Error: the database is not there"
    assert found["given-up"].exit_code == 1
    assert found["loops"].why == "Error: gave up"
    assert found["works"].boot_line.startswith("@reboot forever start -a --uid works --sourceDir")
    assert found["works"].boot_line.endswith("ok.js --port 1")


def test_secrets_are_kept_and_environments_are_not(lab: Place) -> None:
    kept: list[str] = []
    found = manager(lab, kept).services(host())
    assert set(kept) == {"hunter22"}
    assert "hunter22" not in repr(found)


def test_a_restart_of_what_works_is_proven(lab: Place) -> None:
    outcome = acted(lab, "works", "restart")
    assert outcome.result == "verified", outcome.text
    assert outcome.pid_after not in (0, outcome.pid_before)


@pytest.mark.parametrize(("name", "verb"), [("loops", "restart"), ("given-up", "start"), ("spins", "restart")])
def test_a_restart_of_what_crashes_is_refuted(lab: Place, name: str, verb: str) -> None:
    """`forever restart` of each of them exits with 0."""
    outcome = acted(lab, name, verb)
    assert outcome.result == "failed", outcome.text


def test_a_script_that_spins_is_stopped(alone: Place) -> None:
    """`forever stop` of it never returns."""
    start(alone, "spins")
    assert until(lambda: "spins" in told(alone) and told(alone)["spins"].state is State.CRASH_LOOPING)
    assert acted(alone, "spins", "stop").result == "verified"
    assert set(told(alone)) == {"works"}


def test_a_stop_is_proven(alone: Place) -> None:
    assert acted(alone, "works", "stop").result == "verified"
    assert not list(alone.processes())


def test_a_hung_monitor_takes_nothing_from_the_others(alone: Place) -> None:
    hung = monitor(alone)
    start(alone, "loops")
    assert until(lambda: "loops" in told(alone))
    os.kill(hung, signal.SIGSTOP)
    began = time.monotonic()
    found = told(alone)
    assert time.monotonic() - began < 4.0
    assert found["works"].state is State.HUNG
    assert found["works"].why == f"its monitor (process {hung}) does not answer"
    assert found["loops"].state is not State.HUNG
    os.kill(hung, signal.SIGCONT)
    assert told(alone)["works"].state is State.RUNNING


def test_what_a_killed_monitor_leaves_behind_is_told(alone: Place) -> None:
    [pid] = told(alone)["works"].pids
    os.kill(monitor(alone), signal.SIGKILL)
    assert until(lambda: told(alone)["works"].words == "its monitor is gone")
    left = told(alone)["works"]
    assert left.pids == (pid,)
    assert left.start_line.endswith(f"forever start -a --uid works {alone.folder}/ok.js --port 1")
    os.kill(pid, signal.SIGKILL)  # as after a reboot
    assert until(lambda: told(alone)["works"].pids == ())
    assert (told(alone)["works"].state, told(alone)["works"].wanted) == (State.STOPPED, True)


def test_it_is_found_by_its_bound_sockets(alone: Place) -> None:
    around = Surroundings(processes=tuple(host().processes()))
    assert str(alone.home) in {one.home.folder for one in forever.find(host(), around)}
