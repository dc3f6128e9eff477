"""Ports whose listener hands its connections on to others: node's cluster mode, in which PM2 listens for its apps.

Nothing but a connection tells which app that is, so one is made to each such port, without a word.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack

import psutil

CONNECTING, HANDING = 0.2, 0.5
"""Seconds: for a connection on this machine; for the listener to give it to the process that answers."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def handed(listeners: Collection[int]) -> dict[int, set[int]]:
    """By process, the ports of ``listeners`` that it really answers at, as far as this user may see that."""
    found: dict[int, set[int]] = {}
    with ExitStack() as stack:
        ours = {one.getsockname()[:2]: one.getpeername()[1] for one in _connected(listeners, stack)}
        end = time.monotonic() + HANDING
        while ours and time.monotonic() < end:
            for one in psutil.net_connections("tcp"):
                if not one.raddr or not one.laddr or not one.pid or one.pid in listeners:
                    continue
                place = (one.raddr.ip, one.raddr.port)
                if ours.get(place) == one.laddr.port:
                    found.setdefault(one.pid, set()).add(ours.pop(place))
            time.sleep(0.02 if ours else 0.0)
    return found


def _connected(listeners: Collection[int], stack: ExitStack) -> Iterator[socket.socket]:
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.pid in listeners and one.laddr:
            connection = stack.enter_context(socket.socket(one.family))
            connection.settimeout(CONNECTING)
            try:
                connection.connect((_EVERYWHERE.get(one.laddr.ip, one.laddr.ip), one.laddr.port))
            except OSError:
                continue
            yield connection
