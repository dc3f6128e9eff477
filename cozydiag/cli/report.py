"""`cozydiag report`: everything for those who help, redacted. Not annotated lazily: see `status`."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cozydiag.cli.common import (
    INTERNAL,
    ConfigOption,
    LangOption,
    Problem,
    configuration,
    globs,
    language,
    one_of,
    say,
    symbols,
    write,
)
from cozydiag.cli.handing_over import hand_over, progress, warn
from cozydiag.config import Config
from cozydiag.model import Report
from cozydiag.stack import Stack
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.report.redacting import Prepared
    from cozydiag.report.sections import Section

_REDACTION = {(False, False): "full", (False, True): "secrets", (True, False): "none", (True, True): "none"}


class Wishes(NamedTuple):
    """What was typed. ``since`` is in epoch seconds, ``limit`` in characters."""

    layout: str
    redaction: str
    keep_map: bool
    note: str
    names: tuple[str, ...]
    since: float | None
    limit: int


def report(
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=say(t("text, markdown, html or json.")))
    ] = "text",
    full: Annotated[bool, typer.Option("--full", help=say(t("All of it on the terminal, too.")))] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help=say(t("Into this file, for you alone.")))
    ] = None,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", show_default=False, help=say(t("Your own words, to stand first.")))
    ] = "",
    section: Annotated[
        list[str] | None, typer.Option("--section", metavar="NAME", help=say(t("Only the verdict and these sections.")))
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", show_default=False, help=say(t("Logs of the last 2h, 1d …")))
    ] = "",
    max_size: Annotated[
        str,
        typer.Option(
            "--max-size", metavar="SIZE", show_default=False, help=say(t("forum, github or a number of characters."))
        ),
    ] = "",
    post: Annotated[bool, typer.Option("--post", help=say(t("A short message for a forum.")))] = False,
    what: Annotated[bool, typer.Option("--list", help=say(t("Say what would be read; read nothing.")))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=say(t("Say what the report would hold.")))] = False,
    keep_identities: Annotated[
        bool, typer.Option("--keep-identities", help=say(t("Hide secrets alone; names and addresses stay.")))
    ] = False,
    keep_map: Annotated[
        bool, typer.Option("--keep-map", help=say(t("Remember for 30 days what the stand-ins stand for.")))
    ] = False,
    no_redact: Annotated[bool, typer.Option("--no-redact", help=say(t("Hide NOTHING. Never post that.")))] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    loaded = configuration(config)
    if what:
        return _say_what_is_read(loaded)
    wishes = _wishes(format_, _REDACTION[no_redact, keep_identities], note, section, since, max_size, keep_map=keep_map)
    if post and no_redact:
        raise Problem(t("--post is for others to read: it does not go with --no-redact"))
    line = _line(loaded)
    seen, stack = _look(loaded)
    if sys.stdout.isatty() and wishes.layout == "text" and not (full or output or preview or post):
        return _first_screen(seen, line)
    sections, prepared = _collected(seen, stack, line, wishes)
    if preview:
        return _previewed(sections, prepared)
    text = _message(sections, prepared, line) if post else _written(sections, prepared, wishes)
    progress(None)
    _remember(prepared)
    hand_over(text, output)
    if output and sys.stderr.isatty():
        print(say(t("Written to {path}, for you alone.", path=output)), file=sys.stderr)
    return 0


def _wishes(
    layout: str, redaction: str, note: str, section: list[str] | None, since: str, max_size: str, *, keep_map: bool
) -> Wishes:
    import time

    from cozydiag.cli.history import begin
    from cozydiag.report.formats import FORMATS
    from cozydiag.report.headings import NAMES
    from cozydiag.report.sections import LIMIT, LIMITS

    one_of("--format", layout, FORMATS)
    names = tuple(one_of("--section", name, NAMES) for name in globs("--section", section))
    limit = LIMITS.get(max_size) or (int(max_size) if max_size.isdecimal() and len(max_size) < 9 else 0)
    if max_size and limit < 1000:
        raise Problem(t("--max-size takes forum, github, or a number from 1000 on"))
    began = begin(since, time.time()) if since else None
    return Wishes(layout, redaction, keep_map, note, names, began, limit or LIMIT)


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


def _look(config: Config) -> tuple[Report, Stack]:
    from cozydiag.engine.examine import Wish, look
    from cozydiag.watch.background import with_background

    seen, stack = look(config, Wish(deadline=config.timing.deadline))
    return with_background(config, seen), stack


def _first_screen(seen: Report, line: str) -> int:
    from cozydiag.report.terminal import Terminal

    Terminal(sys.stdout, language(), symbols()).opening(seen)
    write("\n" + say(t("The whole report, for those who help: {command}", command=line)) + "\n")
    return 0


def _previewed(sections: "list[Section]", prepared: "Prepared | None") -> int:
    from cozydiag.report.preview import previewed

    write("\n".join(map(say, previewed(sections, prepared))) + "\n")
    return 0


def _collected(seen: Report, stack: Stack, line: str, wishes: Wishes) -> "tuple[list[Section], Prepared | None]":
    """All that was wished for, redacted."""
    from cozydiag import __version__
    from cozydiag.host import Host, World
    from cozydiag.report.collect import collect
    from cozydiag.report.full import Told, chosen, heading_lines, redacted
    from cozydiag.report.redacting import prepare
    from cozydiag.watch.background import acts

    host = Host(World(), 60.0, "report")
    progress(t("reading logs and versions"))
    collected = collect(host, stack, wishes.since)
    unlock = "" if os.geteuid() == 0 else line
    head = heading_lines(seen, __version__, _called(), _user(), unlock, redaction=wishes.redaction)
    prepared = None
    if wishes.redaction != "none":
        progress(t("hiding secrets and names"))
        prepared = prepare(host, stack, identities=wishes.redaction == "full", keep_map=wishes.keep_map)
        if prepared.problem is not None:
            warn(t("the stand-ins of earlier reports are not used: {why}", why=prepared.problem.detail))
    guard = prepared.guard if prepared else None
    told = Told(wishes.note, acts(stack.config), prepared.own.closed if prepared else ())
    return chosen(redacted(seen, collected, head, language(), guard, told), wishes.names), prepared


def _written(sections: "list[Section]", prepared: "Prepared | None", wishes: Wishes) -> str:
    """Raises Problem where a secret is left."""
    from cozydiag.report.full import written
    from cozydiag.report.guard import LeakError

    try:
        return written(sections, wishes.layout, language(), prepared.guard if prepared else None, wishes.limit)
    except LeakError as leak:
        problem = t("nothing was written: a secret was left in the section {section}, line {line}. Please report this.",
                    section=leak.heading, line=leak.line)  # fmt: skip
        raise Problem(problem, INTERNAL) from None


def _message(sections: "list[Section]", prepared: "Prepared | None", line: str) -> str:
    """Raises Problem where a secret is left."""
    from cozydiag.report.message import message

    text = message(sections, language(), line)
    if prepared is not None and prepared.guard.finds(text):
        problem = t("nothing was written: a secret was left in the section {section}, line {line}. Please report this.",
                    section="--post", line=0)  # fmt: skip
        raise Problem(problem, INTERNAL)
    return text


def _remember(prepared: "Prepared | None") -> None:
    from cozydiag.report.redacting import remember

    failure = remember(prepared) if prepared else None
    if failure is not None:
        warn(t("the stand-ins could not be kept: {why}", why=failure.detail))


def _called() -> str:
    """The command line; what was said in a note stands elsewhere."""
    from shlex import join

    words = ["…" if before == "--note" else word for before, word in zip(sys.argv, sys.argv[1:], strict=False)]
    return join(["cozydiag", *words]).replace("'…'", "…")


def _user() -> str:
    from pwd import getpwuid

    try:
        return getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
