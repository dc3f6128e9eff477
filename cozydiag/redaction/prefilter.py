"""A quick look whether a line needs a slow one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any


def any_of(words: Iterable[str]) -> Callable[[str], Any]:
    """Searches for any of the words, letter by letter together: a plain alternative tries them one after the other."""
    tree: dict[str, Any] = {}
    for word in sorted(set(words), key=len):
        node = tree
        for letter in word:
            if "" in node:  # a shorter word is its beginning
                break
            node = node.setdefault(letter, {})
        else:
            node.clear()
            node[""] = {}
    return re.compile(_pattern(tree)).search


def _pattern(node: dict[str, Any]) -> str:
    ways = [re.escape(letter) + _pattern(below) for letter, below in node.items() if letter]
    return "" if "" in node else ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
