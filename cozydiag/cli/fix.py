"""`cozydiag fix`: the plan; with --restart: the repair."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import BUSY, EXIT, Problem, configuration, say, symbols, write
from cozydiag.model import Status
from cozydiag.text import Seconds, Text, When, plural, t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Report
    from cozydiag.repair.act import Outcome
    from cozydiag.repair.plan import Action, Plan, Refusal
    from cozydiag.repair.session import Repaired
    from cozydiag.stack import Stack

HELP = t("Show what would mend it, or, with --restart, restart what is broken and prove that it helped.")


def fix(
    restart: Annotated[
        bool, typer.Option("--restart", help=say(t("Do it: restart the causes, nothing else.")))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say(t("Do not ask.")))] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.host import Host, World
    from cozydiag.repair.plan import make

    if restart and not yes and not (sys.stdin and sys.stdin.isatty()):
        line = "cozydiag fix --restart --yes"
        raise Problem(t("nobody is here to be asked: to restart without a question, type `{line}`", line=line))
    loaded = configuration(config)
    report, stack = _look(loaded)
    plan = make(Host(World(), 60.0, "plan"), stack, report)
    if not plan.actions and not plan.refusals:
        return _nothing(report)
    _show(plan)
    if not restart:
        _invite(plan)
        return 2
    return _restart(loaded, report, plan, stack, yes=yes)


def _look(config: Config) -> tuple[Report, Stack]:
    from cozydiag.engine.examine import Wish, look

    return look(config, Wish(deadline=config.timing.deadline))


def _nothing(report: Report) -> int:
    if report.verdict is Status.UNKNOWN:
        write(say(t("Nothing broken was seen, but not everything could be looked at: see `cozydiag status`.")) + "\n")
        return EXIT[Status.UNKNOWN]
    write(say(t("There is nothing to repair.")) + "\n")
    return 0


def _restart(config: Config, report: Report, plan: Plan, stack: Stack, *, yes: bool) -> int:
    from cozydiag.repair.session import Session
    from cozydiag.state import open_state, state_folder

    if not plan.actions:
        return EXIT[Status.FAIL]  # a refusal is one, be it of a warning: as without --restart
    closed = [action for action in plan.actions if not action.allowed]
    if len(closed) == len(plan.actions):
        return _needs_root()
    if not yes and not typer.confirm(say(t("Do it?")), default=False):
        return EXIT[report.verdict]
    state = open_state(state_folder(config.paths.state, os.environ))
    repaired = Session(lambda: _look(config), state, _Teller(), _who()).run(report, plan, stack)
    state.close()
    return _end(repaired)


def _invite(plan: Plan) -> None:
    """The line that does it."""
    from cozydiag.stack.words import ourselves

    if plan.actions:
        closed = any(not action.allowed for action in plan.actions)
        command = ourselves("fix --restart") if closed else "cozydiag fix --restart"
        write("\n" + say(t("Nothing was changed. To do it: {command}", command=command)) + "\n")


def _needs_root() -> int:
    from cozydiag.stack.words import ourselves

    write("\n" + say(t("This needs root:")) + f"\n    {ourselves('fix --restart')}\n")
    return EXIT[Status.UNKNOWN]


def _who() -> str:
    """Whom the journal names: who typed sudo, else the user."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())


def _show(plan: Plan) -> None:
    if plan.actions:
        write(say(t("What a restart can mend, in this order:")) + "\n")
    for number, action in enumerate(plan.actions, 1):
        write(f"  {number}. {action.command}\n     {say(action.why)}\n")
        if not action.allowed:
            write("     " + say(t("needs root")) + "\n")
    if plan.refusals:
        write(("\n" if plan.actions else "") + say(t("What a restart cannot mend:")) + "\n")
    for refusal in plan.refusals:
        _show_refusal(refusal)


def _show_refusal(refusal: Refusal) -> None:
    cause = refusal.cause
    write(f"  {symbols().marks['broken' if cause.severity is Status.FAIL else 'warn']} {say(cause.text)}\n")
    for seen in cause.evidence:
        write("     " + say(t("Seen: {source}: {line}", source=seen.source, line=seen.line)) + "\n")
    write("     " + say(t("No restart: {reason}.", reason=refusal.reason)) + "\n")
    if cause.remedy is not None:
        write("     " + say(t("Instead: {remedy}", remedy=cause.remedy)) + "\n")
    for command in cause.commands:
        write(f"       {command}\n")


class _Teller:
    """Tells each act on stdout as it begins and ends; a lost terminal must not stop what has begun."""

    def begins(self, action: Action) -> None:
        self._tell(t("{command} …", command=action.command))

    def ended(self, action: Action, outcome: Outcome) -> None:
        mark = symbols().marks["ok" if outcome.result == "verified" else "broken"]
        self._tell(t("{mark} {service}: {text} ({seconds})", mark=mark, service=action.service.address,
                     text=outcome.text, seconds=Seconds(outcome.seconds)))  # fmt: skip

    def _tell(self, text: Text) -> None:
        try:
            write(say(text) + "\n")
            sys.stdout.flush()
        except OSError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the rest of the process


def _end(repaired: Repaired) -> int:
    """What was done, what is left, how long it took."""
    import time

    report = repaired.report
    write("\n")
    if repaired.interrupted:
        write(say(t("Stopped by a signal: what had begun was finished, nothing else was started.")) + "\n")
    mended = sum(outcome.result == "verified" for _, outcome in repaired.done)
    restarts = plural("{n} service restarted", "{n} services restarted", n=mended)
    if report.verdict in (Status.OK, Status.WARN):
        write(say(t("Back at {when}: {restarts}, {took}.",
                    when=When(time.time()), restarts=restarts, took=Seconds(repaired.seconds))) + "\n")  # fmt: skip
    else:
        write(say(t("Not all is well: {restarts}, {took}.", restarts=restarts, took=Seconds(repaired.seconds))) + "\n")
        for cause in report.causes:
            write(f"  {symbols().marks['broken']} {say(cause.text)}\n")
        write(say(t("`cozydiag status` shows the rest; `cozydiag report > diag.txt` is for those who help.")) + "\n")
    if any(outcome.result == "busy" for _, outcome in repaired.done):
        return BUSY
    return EXIT[report.verdict]
