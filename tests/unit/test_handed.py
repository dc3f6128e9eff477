"""Whose a port is that somebody else listens on: the one to whom the connections are handed, as node's cluster does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from cozydiag.stack.handed import handed


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def worker() -> Iterator[tuple[int, socket.socket]]:
    """A process that keeps all that it is sent, until the other end is closed."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            kept = []
            while (sent := socket.recv_fds(theirs, 1, 4))[0]:
                kept.append(sent[1])
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        yield pid, ours
    os.waitpid(pid, 0)


def test_a_port_belongs_to_who_gets_its_connections(
    worker: tuple[int, socket.socket], listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cozydiag.stack.handed.HANDING", 10.0)

    def hand_on() -> None:
        connection, _ = listener.accept()
        with connection:
            socket.send_fds(worker[1], [b"x"], [connection.fileno()])

    thread = threading.Thread(target=hand_on)
    thread.start()
    found = handed({os.getpid()})
    thread.join(10)
    assert found.get(worker[0]) == {listener.getsockname()[1]}


def test_what_is_handed_to_nobody_is_nobodys(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert not any(port in ports for ports in handed({os.getpid()}).values())


def test_who_listens_nowhere_has_no_ports() -> None:
    assert handed({2**22 + 1}) == {}
