"""HTTP for the stand-ins: to answer like an Express program, to ask in the words of node."""

from __future__ import annotations

import base64
import errno
import http.client
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple, NoReturn, TextIO

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds an unanswered request between two parts is kept open. Node itself would wait for ever."""


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]  # names in lower case


class Reply(NamedTuple):
    status: int
    body: str
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Respond = Callable[[Request], Reply]


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]  # names in lower case


class UnreachableError(Exception):
    """No answer came; the words are those of node's error."""


class LoopbackServer(ThreadingMixIn, TCPServer):
    """One thread a connection, on 127.0.0.1; ends without waiting for them."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    """Reads requests; `answer` is theirs who derive from it."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    def respond(self) -> None:
        self.answer()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server looks for these names

    def sent(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle(self) -> None:
        with suppress(OSError):  # the client left: no part makes a noise about that
            super().handle()


class PartHandler(Handler):
    """Answers with what ``reply_to`` makes of a request, and logs it as Express does."""

    def __init__(self, reply_to: Respond, *connection: Any) -> None:
        self.reply_to = reply_to
        super().__init__(*connection)

    def answer(self) -> None:
        began = time.monotonic()
        self.sent()
        reply = self.reply_to(Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        body = reply.body.encode()
        self.send_response_only(reply.status)
        self.send_header("X-Powered-By", "Express")
        for key, value in reply.headers:
            self.send_header(key, value)
        self.send_header("Content-Type", f"{reply.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Date", self.date_time_string())
        self.send_header("Connection", "keep-alive")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)
        spent = (time.monotonic() - began) * 1000
        what = f"{self.command} {self.path} - {reply.status} - {spent:.3f} ms -  {len(body)}"
        say(f"[{self.date_time_string()}] - {what}")


def serve(name: str, port: int, reply_to: Respond) -> NoReturn:
    """Answers requests for ever; exits with status 1 when the port is taken."""
    with listen(port, partial(PartHandler, reply_to)) as server:
        say(f"{name} stand-in: listening on {LOOPBACK}:{port}")
        server.serve_forever()
    raise SystemExit(0)


def listen(port: int, handler: Callable[..., Handler]) -> LoopbackServer:
    """A listening server, or the end of the program with node's message when the port is taken."""
    try:
        return LoopbackServer((LOOPBACK, port), handler)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        reason = f"listen EADDRINUSE: address already in use {LOOPBACK}:{port}"
        fail(f"{reason}\nError: {reason}\n    at Server.setupListenHandle [as _listen2] (net.js:1280:14)")


def ask(
    method: str, port: int, path: str, *, login: tuple[str, str] | None = None, agent: str, limit: float = PATIENCE
) -> Answer:
    """One request to a port of this machine, ``limit`` seconds at most a read. Raises UnreachableError."""
    headers = {"Accept": "application/json", "User-Agent": agent}
    if login is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=limit)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        found = {key.lower(): value for key, value in response.getheaders()}
        return Answer(response.status, response.read(), found)
    except ConnectionRefusedError:
        raise UnreachableError(f"connect ECONNREFUSED {LOOPBACK}:{port}") from None
    except TimeoutError:
        raise UnreachableError("ESOCKETTIMEDOUT") from None
    except (OSError, http.client.HTTPException):
        raise UnreachableError("socket hang up") from None
    finally:
        connection.close()


def failure(reason: str) -> Reply:
    """The answer of a part that could not do its work."""
    return Reply(500, json.dumps({"error": reason, "trans": reason}, separators=(",", ":")))


def say(line: str, to: TextIO | None = None) -> None:
    """One line for stdout or ``to``. With supervisord killed nobody reads them: the program goes on."""
    with suppress(BrokenPipeError):
        print(line, file=to, flush=True)


def log(level: str, prefix: str, message: str) -> None:
    """One line in the format of printit, the logger of the Cozy parts; errors go to stderr as well."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f":{int(now * 1000) % 1000}"
    line = f"[{stamp}] {level} - {prefix} | {message}"
    say(line)
    if level == "error":
        say(line, to=sys.stderr)


def fail(message: str) -> NoReturn:
    """The end of the program, with exit status 1 and its reason on stderr."""
    say(message, to=sys.stderr)
    raise SystemExit(1)
