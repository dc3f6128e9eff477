"""What managers and platforms say of lives: asked to start, started, asked to stop, stopped, crashed, given up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.logs.records import Record
from cozydiag.logs.signs import SIGNS, Kind, Sign


class Event(NamedTuple):
    """``record`` is the index of its record, ``sort`` the kind of line: one crash has several, one of each sort.
    ``number`` is the platform's own count of crashes, or the status of an answer; ``stamp`` its name for this one."""

    kind: Kind
    at: float | None
    record: int
    service: str
    instance: str
    detail: str
    sort: str
    number: int = 0
    stamp: str = ""


_ROUTER = re.compile(
    r'^\S+ - \[[^\]]{1,60}\] "(?P<request>[A-Z]{3,10} \S{1,300}) HTTP/[\d.]{1,4}" (?P<status>\d{3}|"-")'
)
_ACCESS = re.compile(r'"(?P<request>[A-Z]{3,10} \S{1,300}) HTTP/[\d.]{1,4}" (?P<status>\d{3})\b')
_PAYLOAD = re.compile(r'"(crash_count|crash_timestamp|reason|exit_description)"\s*=>\s*(?:"([^"]{0,300})"|(\d+))')


def events(records: Sequence[Record]) -> list[Event]:
    """In the order of the records; the lines of one crash are one event, and what was asked for is no crash."""
    found = [event for index, record in enumerate(records) for event in _of(index, record)]
    return _asked(_once(found))


def _of(index: int, record: Record) -> list[Event]:
    line = record.text.partition("\n")[0]
    if record.origin.startswith("RTR"):
        request = _ROUTER.match(line)
        return [_event("request", index, record, "rtr", request["request"], request["status"])] if request else []
    if record.origin.startswith(("CELL", "PROXY")) and "Exit status" in line:
        return []  # the health checker's and the proxy's own ends
    for sign in SIGNS:
        if sign.literal not in line or (sign.origins and not record.origin.startswith(sign.origins)):
            continue
        if found := sign.expression.search(line):
            return [_signed(sign, found, index, record)]
    answered = _ACCESS.search(line) if record.origin.startswith("APP") else None
    return [_event("answered", index, record, "access", answered["request"], answered["status"])] if answered else []


def _event(kind: Kind, index: int, record: Record, sort: str, request: str, status: str) -> Event:
    return Event(kind, record.at, index, "app", "", request, sort, int(status) if status.isdigit() else 0)


def _signed(sign: Sign, found: re.Match[str], index: int, record: Record) -> Event:
    groups = found.groupdict()
    service = groups.get("service") or ("app" if sign.sort.startswith("cf-") else record.origin)
    instance = groups.get("instance") or ""
    detail, count, stamp = groups.get("detail") or "", 0, ""
    if sign.sort == "cf-exited":
        payload = {name: text or number for name, text, number in _PAYLOAD.findall(detail)}
        count, stamp = int(payload.get("crash_count") or 0), payload.get("crash_timestamp", "")
        detail = payload.get("exit_description", "")
    return Event(sign.kind, record.at, index, service, instance, detail, sign.sort, count, stamp)


_SAME = 5.0
"""Seconds within which different lines speak of the same crash."""

_OBEYS = 20.0
"""Seconds after a request to stop within which an end is what was asked for."""


def _once(found: Sequence[Event]) -> list[Event]:
    """Of the lines about one crash the first, with what the others know."""
    kept: list[Event] = []
    open_: dict[str, tuple[int, set[str]]] = {}  # service: place of its crash in ``kept``, and the sorts seen of it
    stamps: set[str] = set()
    for event in found:
        if event.kind != "crashed":
            if event.kind in ("start_asked", "started"):
                open_.pop(event.service, None)
            kept.append(event)
            continue
        if event.stamp and event.stamp in stamps:
            continue
        stamps |= {event.stamp} - {""}
        place, sorts = open_.get(event.service, (-1, set()))
        if place >= 0 and event.sort not in sorts and _near(kept[place], event):
            kept[place] = kept[place]._replace(
                number=event.number or kept[place].number, detail=kept[place].detail or event.detail
            )
            sorts.add(event.sort)
        else:
            open_[event.service] = (len(kept), {event.sort})
            kept.append(event)
    return kept


def _near(one: Event, other: Event) -> bool:
    return one.at is None or other.at is None or abs(other.at - one.at) <= _SAME


def _asked(found: Sequence[Event]) -> list[Event]:
    """A crash right after a request to stop is that stop."""
    asked: dict[str, Event] = {}
    kept = []
    for event in found:
        if event.kind == "stop_asked":
            asked[event.service] = event
        elif event.kind in ("start_asked", "started"):
            asked.pop(event.service, None)
        elif event.kind == "crashed" and (request := asked.get(event.service)) is not None:
            late = event.at is not None and request.at is not None and event.at - request.at > _OBEYS
            event = event if late else event._replace(kind="stopped")  # noqa: PLW2901
        elif event.sort == "cf-destroyed" and event.service not in asked:
            continue  # what is left of a crash is cleared away as well
        kept.append(event)
    return kept
