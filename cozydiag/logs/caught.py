"""What was caught of one failure."""

from __future__ import annotations

from typing import NamedTuple


class Caught(NamedTuple):
    """``line`` is the number of the line that holds the cause, ``first`` to ``last`` are the lines about it. ``outer``
    is what the program made of the cause, where that says more."""

    language: str
    type: str
    message: str
    line: int
    first: int
    last: int
    outer: str = ""

    @property
    def words(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


CUT = 500
"""Characters that are kept of a message."""
