"""The XML-RPC of the sandbox's supervisord, over its unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import xmlrpc.client
from typing import Any

LIMIT = 15.0
"""Seconds one call may take; stopping a program takes up to stopwaitsecs."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=LIMIT)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = host, _Connection(self.path)  # where Transport.close looks for it
        return self._connection[1]


NO_ANSWER = (OSError, http.client.HTTPException)
REFUSAL = xmlrpc.client.Fault
SPAWN_ERROR, ALREADY_STARTED, NOT_RUNNING = 50, 60, 70  # supervisor xmlrpc.py, Faults


class Supervisor:
    """The calls that the sandbox makes. Each raises one of NO_ANSWER when no supervisord answers, and REFUSAL when
    it says no."""

    def __init__(self, path: str) -> None:
        self.path = path

    def states(self) -> dict[str, str]:
        """The state of each program, as `supervisorctl status` names it."""
        return {process["name"]: process["statename"] for process in self._call("getAllProcessInfo")}

    def answers(self) -> bool:
        try:
            self.states()
        except (*NO_ANSWER, REFUSAL):  # it refuses while it shuts down
            return False
        return True

    def stop(self, program: str) -> None:
        """Returns when the program has ended; does no harm to a stopped one."""
        self._call_unless((NOT_RUNNING,), "stopProcess", program)

    def stop_all(self) -> None:
        """Asks every program to end and waits for none."""
        self._call("stopAllProcesses", False)

    def start(self, program: str) -> None:
        """Asks for a start and waits for nothing: whether it lives is told by `states`."""
        self._call_unless((ALREADY_STARTED, SPAWN_ERROR), "startProcess", program, False)

    def signal(self, program: str, name: str) -> None:
        self._call("signalProcess", program, name)

    def update(self) -> None:
        """As `supervisorctl update`: takes over added, changed and removed programs, touches no other."""
        [[added, changed, removed]] = self._call("reloadConfig")
        for group in [*changed, *removed]:
            self._call("stopProcessGroup", group)
            self._call("removeProcessGroup", group)
        for group in [*added, *changed]:
            self._call("addProcessGroup", group)

    def wait(self, program: str, state: str, limit: float = 15.0) -> bool:
        """Whether the program came into this state in time (seconds)."""
        deadline = time.monotonic() + limit
        while self.states().get(program) != state:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _call_unless(self, harmless: tuple[int, ...], method: str, *values: object) -> None:
        try:
            self._call(method, *values)
        except REFUSAL as refusal:
            if refusal.faultCode not in harmless:
                raise

    def _call(self, method: str, *values: object) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.path))
        with proxy:
            return getattr(proxy.supervisor, method)(*values)
