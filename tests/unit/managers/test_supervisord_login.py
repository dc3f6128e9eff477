"""Who is told the password of a supervisord, and where it is looked for: the real one is asked by `tests/lab`."""

from __future__ import annotations

from base64 import b64decode

import pytest

from cozydiag.config import Config
from cozydiag.host import Answer, Failure
from cozydiag.managers import supervisord
from cozydiag.managers.service import Surroundings
from cozydiag.managers.supervisord_control import find as find_supervisord
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, FakeSupervisord, Machine, answer, process_info
from cozydiag.testing.machine import Request

SOCKET, FILE = "/run/supervisor.sock", "/etc/supervisor/supervisord.conf"
LOGIN = "username=cozy\npassword=pa:ss\n"
DENIED = Failure("permission", "permission denied")


class Locked:
    """Lets in whoever says `cozy:pa:ss`; keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, request: Request) -> Answer:
        self.said.append(b64decode(request.header("Authorization").removeprefix("Basic ")).decode())
        return FakeSupervisord([process_info("web")])(request) if self.said[-1] == "cozy:pa:ss" else answer(401)


def conf(socket: str = SOCKET, login: str = LOGIN, more: str = "") -> bytes:
    return f"[unix_http_server]\nfile={socket}\n{login}{more}[supervisord]\n".encode()


def seen(machine: Machine, stack: Stack | None = None) -> str:
    found = (stack or Stack(Config(discover=False))).supervisor(FakeHost(machine))
    return f"{found.kind}: {found.detail}" if isinstance(found, Failure) else f"{len(found.programs)} program"


def test_it_is_said_only_where_it_is_asked_for_and_remembered() -> None:
    locked, stack = Locked(), Stack(Config(discover=False))
    machine = Machine(sockets={SOCKET: locked}, files={FILE: conf(), SOCKET: b""})
    assert seen(machine, stack) == "1 program"
    supervisord.look(FakeHost(machine), stack.socket(FakeHost(machine)))
    assert locked.said == ["", "cozy:pa:ss", "cozy:pa:ss"]
    assert stack.masks().finds("it said pa:ss")
    assert stack.masks().finds("Basic Y296eTpwYTpzcw==")


def test_the_name_of_a_socket_may_be_the_older_one() -> None:
    machine = Machine(sockets={SOCKET: Locked()}, files={FILE: conf(f"/var{SOCKET}"), SOCKET: b""})
    assert seen(machine) == "1 program"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "login: HTTP 401: a user and password are required"),
        ({FILE: conf("/run/other.sock")}, "login: HTTP 401: a user and password are required"),
        ({FILE: conf(login="")}, f"login: {FILE} does not say its password"),
        ({FILE: conf(login="username=a\npassword=%(ENV_SECRET)s\n")}, f"login: {FILE} does not say its password"),
        ({FILE: conf(login="username=cozy\npassword=older\n")}, f"login: it refuses the password of {FILE}"),
        ({FILE: DENIED}, f"locked: its password is in {FILE}, closed to this user"),
        (
            {FILE: conf(more="[include]\nfiles = /etc/more.conf\n"), "/etc/more.conf": DENIED},
            "locked: its password is in /etc/more.conf, closed to this user",
        ),
    ],
)
def test_what_does_not_open_it_is_said(files: dict[str, bytes | Failure], told: str) -> None:
    assert seen(Machine(sockets={SOCKET: Locked()}, files={SOCKET: b"", **files})) == told


@pytest.mark.parametrize(
    ("port", "place"), [("*:9001", "127.0.0.1:9001"), ("9001", "127.0.0.1:9001"), ("192.0.2.1:80", "192.0.2.1:80")]
)
def test_one_without_a_socket_file_is_asked_over_tcp(port: str, place: str) -> None:
    """It is the main one where the usual file says so."""
    file = f"[inet_http_server]\nport={port}\n{LOGIN}[supervisord]\n".encode()
    machine = Machine(web={place: Locked()}, files={FILE: file})
    assert seen(machine) == "1 program"
    [found] = find_supervisord(FakeHost(machine), Surroundings())
    assert (found.place, found.exposed(FakeHost(machine))) == (f"http://{place}", None)
    assert not isinstance(found.services(FakeHost(machine)), Failure)
    assert found.allowed(FakeHost(machine))


def test_who_may_not_know_it_may_not_act_either() -> None:
    machine = Machine(web={"127.0.0.1:9001": Locked()}, files={FILE: DENIED}, uid=1000)
    [found] = find_supervisord(FakeHost(machine), Surroundings(discover=False, named=("http://127.0.0.1:9001",)))
    before = found.allowed(FakeHost(machine))
    failure = found.services(FakeHost(machine))
    assert isinstance(failure, Failure)
    assert (before, found.allowed(FakeHost(machine)), failure.kind) == (True, False, "locked")
