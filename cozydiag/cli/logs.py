"""`cozydiag logs`: what a log says. Not annotated lazily: see `status`."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import EXIT, ConfigOption, LangOption, Problem, configuration, one_of, say, write
from cozydiag.model import Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.logs.analysis import Analysis
    from cozydiag.managers.service import Condition
    from cozydiag.masking import Hides
    from cozydiag.redaction.lines import Strict

LINES = 10_000


def logs(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-|SERVICE", show_default=False, help=say(t("A file, - for standard input, or a service."))
        ),
    ] = "",
    raw: Annotated[bool, typer.Option("--raw", help=say(t("Print the cleaned lines and nothing else.")))] = False,
    whole: Annotated[
        bool, typer.Option("--all", help=say(t("Count what stands before the present start as well.")))
    ] = False,
    new: Annotated[bool, typer.Option("--new", help=say(t("Only what was written since the last --new.")))] = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", metavar="N", min=1, max=1_000_000, help=say(t("So many of the last lines.")))
    ] = LINES,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.logs.structured import plain

    one_of("--format", format_, ("text", "json"))
    if not source:
        raise Problem(t("say which log: a file, - for standard input, or the name of a service"))
    loaded = configuration(config)
    found, state = _lines(loaded, source, lines, new=new)
    masks = _masks(loaded)
    if raw:
        write("".join(f"{line}\n" for line in masks.lines(map(plain, found))))
        return 0
    started = state.since if state is not None and state.pids else None
    analysis = _analysis(loaded, found, whole=whole, started=started)
    _show(_with_state(analysis, state) if state is not None else analysis, masks, json=format_ == "json")
    return 0


def _analysis(config: "Config", lines: Sequence[str], *, whole: bool, started: float | None) -> "Analysis":
    from cozydiag.logs.analysis import analyse
    from cozydiag.rules import load
    from cozydiag.rules.files import beside

    loaded = load(beside(config.drop_ins))
    for problem in loaded.problems:
        print(f"cozydiag: {say(problem)}", file=sys.stderr)
    return analyse(lines, loaded.rules, whole=whole, started=started)


def _show(found: "Analysis", masks: "Hides", *, json: bool) -> None:
    """Masked before it is folded to the width: half a secret on each of two lines nobody finds."""
    from cozydiag.cli.services import NARROW
    from cozydiag.masking import masked

    found = masked(found, masks)

    if json:
        from json import dumps

        from cozydiag.report.logs_json import as_data

        write(dumps(_masked(as_data(found), masks), indent=2) + "\n")
        return
    from cozydiag.report.logs import page

    try:
        width = min(100, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        width = NARROW
    write(masks.mask("\n".join(page(found, say, width))) + "\n")


def _masks(config: "Config") -> "Strict":
    from cozydiag.host import Host, World
    from cozydiag.redaction.lines import strict
    from cozydiag.stack import Stack

    return strict(Host(World(), 10.0, "logs"), Stack(config))


def _masked(value: Any, masks: "Hides") -> Any:
    """Every string in plain data masked: in the finished JSON a mask could eat a quotation mark."""
    if isinstance(value, dict):
        return {name: _masked(one, masks) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, masks) for one in value]
    return masks.mask(value) if isinstance(value, str) else value


def _with_state(found: "Analysis", state: "Condition") -> "Analysis":
    """A loop that its manager knows of stands also where no line tells of it."""
    from cozydiag.logs.crashes import told
    from cozydiag.managers.service import State

    if found.loops or state.state not in (State.CRASH_LOOPING, State.FAILED):
        return found
    hits = [one.hit for one in found.problems for _ in range(one.times)]
    failed = state.state is State.FAILED
    return found._replace(loops=(told(state.service.unit, state.restarts or 0, given_up=failed, hits=hits),))


def _lines(config: "Config", source: str, lines: int, *, new: bool) -> "tuple[list[str], Condition | None]":
    """The lines, and what its manager says of a service."""
    file = source != "-" and (os.path.exists(source) or "/" in source)
    if new and not file:
        raise Problem(t("--new remembers a place in a file: name the file, or leave it out"))
    if source == "-":
        return _standard_input(lines), None
    if file:
        return _new(config, source, lines) if new else _file(source, lines), None
    return _service(config, source, lines)


def _standard_input(lines: int) -> list[str]:
    from collections import deque

    from cozydiag.logs.reading import cleaned, pieces

    stream = sys.stdin.buffer if sys.stdin is not None else None
    if stream is None or sys.stdin.isatty():
        raise Problem(t("standard input is a terminal: hand a log over, as in `journalctl -u NAME | cozydiag logs -`"))
    return cleaned(deque(pieces(stream), maxlen=lines))


def _file(path: str, lines: int) -> list[str]:
    from cozydiag.host.failure import Failure
    from cozydiag.logs import reading

    found = reading.last(path, lines)
    if isinstance(found, Failure):
        raise Problem(t("{path} cannot be read: {why}", path=path, why=found.detail))
    return found


def _new(config: "Config", path: str, lines: int) -> list[str]:
    """Since the place that was written down the last time."""
    from contextlib import closing

    from cozydiag.host import files
    from cozydiag.host.failure import Failure
    from cozydiag.logs import reading
    from cozydiag.state import open_state

    status = files.stat(path)
    if isinstance(status, Failure):  # before there is a state of which it would be the only entry
        raise Problem(t("{path} cannot be read: {why}", path=path, why=status.detail))
    key = f"logs {os.path.realpath(path)}"
    with closing(open_state(config.state_folder)) as state:
        known = state.get(key)
        inode, _, offset = (known or "").partition(" ")
        place = reading.Place(int(inode), int(offset)) if inode.isdigit() and offset.isdigit() else None
        found = reading.since(path, place, lines)
        if isinstance(found, Failure):
            raise Problem(t("{path} cannot be read: {why}", path=path, why=found.detail))
        state.set(key, f"{found[1].inode} {found[1].offset}")
    return found[0]


def _service(config: "Config", name: str, lines: int) -> "tuple[list[str], Condition]":
    from cozydiag.cli.services import one_service
    from cozydiag.host.failure import Failure
    from cozydiag.stack.ownership import dated_log

    host, _, found, manager = one_service(config, name)
    said = dated_log(host.within(10.0, "logs"), manager, found.service, lines)
    if isinstance(said, Failure):
        problem = t("its log cannot be read: {why}", why=said.detail)
        raise Problem(problem, EXIT[Status.UNKNOWN] if said.kind == "permission" else EXIT[Status.FAIL])
    return said, found
