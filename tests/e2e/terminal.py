"""A command on a terminal of its own, as at a login. Every wait here ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

LIMIT = 60.0  # seconds for anything that is waited for


def _log_in() -> None:
    """The terminal is ours, and Ctrl-C is heard: a suite that runs in the background hands down that it is ignored."""
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """Runs ``line``; ``said`` is all that was written so far, errors too. Without ``typing`` its standard input is
    empty, and only what it writes goes to the terminal."""

    def __init__(self, line: Sequence[str], environment: Mapping[str, str], *, typing: bool = True) -> None:
        self.ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            line, env=environment, stdin=theirs if typing else subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=_log_in,  # noqa: PLW1509
        )  # fmt: skip
        os.close(theirs)
        self.written = b""

    @property
    def said(self) -> str:
        return self.written.decode(errors="replace").replace("\r\n", "\n")

    def until(self, words: str) -> None:
        """Reads until ``words`` have come."""
        deadline = time.monotonic() + LIMIT
        while words not in self.said:
            assert time.monotonic() < deadline, self.said
            assert self.read(), self.said

    def read(self) -> bool:
        """Takes what is said; False when the other end is closed."""
        try:
            if self.ours >= 0 and select.select([self.ours], [], [], 0.5)[0]:
                self.written += os.read(self.ours, 65536)
        except OSError:  # how Linux says it
            self.hang_up()
        return self.ours >= 0

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def hang_up(self) -> None:
        if self.ours >= 0:
            os.close(self.ours)
        self.ours = -1

    def end(self, keys: str = "") -> int:
        """Its exit code, when all that it says has been read. ``keys`` are typed whenever it is silent: a Ctrl-C
        between a question and the wait for its answer is lost."""
        deadline, heard = time.monotonic() + LIMIT, b""
        try:
            while self.read():
                assert time.monotonic() < deadline, self.said
                if keys and heard == self.written:
                    self.type(keys)
                heard = self.written
            return self.child.wait(LIMIT)
        finally:
            self.close()

    def close(self) -> None:
        """Leaves neither the terminal nor the command behind."""
        self.hang_up()
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(LIMIT)
