"""`cozydiag redact`: any text as it may be posted. Not annotated lazily: see `status`."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from cozydiag.cli.common import INTERNAL, UNWRITTEN, ConfigOption, LangOption, Problem, configuration, say
from cozydiag.text import t


def redact(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help=say(t("The text; - is standard input.")))] = "-",
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help=say(t("Into this file, for you alone.")))
    ] = None,
    keep_identities: Annotated[
        bool, typer.Option("--keep-identities", help=say(t("Hide secrets alone; names and addresses stay.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.host import Host, World
    from cozydiag.report.redacting import prepare, remember
    from cozydiag.report.stream import Stream, Unreadable, opened
    from cozydiag.stack import Stack

    loaded = configuration(config)
    source = opened(file)
    if isinstance(source, Unreadable):
        raise Problem(source.text)
    prepared = prepare(Host(World(), 60.0, "redact"), Stack(loaded), identities=not keep_identities)
    if prepared.problem is not None:
        _warn(say(t("the stand-ins of earlier reports are not used: {why}", why=prepared.problem.detail)))
    stream = Stream(source, prepared.guard)
    if output is None:
        _to_stdout(stream)
    else:
        _to_file(output, stream)
    remember(prepared)
    if not stream.whole:
        raise Problem(t("a part of it could not be redacted, and was left out. Please report this."), INTERNAL)
    return 0


def _to_stdout(stream: Iterable[bytes]) -> None:
    """To the last byte. Raises Problem where there is no room."""
    try:
        for line in stream:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise Problem(t("the text could not be written whole: {why}", why=why), UNWRITTEN) from None


def _to_file(path: str, stream: Iterable[bytes]) -> None:
    from cozydiag.redaction.private_file import replace

    failure = replace(path, stream)
    if failure is not None:
        raise Problem(t("{path} was not written: {why}", path=path, why=failure.detail), UNWRITTEN)


def _warn(words: str) -> None:
    print(f"cozydiag: {words}", file=sys.stderr)
