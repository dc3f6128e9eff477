"""What commands share: the language, exit codes, sentences for mistakes, and the output's abilities."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.model import Status
from cozydiag.text import Text, t
from cozydiag.text.catalogue import Catalogue, catalogue, choose_language, render

if TYPE_CHECKING:
    from cozydiag.config import Config
    from cozydiag.report.words import Symbols

USAGE, UNAVAILABLE, INTERNAL, UNWRITTEN, BUSY, CONFIGURATION = 64, 69, 70, 74, 75, 78
"""Exit codes of sysexits.h. Not click's 2 for usage, which monitoring reads as CRITICAL."""

EXIT = {Status.OK: 0, Status.WARN: 1, Status.FAIL: 2, Status.UNKNOWN: 3}


class Problem(Exception):  # noqa: N818  a mistake of the user's, not an error of ours
    """What stops a command, in one sentence for the user, and the exit code."""

    def __init__(self, text: Text, code: int = USAGE) -> None:
        super().__init__(text.template)
        self.text = text
        self.code = code


_loaded: list[Config] = []
"""The settings of this run, once they are read."""


@cache
def language() -> Catalogue:
    """The catalogue of this run: `--lang` wherever it stands (help needs it too), else the environment's."""
    return catalogue(choose_language(asked_for(), os.environ))


def asked_for() -> str | None:
    """What stands behind `--lang`."""
    option = None
    for index, word in enumerate(sys.argv):
        if word == "--lang":
            option = sys.argv[index + 1] if index + 1 < len(sys.argv) else None
        elif word.startswith("--lang="):
            option = word.partition("=")[2]
    return option


def configuration(path: str | None) -> Config:
    """The settings in force. Raises Problem for what is wrong with them."""
    from cozydiag.config import ConfigError, load

    try:
        loaded = load(path, os.environ)
    except ConfigError as error:
        raise Problem(error.text, CONFIGURATION) from None
    _loaded.append(loaded)
    return loaded


def without_secrets(words: str) -> str:
    """What is said beside a report (which is masked as a whole): an error, a traceback."""
    from cozydiag.config import secrets
    from cozydiag.masking import Masks

    return Masks(secret for config in _loaded for secret in secrets(config)).mask(words)


def say(text: Text) -> str:
    """``text`` in this run's language."""
    return render(text, language())


ConfigOption = Annotated[str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))]
LangOption = Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))]
"""What most commands take. No command looks at the language: `language` has seen it."""


def group(settings: dict[str, Any], help: str, commands: Mapping[str, tuple[Callable[..., int], Text]]) -> typer.Typer:
    """A command with commands of its own, each with the sentence of its help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=settings, help=help)
    for name, (function, text) in commands.items():
        app.command(name, context_settings=settings, help=say(text))(function)
    return app


def symbols() -> Symbols:
    """Unicode where stdout takes it."""
    from cozydiag.report import words

    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return words.UNICODE if encoding == "utf8" else words.ASCII


def open_outputs() -> None:
    """Makes stdout and stderr take every text: what their encoding lacks is spelled plainly, and what was closed
    swallows it."""
    codecs.register_error("cozydiag.plainly", _plainly)
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="cozydiag.plainly")


_PLAIN = {"’": "'", "«": '"', "»": '"', "—": "-", "─": "-", "→": "->", "·": "-"}  # noqa: RUF001


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """`é` as `e`, `…` as `...`, `«` as a quotation mark, what has no plain form as `?`."""
    from unicodedata import normalize

    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = (_PLAIN.get(one) or normalize("NFKD", one).encode("ascii", "ignore").decode() or "?" for one in letters)
    return "".join(plain), error.end


def write(text: str) -> None:
    """To stdout, which takes every text (`open_outputs`)."""
    sys.stdout.write(text)


def wrapped(words: str, indent: str = "", further: str = "") -> str:
    """``words`` in lines that fit the terminal, where there is one; a pipe gets one line. ``further``: the indent of
    the lines after the first, where it is another. Never for commands: they are there to be copied."""
    if not sys.stdout.isatty():
        return indent + words
    from shutil import get_terminal_size
    from textwrap import fill

    width = max(40, min(100, get_terminal_size().columns))
    return fill(words, width, initial_indent=indent, subsequent_indent=further or indent, break_on_hyphens=False)


def close_stdout() -> None:
    """The reader has seen enough (`| head`): nothing more may be written, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    """``value``, if it is allowed. Raises Problem, with the nearest allowed word, if not."""
    if value in allowed:
        return value
    raise Problem(
        t("{option} takes one of {allowed}, not {value}", option=option, allowed=", ".join(allowed), value=repr(value))
    )


def globs(option: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Patterns, given several times or with commas. Raises Problem for an empty one."""
    patterns = tuple(part.strip() for value in values or () for part in value.split(","))
    if not all(patterns):
        raise Problem(t("{option} takes a check or a pattern, such as couchdb.* or stack.home", option=option))
    return patterns


def consents() -> bool:
    """Asks on the terminal; anything but a clear yes, in either language, is a no."""
    try:
        answer = input(say(t("Do it? (y = yes) ")))
    except EOFError:
        answer = ""
    agreed = answer.strip().lower() in ("y", "yes", "o", "oui")
    if not agreed:
        print(say(t("Nothing was changed.")))
    return agreed
