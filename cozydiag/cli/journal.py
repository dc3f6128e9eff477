"""`cozydiag journal`: what was done to the services, when, by whom, why, and with what outcome."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cozydiag.cli.common import EXIT, ConfigOption, LangOption, Problem, configuration, one_of, say, write
from cozydiag.model import Status
from cozydiag.text import t
from cozydiag.watch import acts

if TYPE_CHECKING:
    from cozydiag.state import Entry, State


def journal(
    incident: Annotated[
        str | None,
        typer.Option("--incident", metavar="ID", help=say(t("All of one incident, with what was kept of it."))),
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="NAME", help=say(t("Only what concerns this service.")))
    ] = None,
    lines: Annotated[
        int,
        typer.Option("-n", "--lines", metavar="N", min=1, max=10000, help=say(t("So many entries, the last ones."))),
    ] = 20,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from contextlib import closing

    from cozydiag.state import open_state

    one_of("--format", format_, ("text", "json"))
    folder = configuration(config).state_folder
    if not os.path.lexists(os.path.join(folder, "state.db")):
        write("[]\n" if format_ == "json" else say(t("Nothing was done yet.")) + "\n")
        return 0
    with closing(open_state(folder)) as state:
        if state.query("SELECT 1") is None:
            raise Problem(
                t("{note}", note=state.notes[0]) if state.notes else t("it cannot be read"), EXIT[Status.UNKNOWN]
            )
        entries = _entries(state, incident, service)[-lines:]
    if format_ == "json":
        write(json.dumps([_record(folder, one, whole=incident is not None) for one in entries], indent=2) + "\n")
        return 0
    if not entries:
        if incident is not None:
            raise Problem(t("no incident is called {incident}; `cozydiag journal` lists them", incident=incident))
        write(say(t("Nothing was done yet.")) + "\n")
    for one in entries:
        _show(one)
    if incident is not None:
        _show_evidence(folder, incident)
    return 0


def _entries(state: State, incident: str | None, service: str | None) -> list[Entry]:
    found = [one for one in state.entries() if one.kind in ("act", "seen", "gate") and isinstance(one.data, dict)]
    if service is not None:
        names = [str(one.data.get("service", "")) for one in found]
        meant = {name for name in names if service in (name, name.partition(":")[2])}
        found = [one for one in found if one.data.get("service") in meant]
    return [one for one in found if incident is None or one.data.get("incident") == incident]


def _show(one: Entry) -> None:
    first, *more = acts.told(one)
    data: dict[str, Any] = one.data
    write(say(first) + "\n")
    who, why = str(data.get("by") or "?"), str(data.get("why") or "-")
    typed = t("by {who}, with `cozydiag services`", who=who)
    by = typed if why == "services" else t("by {who}, because of {why}", who=who, why=why)
    write(f"    {say(by)}" + (f"  [{data['incident']}]" if data.get("incident") else "") + "\n")
    for text in more:
        write(f"    {say(text)}\n")


def _show_evidence(folder: str, incident: str) -> None:
    """What was kept before each act: the restart destroyed it."""
    from cozydiag.repair import evidence

    kept = evidence.read(folder, incident)
    if not kept:
        write(say(t("Of this incident nothing else is kept (or it may not be read by this user).")) + "\n")
    for one in kept:
        state, pid = str(one.get("state", "")), str(one.get("pid", 0))
        text = t("Before the act on {service}: {state}, PID {pid}", service=str(one["service"]), state=state, pid=pid)
        write("\n" + say(text) + "\n")
        process = one.get("process") or {}
        if process:
            ports = ", ".join(map(str, process.get("ports", []))) or "-"
            memory = str(process.get("memory_kib") or "?")
            text = t("process: {command}; ports: {ports}; memory: {memory} KiB",
                     command=str(process.get("command", "")), ports=ports, memory=memory)  # fmt: skip
            write(f"  {say(text)}\n")
        for line in (*one.get("seen", []), *one.get("log", [])):
            write(f"  | {line}\n")


def _record(folder: str, one: Entry, *, whole: bool) -> dict[str, Any]:
    from cozydiag.repair import evidence

    data = {key: value for key, value in one.data.items() if key != "moment"}
    record = {"id": one.id, "kind": one.kind, "at": one.at, **data, "outcome": one.result}
    if whole:
        record["evidence"] = [kept for kept in evidence.read(folder, str(data.get("incident", "")))
                              if kept.get("service") == data.get("service")]  # fmt: skip
    return record
