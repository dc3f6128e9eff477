"""Requests over TLS, with the same one deadline and the same caps as plain ones."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from cozydiag.host import sockets, tls
from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer, Headers
from cozydiag.host.logs import one_line
from cozydiag.host.url import Url

# The machine's own list; the one that comes with requests otherwise.
_AUTHORITIES = tls.AUTHORITIES


def request(
    method: str,
    url: Url,
    headers: Headers,
    body: bytes,
    *,
    connect_to: tuple[str, int] | None,
    deadline: Deadline,
    max_body: int,
    verify: bool,
) -> Answer | Failure:
    """As `http.request`. Neither proxies nor anything else is taken from the environment."""
    line = _Line(connect_to, deadline)
    session = _Session()
    session.trust_env = False
    session.mount("https://", _Adapter(line))
    try:
        with (
            line,
            session,
            session.request(
                method,
                f"https://{url.authority}{url.target}",
                headers={"User-Agent": "cozydiag", "Accept-Encoding": "identity"} | dict(headers),
                data=body or None,
                stream=True,
                allow_redirects=False,
                verify=next(filter(os.path.exists, _AUTHORITIES), True) if verify else False,
                timeout=max(0.001, deadline.remaining()),
            ) as response,
        ):
            return _collect(method, response, deadline, max_body)
    except (requests.RequestException, HTTPError, OSError) as error:
        if line.failure is not None:
            return line.failure
        if deadline.remaining() <= 0:
            return Failure("timeout", "no answer in time")
        return _failure(error)


def _collect(method: str, response: requests.Response, deadline: Deadline, max_body: int) -> Answer | Failure:
    body = bytearray()
    while len(body) <= max_body:
        piece = response.raw.read(min(16384, max_body + 1 - len(body)), decode_content=False)
        if deadline.remaining() <= 0:
            return Failure("timeout", "the answer did not end in time")
        if not piece:
            break
        body += piece
    length = response.headers.get("Content-Length", "")
    bodiless = method == "HEAD" or response.status_code in (204, 304)
    if not bodiless and length.isdigit() and len(body) < min(int(length), max_body):
        return Failure("closed", f"closed after {len(body)} of {length} bytes")
    headers = tuple((one_line(name), one_line(value, 8192)) for name, value in response.headers.items())
    reason = one_line(response.reason or "", 200)
    return Answer(response.status_code, reason, headers, bytes(body[:max_body]), len(body) > max_body)


class _Session(requests.Session):
    """Takes no answer for a redirect: requests reads the whole body of one, however long, though it does not follow."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        return None


class _Line:
    """Opens the connection and cuts it at the deadline: time-outs of requests are per read."""

    def __init__(self, connect_to: tuple[str, int] | None, deadline: Deadline) -> None:
        self.connect_to = connect_to
        self.deadline = deadline
        self.failure: Failure | None = None
        self.handle: socket.socket | None = None
        self.alarm = threading.Timer(deadline.remaining(), self.cut)
        self.alarm.daemon = True

    def __enter__(self) -> None:
        self.alarm.start()

    def __exit__(self, *_: object) -> None:
        self.alarm.cancel()
        if self.handle is not None:
            self.handle.close()

    def open(self, host: str, port: int) -> socket.socket:
        outcome = sockets.dial(*(self.connect_to or (host, port)), self.deadline)
        if isinstance(outcome, Failure):
            self.failure = outcome
            raise OSError(outcome.detail)
        self.handle = outcome.dup()  # TLS takes the first one over
        if self.deadline.remaining() <= 0:  # the alarm may have found nothing to cut
            outcome.close()
            raise TimeoutError
        return outcome

    def cut(self) -> None:
        if self.handle is not None:
            try:
                self.handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker


class _Adapter(HTTPAdapter):
    """Gives every connection our way of opening it."""

    def __init__(self, line: _Line) -> None:
        self.line = line
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        line = self.line

        class Connection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return line.open(self.host, self.port or 443)

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

            def _validate_conn(self, conn: Any) -> None:
                """Connects, as the original; without its warning where the certificate is not to be checked."""
                if conn.sock is None:
                    conn.connect()

        self.poolmanager.pool_classes_by_scheme = {"https": Pool}


_ENDS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""How an end in the midst of a handshake reads: the second is that of Debian 12's Python."""


def _failure(error: BaseException) -> Failure:
    """The most telling of the reasons behind ``error``, in few words."""
    chain = _reasons(error)
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return Failure("tls", one_line(f"certificate: {each.verify_message}", 300))
        if isinstance(each, ssl.SSLError) and each.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return Failure("protocol", "does not speak TLS")
        if isinstance(each, ssl.SSLError) and not isinstance(each, _ENDS):
            return Failure("tls", one_line((each.reason or "handshake failed").replace("_", " ").lower(), 300))
        if isinstance(each, (RemoteDisconnected, IncompleteRead, *_ENDS)):
            return Failure("closed", "closed before a full answer")
        if isinstance(each, (ConnectionResetError, BrokenPipeError)):
            return Failure("reset", "connection reset by peer")
    return Failure("protocol", one_line(type(chain[-1]).__name__, 80))


def _reasons(error: BaseException) -> list[BaseException]:
    """``error`` and what it wraps, outermost first: as its reason, its arguments or its cause."""
    chain = [error]
    while len(chain) < 12:
        outer = chain[-1]
        wrapped = [getattr(outer, "reason", None), *outer.args, outer.__cause__, outer.__context__]
        inner = next((each for each in wrapped if isinstance(each, BaseException) and each not in chain), None)
        if inner is None:
            break
        chain.append(inner)
    return chain
