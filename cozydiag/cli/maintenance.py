"""`cozydiag maintenance`: a time in which nothing is repaired, because somebody works on the server."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import EXIT, UNWRITTEN, ConfigOption, LangOption, Problem, configuration, group, say, write
from cozydiag.model import Status
from cozydiag.text import Seconds, When, t

if TYPE_CHECKING:
    from cozydiag.state import State


_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_LONGEST = 30 * 86400


def build(settings: dict[str, Any], help: str) -> typer.Typer:
    """The group of commands; without one of them `status`."""
    app = group(settings, help, {
        "on": (on, t("From now on nothing is repaired.")),
        "off": (off, t("From now on it is again.")),
        "status": (status, t("Say whether it is on; exit code 1 if so.")),
    })  # fmt: skip

    @app.callback(invoke_without_command=True)
    def status_or_command(
        context: typer.Context,
        config: ConfigOption = None,
        lang: LangOption = None,
    ) -> None:
        context.obj = config
        if context.invoked_subcommand is None:
            raise typer.Exit(status(context))

    return app


def on(
    context: typer.Context,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help=say(t("How long: 90m, 2h, 1d.")))] = "2h",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=say(t("Why, for whoever asks.")))] = "",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.cli.fix_look import who
    from cozydiag.host import Clock
    from cozydiag.repair import maintenance

    seconds, clock = _seconds(for_), Clock()
    with _state(config or context.obj) as state:
        if not maintenance.declare(state, clock, seconds, who(), " ".join(reason.split())[:200]):
            raise _unwritten(state)
    write(
        say(t("Until {when} nothing is repaired ({time}).", when=When(clock.now() + seconds), time=Seconds(seconds)))
        + "\n"
    )
    return 0


def off(
    context: typer.Context,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.repair import maintenance

    with _state(config or context.obj) as state:
        if not maintenance.end(state):
            raise _unwritten(state)
    write(say(t("Maintenance is over: what fails may be repaired again.")) + "\n")
    return 0


def status(
    context: typer.Context,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.host import Clock
    from cozydiag.repair import maintenance

    folder = configuration(config or context.obj).state_folder
    clock, found = Clock(), None
    if os.path.lexists(os.path.join(folder, "state.db")):
        with _state(config or context.obj) as state:
            found = maintenance.current(state, clock)
    if found is None:
        write(say(t("No maintenance: nothing is held back from repair.")) + "\n")
        return 0
    text = t("Maintenance until {when}, by {who}", when=When(clock.now() + found.left), who=found.by or "?")
    write(say(text) + (f": {found.reason}" if found.reason else "") + "\n")
    return EXIT[Status.WARN]


def _state(config: str | None) -> AbstractContextManager[State]:
    from cozydiag.state import open_state

    return closing(open_state(configuration(config).state_folder))


def _unwritten(state: State) -> Problem:
    return Problem(t("it could not be written down: {why}", why=" ".join(map(say, state.notes))), UNWRITTEN)


def _seconds(words: str) -> float:
    """`90m`, `2h`, `1h30m`. Raises Problem for what is no length of time."""
    parts = re.findall(r"(\d{1,6})\s*(min|s|m|h|d)", words)
    whole = re.fullmatch(r"(?:\d{1,6}\s*(?:min|s|m|h|d)\s*)+", words.strip())
    total = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if not whole or not 0 < total <= _LONGEST:
        raise Problem(t("--for takes a time such as 90m, 2h or 1d, at most 30 days, not {words}", words=repr(words)))
    return float(total)
