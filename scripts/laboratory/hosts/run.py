"""The cases of whole servers: each server is made once, and mended after every case."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Final, NamedTuple

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.command import Run
from scripts.laboratory.hosts import plain, v2, v3
from scripts.laboratory.hosts.server import Fault, Server
from scripts.laboratory.judge import Judgement, judge
from scripts.laboratory.managers.scene import SceneError
from scripts.laboratory.proxies.run import Judged


class Kind(NamedTuple):
    """How a server is made, brought back to health, and what can be broken on it."""

    make: Callable[[], AbstractContextManager[Server]]
    restore: Callable[[Server], None]
    faults: dict[str, Fault]


KINDS: Final = {
    "v2": Kind(v2.server, v2.restore, v2.FAULTS),
    "v3": Kind(v3.server, v3.restore, v3.FAULTS),
    "bare": Kind(plain.debian, plain.restore, plain.FAULTS),
    "generic": Kind(plain.generic, plain.restore, plain.GENERIC),
    "v3-real": Kind(v3.real, v3.quiet, v3.FAULTS),
}
BROKEN = (OSError, RuntimeError, subprocess.SubprocessError)
NOTHING = ("nothing-here",)
BUSY = ("--skip", "host.load")
"""What else runs on the machine of the lab is no fault of its servers."""


class Servers:
    """From `with` to its end. One case at a time breaks a server."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._guard = threading.Lock()
        self._locks = {name: threading.Lock() for name in KINDS}
        self._made: dict[str, Server | str | Exception] = {}

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def judged(self, case: Case) -> Judged:
        name, fault = case.faults
        with self._locks[name]:
            server = self._server(name)
            if isinstance(server, str):
                return Judged(None, server)
            if isinstance(server, Exception):
                return _broken(server)
            try:
                return Judged(_judge(case, server, KINDS[name], fault), None)
            except BROKEN as error:
                return _broken(error)

    def _server(self, name: str) -> Server | str | Exception:
        """It, or why it cannot be had here, or what broke."""
        if name not in self._made:
            made = ExitStack()
            try:
                self._made[name] = made.enter_context(KINDS[name].make())
            except SceneError as error:
                self._made[name] = str(error)
            except BROKEN as error:
                self._made[name] = error
            with self._guard:
                self._stack.push(made)
        return self._made[name]


def _nothing_here(run: Run) -> Judgement:
    """A server with nothing of the kind: nothing is called broken, and nothing healthy either."""
    causes = tuple(Cause(one["code"], str(one["role"])) for one in (run.report or {"causes": ()})["causes"])
    problems = [f"false: {cause.code} of {cause.role}" for cause in causes]
    problems += [] if run.code == 3 else [f"exit code {run.code} instead of 3"]
    return Judgement(causes, len(causes), False, tuple(problems), run.report)


def _judge(case: Case, server: Server, kind: Kind, name: str) -> Judgement:
    fault = kind.faults[name]
    try:
        server.shell(fault.break_)
        server.until(fault.settled, name)
        run = server.status(*BUSY)
        return _nothing_here(run) if name in NOTHING else judge(case, run)
    finally:
        server.shell(fault.mend)
        kind.restore(server)


def _broken(error: Exception) -> Judged:
    return Judged(Judgement((), 0, False, (f"the case could not be made: {error}"[:200],)), None)
