"""Twenty units, each broken in its own way, under a real systemd: what cozydiag says of each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.laboratory.managers import units
from scripts.laboratory.managers.machine import Machine
from tests.lab.test_systemd import machine

__all__ = ["machine"]

STATES = {
    "cozy-ok": ("running", "", None),
    "cozy-inactive": ("stopped", "", None),
    "cozy-failed": ("failed", "exit code 1", 1),
    "cozy-oom": ("failed", "killed by signal 9", -9),
    "cozy-sigkill": ("failed", "killed by signal 11", -11),
    "cozy-200": ("failed", "exit code 200/CHDIR", 200),
    "cozy-203": ("failed", "exit code 203/EXEC", 203),
    "cozy-217": ("failed", "exit code 217/USER", 217),
    "cozy-autorestart": ("failed", "exit code 2", 2),
    "cozy-crashloop": ("crash-looping", "", None),
    "cozy-startlimit": ("failed", "exit code 2", 2),
    "cozy-notify": ("starting", "", None),
    "cozy-notify-timeout": ("failed", "it was not ready", -15),
    "cozy-stopping": ("stopping", "", None),
    "cozy-oneshot": ("finished", "", 0),
    "cozy-failed-oneshot": ("failed", "exit code 1", 1),
    "cozy-condition": ("stopped", "not started: a Condition", None),
    "cozy-dep": ("failed", "it requires cozy-failed-oneshot.service", None),
    "cozy-masked": ("disabled", "Unit cozy-masked.service is masked", None),
    "cozy-badsetting": ("failed", "Unit cozy-badsetting.service has a bad unit file setting", None),
    "cozy-ghost": ("unknown", "Unit cozy-ghost.service not found", None),
}


@pytest.fixture(scope="module")
def broken(machine: Machine) -> Iterator[Machine]:
    """All of them, each as far gone as it goes."""
    units.brought_about(machine)
    yield machine
    units.let_go(machine)


def cozydiag(machine: Machine, *words: str) -> Any:
    done = machine.cozydiag(*words, "--config", units.CONFIGURATION)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def told(broken: Machine) -> dict[str, dict[str, Any]]:
    seen = json.loads(cozydiag(broken, "services", "--format", "json").stdout)
    assert [(one["name"], one["answers"]) for one in seen["managers"]] == [("systemd", True)]
    return {one["name"].removesuffix(".service"): one for one in seen["services"]}


@pytest.mark.parametrize("name", STATES)
def test_each_is_told_rightly(told: dict[str, dict[str, Any]], name: str) -> None:
    state, why, code = STATES[name]
    one = told[name]
    assert one["state"] == state
    assert (one["why"] or "").startswith(why)
    assert bool(one["why"]) is bool(why) or state == "crash-looping"  # it has an exit code between two lives
    assert code is None or one["exit_code"] == code


def test_every_unit_is_told_and_only_what_runs_has_a_process(told: dict[str, dict[str, Any]]) -> None:
    assert set(told) == set(STATES)
    alive = {name for name, one in told.items() if one["pids"]}
    assert alive - {"cozy-crashloop"} == {"cozy-ok", "cozy-notify", "cozy-stopping"}


def test_restarts_are_counted_and_ages_are_in_seconds(told: dict[str, dict[str, Any]]) -> None:
    assert told["cozy-crashloop"]["restarts"] >= 4
    assert told["cozy-startlimit"]["restarts"] == 5
    assert told["cozy-ok"]["restarts"] == 0
    assert 0 < time.time() - told["cozy-ok"]["since"] < 120


def test_what_does_not_come_back_has_the_line_that_is_missing(told: dict[str, dict[str, Any]]) -> None:
    assert (told["cozy-ok"]["boot"], told["cozy-ok"]["boot_line"]) == (False, "systemctl enable cozy-ok.service")
    assert told["cozy-oneshot"]["boot"] is None


def test_the_causes_are_what_is_broken_and_nothing_that_was_wanted(broken: Machine) -> None:
    report = json.loads(cozydiag(broken, "status", "--only", "manager.*", "--format", "json").stdout)
    causes = {cause["service"]: cause for cause in report["causes"]}
    failing = {name for name, (state, *_) in STATES.items() if state in ("failed", "crash-looping", "starting")}
    assert set(causes) == {f"systemd:{name}.service" for name in failing}
    assert causes["systemd:cozy-crashloop.service"]["code"] == "service.crash_loop"
    assert causes["systemd:cozy-notify.service"]["code"] == "service.starting"
    for name in ("cozy-200", "cozy-203", "cozy-217", "cozy-badsetting"):
        assert causes[f"systemd:{name}.service"]["restart_helps"] is False


def test_the_journal_says_why(broken: Machine) -> None:
    assert cozydiag(broken, "services", "logs", "cozy-failed").stdout == "Error: listen EADDRINUSE :::9104\n"
    assert cozydiag(broken, "services", "logs", "-n", "1", "cozy-ok").stdout == "listening on 9104\n"


@pytest.mark.parametrize(
    ("verb", "name", "code"),
    [
        ("restart", "cozy-ok", 0),
        ("stop", "cozy-ok", 0),
        ("start", "cozy-ok", 0),
        ("restart", "cozy-203", 2),  # systemctl calls these three a success
        ("start", "cozy-condition", 2),
        ("restart", "cozy-startlimit", 2),
        ("reload", "cozy-ok", 2),
        ("start", "cozy-masked", 2),
    ],
)
def test_an_act_is_what_came_of_it(broken: Machine, verb: str, name: str, code: int) -> None:
    done = cozydiag(broken, "services", verb, name, "--yes")
    assert done.returncode == code, done.stdout + done.stderr
