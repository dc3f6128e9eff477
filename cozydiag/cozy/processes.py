"""The node processes of a Cozy v2: none twice, and no piles of dead connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cozydiag.findings import fail, ok, skip, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import name_of, root, supervisorctl
from cozydiag.text import t

PILE: Final = 10
"""Connections to one port that the other side has closed and this side has not. node 0.10 has five for each place."""


def duplicates(host: Host, stack: Stack) -> Iterator[Finding]:
    """Two of a kind fight for one port, and one of them has an old token."""
    every = [one for one in host.find(("node", "nodejs", "cozy-controller")) if one.state != "Z"]
    twice, seen = False, False
    for name in ("controller", *(part for part in stack.config.parts if part != "controller")):
        found = _outermost([one for one in every if any(_is(word, name) for word in one.cmdline[:4])])
        seen = seen or bool(found)
        if len(found) > 1:
            twice = True
            yield _twice(host, stack, name, found)
    if not seen:
        yield skip(t("no process of the Cozy is seen"))
    elif not twice:
        yield ok(t("no part of the Cozy runs twice"))


def _is(word: str, part: str) -> bool:
    return word.rpartition("/")[2] == f"cozy-{part}" or f"/cozy-{part}/" in word


def _outermost(found: list[Process]) -> list[Process]:
    """Without those that another of them has started."""
    pids = {one.pid for one in found}
    return [one for one in found if one.ppid not in pids]


def _twice(host: Host, stack: Stack, name: str, found: list[Process]) -> Finding:
    role = f"cozy.{name}"
    pids = " ".join(str(one.pid) for one in sorted(found, key=lambda one: one.started))
    program = stack.program(host, role)
    around = [supervisorctl(host, stack, verb, program.name) for verb in ("stop", "start")] if program else []
    return fail(
        "cozy.duplicates",
        t("{name} runs {count} times (processes {pids}): only one can have its port",
          name=name_of(role, name), count=str(len(found)), pids=pids),
        t("Stop the one that is looked after, end the others, then start it."),
        role=role,
        commands=(*around[:1], f"{root(host)}kill {pids}", *around[1:]),
        proof=Evidence(f"/proc/{found[-1].pid}/cmdline", " ".join(found[-1].cmdline)[:160]),
        by_hand="ps -eo pid,ppid,lstart,cmd | grep cozy-",
        restart_helps=False,
        affects=(role,),
    )  # fmt: skip


def connections(host: Host, stack: Stack) -> Iterator[Finding]:
    """Half-closed connections that pile up (cozy-proxy#184): the proxy then waits for ever, and people see a 504."""
    ports = {part.address[1]: part.role for part in stack.parts() if part.role != "cozy.stack"}
    first = _waiting(host, ports)
    piles = {port: seen for port, seen in first.items() if len(seen) >= PILE}
    if piles:
        host.clock.sleep(min(stack.config.timing.second_look, host.deadline.remaining() / 2))
        later = _waiting(host, ports)
        piles = {port: seen & later.get(port, set()) for port, seen in piles.items()}
    piles = {port: seen for port, seen in piles.items() if len(seen) >= PILE}
    for port, seen in piles.items():
        role = ports.get(port, "cozy.proxy")
        yield warn(
            "cozy.close_wait",
            t("{name} keeps {n} connections on port {port} that the other side has closed long ago",
              name=name_of(role, role), n=len(seen), port=str(port)),
            t("It runs out of them in the end: restart it."),
            role=role,
            affects=(),
            proof=Evidence("/proc/net/tcp", f"{len(seen)} CLOSE_WAIT on port {port}"),
            by_hand=f"ss -tan state close-wait '( sport = :{port} or dport = :{port} )'",
            restart_helps=True,
        )  # fmt: skip
    if not piles and not _readable(host):
        yield skip(t("the kernel's list of connections cannot be read"))
    elif not piles:
        yield ok(t("no connections between the parts are left half-closed"))


def _waiting(host: Host, parts: dict[int, str]) -> dict[int, set[str]]:
    """By port: sockets in CLOSE_WAIT (8, `tcp_states.h`) of parts, and of the proxy towards apps (from 9120 on)."""
    found: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        content = host.read(table, max_bytes=4 << 20)
        for line in [] if isinstance(content, Failure) else content.decode("ascii", "replace").splitlines()[1:]:
            fields = line.split()
            if len(fields) < 4 or fields[3] != "08":
                continue
            try:
                here, there = (int(place.rpartition(":")[2], 16) for place in fields[1:3])
            except ValueError:
                continue
            port = here if here in parts else there
            if port in parts or 9120 <= port < 9300:
                found.setdefault(port, set()).add(f"{fields[1]} {fields[2]}")
    return found


def _readable(host: Host) -> bool:
    content = host.read("/proc/net/tcp", max_bytes=64)
    return isinstance(content, bytes) and b"local_address" in content
