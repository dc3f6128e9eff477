"""The final cause out of what programs print when they fail, whichever language they are written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cozydiag.logs import beam, compiled, node, python
from cozydiag.logs.caught import Caught

_READERS = (python.caught, node.caught, compiled.java, compiled.go, beam.caught, compiled.others)
"""A line that an earlier one has taken for its own is not told again by a later one."""


def exceptions(lines: Sequence[str]) -> list[Caught]:
    """The failures in the lines of one program, in their order; each with its cause, not with what came of it."""
    found: list[Caught] = []
    for reader in _READERS:
        taken = {number for one in found for number in range(one.first, one.last + 1)}
        found += [one for one in reader(lines) if not taken.intersection((one.first, one.line))]
    return sorted(found, key=lambda one: one.line)


def of_streams(streams: Sequence[Sequence[tuple[int, str]]]) -> Iterator[Caught]:
    """The same for the lines of several programs, given with their numbers in the whole log."""
    for stream in streams:
        numbers = [number for number, _ in stream]
        for one in exceptions([text for _, text in stream]):
            yield one._replace(line=numbers[one.line], first=numbers[one.first], last=numbers[one.last])
