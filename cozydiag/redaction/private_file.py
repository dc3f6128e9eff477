"""A file for its owner alone: no link is followed, nothing is half written, nobody's file of that name is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from cozydiag.host.failure import Failure, from_os_error


def replace(path: str, content: Iterable[bytes]) -> Failure | None:
    """Writes ``content`` to ``path`` with mode 0600, in the place of a plain file of ours if there is one.

    A new file in the same folder takes its place at once, so that a reader sees all of it or nothing; a folder that is
    exchanged meanwhile changes nothing, for it is held open.
    """
    folder, name = os.path.split(os.path.abspath(path))
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return from_os_error(error)
    try:
        why = _not_ours(held, name)
        if why is None:
            _write(held, name, content)
        return why
    except OSError as error:
        return from_os_error(error)
    finally:
        os.close(held)


def _not_ours(folder: int, name: str) -> Failure | None:
    """Why what has that name already must stay."""
    try:
        seen = os.lstat(name, dir_fd=folder) if name else None
    except FileNotFoundError:
        return None
    if seen is None or not stat.S_ISREG(seen.st_mode):
        what = "a link" if seen is not None and stat.S_ISLNK(seen.st_mode) else "no plain file"
        return Failure("error", f"{name or '/'} is {what}")
    if seen.st_uid != os.geteuid():
        return Failure("permission", f"{name} belongs to another user")
    return None


def _write(folder: int, name: str, content: Iterable[bytes]) -> None:
    """Raises OSError; nothing is left behind then."""
    temporary = f".{name[:200]}.{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
