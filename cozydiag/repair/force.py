"""The end of a process that does not end: only where a person asked for it with --force."""

from __future__ import annotations

import os
import signal

from cozydiag.host import Host

_TIME = 20.0
"""Seconds between SIGTERM and SIGKILL."""


def end(host: Host, pid: int) -> bool:
    """SIGTERM, and SIGKILL for what is left after its time; whether it has ended. Only this very process: a number can
    be given anew."""
    before = host.process(pid)
    for number, seconds in ((signal.SIGTERM, _TIME), (signal.SIGKILL, 5.0)):
        now = host.process(pid)
        if before is None or now is None or now.started != before.started or now.state == "Z":
            return True
        try:
            os.kill(pid, number)
        except OSError:  # it has ended meanwhile, or is not ours
            return host.process(pid) is None
        last = host.clock.monotonic() + seconds
        while host.clock.monotonic() < last and _lives(host, pid, now.started):
            host.clock.sleep(0.2)
    return not _lives(host, pid, before.started if before else 0.0)


def _lives(host: Host, pid: int, started: float) -> bool:
    found = host.process(pid)
    return found is not None and found.state != "Z" and found.started == started
