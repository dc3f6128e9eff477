"""The cases of whole servers: each server is made once, and mended after every case."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.command import Run
from scripts.laboratory.hosts import plain, v2, v3
from scripts.laboratory.hosts.server import Fault, Server
from scripts.laboratory.judge import Judged, Judgement, judge
from scripts.laboratory.made import Made


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
MAKERS: Final = {name: kind.make for name, kind in KINDS.items()}
NOTHING = ("nothing-here",)
BUSY = ("--skip", "host.load")
"""What else runs on the machine of the lab is no fault of its servers."""


def judged(servers: Made[Server], case: Case) -> Judged:
    name, fault = case.faults
    return servers.judged(name, lambda server: _judge(case, server, KINDS[name], fault))


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
