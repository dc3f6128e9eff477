"""`cozydiag redact`: a text of any length, line by line, in little memory."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from cozydiag.host.failure import from_os_error
from cozydiag.redaction import LEFT_OUT, LONGEST, MARGIN, WITHHELD
from cozydiag.report.guard import Guard, harmless
from cozydiag.text import Text, t

_BLOCK = 1 << 16
_COMPRESSED = {b"\x1f\x8b": "zcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat", b"\x28\xb5\x2f\xfd": "zstdcat"}
"""The first bytes of compressed files, and who unpacks them."""


class Unreadable(NamedTuple):
    text: Text


class Source(NamedTuple):
    """``again``: it can be read a second time, from its beginning."""

    stream: BinaryIO
    again: bool


def opened(path: str) -> Source | Unreadable:
    """A file, or standard input for `-`. A link, a pipe or a device by name is refused: a service's user could have
    put it there, for root to show another file."""
    if path == "-":
        return Source(sys.stdin.buffer, again=False)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if os.path.islink(path):
            return Unreadable(t("{path} is a link, which is not followed. It leads to {target}", path=path,
                                target=os.path.realpath(path)))  # fmt: skip
        return Unreadable(t("{path} cannot be read: {why}", path=path, why=from_os_error(error).detail))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return Unreadable(t("{path} is no plain file", path=path))
    first = os.pread(descriptor, 6, 0)
    program = next((program for mark, program in _COMPRESSED.items() if first.startswith(mark)), None)
    if program is not None:
        os.close(descriptor)
        command = f"{program} {path} | cozydiag redact -"
        return Unreadable(t("{path} is compressed. Try: {command}", path=path, command=command))
    return Source(os.fdopen(descriptor, "rb"), again=True)


class Stream:
    """``whole`` is False once something had to be left out."""

    def __init__(self, source: Source, guard: Guard) -> None:
        self._source = source
        self._guard = guard
        self.whole = True

    def __iter__(self) -> Iterator[bytes]:
        """The redacted text, a line at a time. A file is read twice, so that a secret that is found out late in it is
        hidden from its beginning; a pipe cannot be."""
        if self._source.again:
            self._learn()
            self._source.stream.seek(0)
        for line in self._redacted():
            leaks = self._guard.finds(line)
            self.whole = self.whole and not leaks
            yield ((WITHHELD if leaks else line) + "\n").encode("utf-8", "replace")

    def _learn(self) -> None:
        try:
            self._guard.redactor.learn(map(harmless, _lines(self._source.stream)))
        except Exception:  # noqa: BLE001  what breaks here breaks again below, and is told there
            return

    def _redacted(self) -> Iterator[str]:
        lines = map(harmless, _lines(self._source.stream))
        while True:
            try:
                yield from map(self._guard.hide, self._guard.redactor.lines(lines))
                return
            except GeneratorExit:
                raise
            except Exception:  # noqa: BLE001  whatever it was, the text itself must not be shown
                self.whole = False
                yield WITHHELD


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines without their ends. Of one that is too long no more is kept than is looked at."""
    rest, cut = b"", False
    while block := stream.read(_BLOCK):
        first, *others = block.split(b"\n")
        cut = cut or len(rest) >= LONGEST * 4
        rest += b"" if cut else first
        if others:
            yield _text(rest, cut=cut)
            yield from (_text(line) for line in others[:-1])
            rest, cut = others[-1], False
    if rest:
        yield _text(rest, cut=cut)


def _text(line: bytes, *, cut: bool = False) -> str:
    """``cut`` at any place: what stands before that could be half a secret, and goes."""
    said = line.removesuffix(b"\r").decode("utf-8", "replace")
    return said[:-MARGIN] + LEFT_OUT if cut else said
