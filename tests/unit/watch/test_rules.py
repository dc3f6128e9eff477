"""When somebody is told: single rules, and a month at one run a minute with a hundred scripted incidents."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest

from cozydiag.watch import rules
from cozydiag.watch.rules import BETTER, ENDED, FLAPS, NEW, OVER, REMINDER, WORSE, Memory

MINUTE, DAY = 60.0, 86400.0
START = 1_795_000_000.0


def run(levels: Iterable[int], *, every: float = MINUTE, memory: Memory | None = None, at: float = START,
        first: bool = False) -> tuple[list[tuple[int, str]], Memory]:  # fmt: skip
    """What is told in which run, and what is remembered in the end."""
    said = []
    memory = memory or Memory()
    for number, level in enumerate(levels):
        now = at + number * every
        memory = rules.seen(memory, level, now, first_run=first and number == 0)
        what = rules.news(memory, now)
        if what is not None:
            said.append((number, what.kind))
            memory = rules.told(memory, what, now)
    return said, memory


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([0, 2, 0, 0, 0], []),
        ([0, 2, 2, 2, 2], [(2, NEW)]),
        ([0, 2, 2, 0, 2, 2], [(2, NEW)]),
        ([0, 2, 2, 0, 0], [(2, NEW), (4, OVER)]),
        ([0, 1, 1, 2, 2, 1, 1, 0, 0], [(2, NEW), (4, WORSE), (6, BETTER), (8, OVER)]),
        ([0, 1, 1, 2, 1, 1], [(2, NEW)]),
        ([0, 3, 3, 2, 2], [(2, NEW), (4, WORSE)]),
        ([0, 1, 2, 1, 2], [(2, NEW)]),
    ],
)
def test_two_runs_make_it_and_two_end_it(levels: list[int], said: list[tuple[int, str]]) -> None:
    assert run(levels)[0] == said


def test_a_first_run_that_fails_speaks_and_one_that_is_well_does_not() -> None:
    assert run([2, 2], first=True)[0] == [(0, NEW)]
    assert run([0, 0], first=True)[0] == []


def test_a_reminder_comes_once_a_day() -> None:
    said, _ = run([2] * (3 * 24 + 2), every=3600, first=True)
    assert said == [(0, NEW), (24, REMINDER), (48, REMINDER), (72, REMINDER)]


def test_flapping_is_told_once_and_closed_once() -> None:
    said, memory = run([0, 2, 0, 2, 0, 2, 0, 2, 0, 2, *[2] * 40])
    assert said == [(5, FLAPS), (39, ENDED)]
    assert (memory.told, memory.believed) == (2, 2)
    assert run([2] * 10, memory=memory, at=START + 3600)[0] == []


def test_flapping_that_ends_well_is_told_too() -> None:
    said, memory = run([0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, *[0] * 60])
    assert [kind for _, kind in said] == [NEW, OVER, NEW, OVER, FLAPS, ENDED]
    assert memory.told == 0
    assert rules.forgettable(memory, START + 3 * 3600)


def test_what_reached_nobody_is_tried_again_and_told_by_what_was_told_last() -> None:
    memory, what = Memory(), None
    for number, level in enumerate([2, 2, 2]):
        memory = rules.seen(memory, level, START + number)
        what = rules.news(memory, START + number)
    assert what is not None
    assert what.kind == NEW
    for number, level in enumerate([0, 0]):
        memory = rules.seen(memory, level, START + 10 + number)
    assert rules.news(memory, START + 12) is None  # nobody heard of it, and it is over


def test_since_is_when_the_bad_stretch_began() -> None:
    _, memory = run([0, 0, 2, 2, 2, 0, 2])
    assert memory.since == START + 2 * MINUTE


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_makes_no_storm(jump: float) -> None:
    _, memory = run([2] * 10, first=True)
    said, memory = run([2] * 200, memory=memory, at=START + jump)
    assert len(said) <= 1  # a day forward: one reminder
    said, _ = run([0] * 10, memory=memory, at=START + 300 * MINUTE)
    assert [kind for _, kind in said] == [OVER]


def test_a_memory_that_was_kept_is_the_same_and_rubbish_is_none() -> None:
    _, memory = run([0, 2, 0, 2, 0, 2, 0, 2])
    assert rules.from_data(rules.to_data(memory)) == memory
    assert rules.to_data(Memory()) == {}
    for rubbish in ({"raw": "x"}, {"changes": ["y"]}, {"raw": 9}, {"since": None}):
        assert rules.from_data(rubbish) == Memory()


# --- a month


class Incident(NamedTuple):
    start: int  # minute
    minutes: int
    level: int
    kind: str


def month(seed: int) -> tuple[list[int], list[Incident]]:
    """A level for each minute, and a hundred incidents, 400 minutes apart at least."""
    random_ = random.Random(seed)  # noqa: S311  repeatable, not secret
    minutes = 30 * 24 * 60
    levels, incidents = [0] * minutes, []
    for number in range(100):
        start = 100 + number * (minutes - 200) // 100
        kind = random_.choice(["blip", "short", "hours", "flapping", "worse"])
        length = {"blip": 1, "short": random_.randint(2, 30), "hours": random_.randint(31, 240),
                  "flapping": 20, "worse": 40}[kind]  # fmt: skip
        level = random_.choice([1, 2])
        for minute in range(length):
            value = level
            if kind == "flapping":
                value = level if minute % 2 == 0 else 0
            elif kind == "worse":
                value = 1 if minute < 20 else 2
            levels[start + minute] = value
        incidents.append(Incident(start, length, level, kind))
    return levels, incidents


def messages(levels: list[int]) -> Iterator[tuple[int, str]]:
    yield from run(levels)[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_month_at_one_run_a_minute(seed: int) -> None:
    levels, incidents = month(seed)
    said = list(messages(levels))
    expected = {"blip": [], "short": [NEW, OVER], "hours": [NEW, OVER], "flapping": [FLAPS, ENDED],
                "worse": [NEW, WORSE, OVER]}  # fmt: skip
    table: Counter[str] = Counter()
    for incident in incidents:
        heard = [kind for minute, kind in said if incident.start <= minute < incident.start + 400]
        assert heard == expected[incident.kind], incident
        table["told"] += len(heard)
    print(f"\n100 incidents in 43200 runs: told {table['told']}, missed 0, repeated {len(said) - table['told']}")
    assert len(said) == table["told"]
