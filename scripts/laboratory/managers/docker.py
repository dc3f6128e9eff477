"""Docker, as far as it can be had without one: its recorded containers behind a stand-in of the Engine's socket."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

from scripts.laboratory.managers.scene import Scene, SceneError, Tool, outside
from scripts.laboratory.node import Folder

RECORDED = Path(__file__).parents[3] / "tests/recordings/docker/inspect.json"
MOMENT = datetime(2026, 11, 21, 9, 6, 16, tzinfo=timezone.utc)
"""When that was recorded: times are served as long ago as they were then."""

STATES = {
    "ok": "", "healthy": "", "unhealthy": "service.stuck", "hstarting": "service.starting", "paused": "service.stuck",
    "restarting": "service.crash_loop", "slowloop": "service.crash_loop", "onfail3": "service.failed",
    "badcmd": "service.failed", "exited1": "service.job_failed", "exited0": "", "killed": "", "created": "",
}  # fmt: skip

LIES: Mapping[str, Mapping[str, Any]] = {
    "ends": {"Status": "exited", "Running": False, "Pid": 0, "ExitCode": 1},
    "ends-again": {"Status": "restarting", "Restarting": True, "Pid": 0, "ExitCode": 3},
}
"""Containers that are well until somebody restarts them, which the Engine calls done (204): what they are a moment
later."""

DAEMON = {"engine-hangs": "manager.hung", "engine-killed": "manager.down"}

_MOMENT = 0.5  # seconds
_TIME = re.compile(r'"(2026-11-21T09:0\d:\d\d)(\.\d+)?Z"')


class Engine(ThreadingUnixStreamServer):
    """Answers at ``place`` until it is closed, or while it is not ``stopped``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, place: str) -> None:
        super().__init__(place, _Handler)
        recorded = {one["Name"][1:]: one for one in json.loads(RECORDED.read_text("utf-8"))}
        ours = {**recorded["ok"], "State": {**recorded["ok"]["State"], "Pid": os.getpid()}}  # nobody else is woken
        lies = {name: {**ours, "Name": f"/{name}", "Id": f"{at:064x}"} for at, name in enumerate(LIES, 1)}
        self.containers = {one["Id"]: one for one in (*recorded.values(), *lies.values())}
        self.restarted: dict[str, float] = {}
        self.goes_on = threading.Event()
        self.goes_on.set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, _ = super().get_request()
        return connection, ("here", 0)  # a handler wants the address of who asks

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked did not wait for the answer."""

    def inspected(self, name: str) -> dict[str, Any] | None:
        found = next((one for one in self.containers.values() if one["Id"].startswith(name)), None)
        since = self.restarted.get(found["Id"]) if found else None
        if found is None or since is None:
            return found
        later = LIES.get(found["Name"][1:], {}) if time.monotonic() - since > _MOMENT else {}
        return {**found, "State": {**found["State"], "Pid": 99999, **later}}

    def close(self) -> None:
        """As one that is killed: its socket file stays."""
        self.goes_on.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.goes_on.wait(30)
        words = self.path.partition("?")[0].split("/")
        if words[1:] == ["containers", "json"]:
            self.answer(200, [{"Id": one, "Names": [], "Labels": {}} for one in self.server.containers])
        elif words[-1] == "json" and (found := self.server.inspected(words[2])) is not None:
            self.answer(200, found)
        else:
            self.answer(200 if words[-1] == "logs" else 404, None)

    def do_POST(self) -> None:
        found = self.server.inspected(self.path.split("/")[2])
        if found is not None:
            self.server.restarted[found["Id"]] = time.monotonic()
        self.answer(404 if found is None else 204, None)

    def answer(self, status: int, value: object) -> None:
        shift = datetime.now(timezone.utc) - MOMENT
        body = b"" if value is None else _TIME.sub(lambda found: _later(found, shift), json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _later(found: re.Match[str], shift: timedelta) -> str:
    moment = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc) + shift
    return f'"{moment:%Y-%m-%dT%H:%M:%S}{found[2] or ""}Z"'


class _Client(http.client.HTTPConnection):
    def __init__(self, place: str) -> None:
        super().__init__("docker", timeout=10)
        self.place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.place)


def restart(engine: Engine, place: str, name: str) -> int:
    """As `docker restart` asks: the exit code that it would make of the answer."""
    number = next(one["Id"] for one in engine.containers.values() if one["Name"] == f"/{name}")
    client = _Client(place)
    client.request("POST", f"/containers/{number}/restart")
    status = client.getresponse().status
    client.close()
    engine.restarted.clear()  # it is well again: cozydiag is to be told the same
    return 0 if status == 204 else 1


@contextmanager
def scene() -> Iterator[Scene]:
    """Raises SceneError."""
    if not RECORDED.exists():
        raise SceneError("its recorded answers are not here")
    here = Folder()
    place = str(here.folder / "docker.sock")
    engine = Engine(place)

    def tool(name: str) -> Tool:
        return Tool(lambda: restart(engine, place, name), "restart", f"docker:{name}")

    def stop() -> Callable[[], object]:
        engine.goes_on.clear()
        return engine.goes_on.set

    def kill() -> Callable[[], object]:
        engine.close()
        return lambda: None

    try:
        configuration = here.configure(f'[managers]\ndocker = ["{place}"]\n', 5.0)
        addresses = {name: f"docker:{name}" for name in STATES}
        yield Scene(
            outside(configuration), addresses, {name: tool(name) for name in LIES},
            {"engine-hangs": stop, "engine-killed": kill},
        )  # fmt: skip
    finally:
        engine.close()
        here.remove()
