"""Servers and checks that mean no good: each costs one result, and the run ends without them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Timing
from cozydiag.engine import run as engine
from cozydiag.engine.diagnosis import Diagnosis
from cozydiag.engine.run import GRACE, Run
from cozydiag.host import Failure, Host, World
from cozydiag.model import Check, Finding, Status
from cozydiag.stack import Items, Mount, Stack
from cozydiag.text import t

LIMIT = 0.3
LONG = 30.0
"""Seconds that nobody may wait for: what lasts so long was given up."""


def finding(status: Status = Status.OK, said: str = "it is so") -> Finding:
    return Finding(status, f"test.{status}", t("{said}", said=said), advice=t("Look."))


def examine(*checks: Check, deadline: float = 10.0, stack: Stack | None = None) -> dict[str, tuple[Status, str]]:
    """The status and the words of each instance."""
    stack = stack or Stack(Config(timing=Timing(local=LIMIT)))
    chosen = {check.id: check for check in checks}
    seen = Run(chosen, Host(World(), deadline), stack).run()
    assert len({result.instance for result in seen}) == len(seen)
    Diagnosis(chosen, seen, {})
    return {result.instance: (result.status, words(result.findings)) for result in seen}


def words(findings: tuple[Finding, ...]) -> str:
    return "; ".join(finding.text.template.format(**dict(finding.text.params)) for finding in findings)


def well(host: Host, stack: Stack) -> Iterator[Finding]:
    yield finding()


def made(id: str, function: Callable[..., Iterator[Finding]] = well, **fields: object) -> Check:
    return Check(id, t("A test"), function, **fields)  # type: ignore[arg-type]


# --- hostile servers


@contextmanager
def server(pour: Callable[[socket.socket], object]) -> Iterator[str]:
    """An address whose connections are all given to ``pour``."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=attend, args=(connection,), daemon=True).start()
            except OSError:
                return

        def attend(connection: socket.socket) -> None:
            with connection:
                try:
                    pour(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


def drip(connection: socket.socket) -> None:
    """A byte of a header every 20 ms: a time-out per read never strikes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not threading.Event().wait(0.02):
        connection.sendall(b"x")


def pour(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: more\r\n" * 100)


def silence(connection: socket.socket) -> None:
    connection.recv(1 << 20)
    connection.recv(1)


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [
        (drip, "timeout"),
        (silence, "timeout"),
        (pour, "200, cut at 262144"),
        (chunks, "200, cut at 262144"),
        (headers, "protocol"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_hostile_server_costs_one_result(behaviour: Callable[[socket.socket], None], seen: str) -> None:
    with server(behaviour) as url:

        def asks(host: Host, stack: Stack) -> Iterator[Finding]:
            answer = host.get(url)
            if isinstance(answer, Failure):
                yield finding(Status.FAIL, answer.kind)
            else:
                yield finding(Status.WARN, f"{answer.status}, cut at {len(answer.body)}" if answer.truncated else "")

        results = examine(made("a", asks), made("b"))
    assert results["a"][1] == seen
    assert results["b"][0] is Status.OK


def test_after_two_time_outs_nobody_else_tries() -> None:
    with server(silence) as url:

        def asks(host: Host, stack: Stack) -> Iterator[Finding]:
            answer = host.get(url)
            yield finding(Status.FAIL, answer.kind) if isinstance(answer, Failure) else finding()

        patient = [made(f"c{number:02}", asks) for number in range(12)]  # eight are in flight at first
        results = examine(*patient)
    statuses = [status for status, _ in results.values()]
    assert statuses.count(Status.FAIL) == 8
    assert statuses.count(Status.BLOCKED) == 4


def test_a_dead_resolver_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        released.wait(LONG)
        return []

    def asks(host: Host, stack: Stack) -> Iterator[Finding]:
        answer = host.get("http://cozy.invalid/")
        yield finding(Status.FAIL, answer.kind) if isinstance(answer, Failure) else finding()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert examine(made("a", asks), made("b")) == {
        "a": (Status.FAIL, "timeout"),
        "b": (Status.OK, "it is so"),
    }
    released.set()


# --- hostile checks


def test_a_hung_check_is_one_time_out_and_holds_nobody() -> None:
    released = threading.Event()

    def hangs(host: Host, stack: Stack) -> Iterator[Finding]:
        yield finding(Status.WARN, "seen before")
        released.wait(LONG)

    results = examine(made("a", hangs), made("b"), made("c", needs=("a",)))
    assert not released.is_set()
    assert results == {
        "a": (Status.TIMEOUT, f"seen before; no answer within {LIMIT}"),
        "b": (Status.OK, "it is so"),
        "c": (Status.BLOCKED, ""),
    }
    released.set()


def test_more_hung_checks_than_workers_end_too() -> None:
    released = threading.Event()

    def hangs(host: Host, stack: Stack) -> Iterator[Finding]:
        released.wait(LONG)
        yield finding()

    results = examine(*(made(f"h{number}", hangs) for number in range(40)), made("z"))
    assert [status for status, _ in results.values()] == [Status.TIMEOUT] * 40 + [Status.OK]
    released.set()


class OneSource(Stack):
    """A stack whose only source is the function given."""

    def __init__(self, give: Callable[[Host], Items]) -> None:
        super().__init__(Config(timing=Timing(local=LIMIT)))
        self.give = give

    def source(self, name: str) -> Callable[[Host], Items]:
        return self.give


def test_a_hung_source_is_one_time_out_for_each_check_on_it() -> None:
    released = threading.Event()

    def hangs(host: Host) -> Items:
        released.wait(LONG)
        return Items()

    results = examine(made("a", each="mounts"), made("b", each="mounts"), made("c"), stack=OneSource(hangs))
    assert {name: status for name, (status, _) in results.items()} == {
        "a": Status.TIMEOUT,
        "b": Status.TIMEOUT,
        "c": Status.OK,
    }
    released.set()


def test_a_thousand_items_are_a_thousand_results() -> None:
    items = Items(tuple(Mount(f"/m{number}", f"/m{number}") for number in range(1000)))

    def odd_fails(host: Host, stack: Stack, mount: Mount) -> Iterator[Finding]:
        yield finding(Status.FAIL if int(mount.path[2:]) % 2 else Status.OK)

    checks = [made("a", odd_fails, each="mounts"), made("b", odd_fails, each="mounts", needs=("a",))]
    results = examine(*checks, made("c", needs=("b",)), stack=OneSource(lambda host: items))
    statuses = [status for status, _ in results.values()]
    assert {one: statuses.count(one) for one in statuses} == {
        Status.OK: 1001,
        Status.FAIL: 500,
        Status.BLOCKED: 500,
    }


@pytest.mark.parametrize(("load", "seconds"), [(0.1, 0.2), (2.0, 0.2), (8.0, 0.8), (500.0, 2.0)])
def test_on_a_busy_machine_there_is_more_patience(monkeypatch: pytest.MonkeyPatch, load: float, seconds: float) -> None:
    monkeypatch.setattr(engine, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(engine, "cpu_count", lambda: 2)
    assert engine._patience() == pytest.approx(seconds)


def test_who_is_late_on_a_busy_machine_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_patience", lambda: LONG)

    def late(host: Host, stack: Stack) -> Iterator[Finding]:
        time.sleep(LIMIT + GRACE)
        yield finding(Status.FAIL, "it hangs")

    assert examine(made("a", late, timeout=0.01)) == {"a": (Status.FAIL, "it hangs")}


def test_no_thread_outlives_its_run_but_the_hung_while_it_hangs() -> None:
    """A watch looks for days, and every look has its own workers."""
    released = threading.Event()

    def hangs(host: Host, stack: Stack) -> Iterator[Finding]:
        released.wait(LONG)
        yield finding()

    before = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        examine(made("a"), made("b"), made("c", hangs, timeout=0.01))
    released.set()
    end = time.monotonic() + LONG
    while len(os.listdir("/proc/self/task")) > before and time.monotonic() < end:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/task")) <= before


# --- the time for the whole run


def test_what_was_not_looked_at_in_time_is_unknown_not_broken() -> None:
    released = threading.Event()

    def slow(host: Host, stack: Stack, *_: object) -> Iterator[Finding]:
        yield finding(said="seen before")
        released.wait(LONG)

    def found(host: Host, stack: Stack) -> Iterator[Finding]:
        yield finding(Status.FAIL, "seen before")
        released.wait(LONG)

    def lists(host: Host) -> Items:
        released.wait(LONG)
        return Items()

    stack = OneSource(lists)
    stack.config = Config(timing=Timing(local=LONG))
    checks = [made("a", slow), made("b", needs=("a",)), made("c", each="mounts"), made("d", found), made("e")]
    results = examine(*checks, deadline=LIMIT, stack=stack)
    over = "not looked at: the time for the whole run was over"
    assert results == {
        "a": (Status.UNKNOWN, f"seen before; {over}"),
        "b": (Status.UNKNOWN, over),
        "c": (Status.UNKNOWN, over),
        "d": (Status.FAIL, f"seen before; {over}"),
        "e": (Status.OK, "it is so"),
    }
    released.set()


def test_no_time_at_all_is_all_unknown() -> None:
    assert {status for status, _ in examine(made("a"), made("b", each="mounts"), deadline=0.0).values()} == {
        Status.UNKNOWN
    }


# --- a whole process: what it leaves behind, and what it weighs

PROCESS = """
import sys, time
from cozydiag.config import Config
from cozydiag.engine.run import Run
from cozydiag.host import Host, World
from cozydiag.model import Check, Finding, Status
from cozydiag.stack import Stack
from cozydiag.text import t

def pours(host, stack):
    for _ in range(20):
        yield Finding(Status.OK, "", t("{n} bytes", n=len(host.get(sys.argv[1]).body)))

def hangs(host, stack):
    time.sleep(600)
    yield

checks = [Check("pours", t(""), pours, timeout=15.0), Check("hangs", t(""), hangs, timeout=0.3)]
seen = Run({check.id: check for check in checks}, Host(World(), 20.0), Stack(Config())).run()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # getrusage counts the parent
print(*(result.status for result in seen), peak.split()[1])
"""


def test_a_process_with_a_hung_check_ends_and_an_endless_body_weighs_nothing() -> None:
    with server(pour) as url:
        line = [sys.executable, "-c", PROCESS, url]
        done = subprocess.run(line, capture_output=True, text=True, timeout=LONG, check=True)
    pours, hangs, kilobytes = done.stdout.split()
    assert (pours, hangs) == ("ok", "timeout")
    assert int(kilobytes) < 64 << 10
