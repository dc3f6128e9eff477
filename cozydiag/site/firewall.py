"""The firewall of this machine: whether it lets people through to the sites."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.site.nftables import DROP, Packet, Ruleset
from cozydiag.stack import Site, Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import t

_MODULES = ("/sys/module/nf_tables", "/sys/module/ip_tables")
_BRIDGES = ("docker0", "podman0", "cni-podman0")


def look(host: Host, stack: Stack, sites: Sequence[Site]) -> Iterator[Finding]:
    """What the rules do with a connection from outside. They are listed, never changed."""
    yield from _forwarding(host)
    if all(isinstance(host.stat(path), Failure) for path in _MODULES):
        yield skip(t("this machine has no firewall of its own"))
        return
    if host.euid() != 0:
        text = t("the rules of the firewall can only be seen by root")
        yield unknown("firewall.unseen", text, unlock=ourselves("status", stack.config))
        return
    rules = _rules(host)
    if isinstance(rules, Failure):
        yield unknown("firewall.unseen", t("the rules of the firewall could not be listed: {why}", why=rules.detail))
        return
    ports = sorted({site.address[1] for site in sites} | {80 for site in sites if site.address[1] == 443})
    way = _interface(host)
    fates = {port: rules.fate(Packet("ip", port, way)) for port in ports}
    closed = [port for port, fate in fates.items() if fate == DROP]
    unclear = [port for port, fate in fates.items() if fate is None]
    if closed:
        yield _closed(host, closed)
    elif unclear:
        yield unknown("firewall.unclear", t("whether the firewall lets people through to port {ports} depends on more "
                                            "than its rules show", ports=_words(unclear)))  # fmt: skip
    elif ports:
        yield ok(t("the firewall lets people through to port {ports}", ports=_words(ports)))
    else:
        yield skip(t("no site is known that it could close"))


def _rules(host: Host) -> Ruleset | Failure:
    listed = host.run(("nft", "-j", "list", "ruleset"), max_output=8 << 20)
    if isinstance(listed, Failure):
        return listed
    try:
        return Ruleset(json.loads(listed.stdout))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Failure("protocol", "nft gave no list of rules")


def _closed(host: Host, ports: Sequence[int]) -> Finding:
    return fail(
        "firewall.closed",
        t("the firewall of this machine lets nobody from outside through to port {ports}", ports=_words(ports)),
        t("Allow that port, for good and not only until the next start."),
        role="host",
        commands=tuple(_opening(host, port) for port in ports),
        by_hand="nft list ruleset",
        restart_helps=False,
        affects=(),
    )


def _opening(host: Host, port: int) -> str:
    """The line for the firewall that is in use."""
    if host.find(("firewalld",)):
        return f"firewall-cmd --permanent --add-port={port}/tcp && firewall-cmd --reload"
    content = host.read("/etc/ufw/ufw.conf")
    if not isinstance(content, Failure) and b"ENABLED=yes" in content:
        return f"ufw allow {port}/tcp"
    return f"nft add rule inet filter input tcp dport {port} accept"


def _interface(host: Host) -> str:
    """Where the default route leads, which is where people come from (proc_net(5), `route`)."""
    content = host.read("/proc/net/route")
    for line in [] if isinstance(content, Failure) else content.decode("ascii", "replace").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000":
            return fields[0]
    return ""


def _forwarding(host: Host) -> Iterator[Finding]:
    """Containers are reached over a bridge, which takes forwarding."""
    bridge = next((name for name in _BRIDGES if not isinstance(host.stat(f"/sys/class/net/{name}"), Failure)), None)
    state = host.read("/proc/sys/net/ipv4/ip_forward") if bridge is not None else b""
    if state == b"0\n":
        yield warn(
            "firewall.forwarding",
            t("this machine does not forward, so nobody from outside reaches the containers behind {bridge}",
              bridge=bridge or ""),
            t("Set net.ipv4.ip_forward to 1 in /etc/sysctl.d; something has taken that back since they were started."),
            role="host",
            commands=("sysctl -w net.ipv4.ip_forward=1",),
            by_hand="sysctl net.ipv4.ip_forward",
        )  # fmt: skip


def _words(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports))
