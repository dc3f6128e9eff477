"""Texts that a user sees: a template and its typed parameters, put into words only when shown.

A finding is made in one process and may be read in another language, so a text is never a finished
string. ``t`` and ``plural`` mark templates for translation (Babel extracts their literals).
"""

from typing import NamedTuple, Union


class Percent(float):
    """A share, 0 to 100."""


class Bytes(int):
    """A size in bytes."""


class Seconds(float):
    """A duration in seconds."""


class When(float):
    """A point in time, seconds since the epoch (UTC)."""


Param = Union[str, int, Percent, Bytes, Seconds, When, "Text"]


class Text(NamedTuple):
    """A translatable sentence. ``many`` and ``n`` are set for texts that depend on a number."""

    template: str
    params: tuple[tuple[str, Param], ...] = ()
    many: str | None = None
    n: int = 0


def t(template: str, /, **params: Param) -> Text:
    """A text from ``template``, whose ``{name}`` fields are filled from ``params`` when shown."""
    return Text(template, tuple(params.items()))


def plural(one: str, many: str, /, *, n: int, **params: Param) -> Text:
    """A text that counts: ``one`` or ``many`` by ``n``, after the rules of the reader's language."""
    return Text(one, (("n", n), *params.items()), many, n)


def verbatim(words: str) -> Text:
    """Words from outside (a log line, a program's own message), shown as they are in every language."""
    return Text("{words}", (("words", words),))
