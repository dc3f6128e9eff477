"""What each run sees of the services, from one run to the next: who restarted them, who is well, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cozydiag.config.values import Repair
from cozydiag.repair.ledger import KEPT, SEEN, Act, Ledger, last
from cozydiag.repair.moments import Moment


class Seen(NamedTuple):
    """A service now. ``life`` tells its process from any other, "" where none can be seen. ``well``: nothing is wrong
    with it or with what it needs. ``failing``: it is a cause that an act would be for. ``age``: seconds that this
    process has run, as far as is known."""

    address: str
    life: str
    well: bool
    failing: bool
    age: float = 0.0


def observe(ledger: Ledger, rules: Repair, seen: Iterable[Seen]) -> None:
    """Write down what has changed. A restart is proven by the health that follows it, not by a moment of it."""
    for one in seen:
        _observe(ledger, rules, one)


def confirmed(ledger: Ledger, service: str, seconds: float, began: Moment) -> bool:
    """Whether an earlier run than the one that ``began`` saw it fail, at least so long ago, and none since saw it
    well."""
    since = Moment.read(ledger.state.service(service).get("failing"))
    if since is None:
        return False
    return since.age(ledger.clock) >= max(seconds, began.age(ledger.clock) + 1e-3)


def _observe(ledger: Ledger, rules: Repair, seen: Seen) -> None:
    before = ledger.state.service(seen.address)
    record, now = dict(before), Moment.now(ledger.clock)
    acts = [act for act in ledger.acts if act.service == seen.address]
    newest, ours = last(acts), last(act for act in acts if act.ours)
    if _by_others(before, seen, ours, now.boot):
        _note_other(ledger, seen.address, Moment(now.at - seen.age, now.boot, now.ticks - seen.age))
        newest, record["well"] = None, None
    if seen.life and _differs(before, seen, now.boot):
        record |= {"life": seen.life, "boot": now.boot, "well": None}
    record["entry"] = max(ours.entry if ours else 0, before.get("entry", 0))
    if not seen.well:
        record["well"] = None
    elif Moment.read(record.get("well")) is None:
        record["well"] = list(now)
    if not seen.failing:
        record["failing"] = None
    elif Moment.read(record.get("failing")) is None:
        record["failing"] = list(now)
    since = Moment.read(record.get("well"))
    if since is not None:
        _believe(ledger, rules, newest, since, record)
    if {key: value for key, value in record.items() if value} != {key: value for key, value in before.items() if value}:
        ledger.state.keep_service(seen.address, record)


def _believe(ledger: Ledger, rules: Repair, newest: Act | None, since: Moment, record: dict[str, Any]) -> None:
    """What long enough health proves and frees."""
    age = since.age(ledger.clock)
    if newest is not None and not newest.proven and newest.result in ("verified", "seen") and age >= rules.proven:
        entry = ledger.state.entry(newest.entry)
        if entry is not None and isinstance(entry.result, dict):
            ledger.state.update(newest.entry, entry.result | {"proven_at": ledger.clock.now()})
    if age >= rules.well:
        record |= {"held": None, "told": None}


def _differs(before: dict[str, Any], seen: Seen, boot: str) -> bool:
    return (before.get("life"), before.get("boot")) != (seen.life, boot)


def _by_others(before: dict[str, Any], seen: Seen, ours: Act | None, boot: str) -> bool:
    """It runs as another process than last time in this same boot, and no act of ours lies in between."""
    known = before.get("life")
    if not known or not seen.life or before.get("boot") != boot or known == seen.life:
        return False
    return ours is None or ours.entry <= before.get("entry", 0)


def _note_other(ledger: Ledger, service: str, moment: Moment) -> None:
    data = {"service": service, "verb": "restart", "by": "others", "moment": moment}
    entry = ledger.state.append(SEEN, data, at=moment.at)
    if entry is not None:
        ledger.state.update(entry, {"result": "seen"})
        ledger.state.forget(SEEN, KEPT)


def told(ledger: Ledger, service: str, code: str) -> bool:
    """Whether it was told already that nothing is done for this reason; from now on it is, until it has been well for
    long."""
    record = ledger.state.service(service)
    known = record.get("told")
    codes = known if isinstance(known, list) else []
    if code in codes:
        return True
    ledger.state.keep_service(service, record | {"told": [*codes, code]})
    return False
