"""The timer that runs `cozydiag cron`: a hardened systemd unit where systemd is in charge, else a file for cron.

Directives after systemd.exec(5) and `systemd-analyze security`; cron.d files after cron(8): no dot in the name, and a
`%` would be a line end. The unit that repairs is less confined: it has to reach the
managers of services. Root needs the two CAP_DAC of the looking unit for the sockets of other users' managers.
"""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

UNITS = "/etc/systemd/system"
CRON = "/etc/cron.d/cozydiag"
RUNNING = "/run/systemd/system"  # sd_booted(3): this folder is there when systemd is PID 1

_HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_SYS_PTRACE CAP_SETUID CAP_SETGID
SystemCallFilter=@system-service
SystemCallFilter=~@resources
SystemCallArchitectures=native
MemoryDenyWriteExecute=yes
UMask=0077
MemoryMax=256M
TasksMax=64
"""


class Wish(NamedTuple):
    """How often, in seconds; the options of cron as they are to be passed on; whether a run may repair; the folders
    that it must be able to write besides its own."""

    program: tuple[str, ...]
    every: int
    options: tuple[str, ...] = ()
    with_fix: bool = False
    writable: tuple[str, ...] = ()


class File(NamedTuple):
    """A file of a timer; all are 0644, root's."""

    path: str
    content: str


def files(wish: Wish, *, systemd: bool) -> list[File]:
    """What the timer consists of."""
    return _units(wish) if systemd else [File(CRON, _cron(wish))]


def all_paths() -> list[str]:
    """Every file that a timer of either kind may have left."""
    names = ("cozydiag.service", "cozydiag.timer", "cozydiag-fix.service", "cozydiag-fix.timer")
    return [*(os.path.join(UNITS, name) for name in names), CRON]


def _units(wish: Wish) -> list[File]:
    writable = "".join(f"ReadWritePaths=-{path}\n" for path in wish.writable)
    service = (
        "[Unit]\nDescription=cozydiag: look at this server\n"
        f"\n[Service]\nType=oneshot\nExecStart={_line(wish, 'cron')}\n"
        "SuccessExitStatus=1 2 3 75\nTimeoutStartSec=120\nNice=10\nStateDirectory=cozydiag\n"
        f"StateDirectoryMode=0750\nRuntimeDirectory=cozydiag\nRuntimeDirectoryMode=0700\n"
        f"RuntimeDirectoryPreserve=yes\n{writable}{_HARDENING}"
    )
    found = [
        File(f"{UNITS}/cozydiag.service", service),
        File(f"{UNITS}/cozydiag.timer", _timer("look at this server from time to time", "3min", wish)),
    ]
    if wish.with_fix:
        fix = (
            "[Unit]\nDescription=cozydiag: restart what a restart can repair\n\n[Service]\nType=oneshot\n"
            f"ExecStart={_line(wish, 'fix', '--restart', '--auto')}\nSuccessExitStatus=1 2 3 75\n"
            "TimeoutStartSec=900\nUMask=0077\n"
        )
        found.append(File(f"{UNITS}/cozydiag-fix.service", fix))
        found.append(File(f"{UNITS}/cozydiag-fix.timer", _timer("repair from time to time", "5min", wish)))
    return found


def _timer(what: str, boot: str, wish: Wish) -> str:
    return (
        f"[Unit]\nDescription=cozydiag: {what}\n\n[Timer]\nOnBootSec={boot}\n"
        f"OnUnitActiveSec={wish.every}s\nRandomizedDelaySec={_delay(wish)}s\nAccuracySec=10s\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _cron(wish: Wish) -> str:
    """A random wait, so that a thousand servers do not all ask at the same second; nothing where systemd came later."""
    minutes = max(1, wish.every // 60)
    when = f"*/{minutes} * * * *" if minutes < 60 else f"7 */{min(23, minutes // 60)} * * *"
    command = _line(wish, "cron")
    if wish.with_fix:
        command += f"; {_line(wish, 'fix', '--restart', '--auto')}"
    wait = f"sleep $(($(od -An -N2 -tu2 /dev/urandom) \\% {_delay(wish)}))"
    return (
        "# Written by `cozydiag schedule install`; `cozydiag schedule remove` takes it away.\n"
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"{when} root test -d {RUNNING} || {{ {wait}; {command.replace('%', chr(92) + '%')}; }}\n"
    )


def _line(wish: Wish, *words: str) -> str:
    return shlex.join((*wish.program, *words, *wish.options))


def _delay(wish: Wish) -> int:
    return max(1, min(30, wish.every // 4))
