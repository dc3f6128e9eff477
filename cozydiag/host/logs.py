"""Text from outside, made harmless when it is collected, and the ends of log files."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.files import open_regular

LINE_LIMIT = 4096
BLOCK = 65536

LATELY = 300.0
"""Seconds; what a running service wrote longer ago may be over."""

SETTLED = 30.0
"""Seconds after its start: before, it may have waited for others who came up beside it."""

TIMES = 3
"""Times that it must say the same: once can be about one request."""

_LOUD = (
    b"err", b"fail", b"exce", b"fatal", b"memory", b"cannot", b"n't", b"denied", b"unable", b"refused", b"already",
    b"locked", b"missing", b"unauth", b"expired", b"timed out", b"unrea", b"unavail",
)  # fmt: skip
"""One of these is in nearly every line that a rule about a serious fault of a running program knows."""


def clean(text: str | bytes, limit: int = LINE_LIMIT) -> str:
    """``text`` without anything that a terminal obeys, cut at ``limit`` characters; line ends stay.

    Goes: escape sequences with their content (CSI, OSC, DCS, APC, PM, SOS), C0 and C1 controls,
    marks that reorder text (bidi). A sequence that never ends hides at most its introducer, so that
    nobody can swallow the lines after it. Lone surrogates become `?`. Linear in the length.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if text.isprintable():
        return text[:limit]
    text = text.replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _commands().sub("", text)
    # os.fsdecode leaves lone surrogates, which no terminal or file could be given.
    return text.encode("utf-8", "replace").decode()[:limit] if not text.isascii() else text[:limit]


def one_line(text: str | bytes, limit: int = LINE_LIMIT) -> str:
    """``clean`` text on one line."""
    return " ".join(clean(text, limit).split("\n"))


@lru_cache(maxsize=1)
def _commands() -> re.Pattern[str]:
    """Compiled at the first text that needs it. No payload may contain an introducer: that keeps it linear."""
    return re.compile(
        r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
        r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\n\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"  # strings
        r"|\x1b[ -/]*[0-~]?"  # all the other escapes
        r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    )


def lately(now: float, started: float) -> float:
    """From when on counts what a service wrote that runs since ``started``; epoch seconds."""
    return max(started + SETTLED, now - LATELY)


def is_loud(content: bytes) -> bool:
    """Whether there are words of trouble in it, often enough to be worth the rules."""
    return sum(map(content.lower().count, _LOUD)) >= TIMES


def end(path: str, max_bytes: int) -> bytes | Failure:
    """The last ``max_bytes`` of a regular file, raw; a link is not followed."""
    descriptor = open_regular(path, follow=False)
    if isinstance(descriptor, Failure):
        return descriptor
    try:
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, max_bytes, max(0, size - max_bytes))
    except OSError as error:
        return from_os_error(error)
    finally:
        os.close(descriptor)


def tail(path: str, lines: int = 50, *, follow: bool = False, max_bytes: int = 4 << 20) -> list[str] | Failure:
    """The last ``lines`` of a file, cleaned, oldest first; at most ``max_bytes`` are read, from the end.

    A first line cut by ``max_bytes`` is left out, unless it is all there is. Links are not followed
    unless asked: a service's user owns the folder of its logs.
    """
    descriptor = open_regular(path, follow=follow)
    if isinstance(descriptor, Failure):
        return descriptor
    try:
        content, whole = _end_of(descriptor, lines, max_bytes)
    except OSError as error:
        return from_os_error(error)
    finally:
        os.close(descriptor)
    found = content.split(b"\n")
    if not found[-1]:
        found.pop()
    if not whole and len(found) > 1:
        found = found[1:]
    return [clean(line[:BLOCK]) for line in found[len(found) - min(lines, len(found)) :]]


def _end_of(descriptor: int, lines: int, max_bytes: int) -> tuple[bytes, bool]:
    """Enough of the end for ``lines`` lines, and whether the file's beginning is in it."""
    start = os.fstat(descriptor).st_size
    blocks: list[bytes] = []
    ends = taken = 0
    # One line end more than lines: the one before the first line that is wanted.
    while start > 0 and ends <= lines and taken < max_bytes:
        size = min(BLOCK, start, max_bytes - taken)
        start -= size
        blocks.append(os.pread(descriptor, size, start))
        ends += blocks[-1].count(b"\n")
        taken += size
    return b"".join(reversed(blocks)), start == 0
