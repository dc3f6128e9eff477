"""What a restart destroys, kept before it: the last lines of the log, the process, its ports, its manager's words."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from typing import Any, Final

from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Manager, Service
from cozydiag.masking import Hides
from cozydiag.stack import Stack

FOLDER: Final = "incidents"
KEPT: Final = 20
_LINES = 50
_LOOK = 5.0  # seconds for one question to a manager


def name(now: float) -> str:
    """The id of an incident that begins now: the local time, as people write it."""
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(now))


def gather(host: Host, stack: Stack, manager: Manager, service: Service, seen: Sequence[str]) -> dict[str, Any]:
    """All of it, secrets masked. ``seen`` are lines of the checks that failed. Never raises."""
    from cozydiag.redaction.lines import Strict

    masks = Strict(stack.masks())
    try:
        life = manager.life(host.within(_LOOK, "repair"), service)
        log = manager.log(host.within(_LOOK, "repair"), service, _LINES)
    except GivenUp:
        life = log = Failure("given_up", "others have waited there in vain")
    pid = 0 if isinstance(life, Failure) else life.pid
    return {
        "service": service.address,
        "at": host.clock.now(),
        "state": masks.mask(life.detail if isinstance(life, Failure) else life.words),
        "pid": pid,
        "process": _process(host, masks, pid) if pid else None,
        "seen": [masks.mask(line) for line in seen],
        "log": masks.lines([log.detail] if isinstance(log, Failure) else log),
    }


def _process(host: Host, masks: Hides, pid: int) -> dict[str, Any] | None:
    view = host.within(_LOOK, "repair")
    found = view.process(pid)
    if found is None:
        return None
    listening = view.listeners()
    ports = sorted({one.port for one in listening if view.owner(one.inode, [pid, *view.children(pid)])})
    return {
        "state": found.state,
        "started": found.started,
        "command": masks.mask(" ".join(found.cmdline)),
        "memory_kib": _resident(view, pid),
        "ports": ports,
    }


def _resident(host: Host, pid: int) -> int | None:
    content = host.read(f"/proc/{pid}/status")
    lines = [] if isinstance(content, Failure) else content.splitlines()
    words = next((line.split() for line in lines if line.startswith(b"VmRSS:")), [])
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def keep(state_folder: str, incident: str, data: dict[str, Any]) -> str | None:
    """Writes it durably into the incident's folder, for root alone, and lets go of what is older than the last
    twenty; the file, or None where it cannot be written: a repair does not fail for that."""
    folder = os.path.join(state_folder, FOLDER, incident)
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        os.chmod(os.path.dirname(folder), 0o700)
        path = _write(folder, json.dumps(data, indent=2).encode())
        _prune(os.path.dirname(folder))
    except OSError:
        return None
    return path


def read(state_folder: str, incident: str) -> list[dict[str, Any]]:
    """What was kept of an incident, in the order of the acts; [] when nothing is (any more)."""
    folder = os.path.join(state_folder, FOLDER, incident)
    found = []
    if os.path.basename(incident) != incident or incident in ("", ".", ".."):
        return []
    try:
        for entry in sorted(os.listdir(folder), key=lambda one: (len(one), one)):
            with open(os.path.join(folder, entry), encoding="utf-8") as file:
                found.append(json.load(file))
    except (OSError, ValueError):
        return found
    return found


def _write(folder: str, content: bytes) -> str:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    path = os.path.join(folder, f"{len(os.listdir(folder)) + 1}.json")
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


def _prune(folder: str) -> None:
    """The names are times: the lowest are the oldest. Links are not followed."""
    for old in sorted(os.listdir(folder))[:-KEPT]:
        shutil.rmtree(os.path.join(folder, old), ignore_errors=True)
