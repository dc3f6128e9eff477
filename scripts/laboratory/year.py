"""A year on a false clock: 288 runs a day of `fix --restart --auto` against services that never recover, live for a
while, flap or hang; beside it, what "restart every time" would have done.

`python -m scripts.laboratory.year [DAYS [WORD]]` prints the table, of the kinds that have the word in their name.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from functools import lru_cache
from typing import NamedTuple

from cozydiag.config import Config
from cozydiag.host import Failure, Host
from cozydiag.managers.service import VERBS, Condition, Life, Service, Verb
from cozydiag.managers.service import State as Is
from cozydiag.model import Cause, Report, Result, Status
from cozydiag.repair.act import LOCK, Outcome
from cozydiag.repair.budget import Verdict
from cozydiag.repair.gates import Terms
from cozydiag.repair.plan import Action, make
from cozydiag.repair.session import Session
from cozydiag.stack import Stack
from cozydiag.stack.ownership import Owned
from cozydiag.state import Entry, Lock, State, open_state
from cozydiag.testing import FakeHost, Machine
from cozydiag.text import t

EVERY = 300.0
DAY = 86400.0
HOME = Service("simulated", "home", "cozy.home")


class Kind(NamedTuple):
    """How a service behaves. ``lives``: seconds of health after a restart. ``takes``: whether its manager ever comes
    back from a restart. ``well``: whether it is well by itself at a moment, None where only a restart helps."""

    name: str
    lives: float = 0.0
    takes: bool = True
    well: Callable[[float], bool] | None = None


KINDS = (
    Kind("never recovers"),
    Kind("lives 2 minutes", 120.0),
    Kind("lives 20 minutes", 1200.0),
    Kind("lives 40 minutes", 2400.0),
    Kind("flaps every run", well=lambda now: int(now / EVERY) % 2 == 0),
    Kind("flaps every half hour", well=lambda now: int(now / 1800) % 2 == 0),
    Kind("hangs in the restart", takes=False),
    Kind("fails once a week", 7 * DAY),
)

COSTLY = ("lives 40 minutes",)
"""Begun first: it has acts in its journal all the year."""

SHARED = "/dev/shm"  # noqa: S108
"""Where there is a disk of memory: each run takes a lock, which writes a file."""


class World:
    """The service, its manager and the server around it, which is well."""

    name, user, place = "simulated", None, ""
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.machine = Machine(files={"/proc/uptime": b"999999.0 1.0"})
        self.clock = self.machine.clock
        self.host = FakeHost(self.machine, 3600.0)
        self.pid, self.started = 100, self.clock.now() - DAY
        self.restarts: list[float] = []
        self.naive = 0
        self.naive_until = 0.0

    def is_well(self, now: float, started: float) -> bool:
        if self.kind.well is not None:
            return self.kind.well(now)
        return self.kind.takes and now - started < self.kind.lives

    def every_time(self) -> None:
        """What a run that restarts whenever something fails would do now."""
        now = self.clock.passed
        if not (self.kind.well(now) if self.kind.well else now < self.naive_until):
            self.naive += 1
            self.naive_until = now + (self.kind.lives if self.kind.takes else 0.0)

    # -- as a manager

    def services(self, host: Host) -> tuple[Condition, ...]:  # noqa: ARG002
        return (Condition(HOME, Is.RUNNING, since=self.started, pids=(self.pid,), words="RUNNING"),)

    def log(self, host: Host, service: Service, lines: int) -> list[str]:  # noqa: ARG002
        return ["a line of its log"]

    def allowed(self, host: Host) -> bool:  # noqa: ARG002
        return True

    def exposed(self, host: Host) -> None:  # noqa: ARG002
        return None

    def life(self, host: Host, service: Service) -> Life:  # noqa: ARG002
        return Life(True, self.pid, "RUNNING")

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("simulatedctl", verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:  # noqa: ARG002
        self.restarts.append(self.clock.passed)
        if not self.kind.takes:
            self.clock.sleep(host.deadline.remaining())
            return Failure("timeout", "no answer")
        self.pid, self.started = self.pid + 1, self.clock.now()
        return None

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002
        return 10.0

    # -- as a server

    def look(self, _: Stack | None = None) -> tuple[Report, Stack]:
        now = self.clock.now()
        well = self.is_well(self.clock.passed if self.kind.well else now, self.started)
        status = Status.OK if well else Status.FAIL
        result = Result("stack.home", None, t("home answers"), status, role="cozy.home")
        cause = Cause(
            "service.hung", "cozy.home", None, "stack.home", Status.FAIL, t("home hangs"), (), None, (), (), "certain",
            True, None, HOME.address,
        )  # fmt: skip
        causes = () if well else (cause,)
        return Report(status, causes, (result,), (), "simulated", now, 1.0, privileged=True), _Server(self)


class _Server(Stack):
    """One service, one manager."""

    def __init__(self, world: World) -> None:
        super().__init__(Config(discover=False))
        self.world = world

    def managers(self, host: Host) -> tuple[World, ...]:  # noqa: ARG002
        return (self.world,)

    def owned(self, host: Host) -> tuple[Owned, ...]:
        return (Owned(self.world, self.world.services(host)),)

    def supervisor(self, host: Host) -> Failure:  # noqa: ARG002
        return Failure("missing", "no supervisord")


class Mail:
    """Counts what would be mailed by cron: an act is told, and once that nothing more is done."""

    def __init__(self) -> None:
        self.given_up: list[str] = []
        self.acts = 0

    def begins(self, action: Action) -> None:
        pass

    def watches(self, action: Action, seconds: float) -> None:
        pass

    def ended(self, action: Action, outcome: Outcome) -> None:  # noqa: ARG002
        self.acts += 1

    def passed(self, action: Action, verdict: Verdict, *, known: bool) -> None:  # noqa: ARG002
        if not known and verdict.code in ("budget.held", "budget.day"):
            self.given_up.append(verdict.code)


class Year(NamedTuple):
    """What became of one kind. ``a_day`` is the worst day of all."""

    kind: str
    days: int
    restarts: int
    a_day: int
    every_time: int
    given_up: int


def live(kind: Kind, days: int, state: State) -> Year:
    """288 runs a day for so many days."""
    world, mail = World(kind), Mail()
    for run in range(int(days * DAY / EVERY)):
        world.clock.until(run * EVERY)
        world.every_time()
        once(world, state, mail)
    per_day: dict[int, int] = {}
    for at in world.restarts:
        per_day[int(at / DAY)] = per_day.get(int(at / DAY), 0) + 1
    worst = max(per_day.values(), default=0)
    return Year(kind.name, days, len(world.restarts), worst, world.naive, len(mail.given_up))


def once(world: World, state: State, mail: Mail) -> None:
    """One run of the timer."""
    lock = state.lock(LOCK)
    assert isinstance(lock, Lock)  # noqa: S101  nobody else is here
    with lock:
        session = Session(world.look, state, lock, mail, "timer", world.host, Terms(auto=True))
        report, stack = world.look()
        if session.run(report, make(world.host, stack, report), stack).interrupted:
            raise KeyboardInterrupt  # a repair notes such signals, and obeys them when its act is done


def table(years: list[Year]) -> str:
    head = f"{'service':24} {'restarts':>9} {'worst day':>10} {'a day':>7} {'given up, told':>15} {'every time':>11}"
    return "\n".join((head, *map(row, years)))


def row(y: Year) -> str:
    average = y.restarts / y.days
    return f"{y.kind:24} {y.restarts:9} {y.a_day:10} {average:7.2f} {y.given_up:15} {y.every_time:11}"


def reading_once(state: State) -> State:
    """``state``, whose journal is read as text once: in a year the same lines are asked for a hundred thousand times.
    Nobody writes into an entry."""

    @lru_cache(maxsize=4096)
    def entry(number: int, at: float, kind: str, data: str, result: str | None) -> Entry:
        return Entry(number, at, kind, json.loads(data), None if result is None else json.loads(result))

    def latest(kind: str, limit: int) -> list[Entry]:
        sql = "SELECT id, at, kind, data, result FROM journal WHERE kind = ? ORDER BY id DESC LIMIT ?"
        return [entry(*line) for line in reversed(state.query(sql, kind, limit) or [])]

    state.latest = latest  # type: ignore[method-assign]
    return state


def of_kind(name: str, days: int) -> Year:
    """In a memory of its own, where no power cut is feared."""
    place = SHARED if os.access(SHARED, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder, closing(open_state(f"{folder}/state")) as state:
        state.query("PRAGMA synchronous=OFF")
        return live(next(kind for kind in KINDS if kind.name == name), days, reading_once(state))


def main(days: int, word: str = "") -> None:
    """All kinds at the same time, as many as there are processors; each row is shown when it is done."""
    names = [kind.name for kind in KINDS if word in kind.name]
    by_cost = sorted(names, key=COSTLY.__contains__, reverse=True)
    found: dict[str, Year] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed([pool.submit(of_kind, name, days) for name in by_cost]):
            found[done.result().kind] = done.result()
            print(row(done.result()), file=sys.stderr, flush=True)
    print(table([found[name] for name in names]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 365, *sys.argv[2:3])
