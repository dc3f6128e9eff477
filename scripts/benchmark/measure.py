"""Commands run in turn, A B C A B C …, and their cost as ratios taken round by round."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

LAUNCH = Path(__file__).parent / "launch.py"
PROBE = Path(__file__).parent / "probe.py"


class Command(NamedTuple):
    """``line`` is the absolute program and its arguments, ``code`` the exit code it must end with."""

    line: tuple[str, ...]
    code: int = 0


class Cost(NamedTuple):
    """Of one run, or the medians of many: seconds of wall and of CPU (children included), peak memory in KiB."""

    wall: float
    cpu: float
    peak: float


class UnexpectedExitError(Exception):
    """A command did not end as it must, so that its cost says nothing."""


def in_turn(commands: Mapping[str, Command], rounds: int, environment: Mapping[str, str]) -> dict[str, list[Cost]]:
    """The costs of each command, a round at a time; a first round that warms the caches does not count.

    Raises UnexpectedExitError.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = once(command, environment)
            if number:
                costs[name].append(cost)
    return costs


def once(command: Command, environment: Mapping[str, str]) -> Cost:
    """Raises UnexpectedExitError."""
    launcher = [sys.executable, "-I", "-S", str(LAUNCH), *command.line]
    done = subprocess.run(
        launcher, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    wall, cpu, peak, code = done.stdout.split()
    if int(code) != command.code:
        words = " ".join(command.line)
        raise UnexpectedExitError(f"exit {code} instead of {command.code}: {words}\n{done.stderr}".rstrip())
    return Cost(float(wall), float(cpu), float(peak))


def middle(costs: Sequence[Cost]) -> Cost:
    return Cost(*map(median, zip(*costs, strict=True)))


def ratio(costs: Sequence[Cost], others: Sequence[Cost]) -> Cost:
    """How many times as much as the others, each round against the same round."""
    return middle([Cost(*(a / b for a, b in zip(*pair, strict=True))) for pair in zip(costs, others, strict=True)])


class Counts(NamedTuple):
    """What one run of cozydiag imports, and how many programs it starts."""

    modules: frozenset[str]
    children: int


def count(python: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Counts:
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        line = [python, "-I", str(PROBE), file.name, *arguments]
        subprocess.run(line, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=False)
        children, *modules = file.read().splitlines()
    return Counts(frozenset(modules), int(children))
