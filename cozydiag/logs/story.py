"""What happened, in order: what a manager asked for, what came of it, requests, crashes and their causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from cozydiag.logs.events import Event
from cozydiag.logs.signs import Kind as SignKind
from cozydiag.rules import Hit, best
from cozydiag.rules.scan import is_source

Kind = Literal[SignKind, "cause", "requests"]


class Happening(NamedTuple):
    """One line of the story. ``times`` is how often it came in a row, until ``last``; ``status`` that of an answer."""

    kind: Kind
    at: float | None
    service: str
    detail: str
    times: int = 1
    last: float | None = None
    hit: Hit | None = None
    status: int = 0


_FEW: Final = 3
"""Requests in a row that are told one by one."""

_ROUND: Final = 6
"""Kinds of happenings that may make up one round of a loop."""


def story(events: Sequence[Event], hits: Sequence[Hit], record_of: Sequence[int]) -> list[Happening]:
    """The events with the causes between them; what comes again and again is told once, with its count."""
    together: dict[int, list[Hit]] = {}
    for hit in hits:
        together.setdefault(record_of[hit.line], []).append(hit)
    causes = {record: cause for record, mine in together.items() if (cause := best(mine)) is not None}
    told = [*((event.record, 1, _of(event)) for event in _paired(events))]
    told += [(record, 0, _cause(hit)) for record, hit in causes.items()]
    return _rounds(_requests(_plain(happening for *_, happening in sorted(told, key=lambda one: one[:2]))))


def _of(event: Event) -> Happening:
    status = event.number if event.kind in ("request", "answered") else 0
    return Happening(event.kind, event.at, event.service, event.detail, 1, event.at, None, status)


def _cause(hit: Hit) -> Happening:
    return Happening("cause", None, "", hit.rule.id, 1, None, hit)


def _paired(events: Sequence[Event]) -> list[Event]:
    """Each answer has its request before it: a router writes of it when it is answered, a program writes one line."""
    kept: list[Event] = []
    open_: list[str] = []  # requests without an answer yet
    late: list[str] = []  # answers whose request the router may still write
    for event in events:
        if event.kind == "request" and event.detail in late:
            late.remove(event.detail)
            continue
        if event.kind == "request":
            open_.append(event.detail)
        elif event.kind == "answered" and event.detail in open_:
            open_.remove(event.detail)
        elif event.kind == "answered":
            late.append(event.detail)
            kept.append(event._replace(kind="request"))
        kept.append(event)
    return kept


def _plain(happenings: Iterable[Happening]) -> list[Happening]:
    """Without what another line says as well: that a start was asked for, where it came; the same twice in a row."""
    kept: list[Happening] = []
    for one in happenings:
        before = kept[-1] if kept else one
        if before.kind == "start_asked" and one.kind in ("request", "answered"):
            kept[-1] = before._replace(kind="started")  # who answers has started, whether anybody says so or not
        if before.kind == "start_asked" and one.kind in ("started", "start_asked"):
            if before is not one and (before.service == one.service or one.kind == "started"):
                kept.pop()
        elif before is not one and one.kind in ("stopped", "stop_asked", "cause") and _key(one) == _key(before):
            if before.hit is not None and is_source(before.hit):
                kept[-1] = before._replace(hit=one.hit)
            continue
        kept.append(one)
    return kept


def _requests(happenings: Sequence[Happening]) -> list[Happening]:
    """More than a few requests in a row are one line."""
    kept: list[Happening] = []
    row: list[Happening] = []
    for one in (*happenings, None):
        if one is not None and one.kind in ("request", "answered"):
            row.append(one)
            continue
        asked = [each for each in row if each.kind == "request"] or row
        if len(asked) > _FEW:
            kept.append(Happening("requests", row[0].at, "", "", len(asked), row[-1].at))
        else:
            kept += row
        row = []
        kept += [one] if one is not None else []
    return kept


def _rounds(happenings: Sequence[Happening]) -> list[Happening]:
    """What comes round again and again (start, cause, crash) is told once, with how often."""
    kept: list[Happening] = []
    at = 0
    while at < len(happenings):
        size, times = _repeats(happenings, at)
        last = happenings[at + size * times - 1]
        for one in happenings[at : at + size]:
            kept.append(one._replace(times=times, last=last.at) if times > 1 else one)
        at += size * times
    return kept


def _repeats(happenings: Sequence[Happening], at: int) -> tuple[int, int]:
    """The size of the round that begins at ``at``, and how often it comes."""
    longest = (1, 1)
    for size in range(1, _ROUND + 1):
        times = 1
        while _same(happenings, at, at + size * times, size):
            times += 1
        if times > 1 and size * times > longest[0] * longest[1]:
            longest = (size, times)
    return longest


def _same(happenings: Sequence[Happening], one: int, other: int, size: int) -> bool:
    if other + size > len(happenings):
        return False
    return all(_key(a) == _key(b) for a, b in zip(happenings[one:], happenings[other : other + size], strict=False))


def _key(one: Happening) -> tuple[str, str, str]:
    detail = one.detail if one.kind in ("cause", "request", "answered") else ""
    return one.kind, one.service, detail


def timed(happenings: Sequence[Happening], records: Mapping[int, float | None]) -> list[Happening]:
    """With the times of causes filled in from their lines."""
    return [
        one._replace(at=records.get(one.hit.line), last=one.last or records.get(one.hit.line)) if one.hit else one
        for one in happenings
    ]
