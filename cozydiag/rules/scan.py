"""All rules over many lines: literal first, the regular expression only on what it hit.

One pass makes the vocabulary of the text (its different words, digits left out); a literal whose longest word is not
part of it cannot be in the text. What is left is searched in the text as a whole, and only the lines where it stands
are looked at one by one. The cost of a rule that matches nothing is a search in a small string.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple

from cozydiag.host.logs import one_line
from cozydiag.rules.rule import Pattern, Rule
from cozydiag.text import Text

BEFORE: Final = 1000
AFTER: Final = 2000
"""Characters of a line around a literal that a regular expression gets to see: that bounds what a long line costs."""

_TRIES: Final = 8
"""Places in one line where a literal is tried."""

_BLOCK: Final = 4096
"""Lines that are searched at once: what does not fit the processor's cache takes longer."""

_VALUE: Final = 200
"""Characters of a value that is put into a text."""

_LETTERS = bytes(code | 0x20 if chr(code).isalpha() and code < 128 else 0x20 for code in range(256))
_SMALL = bytes(code | 0x20 if 65 <= code <= 90 else code for code in range(256))
_NUMBER = re.compile(r"\d+$")


class Hit(NamedTuple):
    """A rule that a line fits. ``line`` is its index among the lines that were looked at."""

    rule: Rule
    line: int
    values: Mapping[str, str]

    @property
    def meaning(self) -> Text:
        return self.rule.text(self.rule.meaning, self.values)

    @property
    def remedy(self) -> Text:
        return self.rule.text(self.rule.remedy, self.values)


class _Needle(NamedTuple):
    literal: bytes
    pattern: Pattern
    rule: Rule


class Scanner:
    """The rules, made ready once. ``lines`` are clean and hold no line ends."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_word: dict[bytes, list[_Needle]] = defaultdict(list)
        for rule in rules:
            for pattern in rule.patterns:
                literal = pattern.literal.encode()
                word = max(literal.translate(_LETTERS).split(), key=len, default=b"")
                self._by_word[word].append(_Needle(literal, pattern, rule))

    def hits(self, lines: Sequence[str], origins: Sequence[str] | None = None) -> list[Hit]:
        """Every rule that fits a line, once a line, in the order of lines. ``origins`` are the parts of a platform
        that wrote them (`APP/PROC/WEB`), where that is known: rules that name some fit no others, and what a router
        writes of requests fits only rules about routers."""
        found: dict[tuple[int, str], Hit] = {}
        for start in range(0, len(lines), _BLOCK):
            self._block(lines[start : start + _BLOCK], start, origins, found)
        return [found[key] for key in sorted(found)]

    def _block(
        self, lines: Sequence[str], first: int, origins: Sequence[str] | None, found: dict[tuple[int, str], Hit]
    ) -> None:
        encoded = [line.encode("utf-8", "replace") for line in lines]
        text = b"\n".join(encoded).translate(_SMALL)
        starts = [0, *accumulate(len(one) + 1 for one in encoded)]
        for needle in self._candidates(text):
            for number in _lines_with(text, needle.literal, starts):
                key = first + number, needle.rule.id
                if key in found or not _allowed(needle.rule, origins[first + number] if origins else ""):
                    continue
                values = _values(needle.pattern, lines[number])
                if values is not None:
                    found[key] = Hit(needle.rule, first + number, values)

    def _candidates(self, text: bytes) -> Iterator[_Needle]:
        vocabulary = b" ".join(set(text.translate(_LETTERS).split()))
        for word, needles in self._by_word.items():
            if word in vocabulary:
                yield from (needle for needle in needles if needle.literal in text)


def best(hits: Iterable[Hit]) -> Hit | None:
    """The cause of the highest rank, of equals the last; a line in which a value is still a field of a program's own
    source (`"Database {0} already exists".format(...)`) counts less."""
    causes = [hit for hit in hits if hit.rule.role == "cause"]
    return max(causes, key=lambda hit: (hit.rule.rank, not is_source(hit), hit.line), default=None)


def is_source(hit: Hit) -> bool:
    """It is a line of the program's own text, which a traceback shows, with a field that is not filled."""
    return any("{" in value for value in hit.values.values())


def _lines_with(text: bytes, literal: bytes, starts: Sequence[int]) -> Iterator[int]:
    at = text.find(literal)
    while at >= 0:
        number = bisect_right(starts, at) - 1
        yield number
        at = text.find(literal, starts[number + 1]) if number + 1 < len(starts) else -1


def _allowed(rule: Rule, origin: str) -> bool:
    part = origin.partition("/")[0]
    if rule.origins and part:
        return part in rule.origins
    return part != "RTR"


def _values(pattern: Pattern, line: str) -> dict[str, str] | None:
    """What the groups caught, None where the line does not fit."""
    if not pattern.regex:
        return {}
    expression, small = _compiled(pattern.regex), line.lower()
    at, end = small.find(pattern.literal), 0
    for _ in range(_TRIES):
        if at < 0:
            return None
        if at >= end:  # what was looked at already holds no match
            end = at + AFTER
            found = expression.search(line, max(0, at - BEFORE), end)
            if found is not None:
                return _named(found)
        at = small.find(pattern.literal, at + 1)
    return None


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _named(found: re.Match[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in found.groupdict().items():
        if value:
            values.setdefault(_NUMBER.sub("", name), one_line(value, _VALUE))
    return values
