"""Who holds a port that somebody else should have."""

from collections.abc import Collection
from typing import NamedTuple

from cozydiag.host import Host, Listener, Process


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
    if not listeners:
        return None
    pid = owner_of(host, listeners[0], likely)
    if pid and beside and (pid == beside or host.descends(pid, beside)):
        return None
    return called(host.process(pid) if pid else None)


def owner_of(host: Host, listener: Listener, likely: Collection[int] = ()) -> int | None:
    """The process that holds a socket, ``likely`` ones asked first; None where it may not be seen."""
    return (host.owner(listener.inode, likely) if likely else None) or host.owner(listener.inode)


def called(process: Process | None) -> Holder:
    """What people know a process by: its program, and the script that this runs."""
    if process is None:
        return Holder(0, "another program")
    script = next((word for word in process.cmdline[1:] if not word.startswith("-")), "")
    return Holder(process.pid, f"{process.name} {script}".strip()[:80])


def state_of(host: Host, port: int, likely: int = 0) -> str:
    """The letter of /proc/PID/stat of who listens on ``port`` (T: stopped by a signal); "" when unknown. ``likely`` is
    asked first, as in `holder`."""
    for listener in host.listeners(port):
        pid = owner_of(host, listener, (likely,) if likely else ())
        process = host.process(pid) if pid else None
        if process is not None:
            return process.state
    return ""
