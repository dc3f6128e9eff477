"""On which line of a TOML file each key stands: the standard reader does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Union

Key = Union[str, int]
"""A name, or the number of a table in an array of tables."""

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_LINE = re.compile(rf"\s*(?:(\[\[?)\s*)?({_KEY})\s*(\]\]?|=)")
_CLOSES = {None: "=", "[": "]", "[[": "]]"}
"""A key, a table, an array of tables."""


def lines(text: str) -> dict[tuple[Key, ...], int]:
    """Keys as paths, with their lines. What looks like a key inside a string of several lines is one too."""
    found: dict[tuple[Key, ...], int] = {}
    count: dict[tuple[Key, ...], int] = {}
    table: tuple[Key, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line)
        if match is None or match[3] != _CLOSES[match[1]]:
            continue
        names = _names(match[2])
        if match[1] is None:
            found.setdefault((*table, *names), number)
            continue
        table = _inside(names, count)
        if match[1] == "[[":
            count[table] = count.get(table, -1) + 1
            table = (*table, count[table])
        found.setdefault(table, number)
    return found


def line_of(path: Sequence[Key], lines: Mapping[tuple[Key, ...], int]) -> int | None:
    """The line of ``path``, else of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return None


def dotted(path: Sequence[Key]) -> str:
    """``path`` as one writes it in TOML: names with dots in quotes."""
    words = ""
    for key in path:
        if isinstance(key, int):
            words += f"[{key}]"
        else:
            words += "." * bool(words) + (key if re.fullmatch(r"[\w-]+", key) else f'"{key}"')
    return words


def _names(key: str) -> list[str]:
    return [part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, key)]


def _inside(names: list[str], count: Mapping[tuple[Key, ...], int]) -> tuple[Key, ...]:
    """``names`` with the number of the last table after each name of an array of tables, but the last."""
    path: tuple[Key, ...] = ()
    for name in names:
        if path in count:
            path = (*path, count[path])
        path = (*path, name)
    return path
