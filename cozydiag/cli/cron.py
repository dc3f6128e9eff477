"""`cozydiag cron`: for timers. Silent when all is well, heard when something has changed, and remembering.

Its annotations are not postponed: see `status`.
"""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import BUSY, ConfigOption, LangOption, Problem, close_stdout, configuration, one_of, say, write
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.watch.cron import Heard

FORMATS = ("text", "json", "jsonl", "nagios", "prometheus", "junit")


def cron(
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", show_default=False,
            help=say(t("Print every run so: json, jsonl, nagios, prometheus or junit.")),
        ),
    ] = "text",
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="LEVEL", help=say(t("Exit 0 when the verdict is below: warning, unknown or critical."))
        ),
    ] = "warning",
    deadline: Annotated[
        float,
        typer.Option("--deadline", metavar="SECONDS", help=say(t("Time for the whole run."))),
    ] = 60.0,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:  # fmt: skip
    from cozydiag.cli.status import code, level_of

    layout, level = one_of("--format", format_, FORMATS), level_of(fail_on)
    if deadline <= 0:
        raise Problem(t("--deadline takes seconds, more than 0"))
    os.umask(0o077)
    heard = _run(configuration(config), deadline)
    if heard is None:
        return BUSY
    try:
        _print(heard, layout)
    except (BrokenPipeError, SystemExit):
        close_stdout()
    return code(heard.report, level)


def _run(loaded: "Config", deadline: float) -> "Heard | None":
    from cozydiag.host.clock import Clock
    from cozydiag.state import LockBusy, open_state
    from cozydiag.watch import cron as watch

    state = open_state(loaded.state_folder)
    try:
        lock = state.lock("cron")
        if isinstance(lock, LockBusy):
            return None if lock.held else watch.run(loaded, state, Clock(), deadline, say)
        with lock:
            return watch.run(loaded, state, Clock(), deadline, say)
    finally:
        state.close()


def _print(heard: "Heard", layout: str) -> None:
    from cozydiag.cli.status import for_machines

    if layout != "text":
        write(for_machines(heard.report, layout))
    elif heard.message is not None:
        write(f"{heard.message.subject}\n\n{heard.message.body}")
