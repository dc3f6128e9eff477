"""A repair from start to end: look, act on one cause, look again, until nothing is left that an act can mend."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple, Protocol

from cozydiag.host import Host, World
from cozydiag.model import FAILING, Report, Status
from cozydiag.repair.act import Outcome, act
from cozydiag.repair.plan import Action, Plan, make
from cozydiag.stack import Stack
from cozydiag.state import State
from cozydiag.text import t

SETTLE = 20.0
"""Seconds that what failed has, after its service runs again, to be well."""


class Teller(Protocol):
    """Who tells the user what happens."""

    def begins(self, action: Action) -> None: ...
    def ended(self, action: Action, outcome: Outcome) -> None: ...


class Repaired(NamedTuple):
    """What was done, and how things stand now. ``left`` is the plan that remains."""

    done: tuple[tuple[Action, Outcome], ...]
    report: Report
    left: Plan
    interrupted: bool
    seconds: float


class Session:
    """One run of `fix --restart`. ``examine`` looks anew, discovery too, and gives the report with its stack."""

    def __init__(self, examine: Callable[[], tuple[Report, Stack]], state: State, teller: Teller, by: str) -> None:
        self.examine = examine
        self.state = state
        self.teller = teller
        self.by = by
        self.host = Host(World(), 3600.0, "repair")
        self.interrupted = False

    def run(self, report: Report, plan: Plan, stack: Stack) -> Repaired:
        """Act on the causes one by one, lowest first, each service at most once. A signal lets the act that has
        begun come to its end and its proof, and no other begins."""
        began = self.host.clock.monotonic()
        done: list[tuple[Action, Outcome]] = []
        with _Signals(self._interrupt):
            while not self.interrupted:
                acted = {action.service.address for action, _ in done}
                action = next((a for a in plan.actions if a.service.address not in acted and a.allowed), None)
                if action is None:
                    break
                self.teller.begins(action)
                outcome = act(
                    self.host, stack, self.state, action.service, action.verb, why=action.cause.code, by=self.by
                )
                report, stack, outcome = self._look_again(action, outcome)
                plan = make(self.host, stack, report)
                done.append((action, outcome))
                self.teller.ended(action, outcome)
                if outcome.result == "busy":
                    break
        return Repaired(tuple(done), report, plan, self.interrupted, self.host.clock.monotonic() - began)

    def _look_again(self, action: Action, outcome: Outcome) -> tuple[Report, Stack, Outcome]:
        """The checks that failed decide whether it helped; they get some time, for services start slowly."""
        end = self.host.clock.monotonic() + (SETTLE if outcome.result == "verified" else 0.0)
        while True:
            report, stack = self.examine()
            if outcome.result != "verified" or _well(report, action):
                return report, stack, outcome
            if self.host.clock.monotonic() >= end:
                text = t("it runs as a new process, but what failed still fails")
                return report, stack, outcome._replace(result="failed", text=text)
            self.host.clock.sleep(0.5)

    def _interrupt(self) -> None:
        self.interrupted = True


def _well(report: Report, action: Action) -> bool:
    """None of what this cause stood for fails of itself any more, nor is it still starting. What its manager gave up
    meanwhile does not come back by itself: that waits for an act of its own."""
    failing = {r.instance for r in report.results if r.status in FAILING and not r.explained_by}
    failing -= {c.instance for c in report.causes if c.code == "service.failed" and c.role != action.cause.role}
    starting = {c.instance for c in report.causes if c.severity is Status.WARN and c.code == "service.starting"}
    return not (failing | starting).intersection(action.failing)


class _Signals:
    """Ctrl-C, SIGTERM and a lost terminal are noted, not obeyed, while this holds."""

    _CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._before: list[object] = []

    def __enter__(self) -> None:
        def noted(_number: int, _frame: FrameType | None) -> None:
            self._told()

        self._before = [signal.signal(number, noted) for number in self._CAUGHT]

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(self._CAUGHT, self._before, strict=True):
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() itself gave back
