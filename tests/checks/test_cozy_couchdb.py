"""A Cozy v2 and a cozy-stack on one host, each with its own login at CouchDB: one try for each user of each server."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Paths
from cozydiag.couchdb import memory
from cozydiag.engine import examine
from cozydiag.host import Answer, Failure, World
from cozydiag.model import Report
from cozydiag.stack import Stack
from cozydiag.testing import REFUSED, FakeHost, Machine, Request, answer
from cozydiag.text.catalogue import ENGLISH, render
from tests.checks.cozy_hosts import couchdb, v2, v3
from tests.checks.test_couchdb_states import Watched

APPS, OWN = "127.0.0.1:5984", "127.0.0.1:5985"
WISH = examine.Wish(only=("couchdb.*", "cozystack.couchdb"))
WRONG = answer(401, '{"error":"unauthorized","reason":"Name or password is incorrect."}', Server="CouchDB/3.5.0")
LOCKED = answer(403, '{"error":"forbidden","reason":"Account is temporarily locked"}', Server="CouchDB/3.5.0")
Serve = Callable[[Request], "Answer | Failure"]


def login_of(request: Request) -> str:
    return request.header("Authorization")


def taking(*logins: str) -> Serve:
    """A server that knows these, by the end of their header, and nobody else."""

    def serve(request: Request) -> Answer | Failure:
        login = login_of(request)
        if not login or login in logins:
            if request.target == "/_session" and login:
                said = {"ok": True, "userCtx": {"name": "own", "roles": []}, "info": {}}
                return answer(200, json.dumps(said), Server="CouchDB/3.5.0")
            return couchdb(request)
        return WRONG

    return serve


def always(reply: Answer | Failure) -> Serve:
    return lambda request: reply if login_of(request) else couchdb(request)


def basic(login: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(login.encode()).decode()


def both(login: str, place: str, server: Serve | Failure | None = None) -> Machine:
    """v2's CouchDB is the usual one; the cozy-stack has ``login`` at ``place``."""
    modern, machine = v3(), v2()
    machine.web = {**modern.web, **machine.web, APPS: couchdb}
    if server is not None:
        machine.web = {**machine.web, place: server}
    local = f"couchdb:\n  url: http://{login}@{place}/\n".encode()
    machine.files = {**modern.files, **machine.files, "/etc/cozy/cozy.yml.local": local}
    machine.modes = {**modern.modes, **machine.modes}
    machine.listening = {**modern.listening, **machine.listening}
    return machine


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], tuple[Report, Stack]]:
    """One run after the other, each with the memory of the last."""
    config = Config()._replace(paths=Paths(str(tmp_path / "state"), None))

    def once(machine: Machine) -> tuple[Report, Stack]:
        machine.world = World(machine.clock)
        monkeypatch.setattr(examine, "Host", lambda _, seconds: FakeHost(machine, seconds))
        return examine.look(config, WISH)

    return once


Run = Callable[[Machine], "tuple[Report, Stack]"]


def of(report: Report) -> tuple[str, str, str]:
    """What is said of the cozy-stack's own login."""
    (result,) = [one for one in report.results if one.id == "cozystack.couchdb"]
    (finding,) = result.findings
    return str(finding.status), finding.code, render(finding.text, ENGLISH)


def logins(machine: Machine, login: str) -> list[str]:
    return [f"{r.place}{r.target}" for r in machine.requests if login_of(r) == basic(login)]


def test_a_server_of_its_own_is_logged_in_to_once(run: Run) -> None:
    machine = both("own:pw", OWN, taking(basic("own:pw")))
    report, _ = run(machine)
    assert of(report) == ("ok", "", "CouchDB knows cozy-stack's user own")
    assert [r.target for r in machine.requests if r.place == OWN] == ["/", "/_session", "/global%2Finstances"]
    assert logins(machine, "app:apppw")[0] == f"{APPS}/_session"
    assert not [r for r in machine.requests if r.place == OWN and login_of(r) == basic("app:apppw")]


@pytest.mark.parametrize(("reply", "words"), [(WRONG, "refuses cozy-stack's user own"), (LOCKED, "has locked")])
def test_what_was_refused_there_is_never_tried_again(run: Run, reply: Answer, words: str) -> None:
    machine = both("own:pw", OWN, always(reply))
    for _ in range(3):
        report, _ = run(machine)
        status, code, text = of(report)
        assert (status, code, words in text) == ("fail", "cozystack.couchdb_login", True)
        assert [cause.code for cause in report.causes] == ["cozystack.couchdb_login"]
    assert logins(machine, "own:pw") == [f"{OWN}/_session"]
    assert len([one for one in logins(machine, "app:apppw") if one.endswith("/_session")]) == 3, "v2's own is taken"


