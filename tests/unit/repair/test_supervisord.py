"""supervisord's way to start and stop, with the faults that a real one gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from xmlrpc.client import Fault

import pytest

from cozydiag.host import Failure
from cozydiag.managers.service import Life, Service
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.testing import HANGS, REFUSED, FakeHost, FakeSupervisord, Machine, Served, answer, process_info

SOCKET: Final = "/run/supervisor.sock"
HOME: Final = Service("supervisord", "home")

BAD_NAME, NO_FILE, NOT_EXECUTABLE = Fault(10, "BAD_NAME: home"), Fault(20, "NO_FILE: x"), Fault(21, "NOT_EXECUTABLE: x")
SPAWN_ERROR, SHUTDOWN = Fault(50, "SPAWN_ERROR: home"), Fault(6, "SHUTDOWN_STATE")
ALREADY_STARTED, NOT_RUNNING = Fault(60, "ALREADY_STARTED: home"), Fault(70, "NOT_RUNNING: home")
"""`supervisor/xmlrpc.py Faults`, in the words of supervisord 4.3.0."""


class Acting(FakeSupervisord):
    """One that can be told to start and stop; ``called`` are the calls."""

    def __init__(self, *samples: list[dict[str, Any]], faults: dict[str, Fault] | None = None, **more: Any) -> None:
        super().__init__(*samples, **more)
        self.faults = faults or {}
        self.called: list[tuple[str, tuple[Any, ...]]] = []

    def _value(self, method: str, params: tuple[Any, ...]) -> Any:
        name = method.removeprefix("supervisor.")
        if name in ("startProcess", "stopProcess"):
            self.called.append((name, params))
            if name in self.faults:
                raise self.faults[name]
            return True
        return super()._value(method, params)


def state(name: str, **fields: Any) -> list[dict[str, Any]]:
    return [process_info("home", name, **fields)]


def host(served: Served, seconds: float = 10.0) -> FakeHost:
    return FakeHost(Machine(sockets={SOCKET: served}), seconds)


def ask(served: Served, verb: str, service: Service = HOME) -> Failure | None:
    return Supervisord(SOCKET).ask(host(served), service, verb)


# --- the state


@pytest.mark.parametrize(
    ("name", "life"),
    [
        ("RUNNING", Life(True, 4000, "RUNNING")),
        ("STARTING", Life(False, 4000, "STARTING", busy=True)),
        ("STOPPING", Life(False, 4000, "STOPPING", busy=True)),
        ("BACKOFF", Life(False, 0, "BACKOFF", busy=True)),
        ("STOPPED", Life(False, 0, "STOPPED")),
        ("EXITED", Life(False, 0, "EXITED")),
        ("FATAL", Life(False, 0, "FATAL")),
        ("UNKNOWN", Life(False, 0, "UNKNOWN")),
    ],
)
def test_the_life_of_a_program(name: str, life: Life) -> None:
    assert Supervisord(SOCKET).life(host(FakeSupervisord(state(name))), HOME) == life


def test_a_program_that_it_does_not_have_is_missing() -> None:
    found = Supervisord(SOCKET).life(host(FakeSupervisord([process_info("web:home")])), HOME)
    assert found == Failure("missing", "supervisord has no program home")


@pytest.mark.parametrize("served", [REFUSED, HANGS, answer(401), answer(200, "<html>")])
def test_no_answer_is_a_failure(served: Served) -> None:
    assert isinstance(Supervisord(SOCKET).life(host(served), HOME), Failure)


# --- acts


def test_a_start_does_not_wait() -> None:
    served = Acting(state("STOPPED"))
    assert ask(served, "start") is None
    assert served.called == [("startProcess", ("home", False))]


def test_a_restart_is_a_stop_that_is_awaited_and_a_start() -> None:
    served = Acting(state("STOPPING"), state("STOPPING"), state("STOPPED"))
    asked = host(served)
    assert Supervisord(SOCKET).ask(asked, HOME, "restart") is None
    assert served.called == [("stopProcess", ("home", False)), ("startProcess", ("home", False))]
    assert asked.clock.monotonic() == pytest.approx(0.2)


@pytest.mark.parametrize("name", ["STOPPED", "EXITED", "FATAL"])
def test_what_does_not_run_is_started_by_a_restart(name: str) -> None:
    served = Acting(state(name), faults={"stopProcess": NOT_RUNNING})
    assert ask(served, "restart") is None
    assert [call for call, _ in served.called] == ["stopProcess", "startProcess"]


def test_what_is_started_already_is_no_refusal() -> None:
    assert ask(Acting(state("RUNNING"), faults={"startProcess": ALREADY_STARTED}), "start") is None


def test_what_does_not_stop_is_left_in_time_and_not_started_beside_itself() -> None:
    served = Acting(state("STOPPING"))
    asked = host(served)
    assert Supervisord(SOCKET).ask(asked, HOME, "restart") == Failure("timeout", "home does not stop")
    assert [call for call, _ in served.called] == ["stopProcess"]
    assert asked.clock.monotonic() == pytest.approx(10, abs=0.2)


@pytest.mark.parametrize("fault", [BAD_NAME, SHUTDOWN], ids=lambda fault: fault.faultString)
def test_a_stop_that_is_refused_starts_nothing(fault: Fault) -> None:
    served = Acting(state("RUNNING"), faults={"stopProcess": fault})
    assert ask(served, "restart") == Failure("error", fault.faultString)
    assert [call for call, _ in served.called] == ["stopProcess"]


@pytest.mark.parametrize(
    "fault",
    [BAD_NAME, NO_FILE, NOT_EXECUTABLE, SPAWN_ERROR, SHUTDOWN, NOT_RUNNING],
    ids=lambda fault: fault.faultString,
)
def test_a_start_that_is_refused_is_told_in_its_words(fault: Fault) -> None:
    assert ask(Acting(state("STOPPED"), faults={"startProcess": fault}), "start") == Failure("error", fault.faultString)


def test_a_stop_is_not_refused_because_it_has_started() -> None:
    """Each fault is harmless for one of the two only."""
    served = Acting(state("RUNNING"), faults={"stopProcess": ALREADY_STARTED})
    assert ask(served, "restart") == Failure("error", "ALREADY_STARTED: home")


def test_a_program_that_is_gone_meanwhile_is_a_failure() -> None:
    served = Acting([process_info("other")])
    assert ask(served, "restart") == Failure("missing", "supervisord has no program home")


@pytest.mark.parametrize("served", [REFUSED, HANGS])
@pytest.mark.parametrize("verb", ["start", "restart"])
def test_one_that_does_not_answer_has_not_taken_the_request(served: Served, verb: str) -> None:
    assert isinstance(ask(served, verb), Failure)


def test_a_program_of_a_group_is_named_in_full() -> None:
    served = Acting([process_info("web:home", "STOPPED")])
    assert ask(served, "restart", Service("supervisord", "web:home")) is None
    assert [params[0] for _, params in served.called] == ["web:home", "web:home"]


# --- how long, and what to type


def config(group: str, name: str, **times: float) -> dict[str, Any]:
    return {"group": group, "name": name, **times}


CONFIGS: Final = (
    config("web", "home", stopwaitsecs=1, startsecs=1),
    config("home", "home", stopwaitsecs=30, startsecs=4),
    config("bare", "bare"),
)


@pytest.mark.parametrize(
    ("unit", "patience"), [("home", 39.0), ("web:home", 7.0), ("bare", 16.0), ("unheard-of", 20.0)]
)
def test_its_own_settings_say_how_long_a_restart_may_take(unit: str, patience: float) -> None:
    asked = host(FakeSupervisord(configs=CONFIGS))
    assert Supervisord(SOCKET).patience(asked, Service("supervisord", unit)) == patience


@pytest.mark.parametrize("served", [REFUSED, HANGS, answer(500)])
def test_without_an_answer_the_patience_has_an_end(served: Served) -> None:
    assert Supervisord(SOCKET).patience(host(served), HOME) == 20.0


def test_what_a_person_would_type() -> None:
    control = Supervisord(SOCKET, ("supervisorctl", "-s", "unix:///s"))
    typed: Callable[[str], tuple[str, ...]] = lambda verb: control.command(HOME, verb)[3:]  # noqa: E731
    assert [typed(verb) for verb in ("start", "restart", "reload")] == [
        ("start", "home"), ("restart", "home"), ("restart", "home"),
    ]  # fmt: skip
