"""Python's tracebacks: chains, groups, and what is printed without a header or out of order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cozydiag.logs.caught import CUT, Caught

_HEADER = re.compile(r"(?:^|[:\s])(?:Exception Group )?Traceback \(most recent call last\):")
_MARGIN = re.compile(r"^\s*[+|][-+|\s\d]*(?=\S|$)|^\s+\| ")
_NAMED = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::(?: (.*)|$)|$)")
_SURE = re.compile(
    r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Timeout|Failure|Invalid|Refused|NotFound)"
    r"|(?:[A-Za-z_]\w*\.)*(?:DoesNotExist|ImproperlyConfigured|HaltServer)"
    r"|(?:[A-Za-z_]\w*\.)+(?:gaierror|herror|timeout|error))(?::(?: (.*)|$)|$)"
)
_BARE = re.compile(r"^(SyntaxError|IndentationError|TabError): (.*)")
_FRAME = re.compile(r'^\s*[|\s]*File "[^"]{1,300}", line \d+')
_CAUSE = "The above exception was the direct cause"
_DURING = "During handling of the above exception"
_GROUP = ("ExceptionGroup", "BaseExceptionGroup")
_LONGEST = 600
"""Lines of one traceback; a recursion prints a thousand frames, most of them as a count."""


class _Raised(NamedTuple):
    type: str
    message: str
    line: int


def caught(lines: Sequence[str]) -> Iterator[Caught]:
    """The first exception of a chain is its cause, whether the others were made of it or came up meanwhile; of a group
    each leaf."""
    taken = -1
    for start, line in enumerate(lines):
        if start <= taken:
            continue
        if _HEADER.search(line):
            chain, taken = _chain(lines, start)
            yield from _told(chain, start, taken)
        elif (alone := _alone(lines, start)) is not None:
            taken = start
            yield Caught("python", alone.type, alone.message[:CUT], start, start, start)


def _told(chain: Sequence[list[_Raised]], start: int, last: int) -> Iterator[Caught]:
    if not chain:
        return
    final = chain[-1][0]
    outer = f"{final.type}: {final.message}"[:CUT] if len(chain) > 1 else ""
    for cause in chain[0]:
        yield Caught("python", cause.type, cause.message[:CUT], cause.line, start, last, outer)


def _chain(lines: Sequence[str], start: int) -> tuple[list[list[_Raised]], int]:
    """What was raised, oldest first, and the last line of it all."""
    chain: list[list[_Raised]] = []
    at = start
    while True:
        raised, at = _block(lines, at)
        if raised:
            chain.append(raised)
        following = _linked(lines, at)
        if following is None:
            return chain, at
        at = following


def _block(lines: Sequence[str], start: int) -> tuple[list[_Raised], int]:
    """The exception below one header, or the leaves of a group."""
    strange = 0
    for at in range(start + 1, min(len(lines), start + _LONGEST)):
        line = lines[at]
        text = _MARGIN.sub("", line) if line.lstrip()[:1] in ("|", "+") else line
        if not text.strip() or text[0] in " \t" or _is_frame(line):
            continue
        found = _NAMED.match(text)
        if found is None or text.startswith("Traceback"):
            strange += 1  # another program's line, or the middle of a message
            if strange > 3:
                return [], at - 1
            continue
        raised = _Raised(found[1], found[2] or "", at)
        if raised.type.rpartition(".")[2] in _GROUP:
            leaves, end = _leaves(lines, at)
            return leaves or [raised], end
        return [raised], at
    return [], min(len(lines), start + _LONGEST) - 1


def _is_frame(line: str) -> bool:
    text = line.lstrip(" |")
    return line.lstrip()[:1] == "|" and (line.lstrip()[1:4] == "   " or text.startswith(('File "', "^")))


def _leaves(lines: Sequence[str], start: int) -> tuple[list[_Raised], int]:
    leaves: list[_Raised] = []
    at = start
    for at in range(start + 1, min(len(lines), start + _LONGEST)):
        if lines[at].lstrip()[:1] not in ("|", "+"):
            return leaves, at - 1
        text = lines[at].lstrip(" |")
        found = _SURE.match(text)
        if found is not None and not _is_frame(lines[at]) and found[1].rpartition(".")[2] not in _GROUP:
            leaves.append(_Raised(found[1], found[2] or "", at))
    return leaves, at


def _linked(lines: Sequence[str], end: int) -> int | None:
    """The line of the next header of the same chain."""
    for at in range(end + 1, min(len(lines), end + 12)):
        text = lines[at].lstrip(" |")
        if text.startswith((_CAUSE, _DURING)):
            return next((n for n in range(at + 1, min(len(lines), at + 5)) if _HEADER.search(lines[n])), None)
        if _HEADER.search(lines[at]):
            return None
    return None


def _alone(lines: Sequence[str], at: int) -> _Raised | None:
    """An exception whose header is missing: a syntax error, or lines of one second that came out of order."""
    line = lines[at]
    bare = _BARE.match(line)
    if bare is not None:
        near = lines[max(0, at - 5) : at]
        return _Raised(bare[1], bare[2], at) if any(_FRAME.match(one) for one in near) else None
    found = _SURE.match(line)
    if found is None:
        return None
    near = (*lines[max(0, at - 20) : at], *lines[at + 1 : at + 20])
    if (
        "." in found[1]
        and found[1][0].islower()
        and not found[1].startswith(("java", "javax", "org.", "com.", "kotlin"))
    ):
        return _Raised(found[1], found[2] or "", at)
    return _Raised(found[1], found[2] or "", at) if any(_FRAME.match(one) for one in near) else None
