"""Where the state is kept, and who may look at it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from cozydiag.text import Text, t, verbatim


def prepare(folder: str, file: str) -> Text | None:
    """Make ``folder`` and the file in it as private as they must be; None, or why that cannot be.

    A machine's state may be read by the group adm, as logs may; a user's by the user alone.
    """
    try:
        return _prepare(folder, file)
    except OSError as error:
        return t("{path} cannot be used: {why}", path=folder, why=reason(error))


def reason(error: OSError) -> Text:
    return verbatim(error.strerror or str(error))


def writable(folder: str) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _prepare(folder: str, file: str) -> Text | None:
    if not folder.startswith("/"):
        return t("{path} is not an absolute path", path=folder)
    if not os.path.lexists(folder):
        os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
        _make(folder, lambda: os.mkdir(folder, 0o700), 0o750)
    why = _unsafe(folder, stat.S_ISDIR)
    if why is not None:
        return why
    path = os.path.join(folder, file)
    if writable(folder) and not os.path.lexists(path):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        _make(path, lambda: os.close(os.open(path, flags, 0o600)), 0o640)
    return _unsafe(path, stat.S_ISREG)


def _make(path: str, make: Callable[[], None], mode: int) -> None:
    try:
        make()
    except FileExistsError:  # another process was quicker
        return
    if os.geteuid() == 0:
        _share(path, mode)


def _share(path: str, mode: int) -> None:
    """Let the group adm read what root has made."""
    import grp

    try:
        os.chown(path, 0, grp.getgrnam("adm").gr_gid)
    except (KeyError, PermissionError):  # no such group here, or in a unit that may not chown: root alone
        return
    os.chmod(path, mode)


def _unsafe(path: str, right_kind: Callable[[int], bool]) -> Text | None:
    """Why ``path`` is not to be trusted: where others can write, they could lead root to write elsewhere."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return t("{path} is a link, and links are not followed here", path=path)
    if not right_kind(status.st_mode):
        return t("{path} is neither a folder nor a plain file", path=path)
    if status.st_uid not in (0, os.geteuid()):
        return t("{path} belongs to another user", path=path)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return t("{path} can be written by others (chmod go-w {path})", path=path)
    return None
