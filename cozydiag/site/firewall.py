"""The firewall of this machine: whether it lets people through to the sites."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.commands import Completed
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.site.nftables import DROP, Packet, Ruleset
from cozydiag.stack import Site, Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import t

_NFTABLES = "/sys/module/nf_tables"
_MODULES = (_NFTABLES, "/sys/module/ip_tables", "/sys/module/ip6_tables")
_OLD = (
    ("ip", "/proc/net/ip_tables_names", ("iptables-legacy-save", "iptables-save")),
    ("ip6", "/proc/net/ip6_tables_names", ("ip6tables-legacy-save", "ip6tables-save")),
)
"""The tables that the old iptables has in the kernel now; to ask for others would load them."""

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
    if not ports:
        yield skip(t("no site is known that it could close"))
        return
    way = _interface(host)
    yield _fate(host, rules, ports, way)
    if _has_six(host, sites):
        closed = [port for port in ports if rules.fate(Packet("ip6", port, way)) == DROP]
        if closed and not [port for port in closed if rules.fate(Packet("ip", port, way)) == DROP]:
            yield _closed_to_six(closed)


def _fate(host: Host, rules: Ruleset, ports: Sequence[int], way: str) -> Finding:
    """What becomes of people who come over IPv4."""
    fates = {port: rules.fate(Packet("ip", port, way)) for port in ports}
    closed = [port for port, fate in fates.items() if fate == DROP]
    unclear = [port for port, fate in fates.items() if fate is None]
    if closed:
        return _closed(host, closed)
    if unclear:
        return unknown("firewall.unclear", t("whether the firewall lets people through to port {ports} depends on more "
                                             "than its rules show", ports=_words(unclear)))  # fmt: skip
    return ok(t("the firewall lets people through to port {ports}", ports=_words(ports)))


def _has_six(host: Host, sites: Sequence[Site]) -> bool:
    """Whether a name leads people here over IPv6 at all."""
    for name in dict.fromkeys(site.host for site in sites if not site.far_away):
        found = host.resolve(name) if not name.endswith("localhost") else []
        if not isinstance(found, Failure) and any(":" in one and host.is_ours(one) for one in found if one != "::1"):
            return True
    return False


def _rules(host: Host) -> Ruleset | Failure:
    """Those of nftables, and those of the old iptables where it has tables of its own."""
    from cozydiag.site.iptables import objects

    found: list[Any] = []
    if not isinstance(host.stat(_NFTABLES), Failure):
        listed = _listed(host)
        if isinstance(listed, Failure):
            return listed
        found += listed
    for family, tables, programs in _OLD:
        names = host.read(tables)
        if isinstance(names, Failure) or b"filter" not in names.split():
            continue
        saved = _saved(host, programs)
        if isinstance(saved, Failure):
            return saved
        found += objects(saved, family)
    try:
        return Ruleset({"nftables": found})
    except (KeyError, TypeError, AttributeError):
        return Failure("protocol", "nft gave no list of rules")


def _listed(host: Host) -> list[Any] | Failure:
    """As nft tells; where there is none, as iptables does, which is all there is when nothing else made rules."""
    listed = host.run(("nft", "-j", "list", "ruleset"), max_output=8 << 20)
    if isinstance(listed, Failure):
        return _by_iptables(host) or listed
    try:
        return list(json.loads(listed.stdout)["nftables"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return Failure("protocol", "nft gave no list of rules")


def _by_iptables(host: Host) -> list[Any]:
    from cozydiag.site.iptables import objects

    found: list[Any] = []
    for family, program in (("ip", "iptables-save"), ("ip6", "ip6tables-save")):
        saved = _saved(host, (program,))
        if isinstance(saved, Failure) or "incompatible" in saved:
            return []
        found += objects(saved, family)
    return found


def _saved(host: Host, programs: Sequence[str]) -> str | Failure:
    done: Completed | Failure = Failure("missing", "no iptables")
    for program in programs:
        done = host.run((program, "-t", "filter"), max_output=8 << 20)
        if not isinstance(done, Failure) and done.code == 0:
            return done.stdout.decode("utf-8", "replace")
    return done if isinstance(done, Failure) else Failure("error", "iptables gave no list of rules")


def _closed_to_six(ports: Sequence[int]) -> Finding:
    return warn(
        "firewall.closed_v6",
        t("the firewall lets people through to port {ports} over IPv4 and not over IPv6, where the name leads too",
          ports=_words(ports)),
        t("Allow that port for IPv6 as well, or take the AAAA record away: some people and Let's Encrypt come over "
          "IPv6 alone."),
        role="host",
        by_hand="nft list ruleset; ip6tables-save",
        restart_helps=False,
    )  # fmt: skip


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
    names = host.read(_OLD[0][1])
    if not isinstance(names, Failure) and b"filter" in names.split():
        return f"iptables -I INPUT -p tcp --dport {port} -j ACCEPT"
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
