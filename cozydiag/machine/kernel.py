"""What the kernel has said: whom it killed for want of memory, which disk it could not read, what power it missed."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from cozydiag.host import Failure, Host
from cozydiag.host.logs import one_line

_LINE: Final = re.compile(rb"\[ *(\d+)\.\d+\] (.*)")
_KILLED: Final = re.compile(r"(?:Out of memory|Memory cgroup out of memory): Kill(?:ed)? process (\d+) \(([^)]*)\)")
"""Both the wording since Linux 4.20 (`Killed process`) and the one before (`Kill process`)."""

_DISK: Final = re.compile(
    r"I/O error, dev (?P<a>\w+)|Buffer I/O error on dev(?:ice)? (?P<b>\w+)|(?P<c>mmcblk\d+): (?:error -\d+|timed out)"
    r"|(?P<d>mmc\d+): (?:Timeout waiting for hardware|error -\d+|Card stuck)|EXT4-fs error \(device (?P<e>\w+)\)"
)
_UNDERVOLTAGE: Final = re.compile(r"[Uu]nder-?voltage detected")


class Said(NamedTuple):
    """A line of the kernel's, and how many seconds ago it was said."""

    ago: float
    words: str


class Killed(NamedTuple):
    """A process that the kernel ended."""

    said: Said
    pid: int
    name: str


def lines(host: Host) -> list[Said] | Failure:
    """What is still in the kernel's ring buffer, oldest first. Closed to users on most machines (dmesg_restrict)."""
    done = host.run(("dmesg",), max_output=4 << 20)
    if isinstance(done, Failure):
        return done
    if done.code:
        return Failure("permission", one_line(done.stderr.strip().split(b"\n", 1)[0], 200))
    now = uptime(host)
    matches = map(_LINE.match, done.stdout.splitlines())
    return [Said(max(0.0, now - int(one[1])), one_line(one[2], 300)) for one in matches if one is not None]


def uptime(host: Host) -> float:
    """Seconds since the machine was switched on, 0.0 where that cannot be seen (proc_uptime(5))."""
    content = host.read("/proc/uptime", max_bytes=64)
    words = b"" if isinstance(content, Failure) else content.split(b".", 1)[0]
    return float(words) if words.isdigit() else 0.0


def killed(said: list[Said]) -> list[Killed]:
    found = ((one, _KILLED.search(one.words)) for one in said)
    return [Killed(one, int(match[1]), match[2]) for one, match in found if match is not None]


def disk_errors(said: list[Said], device: str = "") -> list[Said]:
    """The lines that tell of a disk or an SD card that fails, of ``device`` alone where that is given."""
    found = ((one, _DISK.search(one.words)) for one in said)
    return [one for one, match in found if match is not None and (not device or device in match.group())]


def undervoltage(said: list[Said]) -> list[Said]:
    return [one for one in said if _UNDERVOLTAGE.search(one.words)]
