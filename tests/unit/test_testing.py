"""The contract finds what it is there to find: each bad check breaks exactly one of its rules."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cozydiag.api import Finding, Host, Stack, Status, check, fail, ok, skip, t, unknown, warn
from cozydiag.config import Config
from cozydiag.host import Failure
from cozydiag.model import Check
from cozydiag.testing import (
    HANGS,
    FakeHost,
    FakeSupervisord,
    Machine,
    Served,
    answer,
    contract,
    process_info,
    results,
    run_check,
)

URL = "http://127.0.0.1:8000/"


def make(function: Callable[[Host, Stack], Iterator[Finding]]) -> Check:
    return check("my.check", t("It works"))(function)


def healthy() -> Machine:
    return Machine(web={"127.0.0.1:8000/": answer(200, "hello")})


def greeting(host: Host, code: str = "my.down") -> Finding:
    seen = host.get(URL)
    if not isinstance(seen, Failure) and seen.text() == "hello":
        return ok(t("it answers"))
    return fail(code, t("it does not answer"), t("Start it."))


def good(host: Host, stack: Stack) -> Iterator[Finding]:
    yield greeting(host)


def test_a_good_check_passes() -> None:
    contract(make(good), healthy, Config(), documented=["my.down"])


def silent(host: Host, stack: Stack) -> Iterator[Finding]:
    if not isinstance(host.get(URL), Failure):
        yield ok(t("it answers"))


def always_well(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("all is well"))


def trusting(host: Host, stack: Stack) -> Iterator[Finding]:
    seen = host.get(URL)
    well = not isinstance(seen, Failure) and seen.status == 200
    yield ok(t("it answers")) if well else fail("my.down", t("it does not answer"), t("Start it."))


def raising(host: Host, stack: Stack) -> Iterator[Finding]:
    yield greeting(host)
    host.read("/etc/motd").decode()  # type: ignore[union-attr]


def leaving(host: Host, stack: Stack) -> Iterator[Finding]:
    yield greeting(host)
    raise SystemExit(0)


def never_well(host: Host, stack: Stack) -> Iterator[Finding]:
    host.get(URL)
    yield warn("my.down", t("it may be slow"), t("Look."))


def without_code(host: Host, stack: Stack) -> Iterator[Finding]:
    yield greeting(host, code="")


def without_code_unknown(host: Host, stack: Stack) -> Iterator[Finding]:
    found = greeting(host)
    yield found if found.status is Status.OK else unknown("", t("it could not be seen"))


def without_advice(host: Host, stack: Stack) -> Iterator[Finding]:
    found = greeting(host)
    yield found if found.status is Status.OK else Finding(Status.FAIL, "my.down", t("it does not answer"))


def unknown_code(host: Host, stack: Stack) -> Iterator[Finding]:
    yield greeting(host, code="my.other")


def without_parameter(host: Host, stack: Stack) -> Iterator[Finding]:
    found = greeting(host)
    yield found if found.status is Status.OK else skip(t("nothing at {place}"))


def opens_a_file(host: Host, stack: Stack) -> Iterator[Finding]:
    with open(os.devnull, "rb"):
        yield greeting(host)


def asks_for_a_file(host: Host, stack: Stack) -> Iterator[Finding]:
    os.path.exists("/etc/my.conf")
    yield greeting(host)


def opens_a_socket(host: Host, stack: Stack) -> Iterator[Finding]:
    socket.socket().close()
    yield greeting(host)


def starts_a_program(host: Host, stack: Stack) -> Iterator[Finding]:
    subprocess.run(["true"], check=True)
    yield greeting(host)


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (silent, "my.check is error"),
        (always_well, "in the world “dead”: my.check is ok"),
        (trusting, "in the world “empty”: my.check is ok"),
        (raising, "my.check is error"),
        (leaving, "my.check is error"),
        (never_well, "in the world “healthy”: my.check is warn"),
        (without_code, "'' is not a code"),
        (without_code_unknown, "'' is not a code"),
        (without_advice, "my.down gives no advice"),
        (unknown_code, "my.other is not documented"),
        (without_parameter, "has no parameter for place"),
        (opens_a_file, "goes round Host: open '/dev/null'"),
        (asks_for_a_file, "goes round Host: os.stat '/etc/my.conf'"),
        (opens_a_socket, "goes round Host: socket.__new__"),
        (starts_a_program, "goes round Host: subprocess.Popen"),
    ],
)
def test_a_bad_check_breaks_the_contract(function: Callable[[Host, Stack], Iterator[Finding]], complaint: str) -> None:
    with pytest.raises(AssertionError) as caught:
        contract(make(function), healthy, Config(), documented=["my.down"])
    assert complaint in str(caught.value)


def test_what_a_check_may_believe_is_named() -> None:
    believed = ["empty", "garbage", "not UTF-8", "other JSON", "deep JSON", "1 MiB"]
    contract(make(trusting), healthy, Config(), credulous=believed)


# --- the fake machine


def test_the_engine_runs_a_check_without_what_it_needs() -> None:
    needy = check("my.check", t("It works"), needs=["other.check"], timeout=1.0)(good)
    assert [finding.code for finding in run_check(needy, FakeHost(Machine()), Stack(Config()))] == ["my.down"]


def test_a_hanging_server_costs_false_time_only() -> None:
    machine = Machine(elsewhere=HANGS)
    (result,) = results(make(good), FakeHost(machine), Stack(Config()))
    assert (result.status, result.seconds) == (Status.FAIL, Config().timing.local)
    assert result.evidence[0].line == HANGS.detail


def test_an_answer_is_cut_as_the_real_reader_cuts_it() -> None:
    seen = FakeHost(Machine(elsewhere=answer(200, "x" * 100))).get(URL, max_body=10)
    assert not isinstance(seen, Failure)
    assert (seen.body, seen.truncated) == (b"x" * 10, True)


def test_requests_are_kept() -> None:
    machine = healthy()
    FakeHost(machine).get(URL, headers=[("Authorization", "Basic eA==")])
    assert [(one.method, one.place, one.target, one.header("authorization")) for one in machine.requests] == [
        ("GET", "127.0.0.1:8000", "/", "Basic eA==")
    ]


@pytest.mark.parametrize(
    ("place", "away"),
    [(8000, None), (8001, "refused"), (8002, None), (8003, None), (8004, None)],
    ids=["a page", "nothing", "hangs", "a process", "breaks off"],
)
def test_connections_are_taken_where_somebody_listens(place: int, away: str | None) -> None:
    served: dict[str, Served] = {
        "127.0.0.1:8000/x": answer(),
        "127.0.0.1:8002": HANGS,
        "127.0.0.1:8004": Failure("closed", "closed"),
    }
    failure = FakeHost(Machine(web=served, listening={8003: 7})).connect("127.0.0.1", place)
    assert (failure and failure.kind) == away


def test_files_below_a_real_folder_are_true(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("true")
    host = FakeHost(Machine(real=str(tmp_path), files={"/etc/b": b"false"}))
    assert host.read(str(tmp_path / "a")) == b"true"
    assert host.listdir(str(tmp_path)) == ["a"]
    assert (host.read("/etc/b"), host.listdir("/etc")) == (b"false", ["b"])
    assert isinstance(host.read("/etc/passwd"), Failure)


def test_supervisord_answers_as_the_real_one_is_asked() -> None:
    daemon = FakeSupervisord([process_info("home", "FATAL")], [process_info("home")], log="started")
    host = FakeHost(Machine(sockets={"/run/supervisor.sock": daemon}))
    stack = Stack(Config())
    first, second = stack.supervisor(host), stack.supervisor_again(host)
    assert not isinstance(first, Failure)
    assert not isinstance(second, Failure)
    assert [snapshot.programs[0].statename for snapshot in (first, second)] == ["FATAL", "RUNNING"]
    assert host.clock.monotonic() == Config().timing.second_look
