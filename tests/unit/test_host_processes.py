"""Processes and sockets as the kernel shows them."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cozydiag.host import processes, sockets
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure

SLEEPER = (
    "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'odd) (na me', 0, 0, 0); print(flush=True); sys.stdin.read()"
)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a name that is hard to parse."""
    with subprocess.Popen([sys.executable, "-c", SLEEPER, "\x1b[2J"], stdin=-1, stdout=-1) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started
        started.kill()


def test_a_process(child: subprocess.Popen[bytes]) -> None:
    seen = processes.process(child.pid)
    assert seen is not None
    assert (seen.pid, seen.ppid, seen.name, seen.uid) == (child.pid, os.getpid(), "odd) (na me", os.geteuid())
    assert seen.state in "RS"
    assert seen.cmdline[0] == sys.executable
    assert seen.cmdline[-1] == ""
    parent = processes.process(os.getpid())
    assert parent is not None
    assert parent.started <= seen.started
    assert abs(seen.started - time.time()) < 86400  # epoch seconds, whatever the machine's haste


def test_find_by_name(child: subprocess.Popen[bytes]) -> None:
    assert child.pid in [found.pid for found in processes.find({"odd) (na me", "nothing"})]
    assert processes.find({"no-such-program"}) == []


def test_long_names_are_cut_by_the_kernel(child: subprocess.Popen[bytes]) -> None:
    libc = ctypes.CDLL(None)
    before = ctypes.create_string_buffer(16)
    libc.prctl(16, before)
    libc.prctl(15, b"a-very-long-program-name")
    try:
        found = processes.find(["a-very-long-program-name"])
    finally:
        libc.prctl(15, before)
    # The name is the thread's: comm of the process shows it when pytest runs tests in the main thread.
    assert os.getpid() in [one.pid for one in found]


def test_zombies_and_the_gone(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    seen = processes.process(child.pid)
    assert seen is not None
    assert (seen.state, seen.cmdline) == ("Z", ())
    child.wait()
    assert processes.process(child.pid) is None


def test_descends(child: subprocess.Popen[bytes]) -> None:
    assert processes.descends(child.pid, os.getpid())
    assert processes.descends(child.pid, os.getppid())
    assert not processes.descends(os.getpid(), child.pid)
    assert not processes.descends(child.pid, child.pid)


@pytest.mark.parametrize(
    ("content", "pid"),
    [(b"812\n", 812), (b"", None), (b"0", None), (b"-1", None), (b"nginx", None), (b"\xb2", None), (b"9" * 60, None)],
)
def test_pid_files(tmp_path: Path, content: bytes, pid: int | None) -> None:
    path = tmp_path / "pid"
    path.write_bytes(content)
    assert processes.pid_from_file(str(path)) == pid
    assert processes.pid_from_file(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_listeners_and_their_owner(family: socket.AddressFamily, address: str) -> None:
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"no {address} on this machine")
    with server:
        port = server.getsockname()[1]
        found = sockets.listeners(port)
        assert [(one.address, one.port) for one in found] == [(address, port)]
        assert found[0].inode == os.fstat(server.fileno()).st_ino
        assert found[0] in sockets.listeners()
        assert sockets.owner(found[0].inode) == os.getpid()
        assert sockets.owner(found[0].inode, [1 << 22]) is None
        assert sockets.connect(address, port, Deadline(Clock(), 10)) is None
    assert sockets.listeners(port) == []


def test_the_master_owns_what_its_workers_share() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        command = [sys.executable, "-c", "print(flush=True); input()"]
        with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-3, pass_fds=[server.fileno()]) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            assert sockets.owner(inode, [worker.pid]) == worker.pid
            assert sockets.owner(inode, [worker.pid, os.getpid()]) == os.getpid()
            worker.kill()


def test_connect_refused_and_impossible() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert sockets.connect("127.0.0.1", port, Deadline(Clock(), 10)) == ("refused", "connection refused")
    outcome = sockets.connect("127.0.0.1", 1, Deadline(Clock(), 0))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "timeout"
    outcome = sockets.connect("127.0.0.1", 70000, Deadline(Clock(), 10))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "error"


def test_a_connection_to_itself_is_nobody_listening() -> None:
    # A socket bound to a port that connects to this very port meets itself: TCP allows it.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    original = socket.socket.connect

    class Bound(socket.socket):
        def connect(self, place: object) -> None:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind(("127.0.0.1", port))
            original(self, place)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", Bound)
        outcome = sockets.connect("127.0.0.1", port, Deadline(Clock(), 10))
    assert outcome == ("refused", "connection refused")
