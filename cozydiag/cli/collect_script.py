"""`cozydiag collect-script`: a shell script for machines that cannot run cozydiag."""

import sys

from cozydiag.cli.common import LangOption, say, write
from cozydiag.text import t


def collect_script(
    lang: LangOption = None,
) -> int:
    from cozydiag.collected.script import script

    write(script())
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print(say(t("There: `sudo sh diag.sh > raw.txt`. Here: `cozydiag read raw.txt`.")), file=sys.stderr)
    return 0
