"""The processes of StrongLoop PM, of now and of before, and what they make of a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.logs import one_line
from cozydiag.managers.containers import number, stamp, table
from cozydiag.managers.service import State

_RECENT: Final = 60.0  # seconds
_SHORT: Final = 15.0  # seconds of a life that was none
SUPERVISOR: Final = 0  # workerId of what starts the workers
_ASKED: Final = ("0", "SIGTERM", "StrongLoop")  # how a supervisor ends that was asked to
DYING: Final = (State.CRASH_LOOPING, State.FAILED, State.DEGRADED)


class Worker(NamedTuple):
    """A process, of now or of before. ``stopped`` is None while it lives."""

    instance: int
    worker: int
    pid: int
    parent: int
    started: float
    stopped: float | None
    reason: str
    port: int

    def was_short(self, now: float, supervisors: Sequence[int]) -> bool:
        """It died young a moment ago, and nobody wanted it to: after a restart by hand its supervisor is another, or
        was asked to end."""
        if self.stopped is None or now - self.stopped >= _RECENT or self.stopped - self.started >= _SHORT:
            return False
        return self.parent in supervisors if self.worker else bool(self.reason) and not self.reason.startswith(_ASKED)


def state_of(size: int, alive: Sequence[Worker], heads: Sequence[Worker], short: Sequence[Worker], now: float) -> State:
    """A worker that dies is started again every three seconds for ever; between two of them its supervisor is alone."""
    if size == 0:
        return State.STOPPED
    if len(short) >= 3 or (short and not alive):
        return State.CRASH_LOOPING
    if len(alive) >= size:
        return State.RUNNING
    if any(now - one.started < _SHORT for one in heads):
        return State.STARTING
    return State.DEGRADED if alive else State.FAILED


def worker(row: Mapping[str, Any]) -> Worker:
    sockets = row.get("listeningSockets")
    ports = [number(table(one).get("port")) for one in sockets] if isinstance(sockets, list) else []
    return Worker(
        number(row.get("serviceInstanceId")),
        number(row.get("workerId")),
        number(row.get("pid")),
        number(row.get("parentPid")),
        stamp(row.get("startTime")) or 0.0,
        stamp(row.get("stopTime")),
        one_line(str(row.get("stopReason") or ""), 80),
        next((port for port in ports if 0 < port < 65536), 0),
    )


def checked(host: Host, worker: Worker) -> Worker:
    """After its own restart it takes the processes of before for living."""
    if worker.stopped is not None:
        return worker
    process = host.process(worker.pid)
    gone = process is None or process.state == "Z"
    return worker._replace(stopped=worker.started, reason="") if gone else worker
