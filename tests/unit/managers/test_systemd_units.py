"""systemd's units, as a real one showed them, in the house's words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cozydiag.host import Failure
from cozydiag.host.commands import Completed
from cozydiag.managers import journal
from cozydiag.managers.service import Condition, State, Surroundings
from cozydiag.managers.systemd import IN_CHARGE, Systemd, find
from cozydiag.managers.systemd_units import KNOWN, STUCK, condition
from cozydiag.testing import HANGS, FakeHost, Machine

RECORDINGS = Path(__file__).parents[2] / "recordings" / "systemd"
NOW, MONOTONIC = 1_795_248_950.0, 1120.0


def blocks(name: str) -> list[dict[str, str]]:
    text = (RECORDINGS / "show" / f"{name}.txt").read_text().strip()
    return [dict(line.split("=", 1) for line in block.splitlines()) for block in text.split("\n\n")]


def told(name: str, monotonic: float = MONOTONIC) -> Condition:
    return condition(blocks(name)[-1], NOW, monotonic)


@pytest.mark.parametrize(
    ("name", "state", "why", "code"),
    [
        ("ok", State.RUNNING, "", None),
        ("inactive", State.STOPPED, "", None),
        ("failed", State.FAILED, "exit code 1", 1),
        ("oom", State.FAILED, "killed by signal 9", -9),
        ("sigkill", State.FAILED, "killed by signal 11", -11),
        ("200", State.FAILED, "exit code 200/CHDIR", 200),
        ("203", State.FAILED, "exit code 203/EXEC", 203),
        ("autorestart", State.FAILED, "exit code 2", 2),
        ("crashloop", State.CRASH_LOOPING, "", None),
        ("notify", State.STARTING, "", None),
        ("stopping", State.STOPPING, "", None),
        ("oneshot", State.FINISHED, "", 0),
        ("masked", State.DISABLED, "Unit cozy-masked.service is masked.", None),
        ("nosuch", State.UNKNOWN, "Unit cozy-nosuch.service not found.", None),
        ("apache-failed", State.FAILED, "exit-code", None),
        ("caddy-failed", State.FAILED, "exit code 1", None),
        ("postfix-bad-conf", State.FAILED, "exit-code", None),
    ],
)
def test_every_recorded_unit_is_told_rightly(name: str, state: State, why: str, code: int | None) -> None:
    found = told(name)
    assert found.state is state
    assert found.why.startswith(why)
    assert bool(found.why) is bool(why)
    assert code is None or found.exit_code == code


def test_every_recording_is_looked_at() -> None:
    names = {path.stem for path in (RECORDINGS / "show").iterdir()}
    parametrized = test_every_recorded_unit_is_told_rightly.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert names == {case[0] for case in parametrized} | {"multi-two-units"}


def test_a_crash_that_was_long_ago_is_none_now() -> None:
    """NRestarts counts from the last start by hand, whenever that was."""
    assert told("crashloop", MONOTONIC + 3600).state is State.RUNNING


@pytest.mark.parametrize("sub", ["auto-restart", "auto-restart-queued"])
def test_what_waits_to_be_restarted_again_loops(sub: str) -> None:
    unit = {**blocks("autorestart")[0], "SubState": sub, "NRestarts": "1"}
    assert condition(unit, NOW, MONOTONIC).state is State.CRASH_LOOPING


@pytest.mark.parametrize("active", ["activating", "deactivating", "reloading"])
def test_what_does_not_end_is_stuck(active: str) -> None:
    unit = {**blocks("notify")[0], "ActiveState": active, "StateChangeTimestampMonotonic": "1000000000"}
    assert condition(unit, NOW, 1000 + STUCK - 1).state is not State.HUNG
    assert condition(unit, NOW, 1000 + STUCK + 1).state is State.HUNG


def test_a_oneshot_may_work_for_hours() -> None:
    unit = {**blocks("notify")[0], "Type": "oneshot", "StateChangeTimestampMonotonic": "1000000000"}
    assert condition(unit, NOW, 9000).state is State.STARTING


def test_times_are_those_of_the_epoch() -> None:
    found = told("ok")
    assert found.since == pytest.approx(NOW - (MONOTONIC - 1073.136525))
    assert found.pids == (458,)


@pytest.mark.parametrize(
    ("file_state", "boot", "line"),
    [
        ("enabled", True, ""),
        ("disabled", False, "systemctl enable cozy-ok.service"),
        ("enabled-runtime", False, "systemctl enable cozy-ok.service"),
        ("masked", False, ""),
        ("static", None, ""),
        ("indirect", None, ""),
        ("generated", True, ""),
    ],
)
def test_what_comes_back_after_a_reboot(file_state: str, boot: bool | None, line: str) -> None:
    found = condition({**blocks("ok")[0], "UnitFileState": file_state}, NOW, MONOTONIC)
    assert (found.boot, found.boot_line) == (boot, line)


@pytest.mark.parametrize(("file_state", "wanted"), [("enabled", None), ("disabled", False), ("static", False)])
def test_nobody_can_tell_whether_an_enabled_unit_was_stopped_on_purpose(file_state: str, wanted: bool | None) -> None:
    assert condition({**blocks("inactive")[0], "UnitFileState": file_state}, NOW, MONOTONIC).wanted is wanted


# --- all of them at once


def machine(shown: bytes, code: int = 0) -> tuple[Machine, list[Sequence[str]]]:
    asked: list[Sequence[str]] = []

    def systemctl(argv: Sequence[str]) -> Completed:
        asked.append(argv)
        return Completed(code, shown, b"Failed to connect to bus: Host is down")

    return Machine(files={IN_CHARGE: b""}, commands={"systemctl": systemctl}), asked


def recorded(*names: str) -> bytes:
    return b"\n".join((RECORDINGS / "show" / f"{name}.txt").read_bytes().strip() + b"\n" for name in names)


def test_all_units_are_asked_about_in_one_call() -> None:
    here, asked = machine(recorded("ok", "failed", "nosuch", "masked", "stopping"))
    found = Systemd(("more",)).services(FakeHost(here))
    assert not isinstance(found, Failure)
    assert [one.service.unit for one in found] == [
        "cozy-ok.service", "cozy-failed.service", "cozy-masked.service", "cozy-stopping.service",
    ]  # fmt: skip
    assert len(asked) == 1
    assert {"more.service", *KNOWN} <= set(asked[0])


def test_a_unit_that_is_asked_for_by_name_is_told_even_when_it_does_not_exist() -> None:
    here, _ = machine(recorded("nosuch"))
    found = Systemd(("cozy-nosuch",), known=False).services(FakeHost(here))
    assert not isinstance(found, Failure)
    assert [(one.service.unit, one.state) for one in found] == [("cozy-nosuch.service", State.UNKNOWN)]


def test_the_dummy_of_postfix_is_not_taken_for_postfix() -> None:
    """It is active (exited) even when postfix is down."""
    here, _ = machine(recorded("postfix-bad-conf"))
    found = Systemd().services(FakeHost(here))
    assert not isinstance(found, Failure)
    assert [(one.service.unit, one.state) for one in found] == [("postfix@-.service", State.FAILED)]


def test_what_needs_a_failed_unit_has_failed_with_it() -> None:
    dependent = b"Id=app.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nRequires=db.service x.slice\n"
    broken = b"Id=db.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
    answers = [dependent, broken]
    here = Machine(commands={"systemctl": lambda argv: Completed(0, answers.pop(0), b"")})
    found = Systemd(("app",), known=False).services(FakeHost(here))
    assert not isinstance(found, Failure)
    assert [(one.state, one.why) for one in found] == [(State.FAILED, "it requires db.service, which has failed")]


@pytest.mark.parametrize("answer", [HANGS, Failure("missing", "no systemctl"), Completed(1, b"", b"no bus")])
def test_a_systemd_that_does_not_answer_is_a_failure(answer: Completed | Failure) -> None:
    assert isinstance(Systemd().services(FakeHost(Machine(commands={"systemctl": answer}))), Failure)


def test_without_systemd_in_charge_there_is_none() -> None:
    assert find(FakeHost(Machine()), Surroundings()) == ()
    assert [one.name for one in find(FakeHost(Machine(files={IN_CHARGE: b""})), Surroundings())] == ["systemd"]


# --- the journal


def test_messages_of_any_kind_are_read() -> None:
    """Node's colours and what is not UTF-8 come as lists of byte values."""
    here = Machine(commands={"journalctl": Completed(0, (RECORDINGS / "journal.json").read_bytes(), b"")})
    lines = journal.tail(FakeHost(here), "cozy-203.service", 10)
    assert lines == [
        "cozy-203.service: Failed at step EXEC spawning /opt/nowhere/node: No such file or directory",
        "cozy-203.service: Main process exited, code=exited, status=203/EXEC",
        "cozy-203.service: Failed with result 'exit-code'.",
        "caf� error",
        "red",
    ]


def test_a_journal_that_may_not_be_read_is_no_empty_one() -> None:
    said = b"Hint: You are currently not seeing.\nNo journal files were opened due to insufficient permissions."
    here = Machine(commands={"journalctl": Completed(1, b"", said)})
    found = journal.tail(FakeHost(here), "x.service", 3)
    assert isinstance(found, Failure)
    assert found.kind == "permission"


@pytest.mark.parametrize("line", [b"", b"not JSON", b"[]", b'{"MESSAGE": null}', b'{"MESSAGE": [1, 999]}', b"{}"])
def test_what_is_no_message_is_left_out(line: bytes) -> None:
    here = Machine(commands={"journalctl": Completed(0, line + b'\n{"MESSAGE": "good"}\n', b"")})
    assert journal.tail(FakeHost(here), "x.service", 3) == ["good"]
