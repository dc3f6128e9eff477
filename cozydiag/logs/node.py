"""Node's errors: codes, causes inside, several at once, and V8's own end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cozydiag.logs.caught import CUT, Caught

_HEAD = re.compile(
    r"^(?:Uncaught |Unhandled [Rr]ejection |\(node:\d+\) UnhandledPromiseRejectionWarning: |\w{0,20} ?- |\{ ?\[?|\[)?"
    r"((?:[A-Z]\w*)?(?:Error|Exception)|DOMException)(?: \[(\w+)\])?(?:: (.*)|:? ?\{?$|:$)"
)
_FRAME = re.compile(r"^\s+at .{1,300}[:)\]]|^\s+at .{0,300}:\d+:\d+|^\s+at <anonymous>")
_CAUSE = re.compile(r"^\s*\[cause\]: (?:\[)?([A-Z]\w*)(?: \[(\w+)\])?(?:: (.*))?$")
_INNER = re.compile(r"^\s+(?:\[)?([A-Z]\w*Error|Error)(?: \[(\w+)\])?: (.*)")
_CODE = re.compile(r"\bcode: '([A-Z][A-Z0-9_]{2,60})'")
_FATAL = re.compile(r"^(?:<--- .{0,80} --->)?FATAL ERROR: (.*)")
_REASON = re.compile(r'UnhandledPromiseRejection[:\]].{0,400}?with the reason "(.*)"\.')
_MORE = re.compile(r"\s|[}\])]|Require stack:|- /|Node\.js v|node:|$")
"""Beginnings of the lines that belong to an error above them."""

_LONGEST = 200


def caught(lines: Sequence[str]) -> Iterator[Caught]:
    """Each error with its innermost cause. A line that only looks like one (other languages have `XError: …` as well)
    counts where Node's own frames or code stand below it."""
    taken = -1
    for at, line in enumerate(lines):
        if at <= taken:
            continue
        if fatal := _FATAL.match(line):
            yield Caught("node", "FATAL ERROR", fatal[1][:CUT], at, at, at)
        elif reason := _REASON.search(line):
            yield Caught("node", "UnhandledPromiseRejection", reason[1][:CUT], at, at, at)
        elif (head := _HEAD.match(line)) is not None:
            end = _end(lines, at)
            if _is_nodes(lines, at, end):
                taken = end
                yield _innermost(lines, head, at, end)


def _end(lines: Sequence[str], at: int) -> int:
    end = at
    for number in range(at + 1, min(len(lines), at + _LONGEST)):
        if not _MORE.match(lines[number]) or (
            not lines[number] and not _FRAME.match("".join(lines[number + 1 : number + 2]))
        ):
            break
        end = number
    return end


def _is_nodes(lines: Sequence[str], at: int, end: int) -> bool:
    below = lines[at + 1 : end + 1]
    if any(re.match(r"^\s+at [\w.$/]+\([\w.$ ]+(?:\.java|\.kt|Native Method|Unknown Source)", one) for one in below):
        return False
    if any(_FRAME.match(one) or _CODE.search(one) or one.startswith("Require stack:") for one in below):
        return True
    return lines[at].startswith(("{ [", "Uncaught ", "(node:")) or bool(_CODE.search(lines[at]))


def _innermost(lines: Sequence[str], head: re.Match[str], at: int, end: int) -> Caught:
    kind, code, message = head.groups()
    line, outer = at, ""
    block = range(at + 1, end + 1)
    causes = [(number, found) for number in block if (found := _CAUSE.match(lines[number]))]
    inner = [(number, found) for number in block if (found := _INNER.match(lines[number]))]
    several = kind == "AggregateError" or not message
    chosen = causes[-1] if causes else inner[0] if inner and several else None
    if chosen is not None:
        outer = lines[at].strip()[:CUT]
        line, (kind, code, message) = chosen[0], chosen[1].groups()
        if kind == "AggregateError" and not message and inner:
            line, (kind, code, message) = inner[-1][0], inner[-1][1].groups()
    code = code or next((found[1] for number in range(line, end + 1) if (found := _CODE.search(lines[number]))), None)
    message = (message or "").rstrip("{ ").rstrip("]")
    if code and code not in message:
        message = f"{code}: {message}" if message else code
    return Caught("node", kind, message[:CUT], line, at, end, outer)
