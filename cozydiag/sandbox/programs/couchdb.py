"""Stand-in for CouchDB: replays what a real one answered in a state that can be switched while it runs.

The state is the one word in the file given with ``--state``, read at each request (`replay.STATES`).
With ``--recordings`` a state is the name of a folder of recordings instead, of which `replay.States` serves any.
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
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from cozydiag.sandbox.programs.replay import MISBEHAVIOURS, Recorded, Replay, States, in_database
from cozydiag.sandbox.programs.wire import LOOPBACK, Handler, LoopbackServer, listen, say

TICK = 0.1
DRIP = 0.5
"""Seconds between two bytes of a dripping answer."""


class Couch(argparse.Namespace):
    port: int
    state: str
    logins: str
    recordings: str

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


class CouchHandler(Handler):
    """Answers as CouchDB, or misbehaves, as the state of the moment says."""

    def __init__(self, couch: Couch, replay: Replay | States, *connection: Any) -> None:
        self.couch, self.replay = couch, replay
        super().__init__(*connection)

    def answer(self) -> None:
        state = self.couch.now()
        login = self.login(self.sent())
        user = login.partition(":")[0]
        recorded = self.recorded(state, login)
        status = int(recorded.status[:3] or 0)
        if login:
            self.couch.note(user, f"{self.command} {self.path}", status, self.headers.get("User-Agent", ""))
        self.describe(state, user, status)
        self.deliver(recorded.fault or state, recorded.raw(head_only=self.command == "HEAD"))

    def recorded(self, state: str, login: str) -> Recorded:
        if state in MISBEHAVIOURS and isinstance(self.replay, States):
            state = "healthy-anon"
        return self.replay.answer(state, self.command, self.path, login)

    def login(self, sent: bytes) -> str:
        if "Authorization" in self.headers:
            return login_of(self.headers["Authorization"])
        if self.command == "POST" and self.path == "/_session":
            form = parse_qs(sent.decode("utf-8", "replace"))
            return ":".join(form.get(field, [""])[0] for field in ("name", "password"))
        return ""

    def deliver(self, state: str, answer: bytes) -> None:
        self.close_connection |= state in MISBEHAVIOURS
        if state == "hang":
            began = self.couch.now()
            while self.couch.now() == began:
                time.sleep(TICK)
        elif state == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif state == "drip":
            self.drip(answer)
        elif state == "cut":
            body = answer.index(b"\r\n\r\n") + 4
            self.wfile.write(answer[: (body + len(answer)) // 2])
        else:
            self.wfile.write(answer)

    def drip(self, answer: bytes) -> None:
        for byte in answer:
            self.wfile.write(bytes([byte]))
            time.sleep(DRIP)
            if self.couch.now() != "drip":
                break

    def describe(self, state: str, user: str, status: int) -> None:
        """What CouchDB would write into its log."""
        if user and status == 401:
            log("warning", f"couch_httpd_auth: Authentication failed for user {user} from {LOOPBACK}", "a4c309e2cc")
        if user and status == 403 and state == "locked-out":
            log(
                "warning",
                f"couch_httpd_auth: Authentication rejected for locked-out user {user} from {LOOPBACK}",
                "a4c309e2cc",
            )
        if status == 500 and in_database(self.path):
            log("error", "req_err(1939811338) internal_server_error : No DB shards could be opened.", "a4c309e2cc")
        asked = f"{self.headers.get('Host', '')} {LOOPBACK} {user or 'undefined'} {self.command} {self.path}"
        log("notice", f"{asked} {status} ok 1", "a4c309e2cc")


def until(couch: Couch, replay: Replay | States, server: LoopbackServer) -> None:
    """Closes the listening socket once the state is one in which nobody listens."""
    while not replay.refuses(couch.now()):
        time.sleep(TICK)
    server.shutdown()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--state", required=True, help="file with the name of the state")
    options.add_argument("--logins", required=True, help="file that lists the tries to log in")
    options.add_argument("--recordings", default="", help="folder of recorded states")
    couch = options.parse_args(namespace=Couch())
    replay = States(couch.recordings) if couch.recordings else Replay()
    while True:
        with listen(couch.port, partial(CouchHandler, couch, replay)) as server:
            say(f"CouchDB stand-in: listening on {LOOPBACK}:{couch.port}")
            log("info", f"Apache CouchDB has started on http://{LOOPBACK}:{couch.port}/")
            threading.Thread(target=until, args=(couch, replay, server), daemon=True).start()
            server.serve_forever()
        while replay.refuses(couch.now()):
            time.sleep(TICK)


if __name__ == "__main__":
    main()
