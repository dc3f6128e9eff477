"""Putting the timer into place, and taking it away without a trace."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cozydiag.host import commands
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.logs import one_line
from cozydiag.text import Text, t
from cozydiag.watch.timer import File, all_paths

_PATIENCE = 30.0  # seconds for systemctl


def install(files: Sequence[File], *, systemd: bool) -> Text | None:
    """Write the files, each whole or not at all, and start the timer; None, or what went wrong."""
    remove(systemd=systemd, keep=[file.path for file in files])
    for file in files:
        failure = _write(file)
        if failure is not None:
            return t("{path} cannot be written: {why}", path=file.path, why=failure.detail)
    if not systemd:
        return None
    timers = [os.path.basename(file.path) for file in files if file.path.endswith(".timer")]
    for words in (("daemon-reload",), ("enable", "--now", *timers)):
        failure = _systemctl(*words)
        if failure is not None:
            return t("systemctl {words} has failed: {why}", words=" ".join(words), why=failure.detail)
    return None


def remove(*, systemd: bool, keep: Sequence[str] = ()) -> list[str]:
    """Stop the timer and delete its files but those to ``keep``; what was deleted."""
    there = [path for path in all_paths() if os.path.lexists(path) and path not in keep]
    timers = [os.path.basename(path) for path in there if path.endswith(".timer")]
    if systemd and timers:
        _systemctl("disable", "--now", *timers)
    for path in there:
        os.unlink(path)
    if systemd and there:
        _systemctl("daemon-reload")
    return there


def _write(file: File) -> Failure | None:
    new = f"{os.path.dirname(file.path)}/.{os.path.basename(file.path)}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, 0o644), "w", encoding="utf-8") as stream:
            stream.write(file.content)
            os.fchmod(stream.fileno(), 0o644)
        os.replace(new, file.path)
    except OSError as error:
        if os.path.lexists(new):
            os.unlink(new)
        return from_os_error(error)
    return None


def _systemctl(*words: str) -> Failure | None:
    done = commands.run(["systemctl", *words], deadline=Deadline(Clock(), _PATIENCE))
    if isinstance(done, Failure):
        return done
    return None if done.code == 0 else Failure("error", one_line(done.stderr.decode(errors="replace").strip(), 200))
