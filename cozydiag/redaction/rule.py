"""What a rule is, and how those of a line are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A piece of a line that is to be hidden, as ``kind``."""

    start: int
    end: int
    kind: str = "secret"


class Rule(NamedTuple):
    """``find`` gives what is to be hidden in a line; it gets the line, and the line in small letters (of another length
    where a letter has no equal). It finds nothing in a line that has none of the ``triggers``, in small letters.

    No pattern begins with a repetition without bound, and what one has scanned no other start of it scans again: rules
    are linear on hostile lines.
    """

    triggers: tuple[str, ...]
    find: Callable[[str, str], Iterable[Span]]


def spans(rules: Iterable[Rule], line: str, *, prefilter: bool = True) -> list[Span]:
    """All that the rules find, in order, without those of no length."""
    low = line.lower()
    found = [
        span
        for rule in rules
        if not prefilter or any(trigger in low for trigger in rule.triggers)
        for span in rule.find(line, low)
    ]
    return sorted(span for span in found if span.start < span.end)


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
