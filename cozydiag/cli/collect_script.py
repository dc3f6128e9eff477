"""`cozydiag collect-script`: a shell script for machines that cannot run cozydiag."""

import sys
from typing import Annotated

import typer

from cozydiag.cli.common import say, write
from cozydiag.text import t


def collect_script(
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
) -> int:
    from cozydiag.collected.script import script

    write(script())
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print(say(t("There: `sudo sh diag.sh > raw.txt`. Here: `cozydiag read raw.txt`.")), file=sys.stderr)
    return 0
