"""forever with a script in each of its states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from cozydiag.host import Failure, Host, World
from cozydiag.managers import forever
from cozydiag.managers.service import Condition, State, Surroundings
from cozydiag.stack.ownership import title
from scripts.laboratory.managers.pm2 import SECRET, daemon, restart
from scripts.laboratory.managers.scene import Scene, SceneError, Tool, outside
from scripts.laboratory.node import Place, install, until

VERSION = "4.0.3"

SCRIPTS = {
    "works": ("ok.js", "--port", "1"),
    "spins": ("--minUptime", "1000", "--spinSleepTime", "700", "crash.js"),
    "loops": ("slow.js",),
    "given-up": ("-m", "2", "crash.js"),
    "once": ("-m", "1", "once.js"),
}
STATES = {
    "works": "", "spins": "service.crash_loop", "loops": "service.crash_loop", "given-up": "service.failed", "once": "",
}  # fmt: skip

DAEMON = {"stopped-by-signal": "service.stuck", "killed": "service.unwatched"}
"""There is one for each script: what it looks after is what is wrong."""


def place() -> Place:
    """Raises SceneError."""
    commands = install("forever", VERSION)
    if isinstance(commands, str):
        raise SceneError(commands)
    return Place(commands, "forever", "FOREVER_ROOT")


def start(here: Place, uid: str) -> None:
    done = here.run("start", "-a", "--uid", uid, *SCRIPTS[uid], **SECRET)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


@contextmanager
def started() -> Iterator[Place]:
    """All scripts, each as far gone as it goes. Raises SceneError."""
    here = place()
    try:
        for uid in SCRIPTS:
            start(here, uid)
        if not until(lambda: set(looked(here)) == set(SCRIPTS) and is_settled(here)):
            raise RuntimeError(f"its scripts do not come to rest: {looked(here)}")
        yield here
    finally:
        here.remove()


def manager(here: Place, kept: list[str] | None = None) -> forever.Forever:
    around = Surroundings(discover=False, named=(str(here.home),), keep_secret=kept.append if kept is not None else len)
    [found] = forever.find(_host(), around)
    return found


def looked(here: Place) -> dict[str, Condition]:
    """{} before the first socket is there."""
    found = manager(here).services(_host())
    return {} if isinstance(found, Failure) else {one.service.unit: one for one in found}


def is_settled(here: Place) -> bool:
    found = looked(here)
    return found["loops"].state is found["spins"].state is State.CRASH_LOOPING and (
        found["given-up"].words == found["once"].words == "STOPPED"
    )


def monitor(here: Place, uid: str = "works") -> int:
    """The process that looks after ``uid``."""
    [pid] = looked(here)[uid].pids
    found = _host().process(pid)
    return found.ppid if found else 0


@contextmanager
def scene() -> Iterator[Scene]:
    with started() as here:
        configuration = here.configure(f'[managers]\nforever = ["{here.home}"]\n')
        owner = title(manager(here))
        addresses = {name: f"{owner}:{name}" for name in STATES}
        tools = {name: Tool(partial(restart, here, name), "restart", addresses[name]) for name in ("loops", "given-up")}
        yield Scene(outside(configuration), addresses, tools, daemon(lambda: monitor(here)))


def _host() -> Host:
    return Host(World(), 2.0, "lab")
