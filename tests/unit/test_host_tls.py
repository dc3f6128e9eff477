"""TLS: what is trusted, and the same deadline and caps as without it."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from cozydiag.host import http, http_tls
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer

# Made for this test and used nowhere else: a key, a certificate for cozy.test until 2120, one until 2020.
KEY = """
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsGMkLYGf9ArNYF/D
5lIAFoku/ge0JzXtzMCN7taJ93OhRANCAATkETGLb9CpCpYIOBECQhx6VVM8gV/o
NG6mIQagUicVcRgfcGgdrbgfNVSeAt72+UDtbjEgO2BosTy8Mt1tfSDZ
-----END PRIVATE KEY-----
"""
VALID = """
-----BEGIN CERTIFICATE-----
MIIBYTCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAljb3p5LnRl
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWNvenkudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOQRMYtv0KkKlgg4
EQJCHHpVUzyBX+g0bqYhBqBSJxVxGB9waB2tuB81VJ4C3vb5QO1uMSA7YGixPLwy
3W19INmjSDBGMBQGA1UdEQQNMAuCCWNvenkudGVzdDAPBgNVHRMBAf8EBTADAQH/
MB0GA1UdDgQWBBSakiNg3q3fQ79H3XXz9snKSH3RaTAKBggqhkjOPQQDAgNIADBF
AiAXICDd/ogv1U+GfchOQkbtQu5ovbsttJ6OkhM7MwMaGQIhAMptJxb8zW+OdpKJ
wFYrX98FbJcuw0i322TMvyhpch0B
-----END CERTIFICATE-----
"""
EXPIRED = """
-----BEGIN CERTIFICATE-----
MIIBXzCCAQWgAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAljb3p5LnRl
c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAlj
b3p5LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATkETGLb9CpCpYIOBEC
Qhx6VVM8gV/oNG6mIQagUicVcRgfcGgdrbgfNVSeAt72+UDtbjEgO2BosTy8Mt1t
fSDZo0gwRjAUBgNVHREEDTALggljb3p5LnRlc3QwDwYDVR0TAQH/BAUwAwEB/zAd
BgNVHQ4EFgQUmpIjYN6t30O/R9118/bJykh90WkwCgYIKoZIzj0EAwIDSAAwRQIg
Zq9JI5kJSeicQfgJ+g3gjtTYpI5he5KEJJQiKaO3hN8CIQDi2NlYL0eFmpLqQt7T
XFKbAzntljE0gL+s1p4QAqYD3g==
-----END CERTIFICATE-----
"""

Script = Callable[[socket.socket], None]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: \x1b[31my\r\n\r\nhello"


@contextmanager
def listening(serve: Script) -> Iterator[tuple[str, int]]:
    """Takes one connection and gives it to ``serve``."""

    def accept() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                serve(connection)
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield ("127.0.0.1", listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the certificates, of which the valid one is trusted."""
    for name, words in (("key", KEY), ("valid", VALID), ("expired", EXPIRED)):
        (tmp_path / name).write_text(words.lstrip())
    (tmp_path / "authorities").write_text(VALID)
    monkeypatch.setattr(http_tls, "_AUTHORITIES", (str(tmp_path / "authorities"),))
    return tmp_path


def over_tls(folder: Path, script: Script, certificate: str = "valid") -> Script:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / certificate, folder / "key")

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(65536)
            script(wrapped)

    return serve


def says(words: bytes) -> Script:
    return lambda connection: connection.sendall(words)


def ask(
    serve: Script, seconds: float = 20.0, name: str = "cozy.test", verify: bool = True, max_body: int = http.MAX_BODY
) -> Answer | Failure:
    with listening(serve) as place:
        deadline = Deadline(Clock(), seconds)
        return http.request(
            "GET", f"https://{name}/", connect_to=place, deadline=deadline, verify=verify, max_body=max_body
        )


