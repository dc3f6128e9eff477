"""What `fix` did to a broken sandbox: to what was at fault, and to everything else."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.sandbox import Sandbox
from cozydiag.sandbox.files import ROLES
from scripts.laboratory import command
from scripts.laboratory.cases import Case

PROGRAMS = ROLES | {"supervisor": "supervisord"}


class Repair(NamedTuple):
    """``did`` is one of `cases.Fix`, or what happened instead. ``wrongly_touched`` are programs that were started,
    ended or replaced by others although nothing was wrong with them."""

    did: str
    right: bool
    wrongly_touched: tuple[str, ...]


def repair(case: Case, sandbox: Sandbox) -> Repair:
    """Runs `fix` and looks at what became of it."""
    before = identities(sandbox)
    fixed = command.cozydiag("fix", "--restart", "--yes", "--config", sandbox.config)
    after = identities(sandbox)
    verdict = (command.status(sandbox.config).report or {}).get("verdict")
    return assess(case, fixed, before, after, healthy=verdict == "ok")


def assess(case: Case, fixed: command.Run, before: dict[str, str], after: dict[str, str], *, healthy: bool) -> Repair:
    """From what was seen before and after; what crashes again and again changes by itself."""
    changed = {program for program in PROGRAMS.values() if before.get(program) != after.get(program)}
    changed -= restless(case)
    wrongly = tuple(sorted(changed - at_fault(case)))
    did = f"exit code {fixed.code} {fixed.stderr[-300:]}".strip()
    if fixed.code == case.exit_code != 0:
        did = "in part" if changed else "refuse"
    elif fixed.code == 0 and healthy:
        did = "repair" if changed else "nothing"
    return Repair(did, did == case.fix_expected and not wrongly, wrongly)


def at_fault(case: Case) -> frozenset[str]:
    """The programs that a repair may touch."""
    roles = {cause.role for cause in case.expected} | set(case.may_touch)
    return frozenset(PROGRAMS[role] for role in roles)


def restless(case: Case) -> frozenset[str]:
    """The programs that supervisord starts again and again meanwhile."""
    return frozenset(PROGRAMS[cause.role] for cause in case.expected if cause.code == "service.crash_loop")


def identities(sandbox: Sandbox) -> dict[str, str]:
    """Which process each program is, as `pid@start`: without supervisord, which may be what is broken."""
    found = {}
    for pid in sandbox.pids():
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                program = _program(sandbox, file.read().split("\0"))
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                start = file.read().rpartition(")")[2].split()[19]
        except OSError:  # ended meanwhile
            continue
        if program is not None:
            found[program] = f"{pid}@{start}"
    return found


def _program(sandbox: Sandbox, words: list[str]) -> str | None:
    """The program with this command line; None for nginx's workers and for helpers."""
    if words[0].startswith("nginx: master"):
        return "nginx"
    if "supervisor.supervisord" in words:
        return "supervisord"
    return next((program for program in ROLES.values() if f"--port={sandbox.layout.port(program)}" in words), None)
