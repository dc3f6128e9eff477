"""`cozydiag services`: what all managers run, each service alone, its log, and acts on it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import (
    BUSY,
    EXIT,
    UNAVAILABLE,
    ConfigOption,
    LangOption,
    Problem,
    configuration,
    consents,
    group,
    one_of,
    say,
    write,
)
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.host import Host
    from cozydiag.managers.service import Condition, Manager
    from cozydiag.stack import Stack
    from cozydiag.stack.ownership import Owned


NARROW = 80
FOLLOW = 1.0
"""Seconds between two looks at a log that is followed."""

_UNSEEN = {"permission", "missing", "login", "locked", "given_up", "slow"}
"""Failures that say nothing against a manager."""


def build(settings: dict[str, Any], help: str) -> typer.Typer:
    """The group of commands; without one of them the table."""
    app = group(settings, help, {
        "show": (show, t("All that is known of one service.")),
        "logs": (logs, t("The last lines that a service wrote.")),
        "start": (_verb("start"), t("Start a service, and see that it stays.")),
        "stop": (_verb("stop"), t("Stop a service, and see that it has ended.")),
        "restart": (_verb("restart"), t("Restart a service, and see that a new process stays.")),
        "reload": (_verb("reload"), t("Have a service read its configuration anew.")),
    })  # fmt: skip

    @app.callback(invoke_without_command=True)
    def all_or_command(
        context: typer.Context,
        format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
        boot: Annotated[bool, typer.Option("--boot", help=say(t("Show what comes back after a reboot.")))] = False,
        config: ConfigOption = None,
        lang: LangOption = None,
    ) -> None:
        context.obj = config
        if context.invoked_subcommand is None:
            one_of("--format", format_, ("text", "json"))
            raise typer.Exit(_all(configuration(config), json=format_ == "json", boot=boot))

    return app


# -- looking -------------------------------------------------------------------------------------------


def _look(config: Config) -> tuple[Host, Stack, tuple[Owned, ...]]:
    from cozydiag.host import Host, World
    from cozydiag.stack import Stack, ownership

    stack = Stack(config)
    host = Host(World(), config.timing.deadline, "services")
    stack.settle(host)
    return host, stack, ownership.everything(stack, host)


def _all(config: Config, *, json: bool, boot: bool) -> int:
    """Exit code: 0 all well, 2 something is not, be it a manager, 3 a manager could not be asked."""
    from cozydiag.host.failure import Failure
    from cozydiag.report import services as report
    from cozydiag.stack.usage import Usage, usage

    host, stack, seen = _look(config)
    found = [one for owned in seen if not isinstance(owned.services, Failure) for one in owned.services]
    rows = [report.Row(one, used) for one, used in zip(found, usage(host, found), strict=True)] if not boot else []
    if json:
        text = report.as_json(seen, rows or [report.Row(one, Usage()) for one in found])
    else:
        lines = report.boot_table(found, say, _width()) if boot else report.table(rows, host.clock.now(), say, _width())
        lines = lines if found else [say(t("No manager of services has told of any service."))]
        text = "\n".join([*lines, *report.unasked(seen, say)]) + "\n"
    write(stack.masks().mask(text))
    silent = {owned.services.kind for owned in seen if isinstance(owned.services, Failure)}
    if not all(map(report.is_well, found)) or silent - _UNSEEN:
        return EXIT[Status.FAIL]
    return EXIT[Status.UNKNOWN] if silent else 0


def _width() -> int:
    """The terminal's; 80 where there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or NARROW
    except (OSError, ValueError):
        return NARROW


def _unfound(name: str, seen: tuple[Owned, ...]) -> Problem:
    """A name that nobody knows is a mistake; where a manager did not answer, it may be one of its own."""
    from cozydiag.report.services import unasked

    problem = t("no service is called {name}; `cozydiag services` lists them", name=name)
    silent = unasked(seen, say)
    if silent:
        return Problem(t("{name} was not found; {why}", name=name, why="; ".join(silent)), UNAVAILABLE)
    return Problem(problem)


def one_service(config: Config, name: str) -> tuple[Host, Stack, Condition, Manager]:
    """The service that ``name`` means, and its manager. Raises Problem where it means none, or several."""
    from cozydiag.stack import ownership

    host, stack, seen = _look(config)
    found = ownership.named(seen, name)
    if not found:
        raise _unfound(name, seen)
    if len(found) > 1:
        names = ", ".join(one.service.address + (f" (#{one.service.id})" if one.service.id else "") for one in found)
        raise Problem(t("{name} can be several: {names}", name=name, names=names))
    manager = ownership.manager_of(stack, host, found[0])
    if manager is None:
        raise Problem(t("no service is called {name}; `cozydiag services` lists them", name=name))
    return host, stack, found[0], manager


