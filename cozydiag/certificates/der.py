"""Distinguished encoding rules (X.690): a value is a tag, a length and that many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CONTEXT = 0x80
"""Tags of a context are CONTEXT + number, or 0xA0 + number where they hold other values."""


class MalformedError(ValueError):
    """The bytes are not what they should be."""


class Value(NamedTuple):
    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> list[Value]:
        return list(values(self.content))


def first(data: bytes) -> Value:
    """The first value in ``data``. Raises MalformedError."""
    if len(data) < 2:
        raise MalformedError("it ends too early")
    length, start = data[1], 2
    if length & 0x80:  # so many bytes of length follow; 0 of them is a form that DER does not have
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
        if not 2 < start <= 6:
            raise MalformedError("a length of an unusual form")
    if start + length > len(data):
        raise MalformedError("it ends too early")
    return Value(data[0], data[start : start + length], data[: start + length])


def values(data: bytes) -> Iterator[Value]:
    """All values in ``data``. Raises MalformedError."""
    while data:
        found = first(data)
        yield found
        data = data[len(found.whole) :]
