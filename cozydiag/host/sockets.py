"""Who listens, and connections that never wait past a deadline."""

import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cozydiag.host import files, processes
from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure, from_os_error
from cozydiag.host.logs import one_line


class Listener(NamedTuple):
    """A TCP socket that waits for connections. ``address`` as it was bound (`0.0.0.0`, `::`, `127.0.0.1`)."""

    address: str
    port: int
    inode: int


def listeners(port: int | None = None) -> list[Listener]:
    """Everything that listens on TCP (on ``port``), in our network namespace.

    The kernel is asked for listening sockets alone (sock_diag(7)), which takes 0.1 ms; its tables in /proc, read where
    that is closed to us, list every connection and took 12 ms on a machine with a large table.
    """
    try:
        found = [one for family in (socket.AF_INET, socket.AF_INET6) for one in _diagnosed(family)]
    except OSError:
        found = _listed()
    return [one for one in found if port is None or one.port == port]


_SOCK_DIAG, _BY_FAMILY, _DUMP = 4, 20, 0x301  # netlink.h, sock_diag.h: NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ERROR, _DONE = 2, 3
_LISTENING = 1 << 10  # TCP_LISTEN


def _diagnosed(family: socket.AddressFamily) -> Iterator[Listener]:
    """inet_diag_req_v2 out, inet_diag_msg in. Raises OSError where the kernel does not answer."""
    order = sys.byteorder
    request = bytes((family, socket.IPPROTO_TCP, 0, 0)) + _LISTENING.to_bytes(4, order) + bytes(48)
    header = (
        (16 + len(request)).to_bytes(4, order) + _BY_FAMILY.to_bytes(2, order) + _DUMP.to_bytes(2, order) + bytes(8)
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        kernel.send(header + request)
        while True:
            answer = kernel.recv(1 << 16)
            while len(answer) >= 16:
                length, kind = int.from_bytes(answer[:4], order), int.from_bytes(answer[4:6], order)
                if kind == _DONE:
                    return
                if kind == _ERROR or length < 16 + 72:
                    raise OSError("the kernel does not tell")
                yield _diagnosis(family, answer[16:length])
                answer = answer[(length + 3) & ~3 :]


def _diagnosis(family: socket.AddressFamily, message: bytes) -> Listener:
    packed = message[8:12] if family == socket.AF_INET else message[8:24]
    address = socket.inet_ntop(family, packed).removeprefix("::ffff:")
    return Listener(address, int.from_bytes(message[4:6], "big"), int.from_bytes(message[68:72], sys.byteorder))


def _listed() -> list[Listener]:
    """From the tables in /proc (proc_pid_net(5))."""
    found: list[Listener] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        content = files.read(table, max_bytes=16 << 20)
        found += [] if isinstance(content, Failure) else in_table(content)
    return found


def in_table(content: bytes) -> Iterator[Listener]:
    """Those in the text of /proc/net/tcp or tcp6."""
    for line in content.decode("ascii", "replace").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A":  # TCP_LISTEN
            address, _, number = fields[1].partition(":")
            yield Listener(_address(address), int(number, 16), int(fields[9]))


def _address(words: str) -> str:
    """The kernel prints each 32-bit word in the machine's own byte order."""
    packed = b"".join(int(words[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(words), 8))
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    return socket.inet_ntop(socket.AF_INET6, packed).removeprefix("::ffff:")


def owner(inode: int, pids: Iterable[int] | None = None) -> int | None:
    """The process that holds this socket; of several (a master and its workers) the one that started first.

    None when nobody's descriptors show it: only root sees those of other users. Process 1 counts
    only when alone: systemd keeps a hand on the sockets that it passes on.
    """
    target = f"socket:[{inode}]"
    holders = [pid for pid in (processes.pids() if pids is None else pids) if _holds(pid, target)]
    if len(holders) == 1:
        return holders[0]
    found = [one for one in map(processes.process, holders) if one is not None]
    found = [one for one in found if one.pid != 1] or found
    return min(found, key=lambda one: (one.started, one.pid)).pid if found else None


def _holds(pid: int, target: str) -> bool:
    folder = f"/proc/{pid}/fd"
    names = files.listdir(folder)
    for name in () if isinstance(names, Failure) else names:
        try:
            if os.readlink(f"{folder}/{name}") == target:
                return True
        except OSError:
            continue  # closed meanwhile
    return False


class Shown(NamedTuple):
    """What a server shows of itself over TLS. ``certificate`` is its own, in DER. ``code`` is 0 where its chain leads
    to an authority that this machine trusts, else OpenSSL's (x509_vfy.h: 18 self-signed, 20 issuer not found);
    ``words`` say it."""

    certificate: bytes
    code: int
    words: str


class Address(NamedTuple):
    """Where a socket can connect."""

    family: socket.AddressFamily
    address: str
    port: int


def resolve(name: str, port: int, deadline: Deadline) -> list[Address] | Failure:
    """The addresses of ``name``, best first. Numbers are taken as they are; `localhost` never asks anyone.

    The resolver cannot be interrupted (a dead one holds 10 s for each server), hence a thread of its own.
    """
    if name.lower() == "localhost":
        return [Address(socket.AF_INET, "127.0.0.1", port), Address(socket.AF_INET6, "::1", port)]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except (OSError, ValueError):
            continue
        return [Address(family, name, port)]
    answers: list[list[Address] | Failure] = []
    thread = threading.Thread(target=lambda: answers.append(_ask_resolver(name, port)), daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    return answers[0] if answers else Failure("timeout", f"the name {one_line(name, 253)} was not resolved in time")


_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
"""There is no such name, or none with an address; all else is a fault of the resolver (getaddrinfo(3))."""


def _ask_resolver(name: str, port: int) -> list[Address] | Failure:
    try:
        rows = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        kind = "name" if error.errno in _NO_SUCH_NAME else "resolver"
        return Failure(kind, f"{one_line(name, 253)}: {error.strerror}")
    except (OSError, UnicodeError) as error:  # UnicodeError: an empty or too long label
        words = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid name"
        return Failure("name", f"{one_line(name, 253)}: {words}")
    return [Address(socket.AddressFamily(row[0]), str(row[4][0]), port) for row in rows]


def is_ours(address: str) -> bool:
    """Whether this machine has ``address``: nobody else can bind it."""
    try:
        with _datagram(address) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        return False
    return True


def way_out(address: str) -> str:
    """The address from which packets to ``address`` would leave; nothing is sent. "" where there is no way."""
    try:
        with _datagram(address) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except (OSError, ValueError):
        return ""


def _datagram(address: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)


def dial(name: str, port: int, deadline: Deadline) -> socket.socket | Failure:
    """An open connection, for the caller to close; the first failure where no address takes it."""
    addresses = resolve(name, port, deadline)
    if isinstance(addresses, Failure):
        return addresses
    first: Failure | None = None
    for index, address in enumerate(addresses):
        # A dead address must leave time for the next one.
        outcome = _dial(address, deadline.remaining() / (len(addresses) - index))
        if isinstance(outcome, socket.socket):
            return outcome
        first = first or outcome
    return first or Failure("name", f"{one_line(name, 253)} has no address")


def _dial(address: Address, seconds: float) -> socket.socket | Failure:
    if seconds <= 0:
        return Failure("timeout", "no connection in time")
    try:
        connection = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        return from_os_error(error)
    try:
        connection.settimeout(seconds)
        connection.connect((address.address, address.port))
        # TCP can meet itself when the port lies in the range for outgoing connections and nobody listens.
        if connection.getsockname() == connection.getpeername():
            connection.close()
            return Failure("refused", "connection refused")
    except OSError as error:
        connection.close()
        failure = from_os_error(error)
        return failure._replace(detail="no connection in time") if failure.kind == "timeout" else failure
    except (ValueError, OverflowError):
        connection.close()
        return Failure("error", "not an address")
    return connection


def dial_unix(path: str, deadline: Deadline) -> socket.socket | Failure:
    """An open connection to a socket file, for the caller to close."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    while deadline.remaining() > 0:
        try:
            connection.settimeout(deadline.remaining() or 0.001)
            connection.connect(path)
        except BlockingIOError:  # the queue is full, and connect(2) does not wait for room there
            deadline.clock.sleep(min(0.02, deadline.remaining()))
        except OSError as error:
            connection.close()
            return from_os_error(error)
        except ValueError:
            connection.close()
            return Failure("error", "not a path")
        else:
            return connection
    connection.close()
    return Failure("timeout", "no connection in time")


def talk(path: str, message: bytes, deadline: Deadline, cap: int) -> bytes | Failure:
    """What a socket file answers to one message, until it closes; cut at ``cap`` bytes."""
    connection = dial_unix(path, deadline)
    if isinstance(connection, Failure):
        return connection
    answer = bytearray()
    with connection:
        try:
            connection.sendall(message)
            while len(answer) < cap:
                connection.settimeout(deadline.remaining() or 0.001)
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
        except OSError as error:
            return from_os_error(error)
    return bytes(answer[:cap])


def connect(address: str, port: int, deadline: Deadline) -> Failure | None:
    """Whether a TCP connection is taken; says nothing of the program behind (the kernel takes it)."""
    connection = dial(address, port, deadline)
    if isinstance(connection, Failure):
        return connection
    connection.close()
    return None
