"""The first words with a mail server, over a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cozydiag.host import Failure, Host, World
from cozydiag.host.smtp import Greeted

POSTFIX = (
    b"220 vm ESMTP Postfix (Debian/GNU)\r\n",
    b"250-vm\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
    b"250 2.0.0 Ok\r\n",
)


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Says one thing at a time, the first unasked; then it hangs up."""
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        with connection:
            for index, one in enumerate(answers):
                if index:
                    heard.append(connection.recv(4096))
                connection.sendall(one)
            heard.append(connection.recv(4096) if len(answers) > 1 else b"")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join(5)


def greet(port: int, seconds: float = 5.0) -> Greeted | Failure:
    return Host(World(), seconds).greet("127.0.0.1", port)


def test_a_mail_server_is_greeted_and_left_with_a_good_bye() -> None:
    with server(*POSTFIX) as (port, heard):
        assert greet(port) == Greeted(250, "220 vm ESMTP Postfix (Debian/GNU)", ("vm", "PIPELINING", "CHUNKING"))
    assert heard == [b"EHLO localhost\r\n", b"NOOP\r\n", b"QUIT\r\n"]


def test_a_server_that_sends_everybody_away_says_why() -> None:
    with server(b"554 5.3.2 not now\r\n") as (port, _):
        assert greet(port) == Greeted(554, "554 5.3.2 not now", ("5.3.2 not now",))


@pytest.mark.parametrize(
    ("said", "kind"), [(b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"), (b"", "closed"), (b"220 cut", "protocol")]
)
def test_what_is_no_mail_server_is_none(said: bytes, kind: str) -> None:
    with server(said) as (port, _):
        seen = greet(port)
    assert isinstance(seen, Failure)
    assert seen.kind == kind


def test_a_server_without_a_word_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = greet(listener.getsockname()[1], 0.2)
    assert seen == Failure("timeout", "connected, but no greeting in time")
