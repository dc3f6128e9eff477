"""Stand-in for a whole cozy-controller: it starts the parts and the apps in its order, and only then listens.

Those are the programs of the sandbox; node is Python under that name. The order and the words: cozy-controller
`server/lib/autostart.coffee`, `server/initialize.coffee`.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import NoReturn

from cozydiag.sandbox.programs import controller
from cozydiag.sandbox.programs.wire import fail, say, serve

APPS = Path("/usr/local/cozy/apps")
LOGS = Path("/usr/local/var/log/cozy")
TOKEN = Path("/etc/cozy/stack.token")
NODE = "/usr/local/lib/node/node"
COUCHDB, PORT = 5984, 9002
RESTARTS = 5
"""So often forever-monitor starts an app again."""

PARTS = {
    "data-system": ("--port=9101", f"--couchdb={COUCHDB}", "--credentials=/etc/cozy/couchdb.login"),
    "home": ("--port=9103", "--data-system=9101"),
    "proxy": ("--port=9104", f"--couchdb={COUCHDB}", "--data-system=9101", f"--controller={PORT}", "--home=9103"),
}


class Child:
    """A part or an app, and its log."""

    def __init__(self, name: str, script: Path, *options: str) -> None:
        self.line = [NODE, str(script), *options]
        self.user = f"cozy-{name}" if name in ("data-system", "home") else None  # and the group of that name
        self.log = LOGS / f"{name}.log"
        self.wanted = True
        self.process = self._started()
        threading.Thread(target=self._watch, daemon=True).start()

    def _started(self) -> subprocess.Popen[bytes]:
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                self.line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self.user, group=self.user
            )

    def _watch(self) -> None:
        for _ in range(RESTARTS):
            self.process.wait()
            time.sleep(0.2)
            if not self.wanted:
                return
            self.process = self._started()

    def end(self) -> None:
        self.wanted = False
        self.process.kill()


def installed() -> list[tuple[str, int]]:
    """The apps that have a program of their own, with their ports."""
    rows = json.loads((APPS / "lab.json").read_text("utf-8"))
    return [(row["slug"], row["port"]) for row in rows if row["state"] == "installed" and row["port"]]


def main() -> NoReturn:
    say("### Start Cozy Controller ###")
    if not controller.wait_for_couchdb(COUCHDB, 0.5):
        fail("Error during autostart: \ncouchDB isn't started")
    TOKEN.unlink(missing_ok=True)
    descriptor = os.open(TOKEN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(16))
    children: list[Child] = []
    signal.signal(signal.SIGTERM, lambda *_: _ended(children))
    children.append(_part("data-system"))
    for name, port in installed():
        children.append(Child(name, APPS / name / "server.js", str(port)))
    children += [_part("proxy"), _part("home")]
    serve("cozy-controller", PORT, controller.respond)


def _part(name: str) -> Child:
    say(f"{name}: starting ...")
    child = Child(name, APPS / name / "node_modules" / f"cozy-{name}" / "build" / "server.js", *PARTS[name])
    time.sleep(0.5)
    say(f"{name}: started")
    return child


def _ended(children: list[Child]) -> NoReturn:
    for child in children:
        child.end()
    os._exit(0)
