"""The node processes of a Cozy v2: none twice, no piles of dead connections, a version that they can run with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from cozydiag.cozy.apps import LOGS
from cozydiag.cozy.monitor import answering
from cozydiag.findings import fail, ok, skip, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import name_of, root, supervisorctl
from cozydiag.text import t

APPS: Final = "/usr/local/cozy/apps"
PILE: Final = 10
"""Connections to one port that the other side has closed and this side has not. node 0.10 has five for each place."""

_NO_NET = re.compile(r"No appropiate net override for node version (\S+)")  # as it spells it
_NEEDS = re.compile(r"(>=|\^|~|>|<=|<|=)?\s*v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?")


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


def node(host: Host, stack: Stack) -> Iterator[Finding]:
    """The version of node against what each part asks for, and what its log says of it."""
    done = host.run(("node", "--version"))
    if isinstance(done, Failure):
        done = host.run(("nodejs", "--version"))
    said = "" if isinstance(done, Failure) else done.stdout.decode("ascii", "replace").strip()
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:3])
    if not version:
        yield skip(t("no node was found to ask for its version"))
        return
    wrong = list(_wrong_versions(host, stack, said, version))
    yield from wrong
    if not wrong and not any(_engine(host, part) for part in stack.config.parts):
        yield skip(t("no part of the Cozy says which node it asks for"))
    elif not wrong:
        yield ok(t("node {version} is what the parts of the Cozy ask for", version=said))


def _wrong_versions(host: Host, stack: Stack, said: str, version: tuple[int, ...]) -> Iterator[Finding]:
    for part in stack.config.parts:
        if part == "stack":
            continue
        needs = _engine(host, part)
        log = host.tail(f"{LOGS}/{part}.log", 40) if needs is None or not satisfies(version, needs) else []
        line = next((one for one in ([] if isinstance(log, Failure) else log) if _NO_NET.search(one)), "")
        refused = bool(line) and answering(host, stack, f"cozy.{part}") is not None
        if not refused and (needs is None or satisfies(version, needs)):
            continue
        broken = fail if refused else warn
        yield broken(
            "cozy.node_version",
            t("{name} asks for node {needs}, and {version} is installed",
              name=name_of(f"cozy.{part}", part), needs=needs or "4", version=said),
            t("These parts ran with node 0.10 to 4 and are not made any more: put that version back if you can, back "
              "up CouchDB and /usr/local/cozy, and plan the move to a cozy-stack."),
            role=f"cozy.{part}",
            proof=host.see(f"{LOGS}/{part}.log", line) if line else Evidence("node --version", said),
            by_hand="node --version",
            restart_helps=False,
            affects=(f"cozy.{part}",) if refused else (),
        )  # fmt: skip


def _engine(host: Host, part: str) -> str | None:
    """`engines.node` of its package.json; None where there is none."""
    for path in (f"{APPS}/{part}/node_modules/cozy-{part}/package.json", f"{APPS}/{part}/package.json"):
        content = host.read(path)
        try:
            found = {} if isinstance(content, Failure) else json.loads(content)
        except (ValueError, RecursionError):
            continue
        engines = found.get("engines") if isinstance(found, dict) else None
        if isinstance(engines, dict) and isinstance(engines.get("node"), str):
            return str(engines["node"])
    return None


def satisfies(version: tuple[int, ...], needs: str) -> bool:
    """Ranges as npm writes them: `>=0.10 <5`, `^4.2`, `0.10.x || 4`. What is not understood is met."""
    return any(
        all(_meets(version, *part) for part in _NEEDS.findall(choice)) for choice in needs.split("||")
    )  # fmt: skip


def _meets(version: tuple[int, ...], sign: str, *numbers: str) -> bool:
    wanted = tuple(int(number) for number in numbers if number.isdigit())
    have = version[: len(wanted)]
    if sign in (">=", ">"):
        return have >= wanted if sign == ">=" else have > wanted
    if sign in ("<=", "<"):
        return have <= wanted if sign == "<=" else have < wanted
    if sign == "^":
        return version >= wanted and version[0] == wanted[0] and (wanted[0] > 0 or version[:2] == wanted[:2])
    if sign == "~":
        return version >= wanted and version[: min(2, len(wanted))] == wanted[:2]
    return have == wanted
