"""Two words of systemd's, without a program: a call of D-Bus is a hundred bytes, and systemctl a process.

The D-Bus specification, chapters Authentication and Message Protocol; org.freedesktop.systemd1(5).
"""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.host import Failure, Host

PRIVATE = "/run/systemd/private"
"""systemd's own socket, for root; systemctl uses it as well."""
PUBLIC = "/run/dbus/system_bus_socket"

_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _REPLY_TO, _DESTINATION, _SIGNATURE = 1, 2, 3, 5, 6, 8
_HELLO, _STATE, _FAILED = 1, 2, 3


class SystemState(NamedTuple):
    """``state`` as `systemctl is-system-running` has it; ``failed`` units."""

    state: str
    failed: int


def system_state(host: Host) -> SystemState | Failure:
    """What systemd says of the whole machine."""
    private = host.euid() == 0 and not isinstance(host.stat(PRIVATE), Failure)
    login = b"\0AUTH EXTERNAL " + str(host.euid()).encode().hex().encode() + b"\r\nBEGIN\r\n"
    request = login if private else login + _call(_HELLO, "org.freedesktop.DBus", "/org/freedesktop/DBus", "Hello")
    for serial, name in ((_STATE, "SystemState"), (_FAILED, "NFailedUnits")):
        request += _call(
            serial, "org.freedesktop.DBus.Properties", "/org/freedesktop/systemd1", "Get",
            ("org.freedesktop.systemd1.Manager", name), "" if private else "org.freedesktop.systemd1",
        )  # fmt: skip
    answer = host.exchange(PRIVATE if private else PUBLIC, request, lambda seen: len(_replies(bytes(seen))) >= 2)
    if isinstance(answer, Failure):
        return answer
    replies = _replies(answer)
    state, failed = replies.get(_STATE, b""), replies.get(_FAILED, b"")
    if state[:3] != b"\1s\0" or failed[:3] != b"\1u\0" or len(failed) < 8:
        return Failure("protocol", "systemd does not tell its state")
    words = state[8 : 8 + int.from_bytes(state[4:8], "little")]
    return SystemState(words.decode("ascii", "replace"), int.from_bytes(failed[4:8], "little"))


def _call(
    serial: int, interface: str, path: str, member: str, arguments: tuple[str, ...] = (), destination: str = ""
) -> bytes:
    body = b""
    for one in arguments:
        body = _aligned(body, 4) + _string(one)
    fields = b""
    for code, kind, value in (
        (_PATH, "o", path), (_INTERFACE, "s", interface), (_MEMBER, "s", member),
        (_DESTINATION, "s", destination or ("org.freedesktop.DBus" if member == "Hello" else "")),
        (_SIGNATURE, "g", "s" * len(arguments)),
    ):  # fmt: skip
        if value:
            packed = bytes((len(value),)) + value.encode() + b"\0" if kind == "g" else _string(value)
            fields = _aligned(fields, 8) + bytes((code, 1)) + kind.encode() + b"\0" + packed
    head = b"l" + bytes((_CALL, 0, 1)) + _number(len(body)) + _number(serial) + _number(len(fields))
    return _aligned(head + fields, 8) + body


def _replies(stream: bytes) -> dict[int, bytes]:
    """The bodies of the whole answers to our two questions, by the numbers of these; b"" for an error."""
    found: dict[int, bytes] = {}
    rest = stream.partition(b"\r\n")[2]  # `OK` and the server's name
    while len(rest) >= 16 and rest[:1] == b"l":
        body, fields = int.from_bytes(rest[4:8], "little"), int.from_bytes(rest[12:16], "little")
        begin = 16 + fields + -fields % 8
        if len(rest) < begin + body:
            break
        serial = _reply_to(rest[16 : 16 + fields])
        if rest[1] in (_RETURN, _ERROR) and serial in (_STATE, _FAILED):
            found[serial] = rest[begin : begin + body] if rest[1] == _RETURN else b""
        rest = rest[begin + body :]
    return found


def _reply_to(fields: bytes) -> int:
    """The field with that number stands at a multiple of 8, as they all do."""
    for at in range(0, len(fields) - 7, 8):
        if fields[at : at + 4] == bytes((_REPLY_TO, 1)) + b"u\0":
            return int.from_bytes(fields[at + 4 : at + 8], "little")
    return 0


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _string(value: str) -> bytes:
    return _number(len(value)) + value.encode() + b"\0"


def _aligned(content: bytes, to: int) -> bytes:
    return content + bytes(-len(content) % to)
