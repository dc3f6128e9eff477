"""The story of the tutorial: an app that creates its database at every start, on a Cloud Foundry that is none.

The platform is a stand-in (API v3 and log-cache, shapes from cloud_controller_ng docs/v3); the app, the database's
answers and the crashes are real.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, NamedTuple

DATABASE = "databasedemo"

APP = """\
import sys, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class CloudantException(Exception):
    pass


def create_database(url, throw_on_exists):
    request = urllib.request.Request(url, method="PUT")
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        if error.code != 412:
            raise
        if throw_on_exists:
            name = url.rpartition("/")[2]
            raise CloudantException("Database {0} already exists".format(name)) from None


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


create_database(sys.argv[1], throw_on_exists=True)
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Page)
print("Cloudant demo started", flush=True)
server.serve_forever()
"""

MENDED = APP.replace("(sys.argv[1], throw_on_exists=True)", "(sys.argv[1], throw_on_exists=False)")
"""The library's switch."""


class Server:
    """A web server on a port of its own, until ``end``."""

    def __init__(self, answer: Callable[[str, str], tuple[int, object]], port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                status, data = answer(self.command, self.path)
                body = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _do  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Databases(Server):
    """As CouchDB answers when a database is created, deleted, asked for."""

    def __init__(self, port: int = 0) -> None:
        self.names: set[str] = set()
        super().__init__(self._answer, port)

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{DATABASE}"

    def _answer(self, method: str, path: str) -> tuple[int, object]:
        name = path.strip("/")
        if method == "PUT" and name in self.names:
            reason = "The database could not be created, the file already exists."
            return 412, {"error": "file_exists", "reason": reason}
        if method == "PUT":
            self.names.add(name)
            return 201, {"ok": True}
        return 200, {"db_name": name}


class _Line(NamedTuple):
    at: float
    source: str
    channel: str
    text: str


class Platform(Server):
    """One app of one space. A crashed instance is started again at once; two crashes of it are two events."""

    def __init__(self, folder: Path, database: str, port: int) -> None:
        self.app = folder / "server.py"
        self.app.write_text(APP)
        self._arguments = (database, str(port))
        self._lines: deque[_Line] = deque(maxlen=5000)
        self.crashes: list[float] = []
        self._wanted = False
        self._process: subprocess.Popen[str] | None = None
        self._since = 0.0
        super().__init__(self._answer)
        self._ended = threading.Event()
        self._told = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        (folder / ".cf").mkdir()
        session = folder / ".cf" / "config.json"
        session.write_text(json.dumps(self._session()))
        session.chmod(0o600)

    def start(self) -> None:
        self._say("API", "OUT", 'Updated app with guid app-guid ({"state"=>"STARTED"})')
        self._wanted = True

    def stop(self) -> None:
        self._say("API", "OUT", 'Updated app with guid app-guid ({"state"=>"STOPPED"})')
        self._wanted = False
        process = self._process
        if process is not None:
            process.terminate()
            self._told.wait(10)  # not the process alone: its last line must be in the log

    def end(self) -> None:
        self._ended.set()
        self._wanted = False
        if self._process is not None:
            self._process.kill()
        self._keeper.join(10)
        super().end()

    def log(self) -> str:
        """As `cf logs --recent` prints it."""
        return "".join(
            f"   {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(one.at))}.{int(one.at % 1 * 100):02d}+0000 "
            f"[{one.source}/0] {one.channel} {one.text}\n"
            for one in list(self._lines)
        )

    def _say(self, source: str, channel: str, text: str) -> None:
        self._lines.append(_Line(time.time(), source, channel, text))

    def _keep(self) -> None:
        while not self._ended.wait(0.1):
            if not self._wanted:
                continue
            self._since = time.time()
            self._told.clear()
            line = [sys.executable, "-u", str(self.app), *self._arguments]
            self._process = subprocess.Popen(
                line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
            )
            readers = [
                threading.Thread(target=self._read, args=(self._process.stdout, "OUT")),
                threading.Thread(target=self._read, args=(self._process.stderr, "ERR")),
            ]
            for reader in readers:
                reader.start()
            code = self._process.wait()
            for reader in readers:
                reader.join()
            self._gone(143 if code == -15 else abs(code))

    def _read(self, stream: IO[str], channel: str) -> None:
        with stream:
            for text in stream:
                if '"GET ' in text:
                    self._say(
                        "RTR", "OUT", f'demo.test - [{text.split("[")[1].split("]")[0]}] "GET / HTTP/1.1" 200 0 3'
                    )
                self._say("APP/PROC/WEB", channel, text.rstrip("\n"))
                if "started" in text:
                    self._say("CELL", "OUT", "Container became healthy")

    def _gone(self, code: int) -> None:
        self._process = None
        self._say("APP/PROC/WEB", "OUT", f"Exit status {code}")
        self._told.set()
        if not self._wanted:
            return
        now = time.time()
        self.crashes.append(now)
        self._say("API", "OUT", 'Process has crashed with type: "web"')
        self._say(
            "API", "OUT",
            'App instance exited with guid app-guid payload: {"instance"=>"a1", "index"=>0, "cell_id"=>"c1", '
            f'"reason"=>"CRASHED", "exit_description"=>"APP/PROC/WEB: Exited with status {code}", '
            f'"crash_count"=>{len(self.crashes)}, "crash_timestamp"=>{int(now * 1e9)}, "version"=>"v1"}}',
        )  # fmt: skip

    def _answer(self, method: str, path: str) -> tuple[int, object]:
        if method == "POST" and "/actions/" in path:
            if "start" not in path.rpartition("/")[2] or path.endswith("restart"):
                self.stop()
            if not path.endswith("stop"):
                self.start()
            return 200, {}
        if path.startswith("/v3/apps?"):
            wanted = "STARTED" if self._wanted else "STOPPED"
            return 200, self._page({"guid": "app-guid", "name": "demo", "state": wanted})
        if path.endswith("/processes/web/stats"):
            return 200, self._page(self._instance())
        if path.startswith("/v3/audit_events"):
            return 200, self._page(*map(self._event, reversed(self.crashes)))
        if path.startswith("/api/v1/read/app-guid"):
            return 200, {"envelopes": {"batch": [self._envelope(one) for one in reversed(self._lines)][:1000]}}
        return 404, {"errors": [{"code": 10010, "title": "CF-ResourceNotFound", "detail": "not found"}]}

    def _page(self, *rows: dict[str, Any]) -> dict[str, Any]:
        return {"pagination": {"total_results": len(rows)}, "resources": list(rows)}

    def _instance(self) -> dict[str, Any]:
        runs = self._process is not None
        up = int(time.time() - self._since) if runs else 0
        return {"type": "web", "index": 0, "state": "RUNNING" if runs else "CRASHED", "uptime": up, "details": None}

    def _event(self, at: float) -> dict[str, Any]:
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        data = {"index": 0, "reason": "CRASHED", "exit_description": "APP/PROC/WEB: Exited with status 1"}
        return {"type": "app.crash", "created_at": created, "data": data}

    def _envelope(self, one: _Line) -> dict[str, Any]:
        log = {"payload": b64encode(one.text.encode()).decode(), "type": one.channel}
        return {
            "timestamp": str(int(one.at * 1e9)), "source_id": "app-guid", "instance_id": "0",
            "tags": {"source_type": one.source}, "log": log,
        }  # fmt: skip

    def _session(self) -> dict[str, Any]:
        body = urlsafe_b64encode(json.dumps({"user_name": "admin", "exp": time.time() + 3600}).encode())
        place = f"http://127.0.0.1:{self.port}"
        return {
            "AccessToken": f"bearer eyJhbGciOiJub25lIn0.{body.decode().rstrip('=')}.c2lnbmF0dXJl", "ConfigVersion": 4,
            "LogCacheEndPoint": place, "RefreshToken": "refresh-1-r",
            "SpaceFields": {"GUID": "space-guid", "Name": "dev"}, "Target": place,
        }  # fmt: skip


if __name__ == "__main__":  # inside a machine of its own
    Databases(int(sys.argv[1]))
    threading.Event().wait()
