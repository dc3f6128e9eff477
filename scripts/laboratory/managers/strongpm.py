"""StrongLoop PM with an app in each state. Its native metrics are replaced by a stand-in: they cannot be built any
more. The manager itself is real."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cozydiag.host import Failure, Host, World
from cozydiag.managers.service import Condition, State
from cozydiag.managers.strongpm import StrongPM
from scripts.laboratory.managers.pm2 import daemon
from scripts.laboratory.managers.scene import Scene, SceneError, Tool, outside
from scripts.laboratory.node import Folder, install, until

VERSION = "6.0.1"

STANDIN = """\
const Module = require('module'), load = Module._load, monitor = new (require('events'))();
monitor.getEnvironment = () => ({});
const own = { monitor: () => monitor, getObjectHistogram: () => ({}), lrtime: () => process.hrtime() };
const standin = new Proxy(own, { get: (_, name) => own[name] || (() => {}) });
Module._load = function (name, ...rest) { return name === 'appmetrics' ? standin : load.call(this, name, ...rest); };
"""

APPS = {
    "works": "require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT || 0)",
    "crashes": "setTimeout(() => process.exit(3), 700)",
    "off": "setInterval(() => {}, 1000)",
}
STATES = {"works": "", "crashes": "service.crash_loop", "off": ""}
DAEMON = {"stopped-by-signal": "manager.hung", "killed": "manager.down"}


class Place(Folder):
    """One that listens on a port of its own."""

    def __init__(self, commands: Path) -> None:
        super().__init__()
        self.commands = commands
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.folder / "standin.js").write_text(STANDIN)
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder),
            "NODE_OPTIONS": f"--require {self.folder}/standin.js",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [commands / "sl-pm", "--json-file-db", "--skip-default-install", "--base", self.folder / "base",
             "--listen", str(self.port)],
            cwd=self.folder, env=self.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deploy(self, name: str, text: str) -> None:
        folder = self.folder / name
        folder.mkdir()
        (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", "main": "server.js"}))
        (folder / "server.js").write_text(text)
        self.run("sl-deploy", "--size", "1", "--local", self.url, str(folder), cwd=folder)

    def ctl(self, *words: str) -> int:
        return self.run("sl-pmctl", "-C", self.url, *words, cwd=self.folder)

    def run(self, program: str, *words: str, cwd: Path) -> int:
        done = subprocess.run([self.commands / program, *words], cwd=cwd, env=self.environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)  # fmt: skip
        return done.returncode

    def told(self) -> dict[str, Condition]:
        found = StrongPM(self.url).services(Host(World(), 5.0, "lab"))
        return {} if isinstance(found, Failure) else {one.service.unit: one for one in found}

    def remove(self) -> None:
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        super().remove()


@contextmanager
def scene() -> Iterator[Scene]:
    commands = install("strong-pm", VERSION, "strong-deploy@3", command="sl-pm")
    if isinstance(commands, str):
        raise SceneError(commands)
    here = Place(commands)
    try:
        if not until(lambda: not isinstance(StrongPM(here.url).services(Host(World(), 5.0, "lab")), Failure)):
            raise RuntimeError("StrongLoop PM does not answer")
        for name, text in APPS.items():
            here.deploy(name, text)
        if not until(lambda: _is(here, "off", State.RUNNING)):
            raise RuntimeError(f"not all apps run: {here.told()}")
        here.ctl("stop", "off")
        if not until(lambda: _is(here, "off", State.STOPPED) and _is(here, "crashes", State.CRASH_LOOPING)):
            raise RuntimeError(f"its apps do not come to rest: {here.told()}")
        configuration = here.configure(f'[managers]\nstrongpm = ["{here.url}"]\n')
        addresses = {name: f"strongpm:{name}" for name in STATES}
        tools = {"crashes": Tool(lambda: here.ctl("restart", "crashes"), "restart", addresses["crashes"])}
        yield Scene(outside(configuration), addresses, tools, daemon(lambda: here.process.pid))
    finally:
        here.remove()


def _is(here: Place, name: str, state: State) -> bool:
    found = here.told().get(name)
    return found is not None and found.state is state
