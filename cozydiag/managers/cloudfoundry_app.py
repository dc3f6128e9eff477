"""An app of Cloud Foundry: its instances, its crashes and the lines of its log, as the API and log-cache give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from cozydiag.host.logs import clean, one_line
from cozydiag.managers.containers import number, stamp, table
from cozydiag.managers.service import State

SETTLED: Final = 300.0
"""Seconds up after which crashes are forgotten (diego, `bbs/models/restart_calculator.go`)."""


class Instance(NamedTuple):
    """One of an app's, by its number. ``up`` is in seconds; ``details`` says why there is no place for it."""

    place: int
    state: str
    up: float
    details: str


class Crash(NamedTuple):
    at: float
    words: str


def state_of(instances: Sequence[Instance], crashes: Sequence[Crash]) -> State:
    """CRASHED instances are started again, later each time (16 minutes at most). `cf start` calls it a success when
    any instance was up for a moment."""
    running = [one for one in instances if one.state == "RUNNING"]
    states = {one.state for one in instances}
    young = [one for one in running if one.up < SETTLED and not _outlived(one, crashes)]
    if not instances:
        return State.STOPPED
    if len(running) == len(instances):
        return State.CRASH_LOOPING if len(crashes) >= 3 and young else State.RUNNING
    if running:
        return State.DEGRADED
    if "CRASHED" in states or len(crashes) >= 2:
        return State.CRASH_LOOPING
    if any(one.details for one in instances):
        return State.FAILED
    on_its_way = (one for one in (State.STARTING, State.STOPPING) if one.name in states)
    return next(on_its_way, State.FAILED)


def _outlived(running: Instance, crashes: Sequence[Crash]) -> bool:
    """It has been up twice as long as any of those between two crashes: whatever killed them has been mended."""
    gaps = [later.at - earlier.at for later, earlier in pairwise(crashes)]
    return running.up > 2 * max(gaps, default=SETTLED) + 1


def instance(row: Mapping[str, Any]) -> Instance:
    up = row.get("uptime")
    return Instance(
        number(row.get("index")),
        one_line(str(row.get("state") or "UNKNOWN"), 40),
        float(up) if isinstance(up, (int, float)) else 0.0,
        one_line(str(row.get("details") or ""), 300),
    )


def crash(row: Mapping[str, Any]) -> Crash:
    data = table(row.get("data"))
    words = one_line(str(data.get("exit_description") or data.get("reason") or ""), 300)
    return Crash(stamp(row.get("created_at")) or 0.0, words)


def lines_of(envelope: Mapping[str, Any]) -> list[str]:
    """The lines of one envelope, each with its source before it. Requests of visitors (RTR) are no reason for a death,
    and would hide it."""
    import binascii
    from base64 import b64decode

    source = str(table(envelope.get("tags")).get("source_type") or "")
    if source.startswith("RTR"):
        return []
    try:
        payload = b64decode(str(table(envelope.get("log")).get("payload") or ""))
    except (ValueError, binascii.Error):
        return []
    head = f"[{clean(source, 40)}/{clean(str(envelope.get('instance_id', '')), 10)}] "
    return [head + clean(line) for line in payload.splitlines() if line.strip()]