def show(
    context: typer.Context,
    name: str,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT")] = "text",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.host.failure import Failure
    from cozydiag.masking import masked
    from cozydiag.redaction.lines import strict
    from cozydiag.report import services as report
    from cozydiag.stack import complaints
    from cozydiag.stack.usage import usage

    one_of("--format", format_, ("text", "json"))
    host, stack, found, manager = one_service(configuration(config or context.obj), name)
    masks = strict(host, stack)
    row = masked(report.Row(found, usage(host, [found])[0]), masks)
    told = report.complaint(masked(complaints.of_service(host, stack, manager, found), masks), say)
    if format_ == "json":
        import json

        text = json.dumps(report.record(row) | {"complaint": told}, ensure_ascii=False, indent=2)
    else:
        log = manager.log(host, found.service, 5)
        from cozydiag.report.owner_only import never_run

        never = never_run(manager, found.service)
        lines = report.details(row, () if isinstance(log, Failure) else masks.lines(log), host.clock.now(), say, never)
        text = "\n".join([*lines, "", f"! {told['text']}", f"    {told['remedy']}"] if told else lines)
    write(text + "\n")
    return 0 if report.is_well(found) else EXIT[Status.FAIL]


def logs(
    context: typer.Context,
    name: str,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=1, max=10000)] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow")] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.host.failure import Failure
    from cozydiag.redaction.lines import strict

    host, stack, found, manager = one_service(configuration(config or context.obj), name)
    shown: list[str] = []
    masks = strict(host, stack)
    while True:
        log = manager.log(host.within(5.0, "services"), found.service, lines)
        if isinstance(log, Failure):
            closed = log.kind == "permission"
            problem = t("its log cannot be read: {why}", why=log.detail)
            raise Problem(problem, EXIT[Status.UNKNOWN] if closed else EXIT[Status.FAIL])
        write("".join(f"{line}\n" for line in masks.lines(_new(shown, log))))
        sys.stdout.flush()
        if not follow:
            return 0
        shown = log
        host.clock.sleep(FOLLOW)


def _new(shown: list[str], log: list[str]) -> list[str]:
    """The lines of ``log`` behind the longest end of ``shown`` that it begins with."""
    for start in range(len(shown)):
        end = shown[start:]
        if log[: len(end)] == end:
            return log[len(end) :]
    return log


# -- acting --------------------------------------------------------------------------------------------


def _verb(verb: str) -> Any:
    def command(
        context: typer.Context,
        name: str,
        yes: Annotated[bool, typer.Option("--yes", "-y", help=say(t("Do not ask.")))] = False,
        config: ConfigOption = None,
        lang: LangOption = None,
    ) -> int:
        return _act(configuration(config or context.obj), name, verb, yes=yes)

    return command


def _act(config: Config, name: str, verb: str, *, yes: bool) -> int:
    from contextlib import closing

    from cozydiag.cli.fix_look import who
    from cozydiag.repair.act import act
    from cozydiag.repair.signals import Deferred
    from cozydiag.stack import ownership
    from cozydiag.state import open_state

    host, stack, found, manager = one_service(config, name)
    if verb not in manager.verbs:
        has = ", ".join(manager.verbs)
        raise Problem(t("{manager} has no {verb}; it has {verbs}", manager=manager.name, verb=verb, verbs=has))
    line = ownership.line(host, manager, found.service, verb)
    if not ownership.may_act(host, manager):
        write(say(t("This needs root:")) + f"\n    {line}\n")
        return EXIT[Status.UNKNOWN]
    if not yes:
        if not (sys.stdin and sys.stdin.isatty()):
            raise Problem(t("nobody is here to be asked: add --yes to do it without a question"))
        write(f"{line}\n")
        if not consents():
            return 0
    with Deferred(), closing(open_state(config.state_folder)) as state:
        outcome = act(host.within(3600.0, "services"), stack, state, found.service, verb, why="services", by=who())
        write(f"{found.service.address}: {say(outcome.text)}\n")
    if outcome.result == "busy":
        return BUSY
    return 0 if outcome.result == "verified" else EXIT[Status.FAIL]
