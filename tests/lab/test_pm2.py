"""The real PM2, two of its versions, in folders of their own: every state that can be made, acts that are proven."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cozydiag.config import load
from cozydiag.host import Failure, Host, World
from cozydiag.managers import pm2
from cozydiag.managers.service import State, Surroundings
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from scripts.laboratory.managers.pm2 import VERSIONS, is_settled, manager, place, started, told
from scripts.laboratory.managers.scene import SceneError
from scripts.laboratory.node import Place, until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=VERSIONS)
def lab(request: pytest.FixtureRequest) -> Iterator[Place]:
    """All apps, each as far gone as it goes."""
    with ExitStack() as stack:
        try:
            here = stack.enter_context(started(request.param))
        except SceneError as error:
            pytest.skip(str(error))
        yield here


def host(seconds: float = 2.0) -> Host:
    return Host(World(), seconds, "test")


def acted(here: Place, name: str, verb: str, proof: float = 1.5) -> Outcome:
    file = here.configure(f'proof = {proof}\n[managers]\npm2 = ["{here.home}"]\n')
    stack = Stack(load(file, {}))
    service = told(here)[name].service
    with closing(open_state(str(here.folder / "state"))) as state:
        return act(host(60.0), stack, state, service, verb)


STATES = {
    "works": (State.RUNNING, (1, 1), True),
    "crashes": (State.FAILED, (0, 1), True),
    "module": (State.FAILED, (0, 1), True),
    "loops": (State.CRASH_LOOPING, (0, 1), True),
    "waits": (State.FAILED, (0, 1), True),
    "once": (State.FINISHED, (0, 1), False),
    "off": (State.STOPPED, (0, 1), False),
    "gone": (State.STOPPED, (0, 1), True),
    "web": (State.DEGRADED, (3, 4), True),
    "watched": (State.RUNNING, (1, 1), True),
    "never-ready": (State.STARTING, (0, 1), True),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state_is_told(lab: Place, name: str) -> None:
    def as_expected() -> bool:  # after an act it takes a while until a crash loop is one again
        found = told(lab)[name]
        return (found.state, found.instances, found.wanted) == STATES[name]

    assert until(as_expected), told(lab)[name]


def test_why_it_died_is_told(lab: Place) -> None:
    assert until(lambda: is_settled(lab))
    found = told(lab)
    assert found["crashes"].why == "Error: the database is not there"
    assert (found["crashes"].exit_code, found["crashes"].hopeless) == (1, False)
    assert found["module"].why == "Error: Cannot find module 'not-installed'"
    assert found["module"].hopeless
    assert found["loops"].why == "Error: gave up"
    assert found["loops"].exit_code == 2


def test_what_was_deleted_has_its_whole_command(lab: Place) -> None:
    line = told(lab)["gone"].start_line
    assert f"pm2 start {lab.folder}/ok.js --name gone --cwd {lab.folder} -- --port 1" in line
    assert f"PM2_HOME={lab.home}" in line


def test_secrets_are_kept_and_environments_are_not(lab: Place) -> None:
    kept: list[str] = []
    found = manager(lab, kept).services(host())
    assert set(kept) == {"hunter22"}
    assert "hunter22" not in repr(found)


def test_the_log_is_its_own(lab: Place) -> None:
    log = manager(lab).log(host(), told(lab)["crashes"].service, 50)
    assert not isinstance(log, Failure)
    assert any("Error: the database is not there" in line for line in log)


def test_a_watched_app_says_so(lab: Place) -> None:
    before = told(lab)["watched"]
    assert before.watch

    def restarted() -> bool:
        (lab.folder / "watched" / f"written-{time.time()}").write_text("x")
        return (told(lab)["watched"].restarts or 0) >= 3

    assert until(restarted, 30.0), told(lab)["watched"]
    assert told(lab)["watched"].state is State.RUNNING  # the check `manager.service` says the rest


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_a_restart_of_what_works_is_proven(lab: Place, verb: str) -> None:
    outcome = acted(lab, "works", verb)
    assert outcome.result == "verified", outcome.text
    assert outcome.pid_after not in (0, outcome.pid_before)


@pytest.mark.parametrize("name", ["crashes", "loops", "waits"])
def test_a_restart_of_what_crashes_is_refuted(lab: Place, name: str) -> None:
    """`pm2 restart` of each of them says [PM2] ✓ and exits with 0."""
    outcome = acted(lab, name, "restart", proof=10.0)  # on a busy machine Node is long in coming to where it dies
    assert outcome.result == "failed", outcome.text


def test_stop_and_start_are_proven(lab: Place) -> None:
    assert acted(lab, "works", "stop").result == "verified"
    assert told(lab)["works"].state is State.STOPPED
    assert acted(lab, "works", "start").result == "verified"
    assert told(lab)["works"].state is State.RUNNING


def test_a_cluster_comes_back_whole(lab: Place) -> None:
    assert acted(lab, "web", "restart").result == "verified"
    assert told(lab)["web"].instances == (4, 4)
    assert acted(lab, "web", "reload").result == "verified"
    assert told(lab)["web"].instances == (4, 4)
    assert lab.run("stop", told(lab)["web"].service.id.split()[-1]).returncode == 0  # as it was


def test_the_command_line_shows_it(lab: Place) -> None:
    file = lab.configure(f'[managers]\npm2 = ["{lab.home}"]\n')
    line = [sys.executable, "-m", "cozydiag", "services", "--config", file, "--format", "json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = {one["name"]: one for one in json.loads(done.stdout)["services"]}
    assert rows["works"]["state"] == "running"
    assert rows["loops"]["state"] == "crash-looping"
    assert "hunter22" not in done.stdout


def test_the_ports_of_clusters_are_their_own(alone: Place) -> None:
    """PM2's daemon listens for them, and only a connection tells for whom."""
    free = free_ports(3)
    for name, instances, port in zip(("one", "two", "plain"), ("-i2", "-i1", ""), free, strict=True):
        words = ("start", "ok.js", "--name", name, *filter(None, (instances,)))
        assert alone.run(*words, PORT=str(port)).returncode == 0
    assert until(lambda: not any(refused(port) for port in free))
    file = alone.configure(f'[managers]\npm2 = ["{alone.home}"]\n')
    line = [sys.executable, "-m", "cozydiag", "services", "--config", file, "--format", "json"]

    def told_ports() -> dict[str, list[int]]:
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        return {one["name"]: one["ports"] for one in json.loads(done.stdout)["services"] if one["name"] != "works"}

    wanted = {name: [port] for name, port in zip(("one", "two", "plain"), free, strict=True)}
    assert until(lambda: told_ports() == wanted), (told_ports(), wanted)


