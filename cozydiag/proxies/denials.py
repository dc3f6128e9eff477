"""What SELinux and AppArmor keep a proxy from: the kernel's own line on it, and the switch that allows it.

The lines are those of audit (`type=AVC msg=audit(EPOCH.MS:SERIAL): avc:  denied  { name_connect } for  pid=…`) and of
the kernel (`audit: type=1400 audit(…): apparmor="DENIED" operation="connect" profile="…"`), as auditd(8) and
apparmor(7) describe them. The booleans are those of httpd_selinux(8) and haproxy_selinux(8).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence
from cozydiag.proxies.logs import last_line

LOGS = ("/var/log/audit/audit.log", "/var/log/kern.log", "/var/log/messages", "/var/log/syslog")
"""auditd's own file (Fedora, and wherever it is installed), else where the kernel's lines go."""

_MOMENT = re.compile(r"audit\((\d+)\.(\d+):\d+\)")
_DENIED = re.compile(r"avc:\s+denied|apparmor=\"DENIED\"")
BOOLEANS = {"httpd_t": "httpd_can_network_connect", "haproxy_t": "haproxy_connect_any"}


class Denial(NamedTuple):
    """``by`` is SELinux or AppArmor. ``switch`` is a SELinux boolean that allows it, "" where none does; ``profile``
    is AppArmor's, "" for SELinux. ``network``: it was a connection over the network, else one to a socket file."""

    by: str
    proof: Evidence
    switch: str = ""
    profile: str = ""
    network: bool = True


def denial(host: Host, programs: tuple[str, ...], since: float) -> Denial | None:
    """The last connection that one of ``programs`` was denied at or after ``since`` (epoch seconds), as far as logs
    tell that this user may read."""
    proof = last_line(host, LOGS, since, tuple(f'comm="{program}"' for program in programs), moment)
    proof = proof or _journal(host, programs, since)
    return read(proof) if proof is not None else None


def read(proof: Evidence) -> Denial | None:
    """What a line says; None where it is of something else than a connection."""
    line = proof.line
    if "apparmor=" in line:
        if not re.search(r'operation="(?:connect|create|file_perm|sendmsg)"', line):
            return None
        profile = re.search(r'profile="([^"]+)"', line)
        return Denial("AppArmor", proof, "", profile[1] if profile else "", 'family="inet' in line)
    asked = re.search(r"denied\s+\{ ([\w ]+) \}", line)
    wanted = set(asked[1].split()) if asked else set()
    if not wanted & {"name_connect", "connectto", "write"}:
        return None
    domain = re.search(r"scontext=\w+:\w+:(\w+)", line)
    network = "name_connect" in wanted
    return Denial("SELinux", proof, BOOLEANS.get(domain[1] if domain else "", "") if network else "", "", network)


def moment(line: str) -> float | None:
    """When something was denied; None for every other line."""
    found = _MOMENT.search(line) if _DENIED.search(line) else None
    return float(f"{found[1]}.{found[2]}") if found else None


def likely_switch(host: Host, proxy: str) -> str:
    """The SELinux boolean that usually is the reason, where SELinux is at work here (selinux(8)) and no line tells."""
    at_work = host.read("/sys/fs/selinux/enforce", max_bytes=8) in (b"1", b"1\n")
    return BOOLEANS["haproxy_t" if proxy == "haproxy" else "httpd_t"] if at_work else ""


def _journal(host: Host, programs: tuple[str, ...], since: float) -> Evidence | None:
    """The same of the kernel's journal."""
    if isinstance(host.stat("/run/systemd/system"), Failure):
        return None
    argv = ("journalctl", "-k", "--no-pager", "-q", "-o", "cat", "-n", "400", f"--since=@{int(since)}")
    done = host.run(argv)
    lines = [] if isinstance(done, Failure) or done.code else done.stdout.decode("utf-8", "replace").splitlines()
    marks = tuple(f'comm="{program}"' for program in programs)
    found = [line for line in lines if (moment(line) or 0.0) >= int(since) and any(mark in line for mark in marks)]
    return host.see("journal of the kernel", found[-1]) if found else None
