"""`cozydiag report`: everything for those who help, redacted. Not annotated lazily: see `status`."""

import os
import stat
import sys
from typing import Annotated

import typer

from cozydiag.cli.common import INTERNAL, UNWRITTEN, Problem, configuration, language, say, symbols, write
from cozydiag.config import Config
from cozydiag.model import Report
from cozydiag.stack import Stack
from cozydiag.text import Text, t

_REDACTION = {(False, False): "full", (False, True): "secrets", (True, False): "none", (True, True): "none"}


def report(
    full: Annotated[bool, typer.Option("--full", help=say(t("All of it on the terminal, too.")))] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help=say(t("Into this file, for you alone.")))
    ] = None,
    what: Annotated[bool, typer.Option("--list", help=say(t("Say what would be read; read nothing.")))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=say(t("Say what the report would hold.")))] = False,
    keep_identities: Annotated[
        bool, typer.Option("--keep-identities", help=say(t("Hide secrets alone; names and addresses stay.")))
    ] = False,
    keep_map: Annotated[
        bool, typer.Option("--keep-map", help=say(t("Remember for 30 days what the stand-ins stand for.")))
    ] = False,
    no_redact: Annotated[bool, typer.Option("--no-redact", help=say(t("Hide NOTHING. Never post that.")))] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.engine.examine import Wish, look

    loaded = configuration(config)
    if what:
        return _say_what_is_read(loaded)
    line = _line(loaded)
    seen, stack = look(loaded, Wish(deadline=loaded.timing.deadline))
    if sys.stdout.isatty() and not full and output is None and not preview:
        _first_screen(seen, line)
        return 0
    _whole(seen, stack, line, output, _REDACTION[no_redact, keep_identities], keep_map=keep_map, preview=preview)
    return 0


def _say_what_is_read(config: Config) -> int:
    from cozydiag.report.sources import sources

    for text, entries in sources(config):
        write("\n".join([say(text), *(f"    {entry}" for entry in entries), ""]) + "\n")
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


def _whole(
    seen: Report, stack: Stack, line: str, output: str | None, redaction: str, *, keep_map: bool, preview: bool
) -> None:
    from cozydiag import __version__
    from cozydiag.host import Host, World
    from cozydiag.report.collect import collect
    from cozydiag.report.full import full, heading_lines, redacted
    from cozydiag.report.guard import LeakError
    from cozydiag.report.redacting import prepare, remember

    host = Host(World(), 60.0, "report")
    _progress(t("reading logs and versions"))
    collected = collect(host, stack)
    unlock = "" if os.geteuid() == 0 else line
    head = heading_lines(seen, __version__, _called(), _user(), unlock, redaction=redaction)
    prepared = None
    if redaction != "none":
        _progress(t("hiding secrets and names"))
        prepared = prepare(host, stack, identities=redaction == "full", keep_map=keep_map)
        if prepared.problem is not None:
            _warn(t("the stand-ins of earlier reports are not used: {why}", why=prepared.problem.detail))
    guard = prepared.guard if prepared else None
    if preview:
        from cozydiag.report.preview import previewed

        _progress(None)
        write("\n".join(map(say, previewed(redacted(seen, collected, head, language(), guard), prepared))) + "\n")
        return
    try:
        text = full(seen, collected, head, language(), guard)
    except LeakError as leak:
        problem = t("nothing was written: a secret was left in the section {section}, line {line}. Please report this.",
                    section=leak.heading, line=leak.line)  # fmt: skip
        raise Problem(problem, INTERNAL) from None
    _progress(None)
    failure = remember(prepared) if prepared else None
    if failure is not None:
        _warn(t("the stand-ins could not be kept: {why}", why=failure.detail))
    if output is not None:
        _into_file(output, text)
        return
    _warn_of_readers()
    _deliver(text)


def _progress(text: Text | None) -> None:
    """What is being done, for somebody who waits for a file; None takes it away again."""
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print("\r\x1b[K" + (say(text) + " …" if text is not None else ""), end="", file=sys.stderr, flush=True)


def _warn(text: Text) -> None:
    print(f"cozydiag: {say(text)}", file=sys.stderr)


def _into_file(path: str, text: str) -> None:
    """Raises Problem where that cannot be."""
    from cozydiag.redaction.private_file import replace

    failure = replace(path, [text.encode("utf-8", "replace")])
    if failure is not None:
        raise Problem(t("{path} was not written: {why}", path=path, why=failure.detail), UNWRITTEN)


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
            _warn(t("other users can read {path}. To keep it to yourself: chmod 600 {path}", path=path))
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
