"""`cozydiag reveal`: an answer from a forum, with the true names back. Not annotated lazily: see `status`."""

import sys
import time
from typing import Annotated

import typer

from cozydiag.cli.common import ConfigOption, LangOption, Problem, configuration, say, write
from cozydiag.text import plural, t


def reveal(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help=say(t("The answer; - is standard input.")))] = "-",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.cli.read import content
    from cozydiag.redaction import pseudonyms
    from cozydiag.report.guard import harmless
    from cozydiag.report.redacting import map_path
    from cozydiag.report.revealing import revealed

    path = map_path(configuration(config))
    kept = pseudonyms.load(path, time.time())
    if kept.failure is not None:
        raise Problem(t("{path} cannot be read: {why}", path=path, why=kept.failure.detail))
    if kept.pseudonyms is None:
        raise Problem(t("nothing is known of stand-ins here: `cozydiag report --keep-map` keeps them for 30 days"))
    lines = [harmless(line) for line in content(file).splitlines()]
    text, count = revealed("\n".join(lines) + "\n", kept.pseudonyms.names)
    write(text)
    told = plural("{n} true name was put back: do not post this.", "{n} true names were put back: do not post this.",
                  n=count)  # fmt: skip
    print(f"cozydiag: {say(told)}", file=sys.stderr)
    return 0
