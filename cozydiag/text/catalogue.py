"""Texts put into words, in the reader's language."""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, NamedTuple, cast

from cozydiag.text import Param, Text

Language = Literal["en", "fr"]

_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_DEPTH = 8  # texts inside texts; a report read from a file may hold any number


class Catalogue(NamedTuple):
    """A language: ``find`` translates a template, ``find_plural`` the right one of two for a number, ``find_phrase``
    the words of a usual failure (`text.phrases`)."""

    language: Language
    find: Callable[[str], str]
    find_plural: Callable[[str, str, int], str]
    find_phrase: Callable[[str], str] = str


ENGLISH = Catalogue("en", lambda template: template, lambda one, many, n: one if n == 1 else many)


def choose_language(option: str | None, environ: Mapping[str, str]) -> Language:
    """The language asked for by ``--lang``, else by the first of the locale variables that is set."""
    wishes = (option, *map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")))
    wish = next(filter(None, wishes), "en")
    for locale in wish.split(":"):
        language = re.split("[_.@-]", locale.strip().lower(), maxsplit=1)[0]
        if language in ("en", "fr"):
            return cast(Language, language)
    return "en"


def catalogue(language: str) -> Catalogue:
    """The catalogue of ``language``; English where there is none or it cannot be read."""
    if language != "fr":
        return ENGLISH
    path = os.path.join(os.path.dirname(__file__), "locale", language, "LC_MESSAGES", "cozydiag.mo")
    try:
        return _french(path)
    except Exception:  # noqa: BLE001 - a damaged catalogue must not stop a diagnosis, and it fails in many ways
        return ENGLISH


@cache
def _french(path: str) -> Catalogue:
    import gettext  # only those who read another language pay for it

    with open(path, "rb") as file:
        translations = gettext.GNUTranslations(file)
    return Catalogue(
        "fr", translations.gettext, translations.ngettext, lambda words: _phrase(words, translations.gettext)
    )


def _phrase(words: str, find: Callable[[str], str]) -> str:
    from cozydiag.text.phrases import translated

    return translated(words, find)


def render(text: Text, catalogue: Catalogue, *, now: float | None = None) -> str:
    """``text`` in words. Never raises: a translation that does not fit its text is passed over for English.

    ``now`` is the day on which a point in time needs no date, in epoch seconds; None: this very day.
    """
    return _render(text, catalogue, now, 0)


def _render(text: Text, catalogue: Catalogue, now: float | None, depth: int) -> str:
    if depth > _DEPTH:
        return "…"
    words = {name: _words(param, catalogue, now, depth) for name, param in text.params}
    translated = _template(text, catalogue)
    if not fields(translated) <= words.keys():
        translated = _template(text, ENGLISH)
    return _FIELD.sub(lambda field: _fill(field, words), translated)


def fields(template: str) -> set[str]:
    """The names of the ``{name}`` fields in ``template``."""
    return {name for name in _FIELD.findall(template) if name}


def _template(text: Text, catalogue: Catalogue) -> str:
    if not text.template:  # gettext answers an empty text with the catalogue's own header
        return ""
    if text.many is None:
        return catalogue.find(text.template)
    return catalogue.find_plural(text.template, text.many, text.n)


def _words(param: Param, catalogue: Catalogue, now: float | None, depth: int) -> str:
    if isinstance(param, Text):
        return _render(param, catalogue, now, depth + 1)
    if isinstance(param, str):
        return catalogue.find_phrase(param)
    from cozydiag.text.formats import number_words

    return number_words(param, catalogue.language, now)


def _fill(field: re.Match[str], words: Mapping[str, str]) -> str:
    name = field[1]
    return field[0][0] if name is None else words.get(name, field[0])
