"""Rules of the old iptables (`iptables-save`, iptables(8)) in the form of nftables, which the judge of packets reads.

iptables of today writes nftables itself; the old one keeps tables of its own in the kernel, which nft does not list.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

_KNOWN_MATCHES = ("tcp", "udp", "multiport", "conntrack", "state", "comment")
_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "QUEUE": "queue",
             "NFQUEUE": "queue"}  # fmt: skip


def objects(saved: str, family: str) -> list[Object]:
    """The chains and rules of the filter table, as libnftables-json(5) has them. ``family`` is ip or ip6."""
    lines = saved.splitlines()
    chains = {line[1:].split()[0]: line.split()[1] for line in lines if line[:1] == ":" and len(line.split()) > 1}
    found: list[Object] = []
    for name, policy in chains.items():
        base = {"hook": "input", "policy": policy.lower()} if name == "INPUT" else {}
        found.append({"chain": {"family": family, "table": "filter", "name": name, **base}})
    for line in lines:
        words = _split(line)
        if words[:1] == ["-A"] and len(words) > 1:
            expressions = list(_rule(words[2:], family, chains))
            rule = {"family": family, "table": "filter", "chain": words[1], "expr": expressions}
            found.append({"rule": rule})
    return found


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quotation that does not end
        return line.split()


def _rule(words: list[str], family: str, chains: dict[str, str]) -> Iterator[Object]:
    """Each option as a match; what is not understood may or may not fit (`xt`)."""
    ends: list[Object] = []
    negated = False
    position = 0
    while position < len(words):
        option = words[position]
        value = words[position + 1] if position + 1 < len(words) else ""
        alone = option in ("!", "--syn") or value[:1] in ("-", "!")  # some options have no value
        position += 1 if alone else 2
        if option == "!":
            negated = True
            continue
        if option in ("-j", "-g"):
            ends = list(_end(option, value, chains))
            break  # what follows belongs to it (`--reject-with`)
        if option == "-m":
            if value not in _KNOWN_MATCHES:
                yield {"xt": value}
        elif option not in ("--comment", "--syn") or negated:
            yield _match(option, value, family, "!=" if negated else "==")
        negated = False
    yield from ends


def _match(option: str, value: str, family: str, op: str) -> Object:
    left: Object | None = None
    right: Any = value
    if option == "-i" and not value.endswith("+"):
        left = {"meta": {"key": "iifname"}}
    elif option == "-p":
        left = {"meta": {"key": "l4proto"}}
    elif option in ("--dport", "--dports"):
        left, right = {"payload": {"protocol": "tcp", "field": "dport"}}, [_ports(one) for one in value.split(",")]
    elif option == "-s":
        address, _, length = value.partition("/")
        left = {"payload": {"protocol": family, "field": "saddr"}}
        right = {"prefix": {"addr": address, "len": int(length)}} if length.isdigit() else address
    elif option in ("--ctstate", "--state"):
        left, right = {"ct": {"key": "state"}}, value.lower().split(",")
    return {"match": {"op": op, "left": left, "right": right}} if left is not None else {"xt": option}


def _ports(written: str) -> Any:
    first, colon, last = written.partition(":")
    if not first.isdigit() or (colon and not last.isdigit()):
        return written
    return {"range": [int(first), int(last)]} if colon else int(first)


def _end(option: str, target: str, chains: dict[str, str]) -> Iterator[Object]:
    """What becomes of a packet; targets that only note something (LOG, MARK) let it go on."""
    if target in _VERDICTS:
        yield {_VERDICTS[target]: None}
    elif target in chains:
        yield {"goto" if option == "-g" else "jump": {"target": target}}
