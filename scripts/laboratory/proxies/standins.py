"""Programs behind a proxy, each wrong in one way; threads of the lab itself."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

Handler = Callable[[socket.socket, bytes], None]

_PAGE = b"<!DOCTYPE html><title>Cozy</title>"


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def _send(answer: bytes) -> Handler:
    return lambda connection, _: connection.sendall(answer)


def _to_http(request: bytes) -> bytes:
    """As an app answers that takes every request for plain HTTP."""
    name = request.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0].decode()
    return _answer("302 Found", b"", f"Location: http://{name}/login")


def _hang(connection: socket.socket, _: bytes) -> None:
    connection.settimeout(60)
    while connection.recv(4096):
        pass


def _reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


HANDLERS: dict[str, Handler] = {
    "well": _send(_answer("200 OK", _PAGE)),
    "hangs": _hang,
    "closes": lambda *_: None,
    "resets": _reset,
    "garbage": _send(b"garbage not http\r\n\r\n"),
    "ssh": _send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "couchdb": _send(_answer("500 Internal Server Error", b'{"couchdb":"Welcome","version":"3.3.3"}')),
    "error-502": _send(_answer("502 Bad Gateway", b"from app")),
    "error-500": _send(_answer("500 Internal Server Error", b"oops")),
    "error-503": _send(_answer("503 Service Unavailable", b"maintenance")),
    "stack-502": _send(_answer("502 Bad Gateway", b'{"status":"KO","couchdb":"KO","message":"KO"}')),
    "to-http": lambda connection, request: connection.sendall(_to_http(request)),
    "big": _send(_answer("200 OK", _PAGE, "X-Big: " + "a" * 20000)),
    "cut": _send(_answer("200 OK", _PAGE).replace(b"Content-Length: 34", b"Content-Length: 1000")),
}


class Standin:
    """Listens until it is closed. ``kind`` is one of HANDLERS, or `full`: a queue that nobody empties."""

    def __init__(self, kind: str, address: tuple[str, int] | str, certificate: Path | None = None) -> None:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(address)
        self._listener.listen(0 if kind == "full" else 128)
        self._open: list[socket.socket] = []
        self._kind = kind
        self._tls = _context(certificate) if certificate else None
        if kind == "full":
            self._fill(family, address)
        else:
            threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._open):
            one.close()

    def _fill(self, family: int, address: tuple[str, int] | str) -> None:
        for _ in range(4):
            one = socket.socket(family, socket.SOCK_STREAM)
            one.setblocking(False)
            with contextlib.suppress(OSError):
                one.connect(address)
            self._open.append(one)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            if self._kind == "ssh":  # who speaks first
                HANDLERS["ssh"](connection, b"")
            speaking = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with speaking:
                speaking.settimeout(20)
                request = b""
                while b"\r\n\r\n" not in request and (piece := speaking.recv(4096)):
                    request += piece
                if request:
                    HANDLERS[self._kind](speaking, request)


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
