"""One of two cozydiags that begin at the same moment, again and again: a line on stdin is the signal to begin, a line
on stdout is what came of it. `python -m scripts.laboratory.pairs FOLDER`."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

from cozydiag.host import Failure, Host
from cozydiag.managers.service import Service
from cozydiag.repair.act import LOCK
from cozydiag.repair.plan import make
from cozydiag.repair.session import Session
from cozydiag.state import Lock, open_state
from scripts.laboratory.killed import KINDS
from scripts.laboratory.year import Mail, World


class Slow(World):
    """Each restart takes a while, and its begin and its end are written down."""

    def __init__(self, path: Path) -> None:
        super().__init__(KINDS["mends"])
        self.path = path

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        for word in ("begin", "end"):
            with self.path.open("a") as file:
                file.write(word + "\n")
            time.sleep(0.02)
        return super().ask(host, service, verb)


def once(folder: Path) -> str:
    """`acted`, `busy` (the other one has the lock) or `passed` (the other one was there before)."""
    world = Slow(folder / "acts")
    with closing(open_state(str(folder / "state"))) as state:
        lock = state.lock(LOCK)
        if not isinstance(lock, Lock):
            return "busy"
        with lock:
            session = Session(world.look, state, lock, Mail(), "ann", world.host)
            report, stack = world.look()
            return "acted" if session.run(report, make(world.host, stack, report), stack).done else "passed"


if __name__ == "__main__":
    print("ready", flush=True)
    for _ in sys.stdin:
        print(once(Path(sys.argv[1])), flush=True)
