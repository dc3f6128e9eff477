"""The HTTP reader against servers that misbehave in every way that was ever seen."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cozydiag.host import http, sockets, url
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer

Script = Callable[[socket.socket], None]


class Server:
    """Plays ``script`` to each connection, one after the other, and keeps what was asked."""

    def __init__(self, listener: socket.socket, script: Script) -> None:
        self.listener = listener
        self.script = script
        self.requests: list[bytes] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.requests.append(self._request(connection))
                    self.script(connection)
                except OSError:
                    pass

    def _request(self, connection: socket.socket) -> bytes:
        seen = b""
        while b"\r\n\r\n" not in seen and (piece := connection.recv(65536)):
            seen += piece
        return seen

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def serving(script: Script) -> Iterator[tuple[Server, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, script)
        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.stop()


def says(words: bytes) -> Script:
    return lambda connection: connection.sendall(words)


def gone(connection: socket.socket) -> None:
    """Silent until the other side hangs up."""
    while connection.recv(65536):
        pass


def dripping(start: bytes, drop: bytes, end: bytes) -> Script:
    """Every byte well within any time-out per read; a reader without a deadline gets its full answer."""

    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(400):
            time.sleep(0.02)
            connection.sendall(drop)
        connection.sendall(end)

    return script


def pouring(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def ask(script: Script, seconds: float = 10.0, method: str = "GET", max_body: int = http.MAX_BODY) -> Answer | Failure:
    with serving(script) as (_, address):
        return http.request(method, address, deadline=Deadline(Clock(), seconds), max_body=max_body)


def answer(script: Script, method: str = "GET", max_body: int = http.MAX_BODY) -> Answer:
    outcome = ask(script, method=method, max_body=max_body)
    assert isinstance(outcome, Answer), outcome
    return outcome


def failure(script: Script, seconds: float = 10.0) -> Failure:
    outcome = ask(script, seconds)
    assert isinstance(outcome, Failure), outcome
    return outcome


def test_a_plain_answer() -> None:
    seen = answer(says(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A:  b \r\n\r\n{"a": "b"} \nrest'))
    expected = Answer(200, "OK", (("Content-Length", "11"), ("X-A", "b")), b'{"a": "b"} ', False)
    assert seen == expected
    assert seen.header("x-a") == "b"
    assert seen.header("absent") == ""
    assert seen.json() == {"a": "b"}


def test_what_is_sent() -> None:
    with serving(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as (server, address):
        http.request(
            "POST",
            address.replace("//", "//user:word@") + "a b/é?q=1#part",
            headers=[("Accept", "application/json")],
            body=b"<x/>",
            deadline=Deadline(Clock(), 10),
        )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a%20b/%C3%A9?q=1 HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: {address[7:-1]}".encode(),
        b"User-Agent: cozydiag",
        b"Connection: close",
        b"Content-Length: 4",
        b"Accept: application/json",
    }
    assert body == b"<x/>"


def test_a_header_cannot_smuggle_another() -> None:
    with serving(says(b"HTTP/1.1 200 OK\r\n\r\n")) as (server, address):
        outcome = http.request("GET", address, headers=[("A", "b\r\nC: d")], deadline=Deadline(Clock(), 10))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "error"
    assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n9\r\nWikipedia\r\n0\r\n",
        b"HTTP/1.0 200 OK\n\nWikipedia",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nWikipedia",
    ],
)
def test_every_way_to_end_a_body(words: bytes) -> None:
    assert answer(says(words)).body == b"Wikipedia"


def test_a_body_in_single_bytes() -> None:
    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n0\r\n\r\n":
            connection.sendall(bytes([byte]))

    assert answer(script).body == b"Wiki"


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"])
def test_answers_without_a_body_do_not_wait_for_one(head: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(head)
        gone(connection)

    assert answer(script).body == b""


def test_head_has_no_body() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        gone(connection)

    assert answer(script, method="HEAD").status == 200


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), "closed", "5 of 10"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ncut"), "closed", "within a chunk"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncut\r\n"), "closed", "between two chunks"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\ncut\r\n"), "protocol", "not a chunk"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000), "protocol", "chunk"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "protocol", "-1"),
        (says(b"HTTP/1.1 200 OK\r\nX: y"), "closed", "within the headers"),
        (says(b""), "closed", "without an answer"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol", "SSH-2.0-OpenSSH_9.2"),
        (says(b"\x1b]0;owned\x07\x00\xff junk"), "protocol", "\ufffd junk"),
        (says(b"HTTP/1.1 OK\r\n\r\n"), "protocol", "HTTP/1.1 OK"),
        (says(b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n"), "protocol", "HTTP/1.1"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n"), "protocol", "64 KiB"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"), "protocol", "64 KiB"),
    ],
)
def test_broken_answers(script: Script, kind: str, words: str) -> None:
    seen = failure(script)
    assert seen.kind == kind
    assert words in seen.detail
    assert len(seen.detail) <= 100


def test_a_program_of_another_protocol_is_known_by_its_first_bytes() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example.org ESMTP\r\n")
        gone(connection)

    assert failure(script).kind == "protocol"


def test_a_reset_before_the_answer() -> None:
    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert failure(script) == ("reset", "connection reset by peer")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (gone, "no answer"),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", b"\r\n"), "did not end"),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", b"x", b""), "did not end"),
        (
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"0\r\n\r\n"),
            "did not end",
        ),
        (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 Late\r\n\r\n"), "did not end"),
    ],
)
def test_one_deadline_for_the_whole_exchange(script: Script, words: str) -> None:
    seen = failure(script, seconds=0.3)
    assert seen.kind == "timeout"
    assert words in seen.detail


@pytest.mark.parametrize(
    "script",
    [
        pouring,
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 5000),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n" + b"x" * 5000),
    ],
)
def test_an_endless_body_is_left_at_the_cap(script: Script) -> None:
    seen = answer(script, max_body=4000)
    assert seen.body == b"x" * 4000
    assert seen.truncated


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour",
        b"HTTP/1.1 200 OK\r\n\r\nfour",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n",
    ],
)
def test_a_body_of_exactly_the_cap_is_whole(words: bytes) -> None:
    seen = answer(says(words), max_body=4)
    assert (seen.body, seen.truncated) == (b"four", False)


def test_what_a_body_says_is_harmless() -> None:
    seen = answer(says(b"HTTP/1.1 500 \x1b[31mNo\r\nX: \x1b]52;c;eA==\x07y\r\n\r\na\x1b[2Jb\xff\nc"))
    assert (seen.reason, seen.header("X"), seen.text()) == ("No", "y", "ab\ufffd\nc")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 200_000, b'{"a":'])
def test_what_is_not_json_is_none(body: bytes) -> None:
    assert Answer(200, "OK", (), body, False).json() is None


def test_a_socket_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a path of 107 bytes at most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        listener.listen()
        server = Server(listener, says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
        seen = http.request("GET", "http://supervisor/RPC2", unix="s", deadline=Deadline(Clock(), 10))
        server.stop()
    assert isinstance(seen, Answer)
    assert seen.body == b"hi"
    assert b"\r\nHost: supervisor\r\n" in server.requests[0]
    missing = http.request("GET", "http://supervisor/", unix="nowhere", deadline=Deadline(Clock(), 10))
    assert isinstance(missing, Failure)
    assert missing.kind == "missing"
    refused = http.request("GET", "http://supervisor/", unix="s", deadline=Deadline(Clock(), 10))
    assert isinstance(refused, Failure)
    assert refused.kind == "refused"


def test_a_socket_file_with_a_full_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as other:
        listener.bind("s")
        listener.listen(0)
        other.connect("s")
        seen = http.request("GET", "http://supervisor/", unix="s", deadline=Deadline(Clock(), 0.1))
    assert seen == ("timeout", "no connection in time")


def test_another_place_under_the_same_name() -> None:
    with serving(says(b"HTTP/1.1 204 Yes\r\n\r\n")) as (server, address):
        place = ("127.0.0.1", int(address[:-1].rpartition(":")[2]))
        seen = http.request("GET", "http://files.example.org/", connect_to=place, deadline=Deadline(Clock(), 10))
    assert isinstance(seen, Answer)
    assert b"\r\nHost: files.example.org\r\n" in server.requests[0]


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        port = bound.getsockname()[1]
        seen = http.request("GET", f"http://127.0.0.1:{port}/", deadline=Deadline(Clock(), 10))
    assert seen == ("refused", "connection refused")


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_dead_resolver_does_not_hold_us(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    release = threading.Event()

    def dead(*_: object, **__: object) -> list[object]:
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", dead)
    try:
        seen = http.request("GET", "http://cozy.example.org/", deadline=Deadline(Clock(), seconds))
        assert seen == ("timeout", "the name cozy.example.org was not resolved in time")
    finally:
        release.set()


def test_numbers_and_localhost_ask_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> list[object]:
        raise AssertionError("asked the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    deadline = Deadline(Clock(), 10)
    assert sockets.resolve("127.0.0.1", 1, deadline) == [(socket.AF_INET, "127.0.0.1", 1)]
    assert sockets.resolve("::1", 1, deadline) == [(socket.AF_INET6, "::1", 1)]
    assert sockets.resolve("localhost", 1, deadline) == [
        (socket.AF_INET, "127.0.0.1", 1),
        (socket.AF_INET6, "::1", 1),
    ]


def test_names_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    seen = sockets.resolve("nowhere.invalid", 80, Deadline(Clock(), 10))
    assert seen == ("name", "nowhere.invalid: Name or service not known")
    monkeypatch.undo()
    seen = sockets.resolve("a" * 64 + ".invalid", 80, Deadline(Clock(), 10))
    assert isinstance(seen, Failure)
    assert seen.kind == "name"


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("http://cozy.example.org", ("http", "cozy.example.org", 80, "/")),
        ("HTTPS://Cozy.example.org:8443/a?b#c", ("https", "cozy.example.org", 8443, "/a?b")),
        ("http://me:pa@ss@127.0.0.1:5984/_up", ("http", "127.0.0.1", 5984, "/_up")),
        ("http://[::1]:9104?x", ("http", "::1", 9104, "/?x")),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80, "/")),
        ("http://h/\r\nX: y", ("http", "h", 80, "/%0D%0AX:%20y")),
    ],
)
def test_addresses(address: str, parts: tuple[str, str, int, str]) -> None:
    assert url.parse(address) == parts


@pytest.mark.parametrize(
    "address",
    [
        "",
        "cozy.example.org",
        "ftp://h/",
        "http://",
        "http:///x",
        "http://h:0/",
        "http://h:99999/",
        "http://h:a/",
        "http://a b/",
        "http://a\r\nb/",
        "http://h:²/",
    ],
)
def test_what_is_no_address(address: str) -> None:
    assert url.parse(address) is None


def test_an_address_is_shown_without_secrets() -> None:
    parsed = url.parse("http://me:secret@cozy.example.org:5984/db?token=secret")
    assert parsed is not None
    assert parsed.shown() == "http://cozy.example.org:5984/db?…"
