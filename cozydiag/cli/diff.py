"""`cozydiag diff`: what changed from one report to another."""

from typing import Annotated

import typer

from cozydiag.cli.common import say, write
from cozydiag.text import t


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=say(t("An earlier report.")))],
    new: Annotated[str, typer.Argument(metavar="NEW", help=say(t("A later one; - is the standard input.")))],
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.cli.read import reading_of
    from cozydiag.report.comparing import differences

    found = differences(reading_of(old), reading_of(new))
    write("".join(f"{say(one)}\n" for one in found) or say(t("Nothing that matters has changed.")) + "\n")
    return 1 if found else 0
