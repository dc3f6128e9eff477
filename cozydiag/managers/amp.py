"""PM2's own protocol over `rpc.sock`: messages of several parts in JSON (its packages pm2-axon, pm2-axon-rpc and amp;
seen with PM2 5.4.3 and 7.0.4).

A message is one byte (version 1, number of parts), then each part with its length before it.
"""

from __future__ import annotations

from typing import Any, Final

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line

_VERSION: Final = 0x10
_ID: Final = b"s:cozydiag"


def call(host: Host, socket: str, method: str, *arguments: Any) -> Any | Failure:
    """The first value that ``method`` gives back. What the daemon itself refuses is a Failure in its words."""
    import json

    question = json.dumps({"type": "call", "method": method, "args": arguments})
    answer = host.exchange(socket, _message(b"j:" + question.encode(), _ID), _is_whole)
    if isinstance(answer, Failure):
        return answer
    parts = _parts(answer)
    try:
        said = json.loads(parts[0][2:]) if parts and parts[0][:2] == b"j:" else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return Failure("protocol", "the answer is not PM2's")
    if said.get("error"):
        return Failure("error", one_line(str(said["error"]), 300))
    values = said.get("args")
    return values[0] if isinstance(values, list) and values else None


def _message(*parts: bytes) -> bytes:
    return bytes((_VERSION | len(parts),)) + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _is_whole(received: bytearray) -> bool:
    """Also what cannot become a message: there is nothing to wait for."""
    if not received:
        return False
    if received[0] & 0xF0 != _VERSION:
        return True
    position = 1
    for _ in range(received[0] & 0x0F):
        position += 4 + int.from_bytes(received[position : position + 4], "big")
        if position > len(received):
            return False
    return True


def _parts(message: bytes) -> list[bytes]:
    """[] for what is no message."""
    if message[0] & 0xF0 != _VERSION:
        return []
    found, position = [], 1
    for _ in range(message[0] & 0x0F):
        end = position + 4 + int.from_bytes(message[position : position + 4], "big")
        found.append(message[position + 4 : end])
        position = end
    return found
