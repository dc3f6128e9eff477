"""A repair that is killed at one of its steps, as a process of its own: `python -m scripts.laboratory.killed`.

On a simulated server, whose manager writes each restart into a file; or, with a configuration, on a real one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cozydiag.host import Failure, Host
from cozydiag.managers.service import Service
from cozydiag.repair.act import LOCK
from cozydiag.repair.plan import make
from cozydiag.repair.session import Session
from cozydiag.state import Lock, open_state
from scripts.laboratory.year import DAY, Kind, Mail, World

KINDS = {"mends": Kind("mends", DAY), "in vain": Kind("in vain")}
"""Whether a restart helps."""

POINTS = (
    "before the observation", "after the observation", "before the evidence", "before the intent", "after the intent",
    "before it is asked", "after it was asked", "before the result", "after the result", "after the second look",
    "before the last observation", "at the end",
)  # fmt: skip
"""On the way of one restart that helps, in this order."""

IN_VAIN = (
    *POINTS[:9], "before the refutation is written", "after the refutation is written", *POINTS[9:],
)  # fmt: skip
"""The same where what failed still fails afterwards."""

GATED = (
    *POINTS[:2], "before the gate is written", "after the gate is written", *POINTS[-2:],
)  # fmt: skip
"""The same where a gate is closed."""

AROUND = ("before the lock", "after the lock")
"""Around all of it, in the command itself."""


class Restarted(World):
    """Writes each restart into a file, as soon as it is asked for; a process that dies with us leaves that behind."""

    def __init__(self, kind: Kind, path: Path) -> None:
        super().__init__(kind)
        self.path = path

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        with self.path.open("a") as file:
            file.write(f"{verb} {service.unit}\n")
        return super().ask(host, service, verb)


def killer(point: str, path: Path) -> Callable[[str], None]:
    """Writes down each point; ends this process, as the power does, at the one that is meant."""

    def reached(name: str) -> None:
        with path.open("a") as file:
            file.write(name + "\n")
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def simulated(folder: Path, point: str, kind: str) -> None:
    """One run, as a person's, with the state in ``folder``."""
    world = Restarted(KINDS[kind], folder / "restarts")
    with closing(open_state(str(folder / "state"))) as state:
        lock = state.lock(LOCK)
        assert isinstance(lock, Lock)  # noqa: S101  it is free, whoever was killed
        with lock:
            reached = killer(point, folder / "points")
            session = Session(world.look, state, lock, Mail(), "ann", world.host, reached=reached)
            report, stack = world.look()
            session.run(report, make(world.host, stack, report), stack)


def real(configuration: str, folder: Path, point: str) -> int:
    """`cozydiag fix --restart --yes` itself."""
    from cozydiag.cli.common import configuration as load
    from cozydiag.cli.fix_look import Wishes
    from cozydiag.cli.fix_run import run

    return run(load(configuration), Wishes(yes=True), killer(point, folder / "points"))


if __name__ == "__main__":
    if sys.argv[1] == "real":
        sys.exit(real(sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
    simulated(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
