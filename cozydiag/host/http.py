"""A small HTTP/1.1 reader: one deadline for everything, caps on everything (RFC 9112).

The time-outs of the usual libraries are per read, so a server that drips a byte a second holds
them for ever, and one that pours fills the memory.
"""

import socket
from collections.abc import Sequence
from typing import Any, NamedTuple

from cozydiag.host import sockets
from cozydiag.host import url as urls
from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.logs import clean, one_line

MAX_HEAD = 64 << 10
MAX_BODY = 256 << 10
_MAX_CHUNK_LINE = 4096

Headers = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """What a server said. ``truncated``: the body went on past the cap and was left there."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool

    def header(self, name: str) -> str:
        """The first header of that name in any case, "" when absent."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")

    def json(self) -> Any:
        """The value in the body, None when it is not JSON."""
        import json

        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def text(self) -> str:
        """The body as harmless text: UTF-8 with replacements, no control sequences."""
        return clean(self.body, max(1, len(self.body)))


def request(
    method: str,
    url: str,
    *,
    headers: Headers = (),
    body: bytes = b"",
    unix: str | None = None,
    connect_to: tuple[str, int] | None = None,
    deadline: Deadline,
    max_body: int = MAX_BODY,
    verify: bool = True,
) -> Answer | Failure:
    """One request, no redirect followed. ``unix`` is a socket file, ``connect_to`` another place to
    connect to under the same name; ``verify`` matters for https only."""
    parsed = urls.parse(url)
    if parsed is None or (unix is not None and parsed.scheme == "https"):
        return Failure("error", "not an http address")
    if not all(_harmless(name + value) for name, value in headers):
        return Failure("error", "a header contains a control character")
    if parsed.scheme == "https":
        from cozydiag.host import http_tls

        return http_tls.request(
            method, parsed, headers, body, connect_to=connect_to, deadline=deadline, max_body=max_body, verify=verify
        )
    place = connect_to or (parsed.host, parsed.port)
    connection = sockets.dial_unix(unix, deadline) if unix is not None else sockets.dial(*place, deadline)
    if isinstance(connection, Failure):
        return connection
    with connection:
        return _Exchange(connection, deadline, max_body).run(method, _message(method, parsed, headers, body))


def _harmless(text: str) -> bool:
    return not any((ord(letter) < 32 and letter != "\t") or ord(letter) == 127 for letter in text)


