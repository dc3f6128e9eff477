"""What the proxies' own tests of their configuration say, read into one form."""

from __future__ import annotations

import re
from typing import NamedTuple

from cozydiag.host.commands import Completed
from cozydiag.host.logs import one_line
from cozydiag.proxies.protocol import Mistake

_PLACES = {
    "nginx": (re.compile(r"\[(?:emerg|alert)\](?: \d+#\d+:)? (?P<message>.+?)(?: in (?P<path>/\S+):(?P<line>\d+))?$"),),
    "apache": (
        re.compile(r"Syntax error on line (?P<line>\d+) of (?P<path>/[^\s:]+):\s*$"),
        re.compile(r"(?P<path>/[^\s:]+):(?P<line>\d+): (?P<message><.+)$"),
        re.compile(r".*Syntax error on line (?P<line>\d+) of (?P<path>/[^\s:]+): (?P<message>.+)$"),
        re.compile(r"(?P<message>\(\d+\).*AH\d{5}: .+|.*AH00016.*|.*AH0(?:2|1)\d{3}: .+)$"),
    ),
    "caddy": (
        re.compile(r"Error: .*?(?P<path>/[^\s:]+):(?P<line>\d+) - (?P<message>.+)$"),
        re.compile(r"Error: .*?(?P<path>/[^\s:]+):(?P<line>\d+): (?P<message>.+)$"),
        re.compile(r"Error: (?P<message>.+)$"),
    ),
    "haproxy": (
        re.compile(r"\[ALERT\].*?: \[?(?:parsing \[)?(?P<path>/[^\s:\]]+):(?P<line>\d+)\] : (?P<message>.+)$"),
        re.compile(r"\[ALERT\].*? : config : (?P<message>Proxy .+)$"),
        re.compile(r"\[ALERT\].*? : (?:config : )?(?P<message>.+)$"),
    ),
}
_PREFIX = re.compile(r"^(?:loading http app module: |provision http: |getting tls app: |loading tls app module: )+")


class Tested(NamedTuple):
    """``mistakes`` keep the proxy from starting. ``closed``: files that this user may not read, so that the test says
    nothing."""

    mistakes: tuple[Mistake, ...] = ()
    closed: tuple[str, ...] = ()


def tested(proxy: str, done: Completed) -> Tested:
    """What the test of ``proxy`` (`Proxy.name`) said. Some say "OK" to what they cannot start with: not their fault,
    so nothing is read into a 0."""
    lines = one_by_one(done)
    if done.code == 0:
        return Tested()
    closed = tuple(dict.fromkeys(path for line in lines for path in _closed(line)))
    if closed:
        return Tested(closed=closed)
    mistake = _mistake(proxy, lines)
    if mistake is None:
        last = lines[-1] if lines else f"exit {done.code}"
        mistake = Mistake("", 0, last)
    return Tested((mistake,))


def one_by_one(done: Completed) -> list[str]:
    """All that was said, errors first, a line each, harmless."""
    text = done.stderr + b"\n" + done.stdout
    return [line for raw in text.splitlines() if (line := one_line(raw, 400).strip())]


def _closed(line: str) -> list[str]:
    if "ermission denied" not in line or "bind()" in line:
        return []
    return re.findall(r"/[^\s\"',:)]+", line)[:1]


def _mistake(proxy: str, lines: list[str]) -> Mistake | None:
    for pattern in _PLACES[proxy]:
        for number, line in enumerate(lines):
            found = pattern.search(line)
            if found is None:
                continue
            parts = found.groupdict()
            message = parts.get("message") or (lines[number + 1] if number + 1 < len(lines) else "")
            return Mistake(parts.get("path") or "", int(parts.get("line") or 0), _PREFIX.sub("", message).strip(" '"))
    return None
