"""Stand-in for CouchDB: replays what a real one answered in a state that can be switched while it runs.

The state is the one word in the file given with ``--state``, read at each request (`replay.STATES`).
Each try to log in adds a line to the file given with ``--logins``: when, who, for what, which status, which program.
"""

from __future__ import annotations

import argparse
import base64
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from cozydiag.sandbox.programs.replay import Recorded, Replay, in_database
from cozydiag.sandbox.programs.wire import LOOPBACK, LoopbackServer, listen, say

TICK = 0.1
DRIP = 0.5
"""Seconds between two bytes of a dripping answer."""


class Couch(argparse.Namespace):
    port: int
    state: str
    logins: str

    def now(self) -> str:
        with open(self.state, encoding="utf-8") as word:
            return word.read().strip()

    def note(self, user: str, what: str, status: int, agent: str) -> None:
        line = json.dumps({"at": time.time(), "user": user, "what": what, "status": status, "agent": agent})
        with open(self.logins, "a", encoding="utf-8") as lines:
            lines.write(line + "\n")


def log(level: str, message: str, request: str = "--------") -> None:
    """One line in the format of CouchDB 2 and 3."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1e6) % 1_000_000:06d}Z"
    say(f"[{level}] {stamp} couchdb@127.0.0.1 <0.346.0> {request} {message}")


def login_of(authorization: str) -> str:
    """`user:password` of a Basic header; what cannot be read stays as it is and is nobody's."""
    try:
        return base64.b64decode(authorization.partition(" ")[2], validate=True).decode()
    except ValueError:
        return f"?:{authorization}"


def handler(couch: Couch, replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            state = couch.now()
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            login = self.login(sent)
            recorded = replay.answer(state, self.command, self.path, login)
            if login:
                what = f"{self.command} {self.path}"
                couch.note(login.partition(":")[0], what, int(recorded.status[:3]), self.headers.get("User-Agent", ""))
            getattr(self, f"answer_{state}", self.answer_whole)(recorded)
            self.describe(state, login.partition(":")[0], recorded)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def login(self, sent: bytes) -> str:
            if "Authorization" in self.headers:
                return login_of(self.headers["Authorization"])
            if self.command == "POST" and self.path == "/_session":
                form = parse_qs(sent.decode("utf-8", "replace"))
                return ":".join(form.get(field, [""])[0] for field in ("name", "password"))
            return ""

        def raw(self, recorded: Recorded) -> bytes:
            return recorded.raw(head_only=self.command == "HEAD")

        def answer_whole(self, recorded: Recorded) -> None:
            self.wfile.write(self.raw(recorded))

        def answer_hang(self, recorded: Recorded) -> None:
            while couch.now() == "hang":
                time.sleep(TICK)
            self.close_connection = True

        def answer_reset(self, recorded: Recorded) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def answer_drip(self, recorded: Recorded) -> None:
            for byte in self.raw(recorded):
                self.wfile.write(bytes([byte]))
                time.sleep(DRIP)
                if couch.now() != "drip":
                    break
            self.close_connection = True

        def answer_cut(self, recorded: Recorded) -> None:
            self.wfile.write(self.raw(recorded)[: -(len(recorded.body) // 2) or None])
            self.close_connection = True

        def describe(self, state: str, user: str, recorded: Recorded) -> None:
            status = int(recorded.status[:3])
            if user and status == 401 and b"incorrect" in recorded.body:
                log("warning", f"couch_httpd_auth: Authentication failed for user {user} from {LOOPBACK}")
            if state == "locked-out" and user and status == 403:
                log("warning", f"couch_httpd_auth: Authentication rejected for locked-out user {user} from {LOOPBACK}")
            if state == "maintenance" and status == 500 and in_database(self.path):
                log("error", "req_err(1939811338) internal_server_error : No DB shards could be opened.", "a4c309e2cc")
            asked = f"{self.headers.get('Host', '')} {LOOPBACK} {user or 'undefined'} {self.command} {self.path}"
            log("notice", f"{asked} {status} ok 1", "a4c309e2cc")

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client left, or the state is to treat it badly
                pass

    return Handler


def until(couch: Couch, server: LoopbackServer) -> None:
    """Closes the listening socket once the state is `refuse`."""
    while couch.now() != "refuse":
        time.sleep(TICK)
    server.shutdown()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--state", required=True, help="file with the name of the state")
    options.add_argument("--logins", required=True, help="file that lists the tries to log in")
    couch = options.parse_args(namespace=Couch())
    replay = Replay()
    while True:
        with listen(couch.port, handler(couch, replay)) as server:
            say(f"CouchDB stand-in: listening on {LOOPBACK}:{couch.port}")
            log("info", f"Apache CouchDB has started on http://{LOOPBACK}:{couch.port}/")
            threading.Thread(target=until, args=(couch, server), daemon=True).start()
            server.serve_forever()
        while couch.now() == "refuse":
            time.sleep(TICK)


if __name__ == "__main__":
    main()
