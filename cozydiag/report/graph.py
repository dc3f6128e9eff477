"""What rests on what, by what the checks themselves declare: for people, and as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from cozydiag.model import Check
from cozydiag.stack import ROLES
from cozydiag.text import Text, t

_BY_SOURCE: Final = {
    "services": "supervisor",
    "programs": "supervisor",
    "managers": "supervisor",
    "mounts": "host",
    "apps": "apps",
    "stacks": "cozy.stack",
}
_BY_PREFIX: Final = {"manager": "supervisor"}
_NAMES: Final[Mapping[str, Text]] = {
    "supervisor": t("supervisord and other managers"),
    "proxy": t("reverse proxy"),
    "apps": t("apps"),
    "site": t("site and certificate"),
}


class Node(NamedTuple):
    """What several checks look at. ``rests_on`` names other nodes, those left out that are there by way of others."""

    id: str
    checks: tuple[Check, ...]
    rests_on: tuple[str, ...]


def nodes(checks: Mapping[str, Check]) -> list[Node]:
    """In an order in which everything stands after what it rests on. ``checks`` stand in theirs."""
    members: dict[str, list[Check]] = {}
    edges: dict[str, set[str]] = {}
    for check in checks.values():
        node = _node(check)
        members.setdefault(node, []).append(check)
        others = {_node(checks[name]) for name in (*check.needs, *check.because) if name in checks}
        # That one service's manager tells of its configuration makes the managers rest on no service.
        edges.setdefault(node, set()).update(() if node == "supervisor" else others - {node})
    order = _ordered(edges)
    earlier = {name: edges[name] & {*order[:place]} for place, name in enumerate(order)}  # no circles any more
    return [Node(name, tuple(members[name]), _shortest(name, earlier)) for name in order]


def _node(check: Check) -> str:
    prefix = check.id.partition(".")[0]
    return check.role or _BY_SOURCE.get(check.each or "") or _BY_PREFIX.get(prefix, prefix)


def _ordered(edges: Mapping[str, set[str]]) -> list[str]:
    """What rests on least first. Of a circle (who claims something of others needs these) the first by name."""
    left, done = dict(edges), list[str]()
    while left:
        free = sorted((len(edges[name] - {*done}), len(_below(name, edges)), name) for name in left)
        done.append(free[0][-1])
        del left[free[0][-1]]
    return done


def _below(name: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that ``name`` rests on, near and far."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        for other in edges.get(open_.pop(), ()):
            if other not in found:
                found.add(other)
                open_.append(other)
    return found


def _shortest(name: str, edges: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Without what another one of them rests on already."""
    near = edges[name]
    return tuple(sorted(one for one in near if not any(one in _below(other, edges) for other in near - {one})))


def name_of(node: str, say: Callable[[Text], str]) -> str:
    return say(_NAMES[node]) if node in _NAMES else ROLES.get(node, node)


def plain(found: Sequence[Node], say: Callable[[Text], str]) -> str:
    """A paragraph a node: its name, what it rests on, and its checks."""
    lines = []
    for node in found:
        below = ", ".join(name_of(other, say) for other in node.rests_on)
        name = name_of(node.id, say)
        lines.append(say(t("{name} ← {others}", name=name, others=below)) if below else name)
        lines += _wrapped([check.id for check in node.checks])
    return "\n".join(lines) + "\n"


def _wrapped(words: Sequence[str]) -> list[str]:
    lines = ["   "]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > 79:
            lines.append("   ")
        lines[-1] += f" {word}"
    return lines


def mermaid(found: Sequence[Node], say: Callable[[Text], str]) -> str:
    """A flowchart from below upwards."""
    lines = ["flowchart BT"]
    lines += [f'    {_id(node.id)}["{name_of(node.id, say)}"]' for node in found]
    lines += [f"    {_id(other)} --> {_id(node.id)}" for node in found for other in node.rests_on]
    return "\n".join(lines) + "\n"


def _id(node: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in node)
