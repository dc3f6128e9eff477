"""CouchDB in the states that were recorded from real servers, and the one login that a run may try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB, Secret
from cozydiag.host import Failure, Process
from cozydiag.model import Finding
from cozydiag.testing import HANGS, REFUSED, Machine, Served, answer
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

CHECKS = ("couchdb.reach", "couchdb.up", "couchdb.login", "couchdb.database")
OK = ("ok", "")
SKIP = ("skip", "")

STATES = {
    "healthy": ({}, [OK, OK, OK, OK]),
    "v3.3.3-healthy-anon": ({"/": "root", "/_up": "up", "/cozy": "db"}, [OK, OK, OK, OK]),
    "healthy-user": ({"login /cozy": "db_missing"}, [OK, OK, OK, ("fail", "couchdb.database_missing")]),
    "healthy-admin": ({"login /_session": "session", "/cozy": "db"}, [OK, OK, OK, OK]),
    "auth-wrong-password": (
        {"login /_session": "session"},
        [OK, OK, ("fail", "couchdb.credentials_refused"), OK],
    ),
    "auth-locked-out": (
        {"/_up": "anon_up", "login /_session": "right_password_session"},
        [OK, OK, ("fail", "couchdb.locked_out"), OK],
    ),
    "maintenance-true": (
        {"/": "anon_root", "/_up": "anon_up"},
        [OK, ("fail", "couchdb.maintenance"), OK, OK],
    ),
    "require-valid-user": (
        {"/": "anon_root", "/_up": "anon_up", "/cozy": "anon_db"},
        [("warn", "couchdb.login_required"), SKIP, OK, OK],
    ),
}


def state(cozy: Cozy, name: str) -> Machine:
    return cozy.machine(web={"127.0.0.1:5984": cozy.couchdb(name, STATES[name][0])})


@pytest.mark.parametrize("name", STATES)
def test_recorded_states(cozy: Cozy, name: str) -> None:
    machine = state(cozy, name)
    assert [one for check in CHECKS for one in cozy.said(cozy.look(check, machine))] == STATES[name][1]


def everything(cozy: Cozy, served: Served) -> list[tuple[str, str]]:
    diagnosis = cozy.examine(cozy.machine(web={"127.0.0.1:5984": served}))
    return [(cause.code, cause.role or "") for cause in diagnosis.causes]


@pytest.mark.parametrize(
    ("served", "cause"),
    [
        (HANGS, ("service.hung", "couchdb")),
        (REFUSED, ("service.down", "couchdb")),
        (Failure("closed", "closed without an answer"), ("service.breaks_off", "couchdb")),
        (Failure("reset", "connection reset by peer"), ("service.breaks_off", "couchdb")),
        (Failure("protocol", "SSH-2.0-OpenSSH_9.2"), ("service.port_taken", "couchdb")),
        (answer(500, '{"error":"internal_server_error"}', Server="CouchDB/3.5.0"), ("couchdb.error", "couchdb")),
    ],
    ids=["stopped by a signal", "down", "closes", "resets", "not HTTP", "errors"],
)
def test_what_is_wrong_with_couchdb_is_one_cause(cozy: Cozy, served: Served, cause: tuple[str, str]) -> None:
    assert everything(cozy, served) == [cause]


@pytest.mark.parametrize(
    ("check", "place"), [("couchdb.reach", "127.0.0.1:5984"), ("stack.home", "127.0.0.1:9103/api/applications/")]
)
def test_what_was_never_asked_is_not_down(cozy: Cozy, check: str, place: str) -> None:
    machine = cozy.machine(web={place: Failure("given_up", "other requests there took all the time")})
    assert cozy.said(cozy.look(check, machine)) == [("unknown", "service.not_asked")]


def test_another_program_at_its_port_is_named(cozy: Cozy) -> None:
    machine = cozy.machine(
        web={"127.0.0.1:5984": cozy.couchdb("port-in-use", {"/": "anon_root", "/_up": "anon_up"})},
        processes=(Process(500, 1, "S", "python3", 0.0, ("python3", "-m", "http.server"), 0),),
    )
    (finding,) = cozy.look("couchdb.reach", machine)
    assert (finding.code, finding.restart_helps) == ("service.port_taken", False)
    assert dict(finding.text.params)["other"] == "python3 http.server (PID 500)"


def test_a_stopped_process_is_told_from_a_busy_one(cozy: Cozy) -> None:
    stopped = Process(500, 1, "T", "beam.smp", 0.0, ("beam.smp",), 0)
    machine = cozy.machine(web={"127.0.0.1:5984": HANGS}, processes=(stopped,))
    (finding,) = cozy.look("couchdb.reach", machine)
    assert "SIGSTOP" in finding.text.template


# --- logging in


def logins(machine: Machine) -> list[str]:
    return [r.target for r in machine.requests if r.header("Authorization") and r.target == "/_session"]


@pytest.mark.parametrize("name", STATES)
def test_a_whole_run_logs_in_once(cozy: Cozy, name: str) -> None:
    machine = state(cozy, name)
    cozy.examine(machine)
    assert logins(machine) == ["/_session"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_of_everything_is_never_tried_again(cozy: Cozy, status: int) -> None:
    refusal = answer(status, '{"error":"unauthorized","reason":"Name or password is incorrect."}', Server="CouchDB/3.5")
    machine = cozy.machine(web={"127.0.0.1:5984": refusal})
    cozy.examine(machine)
    assert len(logins(machine)) <= 1


def test_credentials_in_the_configuration_come_first(cozy: Cozy) -> None:
    machine = cozy.machine(files={"/etc/cozy/couchdb.login": b"nobody\nwrong\n"})
    config = cozy.with_config(couchdb=CouchDB(user=Secret("app"), password=Secret("apppw")))
    assert cozy.said(cozy.look("couchdb.login", machine, config)) == [OK]
    (request,) = [request for request in machine.requests if request.target == "/_session"]
    assert request.header("Authorization") == "Basic YXBwOmFwcHB3"


def login(cozy: Cozy, file: bytes | Failure) -> Finding:
    machine = cozy.machine(files={"/etc/cozy/couchdb.login": file})
    (finding,) = cozy.look("couchdb.login", machine)
    assert logins(machine) == []
    return finding


def test_credentials_that_are_closed_to_us_say_how_to_look(cozy: Cozy) -> None:
    finding = login(cozy, Failure("permission", "permission denied"))
    assert cozy.said([finding]) == [("unknown", "couchdb.credentials_unreadable")]
    assert (finding.unlock or "").startswith("sudo ")
    assert (finding.unlock or "").endswith(" status")


@pytest.mark.parametrize("content", [b"", b"app", b"app\n", b"\napppw\n", b"  \n  \n"])
def test_a_file_without_user_and_password_is_malformed(cozy: Cozy, content: bytes) -> None:
    assert cozy.said([login(cozy, content)]) == [("fail", "couchdb.credentials_malformed")]


def test_no_file_of_credentials_is_nothing_to_try(cozy: Cozy) -> None:
    assert login(cozy, Failure("missing", "no such file or directory")).status == "skip"


def test_the_password_is_never_shown(cozy: Cozy) -> None:
    diagnosis = cozy.examine(state(cozy, "auth-wrong-password"))
    assert "apppw" not in repr(diagnosis.results)
    assert "YXBwOmFwcHB3" not in repr(diagnosis.results)


def test_what_a_hostile_server_says_reaches_no_screen_as_a_command(cozy: Cozy) -> None:
    evil = "3.5\\u001b]0;title\\u0007\\u009b2J\\u202e"
    served = answer(200, f'{{"couchdb":"Welcome","version":"{evil}","error":"{evil}","reason":"{evil}"}}')
    diagnosis = cozy.examine(cozy.machine(web={"127.0.0.1:5984": served}))
    shown = [render(finding.text, ENGLISH) for result in diagnosis.results for finding in result.findings]
    shown += [one.line for result in diagnosis.results for one in result.evidence]
    shown += [one.line for cause in diagnosis.causes for one in cause.evidence]
    assert "CouchDB 3.5 answers" in shown
    assert [line for line in shown if not line.isprintable()] == []
