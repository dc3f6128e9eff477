"""`cozydiag report`: everything for those who help, to stdout. Not annotated lazily: see `status`."""

import os
import stat
import sys
from typing import Annotated

import typer

from cozydiag.cli.common import INTERNAL, UNWRITTEN, Problem, configuration, language, say, symbols, write
from cozydiag.config import Config
from cozydiag.model import Report
from cozydiag.stack import Stack
from cozydiag.text import t


def report(
    full: Annotated[bool, typer.Option("--full", help=say(t("All of it on the terminal, too.")))] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.engine.examine import Wish, look

    loaded = configuration(config)
    line = _line(loaded)
    seen, stack = look(loaded, Wish(deadline=loaded.timing.deadline))
    if sys.stdout.isatty() and not full:
        _first_screen(seen, line)
    else:
        _whole(seen, stack, line)
    return 0


def _line(config: Config) -> str:
    """The line that writes a whole report into a file, as it must be typed."""
    from cozydiag.stack.words import ourselves

    line = ourselves("report", config) + " > diag.txt"
    return line.removeprefix("sudo ") if os.geteuid() == 0 else line


def _first_screen(seen: Report, line: str) -> None:
    from cozydiag.report.terminal import Terminal

    Terminal(sys.stdout, language(), symbols()).opening(seen)
    write("\n" + say(t("The whole report, for those who help: {command}", command=line)) + "\n")


def _whole(seen: Report, stack: Stack, line: str) -> None:
    from cozydiag import __version__
    from cozydiag.host import Host, World
    from cozydiag.report.collect import collect
    from cozydiag.report.full import full, heading_lines
    from cozydiag.report.sections import LeakError

    collected = collect(Host(World(), 60.0, "report"), stack)
    head = heading_lines(seen, __version__, _called(), _user(), "" if os.geteuid() == 0 else line)
    try:
        text = full(seen, collected, head, language(), stack.masks())
    except LeakError as leak:
        problem = t("nothing was written: a secret was left in the section {section}. Please report this.",
                    section=leak.heading)  # fmt: skip
        raise Problem(problem, INTERNAL) from None
    _warn_of_readers()
    _deliver(text)


def _deliver(text: str) -> None:
    """To stdout to the last byte. Raises Problem where there is no room."""
    try:
        write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise Problem(t("the report could not be written whole: {why}", why=why), UNWRITTEN) from None


def _warn_of_readers() -> None:
    """Logs are nobody else's business, and a shell makes files that all can read."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
            path = os.readlink(f"/proc/self/fd/{sys.stdout.fileno()}")
            text = t("cozydiag: other users can read {path}. To keep it to yourself: chmod 600 {path}", path=path)
            print(say(text), file=sys.stderr)
    except OSError:  # stdout is something else than a file
        pass


def _called() -> str:
    from shlex import join

    return join(["cozydiag", *sys.argv[1:]])


def _user() -> str:
    from pwd import getpwuid

    try:
        return getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
