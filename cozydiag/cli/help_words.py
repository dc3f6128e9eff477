"""The words that typer itself puts into a help text, in the reader's language. Imported where help is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from typer._click.core import Context
from typer._click.formatting import HelpFormatter

from cozydiag.cli.common import say
from cozydiag.text import Text, t

_WORDS: dict[str, Text] = {
    "Arguments": t("Arguments"),
    "Options": t("Options"),
    "Commands": t("Commands"),
    "Show this message and exit.": t("Show this message and exit."),
}
_DEFAULT, _REQUIRED = "[default: ", "[required]"


class Formatter(HelpFormatter):
    """Typer's own, but for the words."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or say(t("Usage: ")))

    def write_heading(self, heading: str) -> None:
        super().write_heading(_translated(heading))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(name, _translated(words)) for name, words in rows], col_max, col_spacing)


def translate() -> None:
    """From now on every help text is written so: a formatter is a class attribute of typer's Context."""
    Context.formatter_class = Formatter


def _translated(words: str) -> str:
    if words in _WORDS:
        return say(_WORDS[words])
    default, required = say(t("default: ")), say(t("required"))
    return words.replace(_DEFAULT, f"[{default}").replace(_REQUIRED, f"[{required}]")
