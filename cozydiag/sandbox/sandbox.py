"""The sandbox: make it, start it, break it, end it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress

from cozydiag.sandbox import files, nginx, processes
from cozydiag.sandbox.error import SandboxError
from cozydiag.sandbox.layout import REAL_PORTS, Layout, free_shift, new_layout, saved_layout, write
from cozydiag.sandbox.programs.replay import STATES
from cozydiag.sandbox.programs.wire import UnreachableError, ask
from cozydiag.sandbox.supervisor import NO_ANSWER, REFUSAL, Supervisor
from cozydiag.text import t

HEALTHY_ANSWERS = {
    "couchdb": ("/", 200),
    "cozy-controller": ("/", 200),
    "cozy-data-system": ("/", 200),
    "cozy-home": ("/api/applications/", 200),
    "cozy-proxy": ("/login", 200),
    "nginx": ("/login", 200),
}
FIRST = "couchdb"
"""The program that the others want to find when they start."""


class Sandbox:
    """A small Cozy v2 in one private folder, with all ports on 127.0.0.1.

    ``folder`` holds everything; ``config`` is the cozydiag.toml with which cozydiag sees only this sandbox.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout  # replaced when other ports are taken
        self.folder = layout.folder
        self.config = layout.path("cozydiag.toml")
        self.supervisor = Supervisor(layout.socket)

    @classmethod
    def create(cls, folder: str | None = None) -> Sandbox:
        """Writes a new sandbox and starts nothing. ``folder`` must be new or empty; without it a temporary one is
        made. Raises SandboxError, and then leaves no folder."""
        layout = new_layout(folder)
        sandbox = cls(layout)
        try:
            files.environment(layout)  # says what is missing before anything is started
            sandbox._write()
        except SandboxError:
            shutil.rmtree(layout.folder)
            raise
        return sandbox

    @classmethod
    def open(cls, folder: str) -> Sandbox:
        """The sandbox that was created in ``folder``, running or not. Raises SandboxError."""
        return cls(saved_layout(folder))

    def up(self, wait: float = 20.0) -> None:
        """Starts everything and returns when all programs run and answer, or raises SandboxError after ``wait``
        seconds. Takes other ports when something took those of the last time. Does no harm twice."""
        deadline = time.monotonic() + wait
        if not self.supervisor.answers():
            self._start(deadline)
        self._until_healthy(deadline)

    def down(self) -> None:
        """Ends all that runs of this sandbox, also orphans and stopped processes, and nothing else."""
        processes.send(self.pids(), signal.SIGCONT)
        with suppress(*NO_ANSWER, REFUSAL):  # else supervisord starts again what ends before it
            self.supervisor.stop_all()
        processes.end_all(self.layout)

    def remove(self) -> None:
        """Ends the sandbox and deletes its folder."""
        self.down()
        shutil.rmtree(self.folder)

    def break_(self, name: str) -> None:
        """Injects the fault of this name (`faults.FAULTS`) and returns when it is there. Raises SandboxError."""
        from cozydiag.sandbox.faults import FAULTS

        if name not in FAULTS:
            raise SandboxError(t("There is no fault named {name}. Known: {all}.", name=name, all=", ".join(FAULTS)))
        try:
            FAULTS[name].inject(self)
        except NO_ANSWER:
            raise SandboxError(t("The sandbox in {path} is not running.", path=self.folder)) from None
        except REFUSAL as refusal:
            text = t("The fault cannot be made now: {reason}. Heal the sandbox first.", reason=refusal.faultString)
            raise SandboxError(text) from None

    def heal(self) -> None:
        """Back to healthy, whatever was broken: ends everything, writes all files anew, starts again."""
        self.down()
        self.up()

    def couchdb(self, state: str) -> None:
        """Switches the CouchDB stand-in while it runs (`programs.replay.STATES`). Raises SandboxError.

        For `healthy` the login is written anew, as by somebody who puts the right password back: a refused one is
        not tried again until its file changes.
        """
        if state not in STATES:
            raise SandboxError(t("CouchDB has no state {name}. Known: {all}.", name=state, all=", ".join(STATES)))
        write(self.layout.path("couchdb.state"), state + "\n")
        if state == "healthy":
            files.write_login(self.layout)

    def logins(self, agent: str = "") -> list[dict[str, object]]:
        """The tries to log in to CouchDB so far, of the programs whose User-Agent has ``agent`` in it."""
        try:
            with open(self.layout.path("logins.jsonl"), encoding="utf-8") as lines:
                tries: list[dict[str, object]] = [json.loads(line) for line in lines]
        except FileNotFoundError:
            return []
        return [one for one in tries if agent in str(one["agent"])]

    def answers(self, program: str) -> bool:
        """Whether the program answers on its port as it does in a healthy stack."""
        path, status = HEALTHY_ANSWERS[program]
        try:
            return ask("GET", self.layout.port(program), path, agent="cozydiag-sandbox", limit=5.0).status == status
        except UnreachableError:
            return False

    def commands(self) -> dict[str, str]:
        """The healthy command line of each program."""
        return files.commands(self.layout, nginx.command(nginx.find_nginx(self.folder), self.folder))

    def pids(self) -> list[int]:
        """The processes of the sandbox that live now."""
        return processes.running(self.layout)

    def _write(self) -> None:
        self.layout.save()
        files.write_all(self.layout, nginx.find_nginx(self.folder))
        for program, command in self.commands().items():
            files.write_program(self.layout, program, command)

    def _start(self, deadline: float) -> None:
        """Starts supervisord with CouchDB alone and adds the other programs when that answers: none of them
        begins its log with complaints."""
        self.down()  # orphans of a killed supervisord hold the ports
        if not self.layout.ports_are_free():
            self.layout = Layout(self.folder, free_shift(self.folder))
        self._write()
        others = [program for program in REAL_PORTS if program != FIRST]
        for program in others:
            os.unlink(self.layout.path("programs", f"{program}.conf"))
        self._spawn_supervisord()
        while not (self.supervisor.answers() and self.answers(FIRST)):
            self._not_after(deadline, FIRST)
        self._write()
        self.supervisor.update()

    def _spawn_supervisord(self) -> None:
        import subprocess

        line = [sys.executable, "-m", "supervisor.supervisord", "-c", self.layout.path("supervisord.conf")]
        nothing = subprocess.DEVNULL
        done = subprocess.run(  # it goes into the background by itself
            line,
            env=files.environment(self.layout),
            cwd=self.layout.work,
            stdin=nothing,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise SandboxError(t("supervisord does not start: {reason}", reason=said[-1] if said else "no message"))

    def _until_healthy(self, deadline: float) -> None:
        for program in HEALTHY_ANSWERS:  # nginx last: asked before what is behind it, it would complain
            while not (self._runs(program) and self.answers(program)):
                self._not_after(deadline, program)

    def _runs(self, program: str) -> bool:
        try:
            return self.supervisor.states().get(program) == "RUNNING"
        except (*NO_ANSWER, REFUSAL):
            return False

    def _not_after(self, deadline: float, program: str) -> None:
        if time.monotonic() > deadline:
            text = t(
                "{program} did not come up in time: see the logs in {logs}.",
                program=program,
                logs=self.layout.path("logs"),
            )
            raise SandboxError(text)
        time.sleep(0.05)