def _message(method: str, url: urls.Url, headers: Headers, body: bytes) -> bytes:
    given = {name.lower() for name, _ in headers}
    usual = [("Host", url.authority), ("User-Agent", "cozydiag"), ("Accept", "*/*"), ("Connection", "close")]
    if body or method in ("POST", "PUT"):
        usual.append(("Content-Length", str(len(body))))
    lines = [f"{method} {url.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in usual if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body


class _StopError(Exception):
    """The exchange ends here with a failure."""

    def __init__(self, kind: str, detail: str) -> None:
        self.failure = Failure(kind, detail)


class _Exchange:
    """One request and its answer on an open connection."""

    def __init__(self, connection: socket.socket, deadline: Deadline, max_body: int) -> None:
        self.connection = connection
        self.deadline = deadline
        self.max_body = max_body
        self.buffer = bytearray()
        self.answered = False

    def run(self, method: str, message: bytes) -> Answer | Failure:
        try:
            self._send(message)
            status, reason, headers = self._head()
            while 100 <= status < 200 and status != 101:
                status, reason, headers = self._head()
            answer = Answer(status, reason, headers, b"", False)
            if method == "HEAD" or status in (101, 204, 304):
                return answer
            body, truncated = self._body(answer)
            return answer._replace(body=body, truncated=truncated)
        except _StopError as stop:
            return stop.failure
        except TimeoutError:
            late = "the answer did not end in time" if self.answered else "connected, but no answer in time"
            return Failure("timeout", late)
        except OSError as error:
            return from_os_error(error)

    def _left(self) -> float:
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError
        return left

    def _send(self, message: bytes) -> None:
        self.connection.settimeout(self._left())
        try:
            self.connection.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a server may refuse a body before its end, and its answer says why

    def _fill(self) -> bool:
        """Whether more came; False at the end."""
        self.connection.settimeout(self._left())
        piece = self.connection.recv(65536)
        self.buffer += piece
        self.answered = self.answered or bool(piece)
        return bool(piece)

    def _take(self, size: int) -> bytes:
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def _head(self) -> tuple[int, str, tuple[tuple[str, str], ...]]:
        seen = 0
        while (end := self._blank_line(seen)) < 0:
            if not b"HTTP/".startswith(self.buffer[:5]):
                raise _StopError("protocol", one_line(bytes(self.buffer[:320]), 80))
            if len(self.buffer) > MAX_HEAD:
                raise _StopError("protocol", "headers of more than 64 KiB")
            seen = max(0, len(self.buffer) - 3)
            if not self._fill():
                raise _StopError("closed", "closed within the headers" if self.buffer else "closed without an answer")
        if end > MAX_HEAD:
            raise _StopError("protocol", "headers of more than 64 KiB")
        return _parse_head(self._take(end))

    def _blank_line(self, start: int) -> int:
        """Where the headers end, -1 when that has not come yet. Old servers end lines with LF alone."""
        ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := self.buffer.find(mark, start)) >= 0]
        return min(ends, default=-1)

    def _body(self, answer: Answer) -> tuple[bytes, bool]:
        if "chunked" in answer.header("Transfer-Encoding").lower():
            return self._chunked()
        length = answer.header("Content-Length").partition(",")[0].strip()
        if not length:
            return self._until_close()
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            raise _StopError("protocol", f"Content-Length: {one_line(length, 80)}")
        return self._exactly(int(length))

    def _exactly(self, length: int) -> tuple[bytes, bool]:
        wanted = min(length, self.max_body)
        while len(self.buffer) < wanted:
            if not self._fill():
                raise _StopError("closed", f"closed after {len(self.buffer)} of {length} bytes")
        return self._take(wanted), length > self.max_body

    def _until_close(self) -> tuple[bytes, bool]:
        while len(self.buffer) <= self.max_body:
            if not self._fill():
                return bytes(self.buffer), False
        return self._take(self.max_body), True

    def _chunked(self) -> tuple[bytes, bool]:
        body = bytearray()
        while size := self._chunk_size():
            while size:
                if not self.buffer and not self._fill():
                    raise _StopError("closed", f"closed within a chunk, after {len(body)} bytes")
                piece = self._take(size)
                size -= len(piece)
                body += piece
                if len(body) > self.max_body:
                    return bytes(body[: self.max_body]), True
            self._line()
        return bytes(body), False

    def _chunk_size(self) -> int:
        digits = self._line().partition(b";")[0].strip()
        if not digits or len(digits) > 16 or digits.strip(b"0123456789abcdefABCDEF"):
            raise _StopError("protocol", f"not a chunk: {one_line(digits, 80)}")
        return int(digits, 16)

    def _line(self) -> bytes:
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > _MAX_CHUNK_LINE:
                raise _StopError("protocol", "a chunk without a size")
            if not self._fill():
                raise _StopError("closed", "closed between two chunks")
        return self._take(end + 1)


def _parse_head(head: bytes) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    first, *rest = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    version, _, words = first.partition(" ")
    number, _, reason = words.strip().partition(" ")
    if not version.startswith("HTTP/") or len(number) != 3 or not (number.isascii() and number.isdigit()):
        raise _StopError("protocol", one_line(first, 80))
    pairs = (line.partition(":") for line in rest if line and not line[0].isspace())
    headers = tuple((one_line(name).strip(), one_line(value, 8192).strip()) for name, mark, value in pairs if mark)
    return int(number), one_line(reason, 200).strip(), headers
