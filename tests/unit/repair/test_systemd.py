"""systemd, as it was recorded in every state of a unit: which of them count as running, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from cozydiag.host import Failure
from cozydiag.host.commands import Completed
from cozydiag.managers.service import Life, Service
from cozydiag.managers.systemd import Systemd, show
from cozydiag.testing import HANGS, FakeHost, Machine

RECORDED: Final = Path(__file__).parents[2] / "recordings" / "systemd" / "show.txt"
NOT_BOOTED: Final = (
    b"System has not been booted with systemd as init system (PID 1). Can't operate.\n"
    b"Failed to connect to bus: Host is down\n"
)
BLOCKS: Final = dict(
    zip(
        [block.partition("Id=")[2].partition(".")[0] for block in RECORDED.read_text("utf-8").split("\n\n")],
        RECORDED.read_text("utf-8").split("\n\n"),
        strict=True,
    )
)


DONE: Final = Completed(0, b"", b"")


class Systemctl:
    """Shows the recorded units and does as it was recorded; ``ran`` are the requests."""

    def __init__(self, acts: Completed = DONE) -> None:
        self.acts = acts
        self.ran: list[str] = []

    def __call__(self, argv: Sequence[str]) -> Completed | Failure:
        if "show" not in argv:
            self.ran.append(" ".join(argv))
            return DONE if "reset-failed" in argv else self.acts
        units = [word.removesuffix(".service") for word in argv if word.removesuffix(".service") in BLOCKS]
        return Completed(0, "\n\n".join(BLOCKS[unit].strip("\n") for unit in units).encode() + b"\n", b"")


def host(systemctl: Systemctl | Completed | Failure) -> FakeHost:
    return FakeHost(Machine(commands={"systemctl": systemctl}), 10.0)


def life(unit: str) -> Life | Failure:
    return Systemd().life(host(Systemctl()), Service("systemd", unit))


STATES = {
    "ok": Life(True, 177, "active/running success"),
    "crashloop": Life(True, 218, "active/running success"),  # at this moment: it does not stay
    "inactive": Life(False, 0, "inactive/dead success"),
    "condition": Life(False, 0, "inactive/dead success"),
    "dep": Life(False, 0, "inactive/dead success"),
    "oneshot": Life(False, 0, "active/exited success"),
    "failed": Life(False, 0, "failed/failed exit-code"),
    "200": Life(False, 0, "failed/failed exit-code"),
    "203": Life(False, 0, "failed/failed exit-code"),
    "217": Life(False, 0, "failed/failed exit-code"),
    "startlimit": Life(False, 0, "failed/failed exit-code"),
    "segv": Life(False, 0, "failed/failed signal"),
    "kill": Life(False, 0, "failed/failed signal"),
    "notify-timeout": Life(False, 0, "failed/failed timeout"),
    "notify": Life(False, 198, "activating/start success", busy=True),
    "autorestart": Life(False, 0, "activating/auto-restart exit-code", busy=True),
    "stopping": Life(False, 203, "deactivating/stop success", busy=True),
}
ABSENT = {"masked": "masked", "nosuch": "not-found", "badsetting": "bad-setting"}


@pytest.mark.parametrize("unit", STATES)
def test_the_life_of_a_unit(unit: str) -> None:
    assert life(f"{unit}.service") == STATES[unit]


@pytest.mark.parametrize("unit", ABSENT)
def test_what_cannot_be_started_is_no_service(unit: str) -> None:
    assert life(f"{unit}.service") == Failure("missing", f"{unit}.service: {ABSENT[unit]}")


def test_every_recorded_state_is_looked_at() -> None:
    assert {*STATES, *ABSENT} == set(BLOCKS)


def test_a_unit_with_a_job_is_not_at_its_end() -> None:
    """With --no-block the request may not have been taken up yet."""
    waiting = BLOCKS["inactive"].replace("Job=", "Job=32").encode()
    found = Systemd().life(host(Completed(0, waiting, b"")), Service("systemd", "inactive.service"))
    assert found == Life(False, 0, "inactive/dead success", busy=True)


def test_units_are_told_apart_by_the_names_that_were_asked_for() -> None:
    found = show(host(Systemctl()), "nosuch.service", "ok.service")
    assert isinstance(found, dict)
    assert [(name, unit["LoadState"]) for name, unit in found.items()] == [
        ("nosuch.service", "not-found"),
        ("ok.service", "loaded"),
    ]


def test_a_machine_without_systemd_has_no_lives() -> None:
    found = Systemd().life(host(Completed(1, b"", NOT_BOOTED)), Service("systemd", "nginx.service"))
    assert isinstance(found, Failure)
    assert found.detail.startswith("System has not been booted with systemd")


@pytest.mark.parametrize("answer", [b"", b"\n\n", b"nonsense\n", b"ActiveState=active\n", b"\xff=\xfe\n"])
def test_an_answer_that_is_none_is_never_a_running_service(answer: bytes) -> None:
    assert isinstance(Systemd().life(host(Completed(0, answer, b"")), Service("systemd", "x.service")), Failure)


def test_a_systemctl_that_hangs_is_left() -> None:
    asked = host(HANGS)
    assert Systemd().life(asked, Service("systemd", "ok.service")) == HANGS
    assert asked.clock.monotonic() <= 10


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_unit_that_was_given_up_is_forgiven_before_it_is_started(verb: str) -> None:
    systemctl = Systemctl()
    assert Systemd().ask(host(systemctl), Service("systemd", "startlimit.service"), verb) is None
    assert systemctl.ran == [
        "systemctl reset-failed startlimit.service",
        f"systemctl --no-block {verb} startlimit.service",
    ]


def test_a_reload_forgives_nothing() -> None:
    systemctl = Systemctl()
    assert Systemd().ask(host(systemctl), Service("systemd", "ok.service"), "reload") is None
    assert systemctl.ran == ["systemctl --no-block reload ok.service"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (5, "Failed to restart nosuch.service: Unit nosuch.service not found."),
        (4, "Failed to restart ok.service: Access denied"),
        (3, "Failed to reload ok.service: Job type reload is not applicable for unit ok.service."),
        (1, "Failed to start masked.service: Unit masked.service is masked."),
    ],
)
def test_a_refusal_is_told_by_its_first_line(code: int, said: str) -> None:
    refusing = Systemctl(Completed(code, b"", f"{said}\nSee system logs for details.\n".encode()))
    asked = Systemd().ask(host(refusing), Service("systemd", "ok.service"), "restart")
    assert asked == Failure("error", said)


def test_what_a_person_would_type() -> None:
    assert Systemd().command(Service("systemd", "nginx.service"), "restart") == (
        "systemctl",
        "restart",
        "nginx.service",
    )
