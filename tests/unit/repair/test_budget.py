"""How often a service may be restarted, on a clock that tests move: limits, proofs, jumps of the clock, reboots."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config.values import Repair
from cozydiag.repair import budget, health
from cozydiag.repair.budget import Verdict
from cozydiag.repair.health import Seen
from cozydiag.repair.ledger import ACT, SEEN, Ledger
from cozydiag.repair.moments import Moment
from cozydiag.state import State, open_state
from cozydiag.state.schema import MIGRATIONS
from cozydiag.testing.machine import FakeClock
from tests.unit.repair.conftest import Bench

HOME, OTHER = "fake:home", "fake:other"
RULES = Repair()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Machine(FakeClock):
    """A clock that can be put wrong, on a machine that can be booted."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = 0.0
        self.boot = 1
        self.booted = 0.0

    def now(self) -> float:
        return super().now() + self.wrong

    def monotonic(self) -> float:
        return self.passed - self.booted

    def boot_id(self) -> str:
        return f"boot {self.boot}"

    def reboot(self) -> None:
        self.boot += 1
        self.booted = self.passed


class Past:
    """What was done, and what may be done now."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.clock = Machine()
        self.pid = 1

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.state, self.clock)

    def restart(self, service: str = HOME, result: str | None = "verified", verb: str = "restart") -> int:
        self.pid += 1
        data = {"service": service, "verb": verb, "moment": Moment.now(self.clock)}
        entry = self.state.append(ACT, data, at=self.clock.now())
        assert entry is not None
        if result is not None:
            self.state.update(entry, {"result": result})
        return entry

    def pass_(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def see(self, *, well: bool = True, failing: bool | None = None, life: str | None = None) -> None:
        one = Seen(HOME, f"{self.pid}@1" if life is None else life, well, not well if failing is None else failing)
        health.observe(self.ledger, RULES, [one])

    def verdict(self, service: str = HOME, *, auto: bool = True) -> tuple[str, str] | None:
        found = budget.limit(self.ledger, service, RULES, auto=auto)
        if found is not None and found.code == "budget.held":
            budget.hold(self.ledger, service)  # as a session does
        return None if found is None else (found.outcome, found.code)


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.state)


# --- limits


def test_what_was_never_restarted_may_be(past: Past) -> None:
    assert past.verdict() is None


def test_the_waits_grow_from_one_restart_in_vain_to_the_next(past: Past) -> None:
    for wait in RULES.cooldown[:2]:
        past.restart()
        past.pass_(wait - 1)
        assert past.verdict() == ("deferred", "budget.cooldown")
        past.pass_(2)
        assert past.verdict() is None


def test_after_three_in_vain_it_is_held_even_when_the_window_has_forgotten_them(past: Past) -> None:
    for _ in range(3):
        past.restart()
        past.pass_(HOUR)
    assert past.verdict() == ("held", "budget.held")
    past.pass_(30 * DAY)
    assert past.verdict() == ("held", "budget.held")


def test_three_in_more_than_six_hours_are_not_too_many(past: Past) -> None:
    for _ in range(6):
        past.restart()
        past.pass_(3 * HOUR + 1)
    assert past.verdict() is None


@pytest.mark.parametrize("result", ["verified", "failed", "unknown", None])
def test_each_intent_counts_whatever_came_of_it(past: Past, result: str | None) -> None:
    for _ in range(3):
        past.restart(result=result)
        past.pass_(HOUR)
    assert past.verdict() == ("held", "budget.held")


def test_stops_do_not_count(past: Past) -> None:
    for _ in range(5):
        past.restart(verb="stop")
    assert past.verdict() is None


def test_one_that_helped_each_time_may_be_restarted_twelve_times_a_day(past: Past) -> None:
    count = 0
    for _ in range(int(2 * DAY / (40 * MINUTE))):
        if past.verdict() is None:
            count += 1
            past.restart()
            past.see()
        past.pass_(31 * MINUTE)
        past.see()
        past.pass_(9 * MINUTE)
    assert count == 24
    assert past.state.service(HOME).get("held") is None


def test_all_together_may_be_restarted_five_times_an_hour(past: Past) -> None:
    for number in range(RULES.hourly):
        past.restart(f"fake:{number}")
        past.pass_(MINUTE)
    assert past.verdict() == ("deferred", "budget.hour")
    past.pass_(HOUR - 5 * MINUTE + 1)
    assert past.verdict() is None


def test_what_others_did_leaves_the_hour_to_us(past: Past) -> None:
    for number in range(10):
        past.state.append(SEEN, {"service": f"fake:{number}", "verb": "restart", "moment": Moment.now(past.clock)})
    assert past.verdict() is None


# --- proof by health


def test_only_half_an_hour_of_health_proves_it(past: Past) -> None:
    entry = past.restart()
    past.see()
    past.pass_(RULES.proven - 1)
    past.see()
    assert past.ledger.unproven(HOME, RULES) == 1
    past.pass_(1)
    past.see()
    assert past.ledger.unproven(HOME, RULES) == 0
    found = past.state.entry(entry)
    assert found is not None
    assert found.result == {"result": "verified", "proven_at": past.clock.now()}


def test_a_restart_that_is_barely_well_proves_nothing(past: Past) -> None:
    """Else a service that lives for 20 minutes would be restarted for ever."""
    past.restart()
    for _ in range(10):
        past.see()
        past.pass_(20 * MINUTE)
        past.see(well=False)
    assert past.ledger.unproven(HOME, RULES) == 1


def test_only_the_last_restart_is_proven_by_the_health_after_it(past: Past) -> None:
    past.restart()
    past.pass_(10 * MINUTE)
    past.see(well=False)
    past.restart()
    past.see()
    past.pass_(RULES.proven)
    past.see()
    assert [act.proven for act in past.ledger.of(HOME)] == [False, True]


def test_what_fails_because_of_something_else_is_neither_well_nor_failing(past: Past) -> None:
    past.restart()
    past.see()
    past.pass_(RULES.proven / 2)
    past.see(well=False, failing=False)
    past.pass_(RULES.proven / 2)
    past.see()
    assert past.ledger.unproven(HOME, RULES) == 1
    assert not past.state.service(HOME)["failing"]


def test_a_restart_that_failed_is_not_proven_by_what_comes_later(past: Past) -> None:
    past.restart(result="failed")
    past.see()
    past.pass_(DAY / 8)
    past.see()
    assert past.ledger.unproven(HOME, RULES) == 1


def test_a_day_of_health_frees_what_was_held(past: Past) -> None:
    for _ in range(3):
        past.restart()
        past.pass_(HOUR)
    assert past.verdict() == ("held", "budget.held")
    assert not health.told(past.ledger, HOME, "budget.held")
    past.see()
    past.pass_(DAY - 1)
    past.see()
    assert past.verdict() == ("held", "budget.held")
    past.pass_(1)
    past.see()
    assert past.verdict() is None
    assert not health.told(past.ledger, HOME, "budget.held")


def test_a_reset_frees_it_and_only_it(past: Past) -> None:
    for service in (HOME, OTHER):
        for _ in range(3):
            past.restart(service)
            past.pass_(MINUTE)
        assert past.verdict(service) == ("held", "budget.held")
    assert budget.reset(past.ledger, HOME)
    past.pass_(HOUR)
    assert (past.verdict(), past.verdict(OTHER)) == (None, ("held", "budget.held"))
    past.restart()
    assert past.verdict() == ("deferred", "budget.cooldown")


def test_a_reset_of_all_gives_the_hour_back(past: Past) -> None:
    for number in range(RULES.hourly):
        past.restart(f"fake:{number}")
    assert past.verdict() == ("deferred", "budget.hour")
    past.pass_(1)
    assert budget.reset(past.ledger, None)
    assert past.verdict() is None


# --- what others do


def test_a_new_process_that_is_not_ours_counts_as_a_restart_by_others(past: Past) -> None:
    past.see(life="70@100")
    for number in range(3):
        past.pass_(HOUR)
        past.see(life=f"{71 + number}@100")
    assert [(act.ours, act.result) for act in past.ledger.of(HOME)] == [(False, "seen")] * 3
    assert past.verdict() == ("held", "budget.held")


def test_what_others_did_is_proven_by_health_as_well(past: Past) -> None:
    past.see(life="70@100")
    past.see(life="71@200")
    past.pass_(RULES.proven)
    past.see(life="71@200")
    past.see(life="71@200")
    past.pass_(RULES.proven)
    past.see(life="71@200")
    assert [act.proven for act in past.ledger.of(HOME)] == [True]


def test_our_own_restart_is_not_taken_for_one_by_others(past: Past) -> None:
    past.see(life="70@100", well=False)
    past.restart()
    past.see(life="71@200")
    assert [act.ours for act in past.ledger.of(HOME)] == [True]


def test_our_own_restart_that_was_cut_off_counts_once(past: Past) -> None:
    past.see(life="70@100", well=False)
    past.restart(result=None)
    past.pass_(MINUTE)
    past.see(life="71@200")
    assert [act.ours for act in past.ledger.of(HOME)] == [True]


def test_what_nobody_can_see_is_no_other_process(past: Past) -> None:
    past.see(life="70@100")
    past.see(life="")
    past.see(life="70@100")
    assert past.ledger.of(HOME) == ()


def test_after_a_reboot_all_are_new_and_nobody_restarted_them(past: Past) -> None:
    past.see(life="70@100")
    past.clock.reboot()
    past.see(life="80@100")
    assert past.ledger.of(HOME) == ()


# --- clocks and boots


@pytest.mark.parametrize("jump", [10 * 365 * DAY, -10 * 365 * DAY, HOUR, -HOUR])
def test_a_jump_of_the_clock_gives_no_restart_back(past: Past, jump: float) -> None:
    past.restart()
    past.clock.wrong = jump
    past.pass_(MINUTE)
    assert past.verdict() == ("deferred", "budget.cooldown")
    past.pass_(5 * MINUTE)
    assert past.verdict() is None


@pytest.mark.parametrize("jump", [0.0, -10 * 365 * DAY])
def test_a_reboot_gives_no_restart_back(past: Past, jump: float) -> None:
    """Also with a clock that begins in 1970, as on machines without one of their own."""
    for _ in range(3):
        past.restart()
        past.pass_(MINUTE)
    past.clock.reboot()
    past.clock.wrong = jump
    assert past.verdict() == ("held", "budget.held")


def test_health_is_not_measured_by_a_clock_that_jumps(past: Past) -> None:
    past.restart()
    past.see()
    past.clock.wrong = 2 * DAY
    past.see()
    assert past.ledger.unproven(HOME, RULES) == 1


# --- a memory that was damaged


def test_with_a_damaged_memory_a_timer_does_nothing_and_a_person_may(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "state.db").write_bytes(b"no database " * 500)
    (folder / "state.db").chmod(0o600)
    with closing(open_state(str(folder))) as state:
        past = Past(state)
        past.clock._began = state.get("state.damaged")["at"]
        assert (past.verdict(), past.verdict(auto=False)) == (("held", "budget.damaged"), None)
        past.pass_(DAY - 1)
        assert past.verdict() == ("held", "budget.damaged")
        budget.reset(past.ledger, HOME)
        assert (past.verdict(), past.verdict(OTHER)) == (None, ("held", "budget.damaged"))
        past.pass_(2)
        assert past.verdict(OTHER) is None


@pytest.mark.parametrize("data", [None, [], {"verb": "restart"}, {"service": 3, "verb": "restart"}, "text"])
def test_a_line_that_makes_no_sense_stops_nobody(past: Past, data: Any) -> None:
    past.state.append(ACT, data)
    assert past.verdict() is None


def test_a_moment_that_makes_no_sense_is_none() -> None:
    assert [Moment.read(data) for data in (None, 3, [1, 2, 3], ["a", "b", "c"], [1.0, "b"])] == [None] * 5


def test_an_old_file_gets_what_is_missing_and_keeps_its_acts(tmp_path: Path) -> None:
    """As the first version left it."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    path = folder / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version=1")
        row = (1_795_248_737.0, '{"service": "fake:home", "verb": "restart"}', '{"result": "verified"}')
        connection.execute("INSERT INTO journal (at, kind, data, result) VALUES (?, 'act', ?, ?)", row)
        connection.commit()
    path.chmod(0o600)
    with closing(open_state(str(folder))) as state:
        past = Past(state)
        assert [act.service for act in past.ledger.acts] == [HOME]
        assert past.verdict() == ("deferred", "budget.cooldown")


# --- what is told


def test_each_reason_is_told_once(past: Past) -> None:
    ledger = past.ledger
    assert [health.told(ledger, HOME, code) for code in ("a", "a", "b", "a", "b")] == [False, True, False, True, True]


def test_the_reason_names_the_way_out(past: Past, bench: Bench) -> None:
    for _ in range(3):
        past.restart()
        past.pass_(MINUTE)
    found = budget.limit(past.ledger, HOME, RULES, auto=False)
    assert isinstance(found, Verdict)
    assert bench.words(found.reason) == (
        "3 restarts within 6 h did not last: it is left alone until it has been well for 1 d, or until "
        "`cozydiag fix --reset fake:home`"
    )


def test_the_journal_of_many_years_stays_small(past: Past) -> None:
    entries = [past.restart() for _ in range(30)]
    past.state.forget(ACT, 10)
    assert [entry.id for entry in past.state.entries(ACT)] == entries[-10:]
    past.state.forget(ACT, 10)
    past.state.forget(SEEN, 10)
    assert len(past.state.entries()) == 10
