"""The parts of a Cozy, each with the answers that it gives and the ones that it must not give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cozydiag.host import Failure, Process
from cozydiag.testing import HANGS, REFUSED, Served, answer, process_info

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

PLACES = {
    "stack.controller": "127.0.0.1:9002/",
    "stack.data-system": "127.0.0.1:9101/",
    "stack.home": "127.0.0.1:9103/api/applications/",
    "stack.proxy": "127.0.0.1:9104/status",
}


@pytest.mark.parametrize("check", PLACES)
@pytest.mark.parametrize(
    ("served", "code"),
    [
        (REFUSED, "service.down"),
        (HANGS, "service.hung"),
        (Failure("closed", "closed without an answer"), "service.breaks_off"),
        (Failure("reset", "connection reset by peer"), "service.breaks_off"),
        (Failure("protocol", "SSH-2.0-OpenSSH_9.2"), "service.port_taken"),
        (answer(200, "Welcome to nginx!"), "service.port_taken"),
    ],
    ids=["down", "hangs", "closes", "resets", "not HTTP", "a stranger"],
)
def test_what_a_part_must_not_do(cozy: Cozy, check: str, served: Served, code: str) -> None:
    (finding,) = cozy.look(check, cozy.machine(web={PLACES[check]: served}))
    assert (finding.code, finding.role) == (code, cozy.checks[check].role)


@pytest.mark.parametrize("check", ["stack.data-system", "stack.home", "stack.proxy"])
def test_an_error_of_its_own(cozy: Cozy, check: str) -> None:
    body = '{"error":"Error: connect ECONNREFUSED 127.0.0.1:9101"}'
    (finding,) = cozy.look(check, cozy.machine(web={PLACES[check]: answer(500, body)}))
    assert (finding.code, dict(finding.text.params)["words"]) == ("service.error", body)


@pytest.mark.parametrize(
    "served",
    [answer(200, '{"message":"No drones specified"}'), answer(404, "Cannot GET /\n")],
    ids=["2.0", "1.x"],
)
def test_older_controllers_are_well_too(cozy: Cozy, served: Served) -> None:
    assert cozy.said(cozy.look("stack.controller", cozy.machine(web={PLACES["stack.controller"]: served}))) == [
        ("ok", "")
    ]


def test_home_that_cannot_read_its_applications_is_not_well(cozy: Cozy) -> None:
    machine = cozy.machine(web={PLACES["stack.home"]: answer(200, '{"error":true,"msg":"no data-system"}')})
    assert cozy.look("stack.home", machine)[0].code == "service.error"


@pytest.mark.parametrize(
    ("part", "age", "said"),
    [
        ("home", 5, ("warn", "service.starting")),
        ("home", 20, ("fail", "service.down")),
        ("controller", 200, ("warn", "service.starting")),
        ("controller", 400, ("fail", "service.down")),
    ],
)
def test_a_part_may_take_its_time_to_listen(cozy: Cozy, part: str, age: int, said: tuple[str, str]) -> None:
    daemon = cozy.supervisord(process_info(f"cozy-{part}", start=1_795_248_737 - age))
    machine = cozy.machine(web={PLACES[f"stack.{part}"]: REFUSED}, supervisord=daemon)
    assert cozy.said(cozy.look(f"stack.{part}", machine)) == [said]


def test_a_process_that_was_stopped_by_a_signal_is_told_so(cozy: Cozy) -> None:
    stopped = Process(602, 1, "T", "node", 0.0, ("node", "home"), 0)
    (finding,) = cozy.look("stack.home", cozy.machine(web={PLACES["stack.home"]: HANGS}, processes=(stopped,)))
    assert "SIGSTOP" in finding.text.template


# --- what the proxy says of the others


def test_a_part_that_the_proxy_wrongly_calls_down_is_a_contradiction(cozy: Cozy) -> None:
    web: dict[str, Served] = {PLACES["stack.proxy"]: cozy.recorded("cozy/proxy-status-alone.http")}
    findings = cozy.look("stack.claims", cozy.machine(web=web))
    assert cozy.said(findings) == [("warn", "stack.contradiction")] * 4
    assert [dict(one.text.params)["name"] for one in findings] == ["CouchDB", "data-system", "controller", "home"]


def test_a_part_that_is_down_is_rightly_called_down(cozy: Cozy) -> None:
    said = answer(200, '{"couchdb":true,"datasystem":true,"controller":true,"home":false,"proxy":true}')
    machine = cozy.machine(web={PLACES["stack.proxy"]: said, "127.0.0.1:9103": REFUSED}, listening={})
    del machine.web["127.0.0.1:9103/api/applications/"]  # type: ignore[attr-defined]
    assert cozy.said(cozy.look("stack.claims", machine)) == [("ok", "")]


# --- one cause, not seven symptoms


def test_a_healthy_cozy_has_no_cause(cozy: Cozy) -> None:
    diagnosis = cozy.examine(cozy.machine())
    assert {str(result.status) for result in diagnosis.results} <= {"ok", "skip"}
    assert diagnosis.causes == []


def test_a_dead_data_system_explains_all_that_stands_on_it(cozy: Cozy) -> None:
    failure = answer(500, '{"error":"Error: connect ECONNREFUSED 127.0.0.1:9101"}')
    web: dict[str, Served] = {
        PLACES["stack.data-system"]: REFUSED,
        PLACES["stack.home"]: failure,
        "127.0.0.1:80": failure,
    }
    diagnosis = cozy.examine(cozy.machine(web=web))
    assert [(cause.code, cause.role) for cause in diagnosis.causes] == [("service.down", "cozy.data-system")]
    assert diagnosis.causes[0].explains == ("stack.home", "proxy.gateway:cozy.test")


def test_a_stopped_part_is_the_cause_of_its_silence(cozy: Cozy) -> None:
    daemon = cozy.supervisord(process_info("cozy-home", "STOPPED"))
    diagnosis = cozy.examine(cozy.machine(web={PLACES["stack.home"]: REFUSED}, supervisord=daemon))
    assert [(cause.code, cause.role, cause.service) for cause in diagnosis.causes] == [
        ("service.stopped", "cozy.home", "supervisord:cozy-home")
    ]
    assert diagnosis.causes[0].explains == ("stack.home",)
