"""What nftables does with a connection from outside, as far as its rules tell (libnftables-json(5)).

Every firewall of today ends there: ufw and firewalld write such rules, and iptables does since Debian 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

ACCEPT, DROP, ON = "accept", "drop", "continue"
_ENDS = {"accept": ACCEPT, "drop": DROP, "reject": DROP, "queue": ACCEPT, "return": "return", "jump": "", "goto": ""}
_FAMILIES = {"ip": ("ip", "inet"), "ip6": ("ip6", "inet")}


class Packet(NamedTuple):
    """The first packet of a connection from anywhere. ``interface`` is where it comes in, "" where not known."""

    family: str  # ip or ip6
    port: int
    interface: str = ""


class Ruleset:
    """`nft -j list ruleset`. Raises ValueError, KeyError or TypeError for what is none."""

    def __init__(self, listing: Any) -> None:
        objects = [(kind, one) for entry in listing["nftables"] for kind, one in entry.items()]
        self.bases = [one for kind, one in objects if kind == "chain" and one.get("hook") == "input"]
        self.sets = {_key(one): one.get("elem", []) for kind, one in objects if kind in ("set", "map")}
        self.rules: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
        for kind, one in objects:
            if kind == "rule":
                self.rules.setdefault((one["family"], one["table"], one["chain"]), []).append(one)

    def fate(self, packet: Packet) -> str | None:
        """`accept` or `drop`; None where it depends on what is not known."""
        fates = [
            {base.get("policy", ACCEPT) if way == ON else way for way in self._walk(_key(base), packet, 0)}
            for base in self.bases
            if base["family"] in _FAMILIES[packet.family]
        ]
        if {DROP} in fates:
            return DROP
        return ACCEPT if all(one == {ACCEPT} for one in fates) else None

    def _walk(self, chain: tuple[str, str, str], packet: Packet, depth: int) -> set[str]:
        """All ways in which a chain can end."""
        ways: set[str] = set()
        if depth > 16:  # nft itself allows 16 jumps
            return {ACCEPT, DROP}
        for rule in self.rules.get(chain, ()):
            fits, ends = self._rule(rule, chain, packet, depth)
            if fits is not False:
                ways |= ends - {ON}
            if fits and ON not in ends:
                return {ON if way == "return" else way for way in ways}
        return {ON if way == "return" else way for way in ways} | {ON}

    def _rule(
        self, rule: Mapping[str, Any], chain: tuple[str, str, str], packet: Packet, depth: int
    ) -> tuple[bool | None, set[str]]:
        """Whether a rule is for the packet (None: perhaps), and how it ends."""
        fits: bool | None = True
        for statement in rule.get("expr", ()):
            kind, what = next(iter(statement.items()))
            if kind == "match":
                one = self._match(what, chain, packet)
                if one is False:
                    return False, {ON}
                fits = fits if one else None
            elif kind == "xt":  # a match of iptables that nft does not put into words
                fits = None
            elif kind == "vmap":
                return fits, self._mapped(what, chain, packet, depth)
            elif kind in _ENDS:
                return fits, self._end(kind, what, chain, packet, depth)
        return fits, {ON}

    def _end(self, kind: str, what: Any, chain: tuple[str, str, str], packet: Packet, depth: int) -> set[str]:
        if kind in ("jump", "goto"):
            ways = self._walk((chain[0], chain[1], what["target"]), packet, depth + 1)
            return {"return" if way == ON and kind == "goto" else way for way in ways}
        return {_ENDS[kind]}

    def _mapped(self, vmap: Any, chain: tuple[str, str, str], packet: Packet, depth: int) -> set[str]:
        """`ct state vmap { established : accept, invalid : drop }`"""
        known = _known(vmap["key"], packet)
        pairs = self._elements(vmap["data"], chain)
        if known is None or not isinstance(pairs, list):
            return {ACCEPT, DROP, ON}
        for key, verdict in pairs:
            if _holds(key, known):
                ((kind, what),) = verdict.items()
                return self._end(kind, what, chain, packet, depth) if kind in _ENDS else {ON}
        return {ON}

    def _elements(self, named: Any, chain: tuple[str, str, str]) -> Any:
        """What is in a set, which may stand elsewhere under a name (`@banned`)."""
        if isinstance(named, str) and named.startswith("@"):
            return self.sets.get((chain[0], chain[1], named[1:]), [])
        return named["set"] if isinstance(named, dict) and "set" in named else named

    def _match(self, match: Mapping[str, Any], chain: tuple[str, str, str], packet: Packet) -> bool | None:
        known = _known(match["left"], packet)
        if known is None:  # whatever the interface is called, people from outside do not come over the loopback
            return match["op"] == "!=" if match["right"] == "lo" else None
        found = _holds(self._elements(match["right"], chain), known)
        if found is None:
            return None
        return not found if match["op"] == "!=" else found


def _key(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["family"], one["table"], one["name"]


_ANYWHERE = object()
"""An address of which nothing is known but that it is in no list."""


def _known(left: Any, packet: Packet) -> Any:
    """What the packet has there; None where it is not known."""
    kind, what = next(iter(left.items())) if isinstance(left, dict) else ("", {})
    what = what if isinstance(what, dict) else {}
    if kind == "payload" and what.get("field") == "dport" and what.get("protocol") in ("tcp", "th"):
        return packet.port
    if kind == "payload" and what.get("protocol") in ("udp", "icmp", "icmpv6"):
        return _ANYWHERE
    if kind == "payload" and what.get("field") == "saddr":
        return _ANYWHERE if what.get("protocol") in (packet.family, "ether") else None
    if kind == "payload" and what.get("field") == "protocol":
        return "tcp"
    if kind == "ct" and what.get("key") == "state":
        return "new"
    if kind == "meta":
        return {
            "l4proto": "tcp", "iifname": packet.interface or None, "iif": packet.interface or None,
            "nfproto": "ipv4" if packet.family == "ip" else "ipv6", "pkttype": "unicast",
        }.get(str(what.get("key")))  # fmt: skip
    return None


def _holds(right: Any, known: Any) -> bool | None:
    """Whether ``known`` is ``right``, or in it."""
    if isinstance(right, (list, tuple)):
        return _any(_holds(one, known) for one in right)
    if isinstance(right, dict):
        kind, what = next(iter(right.items()))
        if kind == "set":
            return _holds(what, known)
        if kind == "range":
            return isinstance(known, int) and what[0] <= known <= what[1]
        if kind == "prefix":
            return bool(what.get("len") == 0)
        return _holds(what["val"], known) if kind == "elem" else None
    return known is not _ANYWHERE and bool(right == known or (right == 6 and known == "tcp"))


def _any(outcomes: Iterable[bool | None]) -> bool | None:
    seen = set(outcomes)
    return True if True in seen else None if None in seen else False
