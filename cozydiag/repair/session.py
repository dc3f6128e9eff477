"""A repair from start to end: look, act on one cause, look again, until nothing is left that an act can mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cozydiag.host import Host, World
from cozydiag.model import FAILING, Cause, Report
from cozydiag.repair import budget, evidence, gates, health, judging, lasting, observed
from cozydiag.repair.act import Occasion, Outcome, Reached, act, recover, words
from cozydiag.repair.budget import Verdict
from cozydiag.repair.ledger import ACT, GATE, KEPT, Ledger
from cozydiag.repair.moments import Moment
from cozydiag.repair.plan import Action, Plan, make, means
from cozydiag.repair.signals import Deferred
from cozydiag.stack import Stack
from cozydiag.state import Lock, State
from cozydiag.text import Text, t


class Teller(Protocol):
    """Who tells the user what happens. What is not done and was told in an earlier run is ``known``."""

    def begins(self, action: Action) -> None: ...
    def watches(self, action: Action, seconds: float) -> None: ...
    def ended(self, action: Action, outcome: Outcome) -> None: ...
    def passed(self, action: Action, verdict: Verdict, *, known: bool) -> None: ...


class Repaired(NamedTuple):
    """What was done, and how things stand now. ``left`` is the plan that remains, ``passed`` what of it was not done
    and why. ``down`` is in seconds, from when the first of it is known to have failed until now; ``worse`` is what
    was well before, ``revealed`` what could not be seen before."""

    done: tuple[tuple[Action, Outcome], ...]
    report: Report
    left: Plan
    interrupted: bool
    seconds: float
    passed: tuple[tuple[Action, Verdict], ...] = ()
    down: float = 0.0
    worse: tuple[Cause, ...] = ()
    revealed: tuple[str, ...] = ()


Look = Callable[[Stack], "tuple[Report, Stack]"]


class Session:
    """One run of `fix --restart`. ``look`` looks anew, discovery too, and gives the report with its stack; it takes
    the stack of the last look, for what may not be asked twice.

    ``lock`` is the one of `act.LOCK`, held from before the first look: a plan made while another cozydiag was at work
    would be about a server that no longer is. ``reached`` is told of each point on the way.
    """

    def __init__(
        self,
        look: Look,
        state: State,
        lock: Lock,
        teller: Teller,
        by: str,
        host: Host | None = None,
        terms: gates.Terms = gates.Terms(),  # noqa: B008  it never changes
        reached: Reached = len,
    ) -> None:
        self.look = look
        self.state = state
        self.lock = lock
        self.teller = teller
        self.by = by
        self.host = host or Host(World(), 3600.0, "repair")
        self.terms = terms
        self.reached = reached
        self.began = Moment.now(self.host.clock)
        self.incident = evidence.name(self.host.clock.now())
        self.begun = False
        self.passed: dict[str, tuple[Action, Verdict]] = {}
        self.since: dict[str, float] = {}

    def begin(self, report: Report, plan: Plan, stack: Stack) -> None:
        """Close what an earlier run left open, and write down what is seen: also where nothing is to be done."""
        if not self.begun:
            self.reached("before the observation")
            recover(self.state)
            self._observe(report, plan, stack)
            self._write_refusals(plan)
            self.reached("after the observation")
            self.begun = True

    def confirm(self, report: Report, plan: Plan, stack: Stack) -> tuple[Report, Plan, Stack]:
        """Look once more before the first act: what is seen broken once may have been a moment's, and a person may
        have taken time to answer. With --auto an earlier run was the first look."""
        if self.terms.auto or not plan.actions:
            return report, plan, stack
        self.host.clock.sleep(max(0.0, stack.config.repair.confirm - self.began.age(self.host.clock)))
        report, stack = self.look(stack)
        return report, make(self.host.within(60.0, "plan"), stack, report), stack

    def run(self, report: Report, plan: Plan, stack: Stack) -> Repaired:
        """Act on the causes one by one, lowest first, each service at most once. A signal lets the act that has
        begun come to its end and its proof, and no other begins."""
        began, first = self.host.clock.monotonic(), report
        done: list[tuple[Action, Outcome]] = []
        with Deferred() as signals:
            self.begin(report, plan, stack)
            while not signals.came and len(done) < self.terms.most:
                action = self._next(report, plan, stack, [action.service.address for action, _ in done])
                if action is None:
                    break
                self.teller.begins(action)
                outcome = self._act(action, report, stack)
                if outcome.result == "refused":  # by the proxy's own test
                    self._write(action.service.address, action.verb, action.cause, "test", "refused", outcome.text)
                report, stack, outcome = self._look_again(action, outcome, stack)
                plan = make(self.host.within(60.0, "plan"), stack, report)
                self.reached("after the second look")
                done.append((action, outcome))
                self.teller.ended(action, outcome)
            self.reached("before the last observation")
            if done:
                self._observe(report, plan, stack)
                self.state.forget(ACT, KEPT)
            self.reached("at the end")
        return Repaired(
            tuple(done), report, plan, signals.came, self.host.clock.monotonic() - began, tuple(self.passed.values()),
            self._down(done), judging.worse(first, report), judging.revealed(first, report) if done else (),
        )  # fmt: skip

    def _next(self, report: Report, plan: Plan, stack: Stack, acted: Sequence[str]) -> Action | None:
        """The first act that nothing forbids. What is forbidden is told and written down, and not asked again."""
        for action in plan.actions:
            address = action.service.address
            if address in acted or address in self.passed or not action.allowed or not means(self.terms.only, action):
                continue
            ledger = Ledger(self.state, self.host.clock)
            view = gates.View(self.host.within(60.0, "repair"), stack, report, ledger, self.terms, self.began)
            verdict = gates.verdict(view, action)
            if verdict is None:
                self.since[address] = observed.since(self.host, stack, ledger, action, report)
                return action
            self._pass(ledger, action, verdict)
        return None

    def _pass(self, ledger: Ledger, action: Action, verdict: Verdict) -> None:
        self.reached("before the gate is written")
        if verdict.code == budget.HELD:
            budget.hold(ledger, action.service.address)
        known = health.told(ledger, action.service.address, verdict.code)
        if not known or not self.terms.auto:
            address, verb = action.service.address, action.verb
            self._write(address, verb, action.cause, verdict.code, verdict.outcome, verdict.reason)
        self.reached("after the gate is written")
        self.passed[action.service.address] = (action, verdict)
        self.teller.passed(action, verdict, known=known and self.terms.auto)

    def _write(self, service: str, verb: str, cause: Cause, gate: str, outcome: str, reason: Text) -> None:
        """Why nothing was done, into the journal."""
        now = Moment.now(self.host.clock)
        data = {"service": service, "verb": verb, "why": cause.code, "by": self.by, "gate": gate, "moment": now}
        entry = self.state.append(GATE, data, at=now.at)
        if entry is not None:
            self.state.update(entry, {"result": outcome, **words(reason)})
            self.state.forget(GATE, KEPT)

    def _write_refusals(self, plan: Plan) -> None:
        """What no restart can mend: written down when it is new."""
        now = {f"{one.cause.code} {one.cause.instance}": one for one in plan.refusals}
        before = self.state.get("repair.refused") or []
        for name in sorted(now.keys() - set(before)):
            cause = now[name].cause
            self._write(cause.service or cause.instance, "restart", cause, "futile", "refused", now[name].reason)
        if sorted(now) != before:
            self.state.set("repair.refused", sorted(now))

    def _act(self, action: Action, report: Report, stack: Stack) -> Outcome:
        seen = [f"{one.source}: {one.line}" for one in action.cause.evidence]
        seen += [f"{r.instance}: {e.source}: {e.line}" for r in report.results for e in r.evidence
                 if r.instance in action.failing and r.status in FAILING]  # fmt: skip
        occasion = Occasion(self.incident, seen, self.terms.force, self.reached)
        return act(
            self.host, stack, self.state, action.service, action.verb,
            why=action.cause.code, by=self.by, lock=self.lock, occasion=occasion,
        )  # fmt: skip

    def _look_again(self, action: Action, outcome: Outcome, stack: Stack) -> tuple[Report, Stack, Outcome]:
        """The checks that failed decide whether it helped; they get some time, for services start slowly. What is
        well must still be so a while later, as the same process."""
        end = self.host.clock.monotonic() + lasting.patience(action, stack.config)
        while True:
            report, stack = self.look(stack)
            if outcome.result != "verified":
                return report, stack, outcome
            if judging.well(report, action):
                report, stack, why = self._stays(action, outcome, report, stack)
                return report, stack, outcome if why is None else self._refuted(outcome, why)
            if self.host.clock.monotonic() >= end:
                why = t("it runs as a new process, but what failed still fails")
                return report, stack, self._refuted(outcome, why)
            self.host.clock.sleep(0.5)

    def _stays(
        self, action: Action, outcome: Outcome, report: Report, stack: Stack
    ) -> tuple[Report, Stack, Text | None]:
        """The second look, and what speaks against its health now."""
        restarts = observed.restarts(self.host.within(10.0, "repair"), stack, action.service)
        seconds = lasting.stable(action, stack.config)
        self.teller.watches(action, seconds)
        self.host.clock.sleep(seconds)
        report, stack = self.look(stack)
        if not judging.well(report, action):
            return report, stack, t("it was well for a moment, and then failed again")
        view = self.host.within(10.0, "repair")
        if lasting.changed(view, stack, outcome):
            return report, stack, t("it was well, but it has been replaced by yet another process since")
        again = observed.restarts(view, stack, action.service)
        if restarts is not None and again is not None and again > restarts:
            return report, stack, t("it was well, but its manager has restarted it since")
        return report, stack, None

    def _refuted(self, outcome: Outcome, why: Text) -> Outcome:
        outcome = outcome._replace(result="failed", text=why)
        self.reached("before the refutation is written")
        self.state.update(outcome.entry, outcome.record())
        self.reached("after the refutation is written")
        return outcome

    def _observe(self, report: Report, plan: Plan, stack: Stack) -> None:
        seen = observed.services(self.host.within(20.0, "repair"), stack, report, plan, self.state)
        health.observe(Ledger(self.state, self.host.clock), stack.config.repair, seen)

    def _down(self, done: Sequence[tuple[Action, Outcome]]) -> float:
        moments = [self.since[action.service.address] for action, outcome in done if outcome.result == "verified"]
        return max(0.0, self.host.clock.now() - min(moments)) if moments else 0.0
