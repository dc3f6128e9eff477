"""`cozydiag services`: all services of all managers, as a table, one by one, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, State
from cozydiag.model import Finding
from cozydiag.stack.ownership import Owned
from cozydiag.stack.usage import Usage
from cozydiag.text import Bytes, Seconds, Text, plural, t

Say = Callable[[Text], str]

WORDS: Final = {
    State.RUNNING: t("running"),
    State.DEGRADED: t("degraded"),
    State.STARTING: t("starting"),
    State.CRASH_LOOPING: t("crash loop"),
    State.STOPPING: t("stopping"),
    State.STOPPED: t("stopped"),
    State.FAILED: t("failed"),
    State.FINISHED: t("finished"),
    State.HUNG: t("stuck"),
    State.DISABLED: t("disabled"),
    State.UNKNOWN: t("unknown"),
    State.NO_PERMISSION: t("no access"),
}

_NAME, _MANAGER = 0, 1
_LEAST = 8
"""Columns that the name and the manager keep when the terminal is narrow."""
_ALWAYS = 3
"""What every terminal shows: name, manager, state."""
_USUAL, _UNCUT = 80, 1000


class Row(NamedTuple):
    """A service and what it uses."""

    service: Condition
    usage: Usage


def is_well(service: Condition) -> bool:
    """Nothing is to be done about it: it runs, has done its work, or is down as somebody wanted."""
    if service.start_line or (service.watch and service.state is State.CRASH_LOOPING):
        return False
    resting = service.state in (State.STOPPED, State.STOPPING, State.DISABLED) and service.wanted is not True
    return resting or service.state in (State.RUNNING, State.FINISHED)


def table(rows: Sequence[Row], now: float, say: Say, width: int) -> list[str]:
    """One line a service, what is not well first. Where it is too long names are cut; on less than the usual 80
    columns, where little would be left of them, the end of the line is left out instead."""
    headings = [say(text) for text in (
        t("name"), t("manager"), t("state"), t("PID"), t("CPU"), t("memory"), t("up for"), t("restarts"), t("ports"),
    )]  # fmt: skip
    ordered = sorted(rows, key=lambda row: is_well(row.service))
    lines = [headings, *(_cells(row, now, say) for row in ordered)]
    given = width if width >= _USUAL else _UNCUT
    while len(lines[0]) > _ALWAYS and len(_aligned(lines, given)[0]) > width:
        lines = [line[:-1] for line in lines]
    return _aligned(lines, width)


def _cells(row: Row, now: float, say: Say) -> list[str]:
    one, usage = row.service, row.usage
    running, wanted = one.instances
    state = say(WORDS[one.state])
    up = one.since if one.pids else None
    return [
        one.service.unit.removesuffix(".service") + (f" #{one.service.id}" if one.service.id else ""),
        f"{one.service.manager}@{one.service.user}" if one.service.user else one.service.manager,
        f"{state} {running}/{wanted}" if wanted > 1 else state,
        str(one.pids[0]) if one.pids else "-",
        f"{usage.cpu:.0f}%" if usage.cpu is not None else "-",
        say(t("{size}", size=Bytes(usage.memory))) if usage.memory is not None else "-",
        say(t("{age}", age=Seconds(max(0.0, now - up)))) if up is not None else "-",
        str(one.restarts) if one.restarts is not None else "-",
        ",".join(map(str, usage.ports[:3])) + ("…" if len(usage.ports) > 3 else "") if usage.ports else "-",
    ]


def _aligned(lines: Sequence[Sequence[str]], width: int) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for column in (_NAME, _MANAGER):
        over = sum(widths) + len(widths) - 1 - width
        widths[column] = max(min(_LEAST, widths[column]), widths[column] - max(0, over))
    right = range(3, 8)
    return [
        " ".join(
            (_cut(cell, size).rjust(size) if column in right else _cut(cell, size).ljust(size))
            for column, (cell, size) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def unasked(seen: Sequence[Owned], say: Say) -> list[str]:
    """The managers that are here and told nothing."""
    return [
        say(t("{name} could not be asked: {why}", name=one.subject, why=one.services.detail))
        for one in seen
        if isinstance(one.services, Failure)
    ]


def boot_table(services: Sequence[Condition], say: Say, width: int) -> list[str]:
    """What comes back after a reboot, and the line that is missing where something does not."""
    comes = {True: say(t("yes")), False: say(t("no")), None: say(t("not known"))}
    headings = [say(text) for text in (t("name"), t("manager"), t("after a reboot"))]
    cells = [[*_cells(Row(one, Usage()), 0.0, say)[:2], comes[one.boot]] for one in services]
    lines = _aligned([headings, *cells], width)
    missing = [one for one in services if one.boot is False and one.boot_line and one.state is not State.DISABLED]
    if missing:
        lines += ["", say(t("To have them come back:")), *dict.fromkeys(f"    {one.boot_line}" for one in missing)]
    return lines


def details(row: Row, lines: Sequence[str], now: float, say: Say, never: Sequence[tuple[str, Text]] = ()) -> list[str]:
    """All that is known of one service. ``never`` is what only its owner does, with its effect."""
    one, usage = row.service, row.usage
    facts: list[tuple[Text, str]] = [
        (t("address"), one.service.address + (f" #{one.service.id}" if one.service.id else "")),
        (t("state"), f"{say(WORDS[one.state])} ({one.words})" if one.words else say(WORDS[one.state])),
        (t("why"), one.why),
        (t("wanted"), {True: say(t("yes")), False: say(t("no")), None: ""}[one.wanted]),
        (t("instances"), "{}/{}".format(*one.instances) if one.instances[1] > 1 else ""),
        (t("mode"), one.mode),
        (t("since"), say(t("{age}", age=Seconds(max(0.0, now - one.since)))) if one.since is not None else ""),
        (t("PID"), ", ".join(map(str, one.pids))),
        (t("CPU"), f"{usage.cpu:.0f}%" if usage.cpu is not None else ""),
        (t("memory"), say(t("{size}", size=Bytes(usage.memory))) if usage.memory is not None else ""),
        (t("ports"), ", ".join(map(str, usage.ports))),
        (t("restarts"), str(one.restarts) if one.restarts is not None else ""),
        (t("exit code"), str(one.exit_code) if one.exit_code is not None else ""),
        (t("watched"), say(t("yes: it is restarted when its files change")) if one.watch else ""),
        (t("after a reboot"), {True: say(t("yes")), False: say(t("no")), None: ""}[one.boot]),
        (t("to have it come back"), one.boot_line if one.boot is False else ""),
        (t("start it with"), one.start_line or one.command),
    ]
    shown = [(say(name), value) for name, value in facts if value]
    width = max(len(name) for name, _ in shown)
    told = [f"{name.ljust(width)}  {value}" for name, value in shown]
    if lines:
        log = plural("The last line of its log:", "The last lines of its log:", n=len(lines))
        told += ["", say(log), *(f"  {line}" for line in lines)]
    if never:
        told += ["", say(t("Only its owner does this, never cozydiag:"))]
        told += [text for line, effect in never for text in (f"  {line}", f"      {say(effect)}")]
    return told


def as_json(seen: Sequence[Owned], rows: Sequence[Row]) -> str:
    """Times in epoch seconds, memory in bytes, CPU in percent of one processor; null for what is not known."""
    managers = [
        {
            "name": one.manager.name,
            "user": one.manager.user,
            "place": one.manager.place,
            "answers": not isinstance(one.services, Failure),
            "why": one.services.detail if isinstance(one.services, Failure) else None,
        }
        for one in seen
    ]
    document = {"version": 1, "managers": managers, "services": [record(row) for row in rows]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def record(row: Row) -> dict[str, Any]:
    one, usage = row.service, row.usage
    return {
        "address": one.service.address,
        "id": one.service.id or None,
        "name": one.service.unit,
        "manager": one.service.manager,
        "user": one.service.user,
        "role": one.role,
        "state": str(one.state),
        "words": one.words,
        "wanted": one.wanted,
        "mode": one.mode or None,
        "instances": {"running": one.instances[0], "wanted": one.instances[1]},
        "since": one.since,
        "pids": list(one.pids),
        "restarts": one.restarts,
        "exit_code": one.exit_code,
        "why": one.why or None,
        "watch": one.watch,
        "boot": one.boot,
        "boot_line": one.boot_line or None,
        "start_line": one.start_line or None,
        "command": one.command or None,
        "cpu_percent": usage.cpu,
        "memory_bytes": usage.memory,
        "ports": list(usage.ports),
    }


def complaint(found: Finding | None, say: Say) -> dict[str, str] | None:
    """What its log names, of a service that runs: in words, what to do, and the line."""
    if found is None or found.advice is None or found.proof is None:
        return None
    return {"text": say(found.text), "remedy": say(found.advice), "line": found.proof.line}
