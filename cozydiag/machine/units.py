"""What systemd says of the whole machine: units that have failed, a start that is not over."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Failure, Host
from cozydiag.machine import bus
from cozydiag.machine.kernel import uptime
from cozydiag.model import Evidence, Finding
from cozydiag.text import Seconds, plural, t

_STARTING = ("initializing", "starting")
_LONG = 600.0
"""Seconds that a machine may take to start, with a check of its disks in them."""


def state(host: Host, told_elsewhere: Collection[str]) -> Iterator[Finding]:
    """``told_elsewhere``: units that have a check of their own."""
    seen = bus.system_state(host)
    if isinstance(seen, Failure):
        if seen.kind in ("missing", "refused"):
            yield skip(t("systemd could not be asked: {why}", why=seen.detail))
        else:
            yield unknown("host.systemd", t("systemd could not be asked: {why}", why=seen.detail), unlock="systemctl")
        return
    found = [*_unwell(host, seen.state), *(_failed(host, told_elsewhere) if seen.failed else ())]
    yield from found or [ok(t("systemd has started all that it should"))]


def _unwell(host: Host, state: str) -> Iterator[Finding]:
    proof = Evidence("systemctl is-system-running", state)
    if state in _STARTING:
        up = uptime(host)
        if up < _LONG:
            yield warn(
                "host.booting",
                t("the machine was started {ago} ago and is still starting its services", ago=Seconds(up)),
                t("Wait until it is done, then look again: what fails now may be well in a minute."),
                role="host",
                proof=proof,
                by_hand="systemctl list-jobs",
                restart_helps=False,
            )
        else:
            yield warn(
                "host.boot_stuck",
                t("the start of the machine does not end: {job}", job=_job(host)),
                t("See what it waits for; what comes after it is not started."),
                role="host",
                proof=proof,
                by_hand="systemctl list-jobs",
                restart_helps=False,
            )
    elif state == "maintenance":
        yield fail(
            "host.rescue",
            t("the machine is in rescue mode: hardly anything is started"),
            t("Its journal says why; a disk that could not be mounted is the usual reason."),
            role="host",
            proof=proof,
            by_hand="sudo journalctl -b -p err --no-pager | tail -n 40",
            restart_helps=False,
        )
    elif state == "stopping":
        yield warn(
            "host.stopping",
            t("the machine is being shut down"),
            t("Wait until it is back."),
            role="host",
            proof=proof,
            restart_helps=False,
        )


def _job(host: Host) -> str:
    """The first job that is running, with its unit."""
    done = host.run(("systemctl", "list-jobs", "--plain", "--no-legend", "--no-pager"))
    lines = [] if isinstance(done, Failure) else done.stdout.decode("utf-8", "replace").splitlines()
    running = [line.split() for line in lines if line.split()[3:4] == ["running"]]
    return f"{running[0][1]} ({running[0][2]})" if running else "?"


def _failed(host: Host, told_elsewhere: Collection[str]) -> Iterator[Finding]:
    line = ("systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager")
    done = host.run(line)
    if isinstance(done, Failure):
        return
    names = [words[0] for words in map(str.split, done.stdout.decode("utf-8", "replace").splitlines()) if words]
    others = [name for name in names if name not in told_elsewhere]
    if others:
        yield warn(
            "host.failed_units",
            plural("{n} unit of systemd has failed: {names}", "{n} units of systemd have failed: {names}",
                   n=len(others), names=", ".join(others[:5]) + (" …" if len(others) > 5 else "")),
            t("Read why; once it is mended, or of no matter, `systemctl reset-failed` forgets it."),
            role="host",
            proof=Evidence("systemctl --failed", others[0]),
            by_hand=f"systemctl status {others[0]}",
            restart_helps=False,
        )  # fmt: skip
