"""What the collector prints, as sections. `== KIND NAME` begins one, `= WORD VALUE` says something of it, `|` begins a
line of text. Text from a server always stands behind a `|`, so none can pass for a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

FIRST = "#cozydiag-collected 1"
_LAST = "== end"
_HEADING = re.compile(r"== ([a-z]+)(?: (.{1,1000}))?")


class Section(NamedTuple):
    """``said`` are the words about it, each with its values; ``lines`` the text."""

    kind: str
    name: str
    said: dict[str, list[str]]
    lines: tuple[bytes, ...]

    def word(self, name: str) -> str:
        """The first value, "" where there is none."""
        return self.said.get(name, [""])[0]

    @property
    def states(self) -> list[str]:
        return self.said.get("state", [])

    @property
    def text(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)


class Collected(NamedTuple):
    """``whole``: its end is there. Without that the last section is left out: it may break off anywhere."""

    sections: tuple[Section, ...]
    whole: bool

    def of(self, kind: str) -> Iterator[Section]:
        return (one for one in self.sections if one.kind == kind)

    def one(self, kind: str, name: str = "") -> Section | None:
        return next((one for one in self.sections if (one.kind, one.name) == (kind, name)), None)


def is_number(word: str) -> bool:
    """Of plain digits, and not so many that nobody can mean it."""
    return word.isascii() and word.isdigit() and len(word) <= 18


def is_collected(content: bytes) -> bool:
    """Whether it was printed by the collector, in this version of its grammar."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].rstrip() == FIRST.encode()


def read(content: bytes) -> Collected:
    """Lines that are none of the three kinds are left out."""
    if content.count(b"\r\n") == content.count(b"\n"):
        content = content.replace(b"\r\n", b"\n")  # it came through a Windows
    found: list[Section] = []
    kind = name = ""
    said: dict[str, list[str]] = {}
    lines: list[bytes] = []
    whole = False
    for line in content.split(b"\n"):
        if line.startswith(b"|"):
            lines.append(line[1:])
        elif line.startswith(b"= "):
            word, _, value = line[2:].decode("utf-8", "replace").partition(" ")
            said.setdefault(word, []).append(value)
        elif line.startswith(b"=="):
            if kind:
                found.append(Section(kind, name, said, tuple(lines)))
            heading = _HEADING.fullmatch(line.decode("utf-8", "replace"))
            kind, name = (heading[1], heading[2] or "") if heading else ("", "")
            said, lines = {}, []
            whole = line == _LAST.encode()
            if whole:
                break
    return Collected(tuple(found), whole)
