"""What was done to which service lately, by whomever, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cozydiag.config.values import Repair
from cozydiag.host import Clock
from cozydiag.repair.moments import Moment
from cozydiag.state import DAMAGED, Entry, State

ACT, SEEN, GATE = "act", "seen", "gate"
"""The kinds of lines in the journal: what cozydiag did; a restart that others did; why nothing was done."""

KEPT = 2000
"""Lines of each kind that the journal keeps."""

_REACH = 300  # lines: more than the budgets of a day allow for
HOUR, DAY = 3600.0, 86400.0


class Act(NamedTuple):
    """A start, restart or reload, ``age`` seconds ago. ``result`` is None where cozydiag was cut off: that counts as
    used. ``ours``: not seen to have been done by others. ``proven``: followed by enough health."""

    entry: int
    service: str
    verb: str
    age: float
    result: str | None
    proven: bool
    ours: bool


class Ledger:
    """The acts of the journal, newest last, seen from now."""

    def __init__(self, state: State, clock: Clock) -> None:
        self.state = state
        self.clock = clock
        entries = sorted((*state.latest(ACT, _REACH), *state.latest(SEEN, _REACH)))
        self.acts = tuple(act for act in map(self._act, entries) if act is not None)

    def of(self, service: str) -> tuple[Act, ...]:
        """Those of one service since its budget was last reset."""
        reset = Moment.read(self.state.service(service).get("reset"))
        limit = float("inf") if reset is None else reset.age(self.clock)
        return tuple(act for act in self.acts if act.service == service and act.age <= limit)

    def unproven(self, service: str, rules: Repair) -> int:
        """How many within the window did not help for long enough."""
        return sum(not act.proven and act.age < rules.window for act in self.of(service))

    def waits(self, service: str, rules: Repair) -> float:
        """Seconds of its cool-down that are left."""
        newest = min(self.of(service), key=lambda act: act.age, default=None)
        if newest is None or newest.proven:
            return 0.0
        number = min(max(1, self.unproven(service, rules)), len(rules.cooldown))
        return max(0.0, rules.cooldown[number - 1] - newest.age)

    def all_ours(self) -> tuple[Act, ...]:
        """Those of cozydiag to all services that the budget of the hour counts."""
        reset = Moment.read(self.state.get("repair.reset"))
        limit = float("inf") if reset is None else reset.age(self.clock)
        return tuple(act for act in self.acts if act.ours and act.age < min(HOUR, limit))

    def helped(self, service: str, verb: str) -> tuple[int, int, int]:
        """How often that was tried and its end is known, how often what failed was well afterwards, and how often
        health has proven it since."""
        acts = [act for act in self.acts if (act.service, act.verb, act.ours) == (service, verb, True)]
        known = [act for act in acts if act.result is not None]
        return len(known), sum(act.result == "verified" for act in known), sum(act.proven for act in known)

    def damaged(self) -> float | None:
        """Seconds since a damaged memory was set aside, within the last day: what was spent before is not known."""
        found = self.state.get(DAMAGED)
        if not isinstance(found, dict) or not isinstance(found.get("at"), (int, float)):
            return None
        age = max(0.0, self.clock.now() - found["at"])
        return age if age < DAY else None

    def _act(self, entry: Entry) -> Act | None:
        data: dict[str, Any] = entry.data if isinstance(entry.data, dict) else {}
        if data.get("verb") not in ("start", "restart", "reload") or not isinstance(data.get("service"), str):
            return None
        moment = Moment.read(data.get("moment")) or Moment(entry.at, "", 0.0)
        result = entry.result if isinstance(entry.result, dict) else {}
        ours = entry.kind == ACT
        proven = "proven_at" in result
        return Act(entry.id, data["service"], data["verb"], moment.age(self.clock), result.get("result"), proven, ours)


def last(acts: Iterable[Act]) -> Act | None:
    """The newest."""
    return max(acts, key=lambda act: act.entry, default=None)