def refused(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


# -- the daemon itself ---------------------------------------------------------------------------------


def daemon(here: Place) -> int:
    return int((here.home / "pm2.pid").read_text())


@pytest.fixture(params=VERSIONS)
def alone(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A daemon with one app, to be done away with."""
    try:
        here = place(request.param)
    except SceneError as error:
        pytest.skip(str(error))
    try:
        assert here.run("start", "ok.js", "--name", "works").returncode == 0
        assert here.run("save").returncode == 0
        yield here
    finally:
        here.remove()


def test_what_becomes_of_the_daemon_is_told(alone: Place) -> None:
    asked = manager(alone)
    os.kill(daemon(alone), signal.SIGSTOP)
    began = time.monotonic()
    hung = asked.services(host(1.0))
    assert isinstance(hung, Failure)
    assert (hung.kind, time.monotonic() - began < 3.0) == ("timeout", True)
    os.kill(daemon(alone), signal.SIGCONT)
    assert told(alone)["works"].state is State.RUNNING

    number = daemon(alone)
    os.kill(number, signal.SIGKILL)
    assert until(lambda: isinstance(asked.services(host()), Failure))
    gone = asked.services(host())
    assert isinstance(gone, Failure)
    assert gone.kind == "refused"
    assert not [pid for pid in alone.processes() if b"God Daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_another_user_may_not_ask(alone: Place) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    alone.folder.chmod(0o755)
    asked = manager(alone)
    assert not isinstance(asked.services(host()), Failure)  # and all modules are loaded: nobody may not read them
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            found = asked.services(host())
            os._exit(0 if isinstance(found, Failure) and found.kind == "permission" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_looking_starts_nothing(alone: Place) -> None:
    assert alone.run("kill").returncode == 0
    assert until(lambda: not list(alone.processes()))
    gone = manager(alone).services(host())
    assert isinstance(gone, Failure)
    assert gone.kind == "missing"
    assert not list(alone.processes())


def test_it_is_found_by_the_title_of_its_process(alone: Place) -> None:
    around = Surroundings(processes=tuple(host().processes()))
    assert str(alone.home) in {one.home.folder for one in pm2.find(host(), around)}


def test_what_a_new_daemon_does_not_know_has_its_whole_command_from_the_last_look(alone: Place) -> None:
    (alone.home / "dump.pm2").unlink()
    state = str(alone.folder / "state")
    open_state(state).close()

    def look() -> dict[str, str]:
        stack = Stack(load(alone.configure(f'[managers]\npm2 = ["{alone.home}"]\n'), {}))
        [owned] = stack.owned(host(5.0))
        assert not isinstance(owned.services, Failure), owned.services
        return {one.service.unit: one.start_line for one in owned.services}

    assert look() == {"works": ""}
    os.kill(daemon(alone), signal.SIGKILL)
    assert until(lambda: isinstance(manager(alone).services(host()), Failure))
    assert alone.run("ping").returncode == 0  # as anybody would who wonders, and begins a new one by it
    assert until(lambda: not isinstance(manager(alone).services(host()), Failure))
    line = f"pm2 start {alone.folder}/ok.js --name works --cwd {alone.folder}"
    assert until(lambda: look().get("works", "").endswith(line))
