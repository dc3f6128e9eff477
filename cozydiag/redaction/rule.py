"""What a rule is, and how those of a line are put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A piece of a line that is to be hidden, as ``kind``."""

    start: int
    end: int
    kind: str = "secret"


class Rule(NamedTuple):
    """``find`` gives what is to be hidden in a line; it gets the line, and the line in small letters. It finds nothing
    in a line that has none of the ``triggers``.

    No pattern begins with a repetition without bound, and what one has scanned no other start of it scans again: rules
    are linear on hostile lines.
    """

    triggers: tuple[str, ...]
    find: Callable[[str, str], Iterable[Span]]


class Rules:
    """Rules, and a vocabulary that says which of them a line needs.

    A trigger of letters is looked for in each word (letters in a row) once and for all: logs say the same words again
    and again. With ``=`` before it, it must be the whole word. Any other trigger is looked for in the line as it is.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._all = tuple(rules)
        self._words: dict[bytes, frozenset[int]] = {}
        triggers = {trigger for rule in self._all for trigger in rule.triggers}
        self._signs = [(one, self._with(one)) for one in sorted(triggers) if not one.removeprefix("=").isalpha()]
        self._parts = [(one.encode(), self._with(one)) for one in sorted(triggers) if one.isalpha()]
        self._whole = {one[1:].encode(): self._with(one) for one in triggers if one[0] == "=" and one[1:].isalpha()}
        self._any_part = re.compile(b"|".join(part for part, _ in self._parts)).search
        self._dull: set[bytes] = set()

    def _with(self, trigger: str) -> frozenset[int]:
        return frozenset(number for number, rule in enumerate(self._all) if trigger in rule.triggers)

    def needed(self, lows: Sequence[str]) -> list[frozenset[int]]:
        """For each of some lines, in small letters, the numbers of the rules that it may need."""
        text = "\n".join(lows)
        signs = [(sign, rules) for sign, rules in self._signs if sign in text]
        letters = text.encode("utf-8", "surrogatepass").translate(_ONLY_LETTERS)
        words = [line.split() for line in letters.split(b"\n")]
        hot = {word: rules for word in set().union(*words) - self._dull if (rules := self._of(word))}
        if not signs:
            return [
                _NONE if hot.keys().isdisjoint(one) else _NONE.union(*(hot[w] for w in hot.keys() & one))
                for one in words
            ]
        return [
            _NONE.union(
                *([] if hot.keys().isdisjoint(one) else (hot[word] for word in hot.keys() & one)),
                *(rules for sign, rules in signs if sign in low),
            )
            for one, low in zip(words, lows, strict=True)
        ]

    def _of(self, word: bytes) -> frozenset[int]:
        known = self._words.get(word)
        if known is None:
            known = self._whole.get(word, frozenset())
            if self._any_part(word):
                known = known.union(*(rules for part, rules in self._parts if part in word))
            if not known:
                self._dull.add(word)
            elif len(word) <= _LONG_WORD:
                self._words[word] = known
            if len(self._dull) + len(self._words) > _VOCABULARY:
                self._dull.clear()
                self._words.clear()
        return known

    def spans(self, line: str, low: str, needed: Iterable[int] | None = None) -> list[Span]:
        """All that the rules find, in order, without those of no length; all rules where ``needed`` is not given.
        ``low``: see `small`."""
        rules = self._all if needed is None else [self._all[number] for number in sorted(needed)]
        return sorted(span for rule in rules for span in rule.find(line, low) if span.start < span.end)


_ONLY_LETTERS = bytes(code if code > 127 or code == 10 or chr(code).isalpha() else 32 for code in range(256))
_NONE: frozenset[int] = frozenset()
_VOCABULARY = 50_000
"""Words that are remembered; hostile text has new ones without end."""

_LONG_WORD = 64


def small(line: str) -> str:
    """``line`` in small letters, each in its place."""
    low = line.lower()
    return low if len(low) == len(line) else "".join(one if len(one.lower()) > 1 else one.lower() for one in line)


def merged(found: Iterable[Span]) -> Iterator[Span]:
    """What overlaps as one, of the kind of the longest. ``found`` is sorted."""
    last: Span | None = None
    for span in found:
        if last is None or span.start >= last.end:
            if last is not None:
                yield last
            last = span
        else:
            longer = span if span.end - span.start > last.end - last.start else last
            last = Span(last.start, max(last.end, span.end), longer.kind)
    if last is not None:
        yield last
