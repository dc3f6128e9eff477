"""What is wrong with the settings, in one sentence."""

from __future__ import annotations

from cozydiag.text import Text, t


class ConfigError(Exception):
    """A setting that cannot be used.

    ``text`` names the place, the key and what to do. It holds no value: that may be secret.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        from cozydiag.text.catalogue import ENGLISH, render

        return render(self.text, ENGLISH)


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was probably meant."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1)), None)


def at(place: str, line: int | None, problem: Text) -> ConfigError:
    """``problem`` with its place in front."""
    if line is None:
        return ConfigError(t("{place}: {problem}", place=place, problem=problem))
    return ConfigError(t("{place}, line {line}: {problem}", place=place, line=line, problem=problem))
