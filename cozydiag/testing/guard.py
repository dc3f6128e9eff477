"""Notices a check that goes round its Host, straight to the machine."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from types import FrameType
from typing import Any

_EVENTS = (
    "open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "tempfile.", "glob.", "pty.", "fcntl.", "ctypes.",
)  # fmt: skip
"""What counts, by the beginnings of the names of audit events (Python's own table of them)."""

_HARMLESS = ("os.putenv", "os.unsetenv", "socket.gethostname", "os.listxattr")

_SILENT = ((os, "stat"), (os, "lstat"), (os, "access"), (os, "readlink"), (os, "statvfs"), (time, "sleep"))
"""What raises no audit event."""

_ALLOWED = ("<frozen importlib", f"{os.sep}testing{os.sep}host.py", f"{os.sep}crossplane{os.sep}")
"""Imports, the fake itself, and nginx's parser, which opens the files of a configuration on its own."""

_thread = threading.local()


class Watched:
    """A function whose doings are noted in ``seen`` while it runs."""

    def __init__(self, function: Callable[..., Iterator[Any]]) -> None:
        self.function = function
        self.seen: list[str] = []

    def __call__(self, *arguments: Any) -> Iterator[Any]:
        _thread.seen = self.seen
        try:
            yield from self.function(*arguments)
        finally:
            _thread.seen = None


@contextmanager
def watching() -> Iterator[None]:
    """While it lasts, also the calls without an audit event are noted. Not for two threads at a time."""
    _listen()
    originals = [(module, name, getattr(module, name)) for module, name in _SILENT]
    for module, name, original in originals:
        setattr(module, name, _noted(f"{module.__name__}.{name}", original))
    try:
        yield
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


def _noted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        _note(name, arguments)
        return original(*arguments, **named)

    return call


@cache
def _listen() -> None:
    """Audit hooks stay for ever, so there is one, which is idle as long as nothing is watched."""
    sys.addaudithook(lambda event, arguments: _note(event, arguments) if event.startswith(_EVENTS) else None)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    seen: list[str] | None = getattr(_thread, "seen", None)
    if seen is None or event in _HARMLESS or _allowed(sys._getframe(1)):  # noqa: SLF001  the frame is all there is
        return
    seen.append(f"{event} {arguments[0]!r}" if arguments else event)


def _allowed(frame: FrameType | None) -> bool:
    while frame is not None:
        if any(part in frame.f_code.co_filename for part in _ALLOWED):
            return True
        frame = frame.f_back
    return False
