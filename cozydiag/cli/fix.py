"""`cozydiag fix`: the plan; with --restart: the repair."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import EXIT, UNWRITTEN, ConfigOption, LangOption, Problem, configuration, one_of, say, write
from cozydiag.cli.fix_look import Wishes, as_root, examine, judged_plan, line, nothing
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.model import Report
    from cozydiag.repair.plan import Plan
    from cozydiag.state import State


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
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    one_of("--format", format_, ("text", "json"))
    wishes = Wishes(yes, auto, tuple(only or ()), max_actions or 1000, force, format_ == "json")
    acts = restart and not dry_run
    if acts:
        _may_act(wishes, config)
    if sudoers is not None:
        return _sudoers(sudoers)
    loaded = configuration(config)
    if reset is not None:
        return _reset(loaded, reset)
    if not acts:
        return _plan(loaded, wishes, config)
    from cozydiag.cli.fix_run import run

    return run(loaded, wishes)


def _may_act(wishes: Wishes, path: str | None) -> None:
    """Raises Problem where it may not, by what was typed."""
    if wishes.json:
        raise Problem(t("--format json shows the plan; it goes with --dry-run or without --restart"))
    if not (wishes.yes or wishes.auto) and not (sys.stdin and sys.stdin.isatty()):
        command = line("fix --restart --yes", path)
        raise Problem(t("nobody is here to be asked: to restart without a question, type `{line}`", line=command))


def _sudoers(user: str) -> int:
    from cozydiag.cli.sudoers import line_for

    write(line_for(user) + "\n")
    return 0


def _plan(config: Config, wishes: Wishes, path: str | None) -> int:
    from contextlib import closing

    from cozydiag.cli import fix_shown as shown

    report, stack, plan = examine(config)
    with closing(_memory(config)) as state:
        plan, ledger = judged_plan(report, stack, plan, state, wishes)
        if wishes.json:
            write(shown.as_json(plan, ledger))
            return _code(report, plan)
        if not plan.actions and not plan.refusals:
            return nothing(report)
        shown.plan(plan, ledger)
    if plan.actions:
        closed = not all(action.allowed for action in plan.actions)
        command = as_root(config) if closed else line("fix --restart", path)
        write("\n" + say(t("Nothing was changed. To do it: {command}", command=command)) + "\n")
    return _code(report, plan)


def _code(report: Report, plan: Plan) -> int:
    """Whether there is a plan: an act, or steps of a person's for what is broken. What is only warned of is none."""
    if plan.actions or any(one.cause.severity is Status.FAIL for one in plan.refusals):
        return EXIT[Status.FAIL]
    return EXIT[Status.UNKNOWN] if report.verdict is Status.UNKNOWN else 0


def _memory(config: Config) -> State:
    """What is remembered, where there is something: a plan leaves no folder behind."""
    from cozydiag.state import State, open_state

    folder = config.state_folder
    there = os.path.exists(os.path.join(folder, "state.db"))
    return open_state(folder) if there else State(folder, None)


def _reset(config: Config, name: str) -> int:
    """Frees the services of that name, whatever manager they have."""
    from contextlib import closing

    from cozydiag.host import Clock
    from cozydiag.repair import budget
    from cozydiag.repair.ledger import Ledger
    from cozydiag.state import open_state

    with closing(open_state(config.state_folder)) as state:
        ledger = Ledger(state, Clock())
        known = {act.service for act in ledger.acts} | set(state.services())
        meant = [one for one in sorted(known) if name in (one, one.partition(":")[2], one.rpartition(":")[2])]
        if name != "all" and not meant:
            raise Problem(t("nothing is remembered of {name}; known are: {known}",
                            name=name, known=", ".join(sorted(known)) or "-"))  # fmt: skip
        for service in meant if name != "all" else [None]:
            if not budget.reset(ledger, service):
                raise Problem(t("it could not be written down: {why}", why=" ".join(map(say, state.notes))), UNWRITTEN)
    freed = t("Nothing counts against any service any more.")
    if name != "all":
        freed = t("Nothing counts against {what} any more.", what=", ".join(meant))
    write(say(freed) + "\n")
    return 0
