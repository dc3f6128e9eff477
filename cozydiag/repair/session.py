"""A repair from start to end: look, act on one cause, look again, until nothing is left that an act can mend."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from cozydiag.host import Host, World
from cozydiag.model import FAILING, Cause, Report, Status
from cozydiag.repair.act import Outcome, act
from cozydiag.repair.plan import Action, Plan, make
from cozydiag.repair.signals import Deferred
from cozydiag.stack import Stack
from cozydiag.state import Lock, State
from cozydiag.text import t

_UNSEEN = (Status.UNKNOWN, Status.ERROR)


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


Look = Callable[[Stack], "tuple[Report, Stack]"]


class Session:
    """One run of `fix --restart`. ``look`` looks anew, discovery too, and gives the report with its stack; it takes
    the stack of the last look, for what may not be asked twice.

    ``lock`` is the one of `act.LOCK`, held from before the first look: a plan made while another cozydiag was at work
    would be about a server that no longer is.
    """

    def __init__(self, look: Look, state: State, lock: Lock, teller: Teller, by: str, host: Host | None = None) -> None:
        self.look = look
        self.state = state
        self.lock = lock
        self.teller = teller
        self.by = by
        self.host = host or Host(World(), 3600.0, "repair")

    def run(self, report: Report, plan: Plan, stack: Stack) -> Repaired:
        """Act on the causes one by one, lowest first, each service at most once. A signal lets the act that has
        begun come to its end and its proof, and no other begins."""
        began = self.host.clock.monotonic()
        done: list[tuple[Action, Outcome]] = []
        with Deferred() as signals:
            while not signals.came:
                acted = {action.service.address for action, _ in done}
                action = next((a for a in plan.actions if a.service.address not in acted and a.allowed), None)
                if action is None:
                    break
                self.teller.begins(action)
                outcome = act(
                    self.host, stack, self.state, action.service, action.verb,
                    why=action.cause.code, by=self.by, lock=self.lock,
                )  # fmt: skip
                report, stack, outcome = self._look_again(action, outcome, stack)
                plan = make(self.host.within(60.0, "plan"), stack, report)
                done.append((action, outcome))
                self.teller.ended(action, outcome)
        return Repaired(tuple(done), report, plan, signals.came, self.host.clock.monotonic() - began)

    def _look_again(self, action: Action, outcome: Outcome, stack: Stack) -> tuple[Report, Stack, Outcome]:
        """The checks that failed decide whether it helped; they get some time, for services start slowly."""
        end = self.host.clock.monotonic() + stack.config.timing.settle
        while True:
            report, stack = self.look(stack)
            if outcome.result != "verified" or _well(report, action):
                return report, stack, outcome
            if self.host.clock.monotonic() >= end:
                outcome = outcome._replace(
                    result="failed", text=t("it runs as a new process, but what failed still fails")
                )
                self.state.update(outcome.entry, outcome.record())
                return report, stack, outcome
            self.host.clock.sleep(0.5)


def _well(report: Report, action: Action) -> bool:
    """None of what this cause stood for fails of itself any more, nor is it still starting, and it could be looked at.
    What is wrong with something else and does not pass by itself is not waited for: that is a cause of its own."""
    own = action.cause.instance
    failing = {r.instance for r in report.results if r.status in FAILING and not r.explained_by}
    failing -= {c.instance for c in report.causes if c.instance != own and _lasts(c, action.cause)}
    on_its_way = ("service.starting", "service.stopping")
    starting = {c.instance for c in report.causes if c.severity is Status.WARN and c.code in on_its_way}
    unseen = {r.instance for r in report.results if r.status in _UNSEEN and r.instance == own}
    return not (failing | starting | unseen).intersection(action.failing)


def _lasts(other: Cause, mended: Cause) -> bool:
    """Its manager has given it up, or no restart helps it."""
    return other.restart_helps is False or (other.code == "service.failed" and other.role != mended.role)
