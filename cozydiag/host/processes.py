"""Processes, straight from /proc (proc_pid_stat(5)): a tenth of what a library costs to import."""

import os
import signal
import time
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from cozydiag.host import files
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line

COMM_LENGTH = 15  # the kernel keeps so much of a program's name


class Process(NamedTuple):
    """A process. ``state`` is the letter of /proc/PID/stat (Z: ended, not yet collected by its
    parent; D: waits for a disk; T: stopped). ``started`` is in epoch seconds; ``uid`` the effective user.
    ``terminal``: it belongs to one, and ends with it unless it takes care."""

    pid: int
    ppid: int
    state: str
    name: str
    started: float
    cmdline: tuple[str, ...]
    uid: int
    terminal: bool = False


def pids() -> Iterator[int]:
    """All processes that can be seen, lowest number first."""
    yield from sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def process(pid: int) -> Process | None:
    """What is known of ``pid``, None when there is no such process (any more)."""
    line = _of(pid, "stat")
    opening, closing = line.find(b"("), line.rfind(b")")  # a name may contain both, and blanks
    fields = line[closing + 1 :].split()
    if opening < 0 or len(fields) < 20:
        return None
    arguments = _of(pid, "cmdline").rstrip(b"\0")
    return Process(
        pid=pid,
        ppid=int(fields[1]),
        state=fields[0].decode("ascii", "replace"),
        name=one_line(line[opening + 1 : closing]),
        started=_boot_time() + int(fields[19]) / os.sysconf("SC_CLK_TCK"),
        cmdline=tuple(one_line(argument) for argument in arguments.split(b"\0")) if arguments else (),
        uid=_effective_user(pid),
        terminal=fields[4] != b"0",
    )


def find(names: Collection[str]) -> list[Process]:
    """The processes whose program has one of these names (as `comm`: a path and arguments play no part)."""
    wanted = {os.fsencode(name)[:COMM_LENGTH] for name in names}
    matching = (process(pid) for pid in pids() if _of(pid, "comm").rstrip(b"\n") in wanted)
    return [found for found in matching if found is not None]


def descends(pid: int, ancestor: int) -> bool:
    """Whether ``ancestor`` is the parent of ``pid``, or a parent's parent."""
    seen: set[int] = set()
    current = process(pid)
    while current is not None and current.pid not in seen:
        if current.ppid == ancestor:
            return True
        seen.add(current.pid)
        current = process(current.ppid)
    return False


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started and not lost (proc_pid_task_children(5)); all are looked through where
    the kernel keeps no such file."""
    content = files.read(f"/proc/{pid}/task/{pid}/children", max_bytes=1 << 20)
    if not isinstance(content, Failure):
        return [int(word) for word in content.split()]
    return [found.pid for found in map(process, pids()) if found is not None and found.ppid == pid]


class Descriptors(NamedTuple):
    """How many files and connections a process has open, and how many it may."""

    used: int
    limit: int


def descriptors(pid: int) -> Descriptors | None:
    """None where this user may not look."""
    names = files.listdir(f"/proc/{pid}/fd")
    for line in _of(pid, "limits").splitlines():
        words = line.split()
        if line.startswith(b"Max open files") and words[3].isdigit() and not isinstance(names, Failure):
            return Descriptors(len(names), int(words[3]))
    return None


def wake(pid: int) -> bool:
    """Let ``pid`` and what it has started go on where a signal stopped them (SIGCONT); whether one was stopped.

    What is stopped cannot end in an orderly way: killed instead, a master leaves workers behind that hold its port.
    """
    found = process(pid)
    if found is None:
        return False
    below = [wake(child) for child in children(pid)]  # all of them, not up to the first that was stopped
    woken = any(below)
    if found.state not in "Tt":
        return woken
    try:
        os.kill(pid, signal.SIGCONT)
    except OSError:  # gone, or not ours
        return woken
    return True


def pid_from_file(path: str) -> int | None:
    """The number in a pid file; None when there is no file or no number. Says nothing of the process."""
    content = files.read(path, max_bytes=64)
    if isinstance(content, Failure):
        return None
    words = content.split()[:1]
    if not words or not words[0].isdigit() or len(words[0]) > 10:
        return None
    return int(words[0]) or None


def _of(pid: int, name: str) -> bytes:
    """A file of /proc/PID, empty when it is gone or closed to us."""
    content = files.read(f"/proc/{pid}/{name}", max_bytes=65536)
    return b"" if isinstance(content, Failure) else content


def _effective_user(pid: int) -> int:
    """Not the owner of /proc/PID: that is root for every process that has changed its user."""
    for line in _of(pid, "status").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[2])
    return -1


@lru_cache(maxsize=1)
def _boot_time() -> float:
    """When the machine started. Not btime of /proc/stat, which is in whole seconds: files are compared with it."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
