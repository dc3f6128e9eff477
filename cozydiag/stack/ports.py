"""Who holds a port that somebody else should have."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cozydiag.host import Host, Listener


class Holder(NamedTuple):
    """The program that listens on a port. ``pid`` is 0 where it may not be seen."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (PID {self.pid})" if self.pid else self.program


def holder(host: Host, port: int, beside: int = 0, likely: Collection[int] = ()) -> Holder | None:
    """Who listens on ``port``, unless it is process ``beside`` or a descendant; None when nobody does.

    ``likely`` processes are asked first: looking through the descriptors of all costs a whole interpreter.
    """
    listeners = host.listeners(port)
    return holder_of(host, listeners[0], beside, likely) if listeners else None


def holder_of(host: Host, listener: Listener, beside: int = 0, likely: Collection[int] = ()) -> Holder | None:
    """The same for a socket that was seen: the kernel's table of sockets is long on a busy machine."""
    pid = (host.owner(listener.inode, likely) if likely else None) or host.owner(listener.inode)
    if pid is None:
        return Holder(0, "another program")
    if beside and (pid == beside or host.descends(pid, beside)):
        return None
    process = host.process(pid)
    if process is None:
        return Holder(0, "another program")
    script = next((word for word in process.cmdline[1:] if not word.startswith("-")), "")
    return Holder(pid, f"{process.name} {script}".strip()[:80])


def state_of(host: Host, port: int, likely: int = 0) -> str:
    """The letter of /proc/PID/stat of who listens on ``port`` (T: stopped by a signal); "" when unknown. ``likely`` is
    asked first, as in `holder`."""
    for listener in host.listeners(port):
        pid = (host.owner(listener.inode, (likely,)) if likely else None) or host.owner(listener.inode)
        process = host.process(pid) if pid else None
        if process is not None:
            return process.state
    return ""
