"""Packages that are installed by half, and who holds Debian's package manager."""

from __future__ import annotations

import os
import re

from cozydiag.findings import ok, warn
from cozydiag.host import Failure, Host
from cozydiag.model import Evidence, Finding
from cozydiag.text import When, plural, t

_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
_STATUS = "/var/lib/dpkg/status"
_HALF = re.compile(rb"^Package: (\S+)\nStatus: (\S+ \S+ (?:half-installed|half-configured|unpacked))$", re.MULTILINE)
_LONG = 3600.0
"""Seconds that an installation may take."""


def look(host: Host, content: bytes, locks: bytes, *, cut: bool) -> Finding | None:
    """``content`` is dpkg's own list, ``cut`` whether it was interrupted. None where nothing is wrong."""
    pid = holder(host, locks)
    if pid is not None:
        return held(host, pid)
    return interrupted() if cut else half(content)


def holder(host: Host, locks: bytes) -> int | None:
    """The process that holds one of dpkg's locks (proc_locks(5): `1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE …`)."""
    taken = [fields for fields in map(bytes.split, locks.splitlines()) if len(fields) > 5 and fields[1] == b"POSIX"]
    for path in _LOCKS if taken else ():
        file = host.stat(path)
        if isinstance(file, Failure):
            continue
        place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}".encode()
        for fields in taken:
            if fields[5] == place and fields[4].isdigit():
                return int(fields[4])
    return None


def held(host: Host, pid: int) -> Finding:
    process = host.process(pid)
    since = process.started if process is not None else host.clock.now()
    name = process.name if process is not None else str(pid)
    if host.clock.now() - since < _LONG:
        return ok(t("packages are being installed right now, by {name}", name=name))
    return warn(
        "host.dpkg_locked",
        t("{name} (process {pid}) has held the lock of dpkg since {when}: nothing can be installed",
          name=name, pid=str(pid), when=When(since)),
        t("It may wait for an answer in a terminal that nobody sees. Look at it before you end it."),
        role="host",
        proof=Evidence(_LOCKS[0], f"{name} {pid}"),
        by_hand=f"ps -fp {pid}",
        restart_helps=False,
    )  # fmt: skip


def interrupted() -> Finding:
    return warn(
        "host.dpkg_interrupted",
        t("dpkg was interrupted in the middle of its work: nothing can be installed"),
        t("Let it finish."),
        role="host",
        proof=Evidence("/var/lib/dpkg/updates", "not empty"),
        by_hand="sudo dpkg --configure -a",
        restart_helps=False,
    )


def half(content: bytes) -> Finding | None:
    """``content`` is dpkg's own list. None where all are whole."""
    found = [(match[1].decode("utf-8", "replace"), match[2]) for match in _HALF.finditer(content)]
    if not found:
        return None
    names = ", ".join(name for name, _ in found[:5]) + (" …" if len(found) > 5 else "")
    return warn(
        "host.packages_half",
        plural("{n} package is installed by half only: {names}", "{n} packages are installed by half only: {names}",
               n=len(found), names=names),
        t("Let dpkg finish; what it then complains of is the reason."),
        role="host",
        proof=Evidence(_STATUS, f"{found[0][0]}: {found[0][1].decode('utf-8', 'replace')}"),
        by_hand="sudo dpkg --configure -a",
        restart_helps=False,
    )  # fmt: skip
