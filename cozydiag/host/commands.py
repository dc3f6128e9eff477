"""Other programs: no shell, a fixed PATH, a clean environment, a group that can be ended whole."""

from __future__ import annotations

import os
import select
import signal
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error

if TYPE_CHECKING:
    from subprocess import Popen

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8"}
_TICK = 0.05  # how late the end of a program is noticed when a child of its keeps the pipes open
_LAST_TICK = 0.005  # and when it has closed its outputs itself


class Completed(NamedTuple):
    """A program that ended. ``code`` is negative for a signal; outputs are raw and cut at the cap."""

    code: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str],
    *,
    deadline: Deadline,
    stdin: bytes = b"",
    max_output: int = 1 << 20,
    env: Mapping[str, str] | None = None,
) -> Completed | Failure:
    """Runs a program to its end; past the deadline its whole group is killed.

    What a program leaves running on purpose (a daemon) stays, and does not hold us by its pipes.
    """
    program = locate(argv[0])
    if isinstance(program, Failure):
        return program
    import subprocess

    try:
        child = subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**ENVIRONMENT, **(env or {})},
            start_new_session=True,
            bufsize=0,
        )
    except PermissionError:
        return Failure("not_executable", f"{program} cannot be executed")
    except OSError as error:
        return from_os_error(error)
    except ValueError:
        return Failure("error", "a null byte in an argument")
    try:
        return _attend(child, deadline, stdin, max_output)
    finally:
        _end(child)


def locate(name: str) -> str | Failure:
    """The program's file: searched in PATH alone, or the absolute path where that can be trusted.

    Elsewhere than in PATH the file must belong to root or to us and be closed to the writing of
    others, and no folder above may let somebody else put another in its place.
    """
    if name.startswith("/"):
        if not os.path.isfile(name):
            return Failure("missing", f"{name} does not exist")
        if os.path.dirname(name) not in PATH.split(":") and not _trusted(os.path.realpath(name)):
            return Failure("permission", f"{name} could be changed by others")
        return name if os.access(name, os.X_OK) else Failure("not_executable", f"{name} cannot be executed")
    if "/" in name or not name:
        return Failure("missing", "a program is named by its name or by its absolute path")
    found = [path for folder in PATH.split(":") if os.path.isfile(path := f"{folder}/{name}")]
    usable = [path for path in found if os.access(path, os.X_OK)]
    if usable:
        return usable[0]
    return Failure("not_executable", f"{found[0]} cannot be executed") if found else Failure("missing", f"no {name}")


def _trusted(path: str) -> bool:
    try:
        if os.stat(path).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        while True:
            facts = os.stat(path)
            open_to_all = facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX
            if facts.st_uid not in (0, os.geteuid()) or open_to_all:
                return False
            if path == "/":
                return True
            path = os.path.dirname(path)
    except OSError:
        return False


def _attend(child: Popen[bytes], deadline: Deadline, stdin: bytes, max_output: int) -> Completed | Failure:
    pipes = _Pipes(child, stdin, max_output)
    while pipes.open or child.poll() is None:
        ended = child.poll() is not None
        left = deadline.remaining()
        if left <= 0:
            return Failure("timeout", "did not end in time")
        moved = pipes.move(0 if ended else min(left, _TICK if pipes.open else _LAST_TICK))
        if ended and not moved:
            break  # a daemon that it started keeps the pipe
    stdout, stderr = pipes.collected()
    return Completed(child.wait(), stdout, stderr)


class _Pipes:
    """Feeds and drains a program without ever blocking; what is past the cap is read and dropped."""

    def __init__(self, child: Popen[bytes], stdin: bytes, cap: int) -> None:
        self.cap = cap
        self.stdin = child.stdin
        self.waiting = memoryview(stdin)
        self.outputs = {pipe.fileno(): bytearray() for pipe in (child.stdout, child.stderr) if pipe is not None}
        self.open = set(self.outputs)
        self.poll = select.poll()
        for descriptor in self.outputs:
            os.set_blocking(descriptor, False)
            self.poll.register(descriptor, select.POLLIN)
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            self.poll.register(child.stdin.fileno(), select.POLLOUT)

    def move(self, seconds: float) -> bool:
        """Waits at most ``seconds`` for bytes to pass; whether the program said something, or stopped saying."""
        ready = [descriptor for descriptor, _ in self.poll.poll(1000 * seconds)]
        for descriptor in ready:
            if descriptor in self.open:
                self._drain(descriptor)
            else:
                self._feed(descriptor)
        return any(descriptor in self.outputs for descriptor in ready)

    def collected(self) -> tuple[bytes, bytes]:
        stdout, stderr = self.outputs.values()
        return bytes(stdout), bytes(stderr)

    def _drain(self, descriptor: int) -> None:
        try:
            piece = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        collected = self.outputs[descriptor]
        collected += piece[: self.cap - len(collected)]
        if not piece:
            self.poll.unregister(descriptor)
            self.open.discard(descriptor)

    def _feed(self, descriptor: int) -> None:
        try:
            self.waiting = self.waiting[os.write(descriptor, self.waiting[:65536]) :]
        except BlockingIOError:
            return
        except OSError:  # the program does not want more
            self.waiting = self.waiting[:0]
        if not self.waiting and self.stdin is not None:
            self.poll.unregister(descriptor)
            self.stdin.close()


def _end(child: Popen[bytes]) -> None:
    """Kills the group of a program that is still running; not yet waited for, so its number is still its own."""
    import subprocess

    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(1)
        except (OSError, subprocess.TimeoutExpired):
            pass  # in an uninterruptible wait: nobody can end it now
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
