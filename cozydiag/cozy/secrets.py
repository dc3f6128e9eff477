"""The files that hold a Cozy v2's secrets: there, closed to others, open to who needs them, no younger than who uses
them. None of them is read."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator
from typing import Final

from cozydiag.cozy.monitor import answering
from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import name_of, ourselves, root, supervisorctl
from cozydiag.text import t

TOKENS: Final = ("/etc/cozy/stack.token", "/etc/cozy/controller.token")
"""The second before 2.0. Made anew at every start of the controller (cozy-controller `initialize.coffee`)."""

_TICK = 2.0  # seconds between the writing of the token and the start of the first part, at most


def look(host: Host, stack: Stack) -> Iterator[Finding]:
    found = [*_login(host, stack), *_token(host, stack)]
    there = [path for path in (stack.config.couchdb.credentials_file, *TOKENS) if _exists(host, path)]
    yield from found
    if not found and not there:
        yield skip(t("none of the Cozy's secrets is here"))
    elif not found:
        yield ok(t("the secrets of the Cozy are there, closed to others, and older than who uses them"))


def _login(host: Host, stack: Stack) -> Iterator[Finding]:
    path = stack.config.couchdb.credentials_file
    seen = host.stat(path)
    well = answering(host, stack, "cozy.data-system") is None
    if isinstance(seen, Failure):
        if seen.kind == "missing" and not well:
            yield fail(
                "cozy.login_missing",
                t("{path} is missing: the data-system cannot log in at CouchDB and does not start", path=path),
                t("Write the user of CouchDB on its first line and the password on its second; it belongs to "
                  "cozy-data-system, mode 0640."),
                role="cozy.data-system",
                proof=Evidence(path, seen.detail),
                restart_helps=False,
            )  # fmt: skip
        elif seen.kind != "missing":
            yield _unseen(stack, path, seen)
        return
    process = listening(host, stack, "data-system")
    user = process.uid if process else user_of(host, "cozy-data-system")
    if user is not None and not may_read(host, seen, user):
        broken = warn if well else fail
        yield broken(
            "cozy.login_unreadable",
            t("the data-system's user may not read {path}: it does not start again", path=path),
            t("Give the file to that user."),
            role="cozy.data-system",
            commands=(f"{root(host)}chown cozy-data-system {path}", f"{root(host)}chmod 0640 {path}"),
            proof=Evidence(path, f"mode {modes.S_IMODE(seen.st_mode):04o}, user {seen.st_uid}, group {seen.st_gid}"),
            restart_helps=False,
        )
    yield from open_to_all(host, path, seen)


def open_to_all(host: Host, path: str, seen: os.stat_result) -> Iterator[Finding]:
    """A secret that every user of the machine may read."""
    if seen.st_mode & 0o004:
        yield warn(
            "cozy.secret_open",
            t("every user of this machine may read {path}", path=path),
            t("Close it to others; who needs it owns it, or is in its group."),
            role="host",
            commands=(f"{root(host)}chmod o-rwx {path}",),
            proof=Evidence(path, f"mode {modes.S_IMODE(seen.st_mode):04o}"),
            restart_helps=False,
            affects=(),
        )


def _token(host: Host, stack: Stack) -> Iterator[Finding]:
    path, seen = TOKENS[0], host.stat(TOKENS[0])
    if isinstance(seen, Failure) and seen.kind == "missing":
        path, seen = TOKENS[1], host.stat(TOKENS[1])
    if isinstance(seen, Failure):
        if seen.kind == "missing" and answering(host, stack, "cozy.controller") is None:
            yield skip(t("the controller runs without a token, as it does for development"))
        elif seen.kind != "missing":
            yield _unseen(stack, path, seen)
        return
    yield from open_to_all(host, path, seen)
    old = [
        (part, process)
        for part in ("home", "proxy")
        if (process := listening(host, stack, part)) is not None and seen.st_mtime > process.started + _TICK
    ]
    if old:
        yield _stale(host, stack, path, old, seen.st_mtime)


def _unseen(stack: Stack, path: str, why: Failure) -> Finding:
    text = t("{path} cannot be looked at: {why}", path=path, why=why.detail)
    return unknown("cozy.secret_unseen", text, unlock=ourselves("status", stack.config))


def _exists(host: Host, path: str) -> bool:
    return not isinstance(host.stat(path), Failure)


def _stale(host: Host, stack: Stack, path: str, old: list[tuple[str, Process]], written: float) -> Finding:
    """It matters as soon as one of both is asked for it: home's list shows whether that is so."""
    refused = answering(host, stack, "cozy.home") is not None
    broken = fail if refused else warn
    part, process = old[0]
    return broken(
        "cozy.token_stale",
        t("{names}: started before the controller wrote {path} anew, and still with the old token",
          names=", ".join(name_of(f"cozy.{part}", part) for part, _ in old), path=path),
        t("Restart the parts of the Cozy, so that all have the same token."),
        role=f"cozy.{part}",
        commands=_restart(host, stack),
        proof=Evidence(f"/proc/{process.pid}", f"started {written - process.started:.0f} s before the token"),
        certainty="certain" if refused else "likely",
        restart_helps=True,
        affects=("cozy.home", "cozy.proxy") if refused else (),
    )  # fmt: skip


def _restart(host: Host, stack: Stack) -> tuple[str, ...]:
    """What starts all parts anew: cozy-monitor, else the controller, which makes another token and then starts them."""
    if any(manager.name == "cozy-monitor" for manager in stack.managers(host)):
        return (f"{root(host)}cozy-monitor restart-cozy-stack",)
    program = stack.program(host, "cozy.controller")
    return (supervisorctl(host, stack, "restart", program.name),) if program else ()


def listening(host: Host, stack: Stack, part: str) -> Process | None:
    """The process behind a part's port, where this user may see it."""
    for listener in host.listeners(stack.part(part).address[1]):
        pid = host.owner(listener.inode)
        if pid:
            return host.process(pid)
    return None


def _lines(host: Host, path: str) -> list[list[str]]:
    content = host.read(path)
    text = "" if isinstance(content, Failure) else content.decode("utf-8", "replace")
    return [line.split(":") for line in text.splitlines()]


def user_of(host: Host, name: str) -> int | None:
    """From /etc/passwd alone: the name service could ask a dead server."""
    found = [row for row in _lines(host, "/etc/passwd") if row[0] == name and len(row) > 3 and row[2].isdigit()]
    return int(found[0][2]) if found else None


def may_read(host: Host, seen: os.stat_result, user: int) -> bool:
    """By owner, group and mode alone."""
    if user == 0 or seen.st_mode & modes.S_IROTH:
        return True
    if seen.st_uid == user:
        return bool(seen.st_mode & modes.S_IRUSR)
    names = {row[0]: row[3] for row in _lines(host, "/etc/passwd") if len(row) > 3 and row[2] == str(user)}
    groups = set(names.values())
    groups |= {row[2] for row in _lines(host, "/etc/group") if len(row) > 3 and names.keys() & {*row[3].split(",")}}
    return bool(seen.st_mode & modes.S_IRGRP) and str(seen.st_gid) in groups
