"""The processes of a sandbox, found by what marks them, and their end."""

from __future__ import annotations

import os
import signal
import time

from cozydiag.sandbox.layout import Layout

MARK = "COZYDIAG_SANDBOX"
"""The environment variable that every program of a sandbox carries, with the folder as its value.

Whoever sets it marks the program for `end_all`.
"""


def running(layout: Layout) -> list[int]:
    """The pids of this sandbox: those whose environment has its mark or that work in its `run` folder.

    nginx overwrites its environment with its title, hence the second sign. Zombies have neither.
    """
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own and _marked(name, layout)]


def named(layout: Layout, name: str) -> list[int]:
    """The pids of this sandbox whose program has this name."""
    found = []
    for pid in running(layout):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read().strip() == name:
                    found.append(pid)
        except OSError:  # ended meanwhile
            pass
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def end_all(layout: Layout, grace: float = 6.0) -> None:
    """Ends every process of the sandbox: asks, and kills what has not ended after ``grace`` seconds."""
    deadline = time.monotonic() + grace
    send(running(layout), signal.SIGTERM)
    while pids := running(layout):
        if time.monotonic() > deadline:
            send(pids, signal.SIGKILL)
        time.sleep(0.05)


def supervisord_pid(layout: Layout) -> int:
    """The pid that supervisord wrote down, 0 when there is none."""
    try:
        with open(layout.path("supervisord.pid"), encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _marked(pid: str, layout: Layout) -> bool:
    try:
        if os.readlink(f"/proc/{pid}/cwd") == layout.work:
            return True
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARK}={layout.folder}".encode() in file.read().split(b"\0")
    except OSError:  # gone, or somebody else's
        return False
