"""One at a time: a lock between processes that the kernel lets go of when its holder dies, however it dies."""

import fcntl
import os
from typing import NamedTuple

from cozydiag.state.folder import reason
from cozydiag.text import Text, t


class LockBusy(NamedTuple):
    """The lock was not taken. ``held``: somebody has it, else nobody can take it here. ``pid`` is its holder's, None
    where it cannot be told."""

    name: str
    why: Text
    pid: int | None = None
    held: bool = False


class Lock:
    """A lock that is held, until the ``with`` it is used in ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def take(folder: str, name: str) -> Lock | LockBusy:
    """Take the lock ``name`` now, or say who has it. Its file stays: removing one would race with the next to come."""
    path = os.path.join(folder, f"{name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return LockBusy(name, t("{path} cannot be locked: {why}", path=path, why=reason(error)))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        busy = _busy(name, path, descriptor, error)
        os.close(descriptor)
        return busy
    _write_holder(descriptor)
    return Lock(descriptor)


def _busy(name: str, path: str, descriptor: int, error: OSError) -> LockBusy:
    if not isinstance(error, BlockingIOError):
        return LockBusy(name, t("{path} cannot be locked: {why}", path=path, why=reason(error)))
    holder = os.pread(descriptor, 20, 0).strip()
    if not holder.isdigit():
        return LockBusy(name, t("another cozydiag is at work here"), held=True)
    return LockBusy(name, t("another cozydiag is at work here (PID {pid})", pid=int(holder)), int(holder), held=True)


def _write_holder(descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except OSError:  # a full disk: the lock holds all the same, only its holder cannot be named
        pass
