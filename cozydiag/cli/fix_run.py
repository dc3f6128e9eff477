"""`cozydiag fix --restart`: under the lock, from the first look to the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.cli.common import BUSY, EXIT, Problem, consents, say, write
from cozydiag.cli.fix_look import Wishes, as_root, examine, judged_plan, look, nothing, terms_of, who
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Report
    from cozydiag.repair.act import Reached
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.plan import Plan
    from cozydiag.repair.session import Repaired
    from cozydiag.state import Lock, LockBusy, State


def run(config: Config, wishes: Wishes, reached: Reached = len) -> int:
    """`fix --restart`. The lock comes before the first look: what another cozydiag is just mending would look broken.

    ``reached`` is told of each point on the way. Raises Problem where another is at work.
    """
    from contextlib import ExitStack, closing

    from cozydiag.repair.act import LOCK
    from cozydiag.state import Lock, open_state

    with ExitStack() as held:
        reached("before the lock")
        state = held.enter_context(closing(open_state(config.state_folder)))
        lock = state.lock(LOCK)
        if isinstance(lock, Lock):
            held.enter_context(lock)
        elif lock.held:
            raise Problem(lock.why, BUSY)
        reached("after the lock")
        return _repair(config, state, lock, wishes, reached)


def _repair(config: Config, state: State, lock: Lock | LockBusy, wishes: Wishes, reached: Reached) -> int:
    from cozydiag.cli import fix_shown as shown
    from cozydiag.repair.session import Session
    from cozydiag.state import LockBusy

    report, stack, plan = examine(config)
    judged, ledger = judged_plan(report, stack, plan, state, wishes)
    if isinstance(lock, LockBusy):
        early = _before(config, state, report, judged, ledger, wishes)
        return _no_journal(lock) if early is None else early
    gated = {(one.service.address, one.gate.code) for one in judged.actions if one.gate is not None}
    teller = shown.Teller(quiet=wishes.auto, told=() if wishes.auto else gated)
    by, terms = _timer() if wishes.auto else who(), terms_of(wishes)
    session = Session(lambda seen: look(config, seen), state, lock, teller, by, terms=terms, reached=reached)
    session.begin(report, plan, stack)
    early = _before(config, state, report, judged, ledger, wishes)
    if early is not None:
        return early
    possible = any(one.gate is None for one in judged.actions)
    if possible and not wishes.yes and not wishes.auto and not consents():
        return EXIT[report.verdict]
    start = session.confirm(report, plan, stack) if possible else (report, plan, stack)
    repaired = session.run(*start)
    shown.end(repaired, quiet=wishes.auto and not repaired.done)
    return code(repaired)


def _before(config: Config, state: State, report: Report, plan: Plan, ledger: Ledger, wishes: Wishes) -> int | None:
    """Shows the plan; the exit code where that is all."""
    from cozydiag.cli import fix_shown as shown

    if not wishes.auto:
        if not plan.actions and not plan.refusals:
            return nothing(report)
        shown.plan(plan, ledger)
        if not plan.actions:
            return EXIT[report.verdict]
    elif _news(state, plan):
        shown.plan(plan._replace(actions=()), ledger)
    if plan.actions and not any(action.allowed for action in plan.actions):
        write("\n" + say(t("This needs root:")) + f"\n    {as_root(config)}\n")
        return EXIT[Status.UNKNOWN]
    return None


def _no_journal(lock: LockBusy) -> int:
    write("\n" + say(t("Nothing is done without a journal: {why}", why=lock.why)) + "\n")
    return EXIT[Status.FAIL]


def _news(state: State, plan: Plan) -> bool:
    """Whether what no restart can mend has changed since it was last told."""
    now = sorted(f"{refusal.cause.code} {refusal.cause.instance}" for refusal in plan.refusals)
    if now == (state.get("repair.told") or []):
        return False
    state.set("repair.told", now)
    return bool(now)


def code(repaired: Repaired) -> int:
    """The exit code: how things stand, whether a service is held, whether what is left was only put off."""
    verdicts = [verdict for _, verdict in repaired.passed]
    if any(verdict.outcome == "held" for verdict in verdicts):
        return EXIT[Status.FAIL]
    if repaired.report.verdict is not Status.FAIL:
        return max(EXIT[repaired.report.verdict], EXIT[Status.WARN] if verdicts else 0)
    from cozydiag.repair.budget import HOURLY

    if not repaired.done and verdicts and all(verdict.code == HOURLY for verdict in verdicts):
        return BUSY
    put_off = {action.service.address for action, verdict in repaired.passed if verdict.outcome == "deferred"}
    left = {action.service.address for action in repaired.left.actions}
    failing = [one for one in repaired.left.refusals if one.cause.severity is Status.FAIL]
    return EXIT[Status.WARN] if left and left <= put_off and not failing else EXIT[Status.FAIL]


def _timer() -> str:
    return f"timer ({who()})"
