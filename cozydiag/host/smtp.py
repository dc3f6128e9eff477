"""The first words with a mail server: what it is called, what it can, and that it takes orders. No mail is sent."""

from __future__ import annotations

import socket
from typing import NamedTuple

from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.logs import one_line
from cozydiag.host.sockets import dial

_LONGEST = 1 << 16


class Greeted(NamedTuple):
    """``code`` is that of the last answer before QUIT: 250 where all went well (RFC 5321, 4.2). ``words`` are its last
    line, of a server that takes orders its greeting; ``extensions`` what it can, as EHLO tells."""

    code: int
    words: str
    extensions: tuple[str, ...] = ()


def greet(name: str, port: int, deadline: Deadline) -> Greeted | Failure:
    """EHLO, NOOP and QUIT. What speaks another protocol is a Failure of that kind."""
    connection = dial(name, port, deadline)
    if isinstance(connection, Failure):
        return connection
    with connection:
        try:
            return _talk(connection, deadline)
        except OSError as error:
            failure = from_os_error(error)
            return (
                failure._replace(detail="connected, but no greeting in time") if failure.kind == "timeout" else failure
            )


def _talk(connection: socket.socket, deadline: Deadline) -> Greeted | Failure:
    greeting = _answer(connection, deadline)
    if isinstance(greeting, Failure) or greeting.code != 220:
        return greeting
    extensions: tuple[str, ...] = ()
    for order in (b"EHLO localhost", b"NOOP"):
        connection.sendall(order + b"\r\n")
        said = _answer(connection, deadline)
        if isinstance(said, Failure) or said.code != 250:
            return said
        extensions = extensions or said.extensions
    connection.sendall(b"QUIT\r\n")
    _answer(connection, deadline)  # else the server notes a client that hung up on it
    return Greeted(250, greeting.words, extensions)


def _answer(connection: socket.socket, deadline: Deadline) -> Greeted | Failure:
    """One answer of one or more lines: `250-SIZE`, `250 8BITMIME`."""
    received = bytearray()
    while True:
        lines = bytes(received).split(b"\r\n")[:-1]
        for line in lines:
            if not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b""):
                return Failure("protocol", f"not SMTP: {one_line(line, 80)}")
        if lines and lines[-1][3:4] != b"-":
            return Greeted(int(lines[-1][:3]), one_line(lines[-1], 200), tuple(one_line(one[4:], 80) for one in lines))
        connection.settimeout(deadline.remaining() or 0.001)
        piece = connection.recv(4096)
        if not piece:
            words = f"not SMTP: {one_line(bytes(received), 80)}" if received else "closed without a greeting"
            return Failure("protocol" if received else "closed", words)
        received += piece
        if len(received) > _LONGEST:
            return Failure("protocol", "not SMTP: too many words")
