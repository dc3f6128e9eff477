"""PM2 and forever, which nobody asked: what their files, processes and logs tell, in the words of their sockets.

Of a PM2 that runs, its list is made of what it has saved: each app with its process where that is there, else with
what PM2's own log says of its end. What that log does not mention since the daemon started is in no list of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any, Final

from cozydiag.collected.answers import REFUSED
from cozydiag.collected.tables import ABSENT, UNKNOWN, File, Tables
from cozydiag.host import Failure, Process, Unasked

_STATES: Final = (("errored", "errored"), ("Stopping app:", "stopped"))
_EXIT = re.compile(r" exited with code \[(\d{1,3})\]")


def answer(tables: Tables, socket: str, request: bytes) -> bytes | Failure:
    """What the one behind ``socket`` would have said. Raises Unasked where nobody can tell."""
    found = tables.file(socket)
    if isinstance(found, Failure):
        return found
    bound = _content(tables, "/proc/net/unix")
    if bound is None:
        raise Unasked
    if not any(line.endswith(f" {socket}") for line in bound.splitlines()):
        return REFUSED
    if os.path.basename(socket) != "rpc.sock" or b"getMonitorData" not in request:
        raise Unasked
    return _framed({"args": [list(_apps(tables, os.path.dirname(socket)))]})


def _apps(tables: Tables, home: str) -> Iterator[dict[str, Any]]:
    """Those of the saved list that PM2 must have in its own."""
    daemon = _process(tables, f"{home}/pm2.pid")
    saved, log = _content(tables, f"{home}/dump.pm2"), _content(tables, f"{home}/pm2.log")
    if daemon is None or (saved is None and tables.file(f"{home}/dump.pm2") != ABSENT) or log is None:
        raise Unasked
    for place, entry in enumerate(_entries(saved or "[]")):
        pid_file = str(entry.get("pm_pid_path", ""))
        number = _number(pid_file, place)
        process, lines = _process(tables, pid_file), _about(log, entry, number)
        codes = [int(found[1]) for line in lines if (found := _EXIT.search(line))]
        if process is not None:
            since = int(process.started * 1000)
            made = 1 if codes else since  # whether it crashes for ever is asked of the log, by the times in it
            more = {"pm_uptime": since, "created_at": made, "restart_time": len(codes)}
            yield _app(entry, number, "online", process.pid, more)
        elif lines:
            state = next((state for line in lines[-2:][::-1] for words, state in _STATES if words in line), "gone")
            yield _app(entry, number, state, 0, {"exit_code": codes[-1] if codes else None, "autorestart": True})


def _app(entry: dict[str, Any], number: int, status: str, pid: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"pid": pid, "name": entry["name"], "pm_id": number, "pm2_env": {**entry, "status": status, **more}}


def _about(log: str, entry: dict[str, Any], number: int) -> list[str]:
    """What PM2 wrote of this app since its daemon began."""
    name, script = entry["name"], entry.get("pm_exec_path")
    marks = (f"[{name}:{number}]", f"app:{name} id:{number}", f"Script {script} had")
    since = log[max(0, log.rfind("New PM2 Daemon started")) :]
    return [line for line in since.splitlines() if any(mark in line for mark in marks)]


def _entries(saved: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(saved)
    except (ValueError, RecursionError):
        raise Unasked from None
    entries = found if isinstance(found, list) else []
    return [one for one in entries if isinstance(one, dict) and isinstance(one.get("name"), str)]


def _number(pid_file: str, otherwise: int) -> int:
    """`my-app-3.pid`"""
    digits = pid_file.removesuffix(".pid").rpartition("-")[2]
    return int(digits) if digits.isdigit() and len(digits) < 6 else otherwise


def _process(tables: Tables, pid_file: str) -> Process | None:
    """The process of a pid file. Raises Unasked where that could not be read."""
    word = (_content(tables, pid_file) or "").strip()
    if not word and tables.file(pid_file) != ABSENT:
        raise Unasked
    pid = int(word) if word.isdigit() and len(word) < 11 else 0
    return next((one for one in tables.processes if one.pid == pid and one.state != "Z"), None)


def _content(tables: Tables, path: str) -> str | None:
    found = tables.file(path) if os.path.isabs(path) else UNKNOWN
    content = found.content if isinstance(found, File) else None
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else None


def _framed(value: Any) -> bytes:
    """As `managers.amp` reads it."""
    part = b"j:" + json.dumps(value).encode()
    return b"\x11" + len(part).to_bytes(4, "big") + part
