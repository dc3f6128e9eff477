"""What keeps the processors busy, or everybody waiting."""

from __future__ import annotations

import re

from cozydiag.findings import warn
from cozydiag.host import Failure, Host
from cozydiag.model import Evidence, Finding
from cozydiag.text import Text, t

_WAITED = re.compile(rb"some avg10=[\d.]+ avg60=([\d.]+)")


def too_high(host: Host, load: str, cores: int) -> Finding:
    shares = {name: _waited(host, name) for name in ("io", "memory", "cpu")}
    waiting = [one for one in host.processes() if one.state == "D"]
    what = max(shares, key=lambda name: shares[name])
    return warn(
        "host.load",
        t("the machine has far more to do than it can: a load of {load} on {n} processors; {why}",
          load=load, n=cores, why=_reason(what if shares[what] else "", len(waiting))),
        t("See what it is busy with. Until that is over, whatever is asked may answer too late."),
        role="host",
        proof=Evidence("/proc/loadavg", load),
        by_hand="top -b -n 1 | head -n 20",
        restart_helps=False,
    )  # fmt: skip


def _waited(host: Host, name: str) -> float:
    """The share of the last minute, in percent, that somebody waited for it (PSI, since Linux 4.20)."""
    content = host.read(f"/proc/pressure/{name}", max_bytes=4096)
    match = None if isinstance(content, Failure) else _WAITED.search(content)
    return float(match[1]) if match else 0.0


def _reason(what: str, waiting: int) -> Text:
    if what == "io" or (not what and waiting > 3):
        return t("most of it waits for the disk")
    if what == "memory":
        return t("it is short of memory and swaps")
    return t("its processors are busy")
