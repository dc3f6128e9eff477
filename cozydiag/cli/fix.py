"""`cozydiag fix`: the plan; with --restart: the repair."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cozydiag.cli.common import BUSY, EXIT, Problem, configuration, consents, one_of, say, write
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Report
    from cozydiag.repair.act import Reached
    from cozydiag.repair.gates import Terms
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.plan import Plan
    from cozydiag.repair.session import Repaired
    from cozydiag.stack import Stack
    from cozydiag.state import Lock, LockBusy, State


class Wishes(NamedTuple):
    """What was typed beside --restart."""

    yes: bool = False
    auto: bool = False
    dry_run: bool = False
    only: tuple[str, ...] = ()
    most: int = 1000
    force: bool = False
    json: bool = False


def fix(
    restart: Annotated[bool, typer.Option("--restart", help=say(t("Act: restart the causes, nothing else.")))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say(t("Do not ask.")))] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help=say(t("For timers: nobody looks, so be careful; be quiet when all is said.")))
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say(t("Show what would be done now, and do nothing.")))
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help=say(t("Only this service or role.")))
    ] = None,
    max_actions: Annotated[
        int | None, typer.Option("--max-actions", metavar="N", min=1, help=say(t("So many restarts at most.")))
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help=say(t("Kill what does not end; never CouchDB or what is stateful.")))
    ] = False,
    reset: Annotated[
        str | None, typer.Option("--reset", metavar="NAME", help=say(t("Free a held service; `all` frees all.")))
    ] = None,
    sudoers: Annotated[
        str | None, typer.Option("--sudoers", metavar="USER", help=say(t("Print the line that lets USER repair.")))
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    one_of("--format", format_, ("text", "json"))
    wishes = Wishes(yes, auto, dry_run, tuple(only or ()), max_actions or 1000, force, format_ == "json")
    acts = restart and not dry_run
    if acts and format_ == "json":
        raise Problem(t("--format json shows the plan; it goes with --dry-run or without --restart"))
    if acts and not (yes or auto) and not (sys.stdin and sys.stdin.isatty()):
        line = _line("fix --restart --yes", config)
        raise Problem(t("nobody is here to be asked: to restart without a question, type `{line}`", line=line))
    if sudoers is not None:
        from cozydiag.cli.sudoers import line_for

        write(line_for(sudoers) + "\n")
        return 0
    loaded = configuration(config)
    if reset is not None:
        return _reset(loaded, reset)
    return run(loaded, wishes) if acts else _plan(loaded, wishes, config)


# -- the plan ------------------------------------------------------------------------------------------


def _plan(config: Config, wishes: Wishes, path: str | None) -> int:
    from contextlib import closing

    from cozydiag.cli import fix_shown as shown

    report, stack, plan = _examine(config)
    with closing(_memory(config)) as state:
        plan, ledger = _judged(report, stack, plan, state, wishes)
        if wishes.json:
            write(shown.as_json(plan, ledger))
            return EXIT[Status.FAIL] if plan.actions or plan.refusals else EXIT[report.verdict]
        if not plan.actions and not plan.refusals:
            return _nothing(report)
        shown.plan(plan, ledger)
    if plan.actions:
        closed = not all(action.allowed for action in plan.actions)
        command = _as_root(config) if closed else _line("fix --restart", path)
        write("\n" + say(t("Nothing was changed. To do it: {command}", command=command)) + "\n")
    return EXIT[Status.FAIL]


def _memory(config: Config) -> State:
    """What is remembered, where there is something: a plan leaves no folder behind."""
    from cozydiag.state import State, open_state, state_folder

    folder = state_folder(config.paths.state, os.environ)
    there = os.path.exists(os.path.join(folder, "state.db"))
    return open_state(folder) if there else State(folder, None)


def _judged(report: Report, stack: Stack, plan: Plan, state: State, wishes: Wishes) -> tuple[Plan, Ledger]:
    """The plan with what forbids each act now, and what was done before."""
    from cozydiag.host import Host, World
    from cozydiag.repair.gates import View
    from cozydiag.repair.ledger import Ledger
    from cozydiag.repair.moments import Moment
    from cozydiag.repair.plan import gated, narrowed

    if not wishes.auto and any(plan) and not any(narrowed(plan, wishes.only)):
        known = sorted({action.service.unit for action in plan.actions})
        raise Problem(t("nothing that is broken is called {names}; a restart could mend: {known}",
                        names=", ".join(wishes.only), known=", ".join(known) or "-"))  # fmt: skip
    plan = narrowed(plan, wishes.only)
    host = Host(World(), 60.0, "repair")
    ledger = Ledger(state, host.clock)
    view = View(host, stack, report, ledger, _terms(wishes), Moment.now(host.clock))
    return gated(plan, view), ledger


def _terms(wishes: Wishes) -> Terms:
    from cozydiag.repair.gates import Terms

    return Terms(wishes.auto, wishes.only, wishes.most, wishes.force)


def _look(config: Config, before: Stack | None = None) -> tuple[Report, Stack]:
    from cozydiag.engine.examine import Wish, look

    return look(config, Wish(deadline=config.timing.deadline), before=before)


def _examine(config: Config) -> tuple[Report, Stack, Plan]:
    from cozydiag.host import Host, World
    from cozydiag.repair.plan import make

    report, stack = _look(config)
    return report, stack, make(Host(World(), 60.0, "plan"), stack, report)


def _nothing(report: Report) -> int:
    if report.verdict is Status.UNKNOWN:
        write(say(t("Nothing broken was seen, but not everything could be looked at: see `cozydiag status`.")) + "\n")
        return EXIT[Status.UNKNOWN]
    write(say(t("There is nothing to repair.")) + "\n")
    return 0


# -- the repair ----------------------------------------------------------------------------------------


def run(config: Config, wishes: Wishes, reached: Reached = len) -> int:
    """`fix --restart`. The lock comes before the first look: what another cozydiag is just mending would look broken.

    ``reached`` is told of each point on the way. Raises Problem where another is at work.
    """
    from contextlib import ExitStack, closing

    from cozydiag.repair.act import LOCK
    from cozydiag.state import Lock, open_state, state_folder

    with ExitStack() as held:
        reached("before the lock")
        state = held.enter_context(closing(open_state(state_folder(config.paths.state, os.environ))))
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

    report, stack, plan = _examine(config)
    judged, ledger = _judged(report, stack, plan, state, wishes)
    if isinstance(lock, LockBusy):
        early = _before(config, state, report, judged, ledger, wishes)
        return _no_journal(lock) if early is None else early
    gated = {(one.service.address, one.gate.code) for one in judged.actions if one.gate is not None}
    teller = shown.Teller(quiet=wishes.auto, told=() if wishes.auto else gated)
    by, terms = _timer() if wishes.auto else who(), _terms(wishes)
    session = Session(lambda seen: _look(config, seen), state, lock, teller, by, terms=terms, reached=reached)
    session.begin(report, plan, stack)
    early = _before(config, state, report, judged, ledger, wishes)
    if early is not None:
        return early
    if not wishes.yes and not wishes.auto and any(one.gate is None for one in judged.actions) and not consents():
        return EXIT[report.verdict]
    repaired = session.run(*session.confirm(report, plan, stack))
    shown.end(repaired, quiet=wishes.auto and not repaired.done)
    return code(repaired)


def _before(config: Config, state: State, report: Report, plan: Plan, ledger: Ledger, wishes: Wishes) -> int | None:
    """Shows the plan; the exit code where that is all."""
    from cozydiag.cli import fix_shown as shown

    if not wishes.auto:
        if not plan.actions and not plan.refusals:
            return _nothing(report)
        shown.plan(plan, ledger)
        if not plan.actions:
            return EXIT[Status.FAIL]  # a refusal is one, be it of a warning: as without --restart
    elif _news(state, plan):
        shown.plan(plan._replace(actions=()), ledger)
    if plan.actions and not any(action.allowed for action in plan.actions):
        write("\n" + say(t("This needs root:")) + f"\n    {_as_root(config)}\n")
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


def _reset(config: Config, name: str) -> int:
    """Frees the services of that name, whatever manager they have."""
    from contextlib import closing

    from cozydiag.host import Clock
    from cozydiag.repair import budget
    from cozydiag.repair.ledger import Ledger
    from cozydiag.state import open_state, state_folder

    with closing(open_state(state_folder(config.paths.state, os.environ))) as state:
        ledger = Ledger(state, Clock())
        known = {act.service for act in ledger.acts} | set(state.services())
        meant = [one for one in sorted(known) if name in (one, one.partition(":")[2], one.rpartition(":")[2])]
        if name != "all" and not meant:
            raise Problem(t("nothing is remembered of {name}; known are: {known}",
                            name=name, known=", ".join(sorted(known)) or "-"))  # fmt: skip
        for service in meant if name != "all" else [None]:
            if not budget.reset(ledger, service):
                raise Problem(t("it could not be written down: {why}", why=" ".join(map(say, state.notes))), 74)
    what = ", ".join(meant) if name != "all" else say(t("all services"))
    write(say(t("Nothing counts against {what} any more.", what=what)) + "\n")
    return 0


def _line(arguments: str, config: str | None) -> str:
    """The command line of this same cozydiag, to be copied."""
    import shutil
    from shlex import quote

    from cozydiag.stack.words import ourselves

    command = ourselves("", None).strip().removeprefix("sudo ")
    if shutil.which("cozydiag") == command:
        command = "cozydiag"
    return f"{command} {arguments}" + (f" --config {quote(config)}" if config else "")


def _as_root(config: Config) -> str:
    """The same for root, who does not find this user's own configuration."""
    from cozydiag.stack.words import ourselves

    return ourselves("fix --restart", config)


def who() -> str:
    """Whom the journal names: who typed sudo, else the user."""
    import pwd

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _timer() -> str:
    return f"timer ({who()})"
