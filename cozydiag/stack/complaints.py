"""What a running service writes of a known problem.

Its manager says that it is well, and anybody can have a line written: so this is a warning at most, and only while it
goes on. It counts when the same problem stands there several times and was written lately, by the present process and
not on its way up, and when nothing that can be seen says that it has passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cozydiag.findings import warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import LATELY, TIMES, clean, lately
from cozydiag.logs.records import Record, records
from cozydiag.managers import supervisord
from cozydiag.managers.service import Condition, Manager, State
from cozydiag.managers.supervisord import REACH, Program, Snapshot
from cozydiag.model import Finding
from cozydiag.rules import Hit
from cozydiag.stack import Stack
from cozydiag.stack.known import standing
from cozydiag.stack.ownership import dated_log
from cozydiag.stack.why import waits_for
from cozydiag.stack.words import name_of
from cozydiag.text import Seconds, t

_LINES = 300

GRAVE = 70
"""The rank from which on a rule is about the server; those below are about one request or the program's own text."""

_REQUEST = re.compile(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S")

_AHEAD = 5.0
"""Seconds; what is dated later than that has another zone or clock, and nobody knows when it was written."""


class Complaint(NamedTuple):
    """``line`` is the last of ``times``, written at ``last`` (epoch seconds)."""

    hit: Hit
    line: str
    times: int
    last: float


class Log(NamedTuple):
    """The clean ``lines`` of a service that runs since ``started``; the last was ``written`` then, where that is known:
    a line without a time counts only where it is that one. ``source`` is what people call it."""

    lines: list[str]
    role: str | None
    started: float
    source: str
    written: float | None = None


def heard(host: Host, stack: Stack, log: Log, *, failing: bool = False) -> Complaint | None:
    """The gravest problem that a log speaks of now. Of a service that is ``failing`` every word counts."""
    now = host.clock.now()
    since, times, grave = (lately(now, log.started), TIMES, GRAVE) if not failing else (log.started, 1, 0)
    found = list(_timed(list(records(log.lines, now)), log.written))
    texts, hits = standing(host, stack, found, log.role)
    record_of = [number for number, record in enumerate(found) for _ in record.lines]
    by_rule: dict[str, dict[int, Hit]] = {}
    for hit in hits:
        number = record_of[hit.line]
        at = found[number].at
        in_time = at is None or max(since, now - LATELY) <= at <= now + _AHEAD
        if hit.rule.rank >= grave and in_time and _is_own(texts[hit.line]):
            by_rule.setdefault(hit.rule.id, {})[number] = hit
    complaints = [
        Complaint(hit, texts[hit.line], len(mine), at)
        for mine in by_rule.values()
        if len(mine) >= times and (at := found[max(mine)].at) is not None
        for hit in (mine[max(mine)],)
    ]
    return max(complaints, key=lambda one: (one.hit.rule.rank, one.times, one.last), default=None)


def _timed(found: Sequence[Record], written: float | None) -> Iterator[Record]:
    """What carries no time was written after the record before it; the last one when the file was."""
    at: float | None = None
    for number, record in enumerate(found, 1):
        at = record.at if record.at is not None else written if number == len(found) and written else at
        yield record._replace(at=at)


def _is_own(line: str) -> bool:
    """No line about a request, which says what its sender likes, and none of the source that a traceback shows."""
    return not line.startswith(" ") and not _REQUEST.search(line)


def of_programs(host: Host, stack: Stack, ends: Sequence[tuple[Program, str, bytes]]) -> list[Finding]:
    """A warning about each program of supervisord that complains, from the ends of its logs."""
    found: dict[str, Finding] = {}
    for program, path, end in ends:
        log = _log(host, program, path, end)
        complaint = heard(host, stack, log) if program.name not in found else None
        if complaint is not None:
            waits = waits_for(stack, log.lines, program.role)
            name = name_of(program.role, program.name)
            found[program.name] = _warning(host, complaint, name, program.service, path)._replace(
                role=program.role, waits_for=(*waits, program.role) if program.role else waits
            )
    return list(found.values())


def _log(host: Host, program: Program, path: str, end: bytes) -> Log:
    state = host.stat(path)
    lines = [clean(line) for line in end.splitlines()]
    if len(end) >= REACH:
        del lines[:1]  # its beginning is missing
    written = None if isinstance(state, Failure) else state.st_mtime
    return Log(lines, program.role, program.start, path, written)


def _ends(host: Host, program: Program) -> list[tuple[Program, str, bytes]]:
    read = [(path, host.end(path, REACH)) for path in program.logs]
    return [(program, path, end) for path, end in read if isinstance(end, bytes)]


def _kept(host: Host, manager: Manager, found: Condition) -> Log | None:
    """What another manager has of it."""
    if found.state is not State.RUNNING or found.since is None:
        return None
    lines = dated_log(host, manager, found.service, _LINES)
    address = found.service.address
    return None if isinstance(lines, Failure) else Log(lines, found.role, found.since, f"{address} log")


def of_service(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding | None:
    """The warning about one service of any manager, where somebody asks for it alone."""
    seen = stack.supervisor(host) if stack.is_main(host, manager) else None
    program = seen.program(found.service.unit) if isinstance(seen, Snapshot) else None
    if program is not None:
        running = program.state == supervisord.RUNNING
        return next(iter(of_programs(host, stack, _ends(host, program))), None) if running else None
    log = _kept(host, manager, found)
    complaint = None if log is None else heard(host, stack, log)
    address = found.service.address
    return None if complaint is None else _warning(host, complaint, name_of(found.role, found.service.unit), address)


def sharper(host: Host, stack: Stack, finding: Finding) -> Finding:
    """A failure of a service that runs, with the known problem that its log names now. That it fails was seen; the log
    only says of what, so neither a restart nor its refusal follows from it."""
    for log in _logs(host, stack, finding.role):
        complaint = heard(host, stack, log, failing=True)
        if complaint is not None:
            return finding._replace(
                text=t("{text}: {cause}", text=finding.text, cause=complaint.hit.meaning),
                advice=complaint.hit.remedy,
                proof=host.see(log.source, complaint.line),
                certainty="likely",
                waits_for=(*finding.waits_for, *waits_for(stack, log.lines, finding.role)),
            )
    return finding


def _logs(host: Host, stack: Stack, role: str | None) -> Iterator[Log]:
    program = stack.program(host, role) if role else None
    if program is not None:
        yield from (_log(host, *end) for end in _ends(host, program))
        return
    for owned in stack.owned(host) if role else ():
        for found in () if isinstance(owned.services, Failure) else owned.services:
            if found.role == role and (log := _kept(host, owned.manager, found)) is not None:
                yield log


def _warning(host: Host, complaint: Complaint, name: str, address: str, path: str = "") -> Finding:
    return warn(
        "service.complains",
        t("{name} runs, but its log complains ({n} times, the last {age} ago): {cause}",
          name=name, n=complaint.times, age=Seconds(max(0.0, host.clock.now() - complaint.last)),
          cause=complaint.hit.meaning),
        complaint.hit.remedy,
        proof=host.see(path or f"{address} log", complaint.line),
        certainty="likely",
        restart_helps=False if complaint.hit.rule.restart_helps is False else None,
        by_hand=f"cozydiag logs {address}",
        affects=(),
        service=address,
    )  # fmt: skip
