"""Why a program of supervisord is dead: its state says that it is, its log says of what."""

from __future__ import annotations

import re
from functools import partial

from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.managers import supervisord
from cozydiag.managers.supervisord import Program
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.ports import holder
from cozydiag.stack.words import name_of, supervisorctl
from cozydiag.text import Text, t

_REFUSED = re.compile(
    r"ECONNREFUSED (?:127\.0\.0\.1|::1|localhost):(\d{1,5})"
    r"|dial tcp (?:127\.0\.0\.1|\[::1\]):(\d{1,5}): connect: connection refused"  # Go's words
)
_TAKEN = re.compile(r"EADDRINUSE|[Aa]ddress already in use")
_NO_LOGIN = re.compile(r"CouchError: unauthorized|Name or password is incorrect")
_LOUD = re.compile(r"(?i)error|cannot|can't|couldn't|fatal|exception|denied|emerg")
_NO_COMMAND = ("can't find command", "command at ")
"""What supervisord itself says when there is nothing to start (`supervisor/process.py check_execv_args`)."""


def dead(host: Host, stack: Stack, program: Program, code: str, text: Text) -> Finding:
    """The finding for a program that gave up, ended or crashes again and again."""
    from cozydiag.stack import known  # whoever only wants to know who refused pays for no rules

    broken = partial(fail, role=program.role, affects=(program.role,) if program.role else (), service=program.service)
    if any(words in program.spawnerr for words in _NO_COMMAND):
        return broken(
            code,
            text,
            _gone(host, stack, program)
            or t("Mend the command in section {section} of supervisord's configuration, or install what is missing.",
                 section=f"[program:{program.name}]"),
            proof=Evidence(program.service, f"{program.statename} {program.spawnerr}"),
            restart_helps=False,
            by_hand=supervisorctl(host, stack, "status", program.name),
        )  # fmt: skip
    lines = supervisord.log_tail(host, stack.socket(host), program)
    taken = port_taken(host, stack, program.service, program.role, program.pid, lines)
    if taken is not None:
        return taken
    loops = code == "service.crash_loop"
    cause = known.cause(host, stack, lines, program.role)
    helps = False if loops else cause and cause.restart_helps
    proof = cause.line if cause is not None else known.final(lines) or telling(lines)
    return broken(
        code,
        t("{text}: {cause}", text=text, cause=cause.meaning) if cause is not None else text,
        known.advice(cause, starts_by_itself=loops)
        if cause is not None
        else t("Read its log and mend what it says; it is being restarted all the time.")
        if loops
        else t("Read its log; a restart helps only if what it says has passed."),
        proof=host.see(f"{program.service} log", proof) if proof else Evidence(program.service, _state(program)),
        restart_helps=helps,
        commands=() if loops else (supervisorctl(host, stack, "restart", program.name),),
        certainty=cause.certainty if cause is not None else "certain",
        by_hand=supervisorctl(host, stack, "tail", program.name, "stdout" if program.logs_to_stdout else "stderr"),
        waits_for=waits_for(stack, lines, program.role),
    )


def _gone(host: Host, stack: Stack, program: Program) -> Text | None:
    """What to do about a controller that nobody can install again; None for all others."""
    if program.role != "cozy.controller" or not stack.config.discover:
        return None
    from cozydiag.cozy import silent

    return silent.GONE if silent.is_gone(host) else None


def _state(program: Program) -> str:
    return f"{program.statename} {program.spawnerr}".strip()


def port_taken(host: Host, stack: Stack, service: str, role: str | None, pid: int, lines: list[str]) -> Finding | None:
    """The finding for a service whose log speaks of a port in use, where somebody else does hold it."""
    line = next((line for line in reversed(lines) if _TAKEN.search(line)), None)
    address = stack.address_of(role)
    if line is None or address is None:
        return None
    other = holder(host, address[1], beside=pid)
    if other is None:
        return None
    name, port = service.partition(":")[2], str(address[1])
    return fail(
        "service.port_taken",
        t("{name} cannot start: its port {port} is taken by {other}",
          name=name_of(role, name), port=port, other=str(other)),
        t("End that program or give it another port; only then start {name}.", name=name),
        role=role,
        affects=(role,) if role else (),
        service=service,
        proof=host.see(f"{service} log", line),
        restart_helps=False,
        by_hand=f"sudo ss -ltnp 'sport = :{port}'",
    )  # fmt: skip


def telling(lines: list[str]) -> str:
    """The last line that reads like a reason, else the last line."""
    loud = [line for line in lines if _LOUD.search(line)]
    return (loud or lines or [""])[-1]


def waits_for(stack: Stack, lines: list[str], own: str | None) -> tuple[str, ...]:
    """The roles that its last words name as having refused it."""
    roles: dict[str, None] = {}
    for line in lines[-20:]:
        for port in ("".join(ports) for ports in _REFUSED.findall(line)):
            role = stack.role_at(int(port))
            if role is not None and role != own:
                roles[role] = None
        if _NO_LOGIN.search(line) and own != "couchdb":
            roles["couchdb"] = None
    return tuple(roles)
