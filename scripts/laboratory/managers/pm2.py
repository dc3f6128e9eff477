"""PM2 with an app in each of its states."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from cozydiag.host import Failure, Host, World
from cozydiag.managers import pm2
from cozydiag.managers.service import Condition, State, Surroundings
from cozydiag.stack.ownership import title
from scripts.laboratory.managers.scene import Scene, SceneError, Tool, outside
from scripts.laboratory.node import Place, install, until

VERSIONS = ("7.0.4", "5.4.3")

SECRET = {"COUCH_PASSWORD": "hunter22"}
"""What stands in their environments, and must stand nowhere else."""

STATES = {
    "works": "", "crashes": "service.failed", "module": "service.failed", "loops": "service.crash_loop",
    "waits": "service.failed", "once": "", "off": "", "gone": "service.lost", "web": "service.degraded",
    "watched": "service.watch", "never-ready": "service.starting",
}  # fmt: skip
"""The code that each app must get, "" for one that is as it should be."""

DAEMON = {"stopped-by-signal": "manager.hung", "killed": "manager.down"}


def apps(folder: Path) -> list[dict[str, Any]]:
    """One of each kind, as in an ecosystem file."""
    (folder / "watched").mkdir()
    (folder / "watched" / "ok.js").write_text((folder / "ok.js").read_text())
    return [
        {"name": "works", "script": "ok.js"},
        {"name": "crashes", "script": "crash.js", "max_restarts": 3, "min_uptime": 20_000},
        {"name": "module", "script": "module.js", "max_restarts": 2, "min_uptime": 20_000},
        {"name": "loops", "script": "slow.js"},
        {"name": "waits", "script": "crash.js", "restart_delay": 600_000},
        {"name": "once", "script": "once.js", "autorestart": False},
        {"name": "off", "script": "ok.js"},
        {"name": "gone", "script": "ok.js", "args": "--port 1"},
        {"name": "web", "script": "ok.js", "instances": 4, "exec_mode": "cluster"},
        {"name": "watched", "script": "ok.js", "cwd": str(folder / "watched"), "watch": ["."], "watch_delay": 100},
        {"name": "never-ready", "script": "ready.js", "wait_ready": True, "listen_timeout": 120_000},
    ]


def place(version: str) -> Place:
    """Raises SceneError."""
    commands = install("pm2", version)
    if isinstance(commands, str):
        raise SceneError(commands)
    return Place(commands, "pm2", "PM2_HOME")


@contextmanager
def started(version: str) -> Iterator[Place]:
    """All apps, each as far gone as it goes; `watched` has not been restarted yet. Raises SceneError."""
    here = place(version)
    *most, last = apps(here.folder)
    (here.folder / "apps.json").write_text(json.dumps({"apps": most}))
    (here.folder / "last.json").write_text(json.dumps({"apps": [last]}))
    with ExitStack() as stack:
        stack.callback(here.remove)
        _run(here, "start", "apps.json", **SECRET)
        stack.enter_context(here.begin("start", "last.json"))  # it waits for what never says that it is ready
        stack.callback(here.end)
        _run(here, "save")
        _run(here, "stop", "off")
        _run(here, "delete", "gone")
        _run(here, "stop", told(here)["web"].service.id.split()[-1])
        if not until(lambda: set(told(here)) == set(STATES) and is_settled(here)):
            raise RuntimeError(f"its apps do not come to rest: {told(here)}")
        yield here


def _run(here: Place, *words: str, **more: str) -> None:
    done = here.run(*words, **more)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def manager(here: Place, kept: list[str] | None = None) -> pm2.PM2:
    around = Surroundings(discover=False, named=(str(here.home),), keep_secret=kept.append if kept is not None else len)
    [found] = pm2.find(_host(), around)
    return found


def told(here: Place) -> dict[str, Condition]:
    """Raises SceneError."""
    found = manager(here).services(_host())
    if isinstance(found, Failure):
        raise RuntimeError(found.detail)
    return {one.service.unit: one for one in found}


def is_settled(here: Place) -> bool:
    found = told(here)
    return found["crashes"].words == found["module"].words == "errored" and found["loops"].state is State.CRASH_LOOPING


def restart_by_watching(here: Place) -> bool:
    """A file more in the folder that is watched; whether it has been restarted often enough by now."""
    (here.folder / "watched" / f"written-{len(os.listdir(here.folder / 'watched'))}").write_text("x")
    return (told(here)["watched"].restarts or 0) >= 3


@contextmanager
def scene(version: str) -> Iterator[Scene]:
    with started(version) as here:
        configuration = here.configure(f'[managers]\npm2 = ["{here.home}"]\n')
        if not until(partial(restart_by_watching, here), 30.0):
            raise RuntimeError("nothing is restarted by watching")
        until(lambda: told(here)["watched"].state is State.RUNNING)
        owner = title(manager(here))
        addresses = {name: f"{owner}:{name}" for name in STATES}
        tools = {name: Tool(partial(restart, here, name), "restart", addresses[name]) for name in ("crashes", "loops")}
        yield Scene(outside(configuration), addresses, tools, daemon(lambda: int((here.home / "pm2.pid").read_text())))


def restart(here: Place, name: str) -> int:
    """By its own command: the exit code."""
    return here.run("restart", name).returncode


def daemon(pid: Callable[[], int]) -> dict[str, Callable[[], Callable[[], object]]]:
    """What can be done to a daemon by signals."""

    def stop() -> Callable[[], object]:
        number = pid()
        os.kill(number, signal.SIGSTOP)
        return lambda: os.kill(number, signal.SIGCONT)

    def kill() -> Callable[[], object]:
        number = pid()
        os.kill(number, signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{number}") or _is_zombie(number))
        return lambda: None

    return {"stopped-by-signal": stop, "killed": kill}


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def _host() -> Host:
    return Host(World(), 2.0, "lab")
