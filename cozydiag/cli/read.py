"""`cozydiag read`: a report that somebody has posted, in one's own language, and whether it came through whole."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import LangOption, Problem, language, one_of, say, write
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.report.reading import Reading

LIMIT = 8 << 20
"""Bytes: a report has at most one million."""


def read(
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help=say(t("The report; - is the standard input.")))
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", show_default=False, help=say(t("As for status; with --redact as for report."))
        ),
    ] = "",
    redact: Annotated[
        bool, typer.Option("--redact", help=say(t("Of a collected file: make a report that may be posted.")))
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Of a collected file: the settings there.")))
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help=say(t("Show all that was seen.")))] = False,
    lang: LangOption = None,
) -> int:  # fmt: skip
    from cozydiag.cli.status import FORMATS, show
    from cozydiag.collected.grammar import is_collected
    from cozydiag.report.formats import FORMATS as REPORTS

    words = content(file)
    usual = "terminal" if sys.stdout.isatty() and not redact else "text"
    if is_collected(words.encode()):
        from cozydiag.cli.collected import show_collected

        layout = one_of("--format", format_ or usual, REPORTS if redact else FORMATS)
        return show_collected(words, layout, config, verbose=verbose, redact=redact)
    if redact:
        raise Problem(t("--redact is for collected files; `cozydiag redact` hides secrets in any other text"))
    layout = one_of("--format", format_ or usual, ("terminal", "text", "json", "markdown", "html"))
    reading = reading_in(words, file)
    for note in reading.lost:
        print(f"cozydiag: {say(note)}", file=sys.stderr)
    if reading.report is None:
        return 3
    if layout in ("markdown", "html"):
        from cozydiag.report.formats import again, shown

        write(shown(again(reading.report, reading.sections, language()), layout, language()))
    else:
        show(reading.report, layout, verbose=verbose)
    if layout in ("terminal", "text"):
        _show_named(reading)
    return 3 if reading.lost else 0


def _show_named(reading: "Reading") -> None:
    """What the rules of today know of the logs in it."""
    from cozydiag.report.named import named
    from cozydiag.rules import load

    found = named(reading.sections, load().rules)
    if found:
        write("\n" + say(t("What today's rules say of its logs:")) + "\n")
    for one in found:
        what, seen, remedy = map(say, one.texts())
        write(f"{what}\n    {seen}\n    {remedy}\n")


def reading_of(file: str) -> "Reading":
    """What a file says. Raises Problem where it cannot be read, or is no report."""
    return reading_in(content(file), file)


def reading_in(words: str, file: str) -> "Reading":
    """The same, of a file whose content is known."""
    from cozydiag.report.reading import read as parse

    found = parse(words)
    if found is None:
        raise Problem(t("{file} is no report of cozydiag's", file=file))
    return found


def content(file: str) -> str:
    """Raises Problem where it cannot be read."""
    from cozydiag.host import files
    from cozydiag.host.failure import Failure

    if file == "-":
        return sys.stdin.buffer.read(LIMIT).decode("utf-8", "replace")
    content = files.read(file, max_bytes=LIMIT)
    if isinstance(content, Failure):
        raise Problem(t("{path} cannot be read: {why}", path=file, why=content.detail))
    return content.decode("utf-8", "replace")
