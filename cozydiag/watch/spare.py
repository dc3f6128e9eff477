"""What was told, kept where nothing is full when the state cannot be written: else a full disk would tell the same
story with every run."""

from __future__ import annotations

import json
import os
from _blake2 import blake2b  # what hashlib gives out, without the OpenSSL that this loads
from typing import Any

from cozydiag.host import files
from cozydiag.host.failure import Failure
from cozydiag.state import State


def load(state: State, key: str) -> dict[str, Any] | None:
    """What was kept last, here or there; None when nothing ever was."""
    spare = _read(_path(state.folder))
    if spare is not None:
        return spare
    kept = state.get(key)
    return kept if isinstance(kept, dict) else None


def save(state: State, key: str, data: dict[str, Any]) -> bool:
    """Whether it is kept in one of the two places."""
    path = _path(state.folder)
    if state.set(key, data):
        _remove(path)
        return True
    return _write(path, data)


def _path(folder: str) -> str:
    """In memory, and our own alone; "" where there is no such place."""
    base = "/run/cozydiag" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    mark = blake2b(os.fsencode(folder), digest_size=6).hexdigest()
    return os.path.join(base, f"cozydiag-{mark}.json") if base.startswith("/") else ""


def _read(path: str) -> dict[str, Any] | None:
    status = files.stat(path) if path and os.path.lexists(path) else Failure("missing", "")
    if isinstance(status, Failure) or status.st_uid != os.geteuid():
        return None
    content = files.read(path, follow=False)
    try:
        found = None if isinstance(content, Failure) else json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _write(path: str, data: dict[str, Any]) -> bool:
    if not path:
        return False
    folder = os.path.dirname(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        if os.stat(folder, follow_symlinks=False).st_uid != os.geteuid():
            return False
        with os.fdopen(os.open(f"{path}.new", flags, 0o600), "wb") as file:
            file.write(json.dumps(data).encode())
        os.replace(f"{path}.new", path)
    except OSError:
        _remove(f"{path}.new")
        return False
    return True


def _remove(path: str) -> None:
    try:
        if path:
            os.unlink(path)
    except OSError:
        return
