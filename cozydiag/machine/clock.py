"""Whether somebody keeps the clock right."""

from __future__ import annotations

from cozydiag.findings import ok, skip, warn
from cozydiag.host import Failure, Host
from cozydiag.machine.kernel import uptime
from cozydiag.model import Finding
from cozydiag.text import t

_KEEPERS = {
    "/run/systemd/timesync": "systemd-timesyncd",
    "/run/chrony/chronyd.pid": "chrony",
    "/run/ntpd.pid": "ntpd",
    "/run/ntpsec": "ntpsec",
    "/run/openntpd.sock": "openntpd",
}
"""What runs, by what it leaves while it runs."""

_CONTAINER = ("/run/systemd/container", "/.dockerenv", "/run/.containerenv")
_PATIENCE = 600.0
"""Seconds after a start that a keeper may need to find its servers."""


def kept(host: Host) -> Finding:
    """Asked only where systemd-timesyncd has not said that it is synchronised."""
    if any(not isinstance(host.stat(path), Failure) for path in _CONTAINER):
        return skip(t("the clock is that of the machine around this container"))
    keeper = next((name for path, name in _KEEPERS.items() if not isinstance(host.stat(path), Failure)), None)
    if keeper is None and isinstance(host.stat("/run/systemd/system"), Failure):
        return skip(t("nothing is known of who keeps the clock right"))
    if host.clock.synchronised():
        return ok(t("the clock is kept right"))
    if uptime(host) < _PATIENCE:
        return skip(t("the machine was started a moment ago; its clock may not be set yet"))
    if keeper is None:
        text = t("nobody keeps this machine's clock right")
        advice = t("Install a program that does. A clock that is wrong makes every certificate look invalid.")
        by_hand = "sudo apt install systemd-timesyncd"
    else:
        text = t("{keeper} runs, but has not set the clock: it reaches no time server", keeper=keeper)
        advice = t("See whether a firewall stops NTP (UDP port 123), and which servers it is told to ask.")
        by_hand = "chronyc sources" if keeper == "chrony" else "timedatectl timesync-status"
    return warn("host.clock_adrift", text, advice, role="host", by_hand=by_hand, restart_helps=False)
