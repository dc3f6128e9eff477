"""What services use: processor, memory, ports. Each with all that it has started, but for what is a service itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import psutil

from cozydiag.host import Host
from cozydiag.managers.service import Condition

N = TypeVar("N", int, float)

SAMPLE = 0.2
"""Seconds over which the share of a processor is measured."""


class Usage(NamedTuple):
    """``cpu`` in percent of one processor, ``memory`` in bytes (resident); None where it may not be seen or nothing
    runs. ``ports`` are those on which it listens, over TCP."""

    cpu: float | None = None
    memory: int | None = None
    ports: tuple[int, ...] = ()


def usage(host: Host, services: Sequence[Condition]) -> list[Usage]:
    """In the order of ``services``; takes SAMPLE seconds when one of them runs."""
    mains = {pid for one in services for pid in one.pids}
    if not mains:
        return [Usage() for _ in services]
    below = _children()
    trees = [[pid for main in one.pids for pid in _tree(main, below, mains)] for one in services]
    every = {pid for tree in trees for pid in tree}
    first = {pid: _spent(pid) for pid in every}
    host.clock.sleep(SAMPLE)
    shares = {pid: _share(before, _spent(pid)) for pid, before in first.items()}
    memory = {pid: _resident(pid) for pid in every}
    ports = _ports()
    masters = _masters(services) - mains
    if masters & ports.keys():
        from cozydiag.stack.handed import handed

        for pid, more in handed(masters).items():
            ports.setdefault(pid, set()).update(more)
    return [
        Usage(
            _sum(shares[pid] for pid in tree),
            _sum(memory[pid] for pid in tree),
            tuple(sorted({port for pid in tree for port in ports.get(pid, ())})),
        )
        for tree in trees
    ]


def _masters(services: Sequence[Condition]) -> set[int]:
    """What listens for services in cluster mode, and is none of them itself: PM2's daemon."""
    found = set()
    for pid in (pid for one in services if one.mode == "cluster" for pid in one.pids):
        try:
            found.add(psutil.Process(pid).ppid())
        except psutil.Error:
            continue
    return found - {0, 1}


def _children() -> dict[int, list[int]]:
    below: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        below.setdefault(process.info["ppid"], []).append(process.pid)
    return below


def _tree(main: int, below: dict[int, list[int]], mains: set[int]) -> Iterator[int]:
    yield main
    for child in below.get(main, ()):
        if child not in mains:
            yield from _tree(child, below, mains)


def _spent(pid: int) -> float | None:
    try:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    except psutil.Error:
        return None


def _share(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else 100.0 * max(0.0, after - before) / SAMPLE


def _resident(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _ports() -> dict[int, set[int]]:
    """By process; those of other users are seen by root only."""
    found: dict[int, set[int]] = {}
    try:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.pid and one.laddr:
                found.setdefault(one.pid, set()).add(one.laddr.port)
    except psutil.Error:
        pass
    return found


def _sum(values: Iterable[N | None]) -> N | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
