"""`cozydiag fix`: the plan; with --restart: the repair."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import BUSY, EXIT, Problem, configuration, consents, say, symbols, write
from cozydiag.model import Status
from cozydiag.text import Seconds, When, plural, t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Cause, Report
    from cozydiag.repair.act import Outcome
    from cozydiag.repair.plan import Action, Plan, Refusal
    from cozydiag.repair.session import Repaired
    from cozydiag.stack import Stack
    from cozydiag.state import Lock, LockBusy, State


def fix(
    restart: Annotated[bool, typer.Option("--restart", help=say(t("Act: restart the causes, nothing else.")))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say(t("Do not ask.")))] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    if restart and not yes and not (sys.stdin and sys.stdin.isatty()):
        line = _line("fix --restart --yes", config)
        raise Problem(t("nobody is here to be asked: to restart without a question, type `{line}`", line=line))
    loaded = configuration(config)
    if restart:
        return _restart(loaded, yes=yes)
    report, _, plan = _examine(loaded)
    if not plan.actions and not plan.refusals:
        return _nothing(report)
    _show(plan)
    if plan.actions:
        closed = not all(action.allowed for action in plan.actions)
        command = _as_root(loaded) if closed else _line("fix --restart", config)
        write("\n" + say(t("Nothing was changed. To do it: {command}", command=command)) + "\n")
    return EXIT[Status.FAIL]


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


def _restart(config: Config, *, yes: bool) -> int:
    """The lock comes before the first look: what another cozydiag is just mending would look broken."""
    from contextlib import ExitStack, closing

    from cozydiag.repair.act import LOCK
    from cozydiag.state import Lock, open_state, state_folder

    with ExitStack() as held:
        state = held.enter_context(closing(open_state(state_folder(config.paths.state, os.environ))))
        lock = state.lock(LOCK)
        if isinstance(lock, Lock):
            held.enter_context(lock)
        elif lock.held:
            raise Problem(lock.why, BUSY)
        return _repair(config, state, lock, yes=yes)


def _repair(config: Config, state: State, lock: Lock | LockBusy, *, yes: bool) -> int:
    from cozydiag.repair.session import Session
    from cozydiag.state import LockBusy

    report, stack, plan = _examine(config)
    if not plan.actions and not plan.refusals:
        return _nothing(report)
    _show(plan)
    if not plan.actions:
        return EXIT[Status.FAIL]  # a refusal is one, be it of a warning: as without --restart
    if not any(action.allowed for action in plan.actions):
        write("\n" + say(t("This needs root:")) + f"\n    {_as_root(config)}\n")
        return EXIT[Status.UNKNOWN]
    if isinstance(lock, LockBusy):
        write("\n" + say(t("Nothing is done without a journal: {why}", why=lock.why)) + "\n")
        return EXIT[Status.FAIL]
    if not yes and not consents():
        return EXIT[report.verdict]
    session = Session(lambda before: _look(config, before), state, lock, _Teller(), _who())
    return _end(session.run(report, plan, stack))


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
    write(_headline(cause) + "\n")
    for seen in cause.evidence:
        write("     " + say(t("Seen: {source}: {line}", source=seen.source, line=seen.line)) + "\n")
    write("     " + say(t("No restart: {reason}.", reason=refusal.reason)) + "\n")
    if cause.remedy is not None:
        write("     " + say(t("Instead: {remedy}", remedy=cause.remedy)) + "\n")
    for command in cause.commands:
        write(f"       {command}\n")


def _headline(cause: Cause) -> str:
    return f"  {symbols().marks['broken' if cause.severity is Status.FAIL else 'warn']} {say(cause.text)}"


class _Teller:
    """Tells each act as it begins and ends."""

    def begins(self, action: Action) -> None:
        _tell(say(t("{command} …", command=action.command)))

    def ended(self, action: Action, outcome: Outcome) -> None:
        mark = symbols().marks["ok" if outcome.result == "verified" else "broken"]
        _tell(say(t("{mark} {service}: {text} ({seconds})", mark=mark, service=action.service.address,
                    text=outcome.text, seconds=Seconds(outcome.seconds))))  # fmt: skip


def _tell(line: str) -> None:
    """On stdout and at once; a lost terminal must not stop what has begun."""
    try:
        write(line + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the rest of the process


def _end(repaired: Repaired) -> int:
    """What was done, what is left, how long it took."""
    import time

    report = repaired.report
    _tell("")
    if repaired.interrupted:
        _tell(say(t("Stopped by a signal: what had begun was finished, nothing else was started.")))
    mended = sum(outcome.result == "verified" for _, outcome in repaired.done)
    restarts = plural("{n} service restarted", "{n} services restarted", n=mended)
    took = Seconds(repaired.seconds)
    if report.verdict in (Status.OK, Status.WARN):
        _tell(say(t("Back at {when}: {restarts}, {took}.", when=When(time.time()), restarts=restarts, took=took)))
    else:
        _tell(say(t("Something is still wrong: {restarts}, {took}.", restarts=restarts, took=took)))
    for cause in report.causes:
        _tell(_headline(cause))
    if report.verdict is not Status.OK:
        _tell(say(t("`cozydiag status` shows the rest; `cozydiag report > diag.txt` is for those who help.")))
    return EXIT[report.verdict]
