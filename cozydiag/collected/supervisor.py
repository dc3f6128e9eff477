"""supervisord, as `supervisorctl status`, its configuration and its logs tell of it, in the words of its XML-RPC."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from typing import Any, Final
from xmlrpc.client import Fault, dumps, loads

from cozydiag.collected.grammar import is_number
from cozydiag.collected.tables import ABSENT, UNKNOWN, File, Tables
from cozydiag.host import Answer, Failure, Unasked
from cozydiag.host.commands import Completed
from cozydiag.managers.supervisord import STATES

_ROW = re.compile(rf"(\S+)\s+({'|'.join(STATES)})\s*(.*)")
_RUNS = re.compile(r"pid (\d{1,10}), uptime (?:(\d{1,6}) days?, )?(\d{1,6}):(\d\d):(\d\d)")
_EXIT = re.compile(r" exited: (\S+) \(exit status (\d{1,3});")

_SAYS: Final[tuple[tuple[str, Failure], ...]] = (
    ("no such file", Failure("missing", "no such file or directory")),
    ("refused connection", Failure("refused", "connection refused")),
    ("Permission denied", Failure("permission", "permission denied")),
    ("PermissionError", Failure("permission", "permission denied")),
    ("requires authentication", Failure("login", "HTTP 401: a user and password are required")),
)
"""`supervisor/supervisorctl.py upcheck`, seen with 4.2.5 and 4.3.0."""

Struct = dict[str, Any]


def answer(tables: Tables, socket: str, body: bytes) -> Answer | Failure:
    """What supervisord would have said to this call."""
    done = tables.commands.get("supervisorctl status")
    if done is None or (isinstance(done, Failure) and done.kind == "missing"):
        return ABSENT if tables.file(socket) == ABSENT else UNKNOWN  # nobody could ask
    if isinstance(done, Failure):
        return done
    rows = list(_rows(done))
    failure = next((failure for words, failure in _SAYS if not rows and words.encode() in done.stdout), None)
    if failure is not None:
        return failure
    if not rows and done.stdout.strip():
        return UNKNOWN
    params, method = loads(body.decode())
    try:
        value = _value(tables, rows, str(method).removeprefix("supervisor."), params)
    except Fault as fault:
        return _said(dumps(fault, methodresponse=True))
    return _said(dumps((value,), methodresponse=True))


def _said(text: str) -> Answer:
    return Answer(200, "OK", (("Content-Type", "text/xml"),), text.encode("utf-8", "replace"), False)


def _rows(done: Completed) -> Iterator[tuple[str, str, str]]:
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        found = _ROW.fullmatch(line.strip())
        if found is not None:
            yield found[1], found[2], found[3]


def _value(tables: Tables, rows: list[tuple[str, str, str]], method: str, params: tuple[Any, ...]) -> Any:
    settings = _settings(tables)
    if method == "getAllProcessInfo":
        exits = _exits(tables, settings)
        return [_info(tables, *row, exits) for row in rows]
    if method == "getAllConfigInfo":
        return [_config(name, settings.get(f"program:{name.rpartition(':')[2]}", {})) for name, _, _ in rows]
    if method == "getPID":
        return next((one.pid for one in tables.processes if one.name.startswith("supervisord")), 1)
    if method == "readLog":
        return _end(tables, settings.get("supervisord", {}).get("logfile", ""), params[0])
    for channel in ("Stderr", "Stdout"):
        if method == f"readProcess{channel}Log":
            program = settings.get(f"program:{str(params[0]).rpartition(':')[2]}", {})
            return _end(tables, program.get(f"{channel.lower()}_logfile", ""), params[1])
    raise Unasked


def _info(tables: Tables, name: str, state: str, words: str, exits: Mapping[str, int]) -> Struct:
    group, _, own = name.rpartition(":")
    now = _number(tables.at)
    runs = _RUNS.match(words)
    days, hours, minutes, seconds = (int(part or 0) for part in runs.groups()[1:]) if runs else (0, 0, 0, 0)
    never = state == "STOPPED" and words in ("", "Not started")
    stopped = state in ("STOPPED", "EXITED") and not never
    return {
        "name": own, "group": group or own, "state": STATES[state], "statename": state,
        "spawnerr": words if state in ("FATAL", "BACKOFF") else "", "pid": _number(int(runs[1])) if runs else 0,
        "start": _number(now - (((days * 24 + hours) * 60 + minutes) * 60 + seconds)) if runs else 0 if never else 1,
        "stop": _number(_when(words, tables.at)) if stopped else 0, "now": now, "exitstatus": exits.get(own, 0),
    }  # fmt: skip


def _when(words: str, now: float) -> int:
    """`Nov 21 08:20 AM`, of this year or the last one; 0 where it is none."""
    for year in (time.localtime(now).tm_year, time.localtime(now).tm_year - 1):
        try:
            at = time.mktime(time.strptime(f"{year} {words}", "%Y %b %d %I:%M %p"))
        except (ValueError, OverflowError):
            continue
        if at <= now + 60:
            return int(at)
    return 0


def _config(name: str, program: Mapping[str, str]) -> Struct:
    group, _, own = name.rpartition(":")
    codes = [_number(int(word)) for word in program.get("exitcodes", "0").split(",") if is_number(word.strip())]
    seconds = program.get("startsecs", "1")
    return {
        "name": own, "group": group or own, "autostart": _yes(program.get("autostart", "true")),
        "startsecs": _number(int(seconds)) if is_number(seconds) else 1, "exitcodes": codes or [0],
        "redirect_stderr": _yes(program.get("redirect_stderr", "false")),
    }  # fmt: skip


def _number(value: float) -> int:
    """As XML-RPC takes it."""
    return int(max(0, min(value, 2**31 - 1)))


def _yes(word: str) -> bool:
    return word.strip().lower() in ("true", "yes", "on", "1")


def _settings(tables: Tables) -> dict[str, dict[str, str]]:
    """The sections of all files that look like a configuration of supervisord."""
    found: dict[str, dict[str, str]] = {}
    for path, content in tables.contents().items():
        if not path.endswith((".conf", ".ini")) or not re.search(rb"(?m)^\[(program:|supervisord\])", content):
            continue
        parser = RawConfigParser(strict=False, inline_comment_prefixes=(";",))
        try:
            parser.read_string(content.decode("utf-8", "replace"))
        except Error:
            continue
        for section in parser.sections():
            found.setdefault(section.strip(), {}).update(parser.items(section))
    return found


def _exits(tables: Tables, settings: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """The last exit status of each program, by supervisord's own log."""
    path = settings.get("supervisord", {}).get("logfile", "")
    found = tables.file(path) if path else UNKNOWN
    content = found.content if isinstance(found, File) else b""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    return {one[1]: int(one[2][:3]) for one in _EXIT.finditer(text)}


def _end(tables: Tables, path: str, offset: int) -> str:
    """The last bytes of a log. Raises Fault as supervisord does where there is none."""
    found = tables.file(path) if os.path.isabs(path) else UNKNOWN
    content = found.content if isinstance(found, File) else b""
    if not isinstance(content, bytes) or isinstance(found, Failure):
        raise Fault(20, "NO_FILE")
    # What XML cannot hold is not in any line that a check looks for.
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", content[offset:].decode("utf-8", "replace"))
