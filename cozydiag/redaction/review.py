"""Lines that may still hold a secret: a hint for who reads the report before posting it, and no reason to change it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

_LONG_WORD = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_HARMLESS = re.compile(
    r"[0-9a-f]{20,}|[0-9A-F]{20,}|[A-Za-z/_=-]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[a-z0-9_-]+|[A-Z0-9_-]+|[\d/:+-]+"
)
"""Digests and identifiers in hex, words, paths, names in small letters."""

_SPEAKS = re.compile(r"(?:SHA256|SHA512|sha(?:256|384|512)[:-])[ :]?$")


def risky(lines: Iterable[str]) -> Iterator[int]:
    """The numbers of the lines (from 1) with a word that looks made by chance: great and small letters and digits."""
    for number, line in enumerate(lines, 1):
        if any(_looks_random(line, found) for found in _LONG_WORD.finditer(line)):
            yield number


def _looks_random(line: str, found: re.Match[str]) -> bool:
    word = found[0]
    if _HARMLESS.fullmatch(word) or _SPEAKS.search(line[: found.start()]) or word.count("/") > 2:
        return False
    changes = sum(_kind(one) != _kind(other) for one, other in pairwise(word))
    return changes * 3 > len(word)


def _kind(letter: str) -> str:
    return "0" if letter.isdigit() else "a" if letter.islower() else "A"
