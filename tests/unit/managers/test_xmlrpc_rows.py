"""Long lists of supervisord are read in a short way: it must give what the whole reader gives, or leave it to that."""

from __future__ import annotations

from typing import Any
from xmlrpc.client import Fault, dumps

import pytest

from cozydiag.host import Failure
from cozydiag.managers import xmlrpc
from cozydiag.testing import FakeHost, FakeSupervisord, Machine, answer, process_info
from tests.unit.managers.test_other_managers import recorded

SOCKET = "/run/supervisor.sock"
METHOD = "supervisor.getAllProcessInfo"


def both(body: Any) -> tuple[Any, Any]:
    host = FakeHost(Machine(sockets={SOCKET: answer(200, body)}))
    return xmlrpc.rows(host, SOCKET, METHOD), xmlrpc.call(host, SOCKET, METHOD)


def test_the_recorded_list_is_the_same_either_way() -> None:
    short, whole = both(dumps((recorded("process"),), methodresponse=True))
    assert short == whole
    assert len(short) == len(recorded("process"))


@pytest.mark.parametrize(
    "value",
    [
        [process_info("a", spawnerr="it's <gone> & away")],
        [process_info("é")],
        [process_info("a", description=""), process_info("b", exitstatus=-1)],
        [{"name": "a", "exitcodes": [0, 2]}],
        [{"name": "a", "inside": {"name": "b"}}],
        [{}],
        [],
        "text",
        7,
        {"name": "a"},
    ],
    ids=str,
)
def test_whatever_comes_is_the_same_either_way(value: Any) -> None:
    short, whole = both(dumps((value,), methodresponse=True))
    assert short == whole == value


def test_colours_and_refusals_are_the_same_either_way() -> None:
    text = dumps(([process_info("a", spawnerr="red")],), methodresponse=True).replace("red", "\x1b[31m")
    assert both(text)[0] == both(text)[1]
    assert both(dumps(Fault(6, "SHUTDOWN_STATE"), methodresponse=True))[0] == xmlrpc.Fault(6, "SHUTDOWN_STATE")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_half_a_list_is_none(part: float) -> None:
    body = dumps(([process_info(f"p{number}") for number in range(20)],), methodresponse=True)
    short, _ = both(body[: int(len(body) * part)])
    assert isinstance(short, Failure)
    assert short.kind == "protocol"


def test_settings_are_asked_for_only_where_something_has_not_run_for_a_while() -> None:
    from cozydiag.managers import supervisord

    def asked(**fields: Any) -> bool:
        machine = Machine(sockets={SOCKET: FakeSupervisord([process_info("a", **fields)])})
        supervisord.look(FakeHost(machine), SOCKET)
        return any(b"getAllConfigInfo" in request.body for request in machine.requests)

    assert not asked()
    assert asked(state="BACKOFF")
    assert asked(start=1_795_248_730)
