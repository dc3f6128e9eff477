"""What a dead service's last words mean, by the rules about logs. That it is dead is said by its manager; words alone
would be no reason to say so, for anybody can have a line written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.logs.exceptions import exceptions
from cozydiag.logs.records import Record, records
from cozydiag.model import Certainty
from cozydiag.rules import Hit, Scanner, best, load
from cozydiag.rules.files import beside
from cozydiag.stack import Stack
from cozydiag.text import Text, t

LAST = 25
"""Lines in which a cause counts before all that stand above them: these may speak of a fault that was mended."""

REPEATED = 3
"""Times that a line must have come to be certain where no exception ends in it."""

_ROOM = frozenset({"disk-full", "couch-erlang-disk"})
_PATHS = ("/", "/var", "/srv", "/home", "/tmp", "/opt")  # noqa: S108
_FULL = 97.0
"""Percent of a disk's room or inodes from which on it can be full for an ordinary user."""


class Known(NamedTuple):
    meaning: Text
    remedy: Text
    line: str
    restart_helps: bool | None
    certainty: Certainty


def cause(host: Host, stack: Stack, lines: Sequence[str], role: str | None) -> Known | None:
    """The known cause that ``lines``, oldest first, name. What can be seen not to be so any more is left out: a port
    that is free again, one that is listened on again, a disk that has room. That the ``role``'s own port is taken has
    been told before."""
    texts, hits = standing(host, stack, list(records(lines)), role)
    chosen = best(hit for hit in hits if hit.line >= len(texts) - LAST) or best(hits)
    if chosen is None:
        return None
    times = sum(hit.rule.id == chosen.rule.id for hit in hits)
    final = any(one.line == chosen.line for one in exceptions(texts))
    certainty: Certainty = "certain" if final or times >= REPEATED else "likely"
    return Known(chosen.meaning, chosen.remedy, texts[chosen.line], chosen.rule.restart_helps, certainty)


def standing(host: Host, stack: Stack, found: Sequence[Record], role: str | None) -> tuple[list[str], list[Hit]]:
    """The lines of records, and the causes in them of which nothing shows that they have passed."""
    told = [(line, record.origin) for record in found for line in record.lines]
    texts = [text for text, _ in told]
    scanner = Scanner(load(beside(stack.config.drop_ins)).rules.values())
    seen = [hit for hit in scanner.hits(texts, [origin for _, origin in told]) if hit.rule.role == "cause"]
    passed = {hit.rule.id for hit in seen if _has_passed(host, stack, hit, role)}
    return texts, [hit for hit in seen if hit.rule.id not in passed]


def advice(known: Known, *, starts_by_itself: bool) -> Text:
    """What to do; where no restart helps before that, and nobody will start it afterwards, that too."""
    if known.restart_helps is not False or starts_by_itself:
        return known.remedy
    return t("{remedy} Only when that is done, start it:", remedy=known.remedy)


def final(lines: Sequence[str]) -> str:
    """The line of the last exception, "" where there is none: what nobody has a rule for still has a name."""
    texts = [line for record in records(lines) for line in record.lines]
    found = exceptions(texts)
    return texts[found[-1].line] if found else ""


_REFUSED = frozenset({"node-econnrefused", "conn-refused"})
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  it is read, not listened on

_PORT = frozenset({
    "node-eaddrinuse", "port-in-use", "couch-eaddrinuse", "nginx-bind", "apache-bind", "redis-bind", "docker-port",
})  # fmt: skip


def _has_passed(host: Host, stack: Stack, hit: Hit, role: str | None) -> bool:
    if hit.rule.id in _PORT:
        port = hit.values.get("port", "")
        return not host.listeners(int(port)) if port else stack.address_of(role) is not None
    if hit.rule.id in _REFUSED:
        here = hit.values.get("host", "").strip("[]") in _LOCAL
        return here and bool(host.listeners(int(hit.values.get("port", "0"))))
    if hit.rule.id in _ROOM:
        disks = [disk for path in _PATHS if not isinstance(disk := host.disk(path), Failure)]
        return bool(disks) and all(max(disk.percent, disk.inodes_percent) < _FULL for disk in disks)
    return False
