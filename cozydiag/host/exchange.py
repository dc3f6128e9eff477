"""One question and its answer over a socket file, for protocols in which nobody hangs up."""

from __future__ import annotations

from collections.abc import Callable

from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.sockets import dial_unix


def exchange(
    path: str, request: bytes, whole: Callable[[bytearray], bool], deadline: Deadline, max_bytes: int
) -> bytes | Failure:
    """What comes back until it is ``whole``, asked after each piece."""
    connection = dial_unix(path, deadline)
    if isinstance(connection, Failure):
        return connection
    received = bytearray()
    with connection:
        try:
            connection.settimeout(deadline.remaining() or 0.001)
            connection.sendall(request)
            while not whole(received):
                connection.settimeout(deadline.remaining() or 0.001)
                piece = connection.recv(1 << 18)
                if not piece:
                    return Failure("closed", "the end came before a full answer")
                received += piece
                if len(received) > max_bytes:
                    return Failure("protocol", "the answer is too long")
        except OSError as error:
            failure = from_os_error(error)
            return failure._replace(detail="connected, but no answer in time") if failure.kind == "timeout" else failure
    return bytes(received)