def test_an_answer(trusted: Path) -> None:
    seen = ask(over_tls(trusted, says(HELLO)))
    assert isinstance(seen, Answer), seen
    assert (seen.status, seen.body, seen.header("x"), seen.truncated) == (200, b"hello", "y", False)


def test_redirects_and_errors_are_answers(trusted: Path) -> None:
    for status in (302, 500):
        head = f"HTTP/1.1 {status} Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".encode()
        seen = ask(over_tls(trusted, says(head)))
        assert isinstance(seen, Answer), seen
        assert seen.status == status


def test_the_body_of_a_redirect_is_read_as_any_other(trusted: Path) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 5\r\n\r\nhello"
    seen = ask(over_tls(trusted, says(head)))
    assert isinstance(seen, Answer), seen
    assert (seen.status, seen.body, seen.header("location")) == (302, b"hello", "/login")
    cut = ask(over_tls(trusted, says(head)), max_body=3)
    assert isinstance(cut, Answer), cut
    assert (cut.body, cut.truncated) == (b"hel", True)


def test_certificates(trusted: Path) -> None:
    (trusted / "authorities").write_text(EXPIRED)
    assert ask(over_tls(trusted, says(HELLO), "expired")) == ("tls", "certificate: certificate has expired")
    (trusted / "authorities").write_text(VALID)
    wrong = ask(over_tls(trusted, says(HELLO)), name="other.test")
    assert isinstance(wrong, Failure)
    assert wrong.kind == "tls"
    assert "other.test" in wrong.detail


def test_an_unknown_certificate(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_tls, "_AUTHORITIES", ())
    seen = ask(over_tls(trusted, says(HELLO)))
    assert isinstance(seen, Failure)
    assert seen.kind == "tls"
    assert "self-signed" in seen.detail or "self signed" in seen.detail


def test_where_it_is_not_to_be_checked(trusted: Path) -> None:
    assert isinstance(ask(over_tls(trusted, says(HELLO), "expired"), verify=False), Answer)


def test_the_environment_has_no_say(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert isinstance(ask(over_tls(trusted, says(HELLO))), Answer)


def dripping(start: bytes, drop: bytes, end: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(400):
            time.sleep(0.02)
            connection.sendall(drop)
        connection.sendall(end)

    return script


@pytest.mark.parametrize(
    "script",
    [
        lambda connection: connection.recv(1),
        dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y", b"\r\nContent-Length: 0\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", b"x", b""),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 Late\r\n\r\n"),
    ],
)
def test_one_deadline_for_the_whole_exchange(trusted: Path, script: Script) -> None:
    seen = ask(over_tls(trusted, script), seconds=0.5)
    assert isinstance(seen, Failure), seen
    assert seen.kind == "timeout"


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_handshake_that_never_ends() -> None:
    seen = ask(silent, seconds=0.5)
    assert isinstance(seen, Failure)
    assert seen.kind == "timeout"


def test_an_endless_body_is_left_at_the_cap(trusted: Path) -> None:
    def pouring(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    seen = ask(over_tls(trusted, pouring), max_body=100_000)
    assert isinstance(seen, Answer), seen
    assert (seen.body, seen.truncated) == (b"x" * 100_000, True)


def resetting(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        (resetting, "reset"),
        (lambda connection: connection.recv(1) and None, "reset"),
        (lambda connection: connection.recv(65536) and None, "closed"),
    ],
)
def test_what_is_no_tls(serve: Script, kind: str) -> None:
    seen = ask(serve)
    assert isinstance(seen, Failure)
    assert seen.kind == kind, seen


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ncut", "closed"),
        (b"", "closed"),
        (b"garbage\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "protocol"),
    ],
)
def test_broken_answers(trusted: Path, words: bytes, kind: str) -> None:
    seen = ask(over_tls(trusted, says(words)))
    assert isinstance(seen, Failure), seen
    assert seen.kind == kind, seen


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{bound.getsockname()[1]}/"
        assert http.request("GET", address, deadline=Deadline(Clock(), 10)) == ("refused", "connection refused")