def test_a_new_password_is_tried_again_and_the_memory_of_the_others_stays(run: Run) -> None:
    machine = both("own:pw", OWN, taking(basic("own:new")))
    machine.web = {**machine.web, APPS: always(WRONG)}
    run(machine)
    machine.files = {
        **machine.files,
        "/etc/cozy/cozy.yml.local": both("own:new", OWN).files["/etc/cozy/cozy.yml.local"],
    }
    report, _ = run(machine)
    assert of(report)[0] == "ok"
    assert len(logins(machine, "app:apppw")) == 1
    assert len([one for one in logins(machine, "own:new") if one.endswith("/_session")]) == 1


def test_a_second_look_of_the_same_session_does_not_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing can be written down."""
    machine = both("own:pw", OWN, always(WRONG))
    monkeypatch.setattr(memory, "remember", lambda *_: None)
    monkeypatch.setattr(examine, "Host", lambda _, seconds: FakeHost(machine, seconds))
    config = Config()._replace(paths=Paths(str(tmp_path / "state"), None))
    _, stack = examine.look(config, WISH)
    machine.world = World(machine.clock)
    examine.look(config, WISH, before=stack)
    assert len(logins(machine, "own:pw")) == 1


def test_another_user_at_the_same_server_costs_one_request(run: Run) -> None:
    usual = both("app:apppw", APPS)
    run(usual)
    machine = both("own:pw", APPS, taking(basic("own:pw"), basic("app:apppw")))
    report, _ = run(machine)
    assert of(report)[:2] == ("ok", "")
    assert logins(machine, "own:pw") == [f"{APPS}/_session"]
    asked = [r.target for r in machine.requests if r.place == APPS]
    assert asked.count("/cozy") == asked.count("/global%2Finstances") == 1, "both are expected"
    assert len(asked) - 2 <= 12
    assert len(asked) == len([r for r in usual.requests if r.place == APPS]) + 1


def test_the_same_login_at_the_same_server_is_tried_once_under_any_name(run: Run) -> None:
    machine = both("app:apppw", "localhost:5984")
    report, _ = run(machine)
    assert of(report)[0] == "skip"
    assert len([one for one in logins(machine, "app:apppw") if one.endswith("/_session")]) == 1


def test_another_password_of_a_user_that_is_known_is_wrong_and_never_sent(run: Run) -> None:
    machine = both("app:n3wer", APPS)
    report, _ = run(machine)
    assert of(report)[:2] == ("fail", "cozystack.couchdb_login")
    assert "another password for CouchDB's user app" in of(report)[2]
    assert logins(machine, "app:n3wer") == []


def test_after_a_refusal_the_same_user_is_not_tried_with_another_password(run: Run) -> None:
    machine = both("app:n3wer", APPS, always(WRONG))
    report, _ = run(machine)
    assert of(report)[0] == "skip"
    assert [cause.code for cause in report.causes] == ["couchdb.credentials_refused"]
    assert logins(machine, "app:n3wer") == []


def test_a_server_that_is_down_or_lacks_the_list_of_instances(run: Run) -> None:
    report, _ = run(both("own:pw", OWN, REFUSED))
    assert of(report)[:2] == ("fail", "cozystack.couchdb")

    def without(request: Request) -> Answer | Failure:
        gone = request.target.startswith("/global")
        missing = answer(404, '{"error":"not_found","reason":"Database does not exist."}', Server="CouchDB/3.5.0")
        return missing if gone else taking(basic("own:pw"))(request)

    report, _ = run(both("own:pw", OWN, without))
    assert of(report)[:2] == ("fail", "couchdb.database_missing")


def test_no_word_of_the_second_login_is_kept_or_told(run: Run, tmp_path: Path) -> None:
    report, stack = run(both("own:s3cr3t!", OWN, always(WRONG)))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())
    assert b"s3cr3t" not in kept
    assert "s3cr3t" not in repr(report)
    assert stack.masks().mask("own:s3cr3t!") == "***"


def test_who_may_remember_nothing_tries_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "may_try", lambda _: False)
    machine = both("own:pw", OWN, taking(basic("own:pw")))
    report, _ = run(machine)
    assert of(report)[:2] == ("unknown", "couchdb.login_not_tried")
    assert logins(machine, "own:pw") == []


@pytest.mark.parametrize("seed", range(20))
def test_no_sequence_of_states_brings_a_second_login_to_either_server_or_a_write(run: Run, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    servers, runs = (Watched(chance), Watched(chance)), chance.randint(2, 5)
    machine = both(chance.choice(["admin:adminpw", "nobody:x"]), OWN, servers[1])
    machine.web = {**machine.web, APPS: servers[0]}
    for _ in range(runs):
        run(machine)
    for server in servers:
        assert server.requests
        assert server.is_harmless(runs), [(one.method, one.target) for one in server.requests]
