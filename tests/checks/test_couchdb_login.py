"""What a login that is not taken means, and a login by cookie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB
from cozydiag.couchdb import Reply
from cozydiag.host import Answer, Failure
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, Request, answer, run_check
from cozydiag.text import When

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

PLACE = "127.0.0.1:5984"
WRONG = answer(401, '{"error":"unauthorized","reason":"Name or password is incorrect."}', Server="CouchDB/3.5.0")
LOCKED = answer(403, '{"error":"forbidden","reason":"Account is temporarily locked due to"}', Server="CouchDB/3.5.0")
NOW = 1_795_248_737.0
"""The false clock's."""


def line(seconds_ago: float, text: str, level: str = "warning", request: str = "bbd6503c71") -> str:
    stamp = strftime("%Y-%m-%dT%H:%M:%S.000000Z", gmtime(NOW - seconds_ago))
    return f"[{level}] {stamp} couchdb@127.0.0.1 <0.349.0> {request} {text}\n"


def asked(request: str = "bbd6503c71") -> str:
    return line(1, "127.0.0.1:5984 127.0.0.1 undefined GET /_session 401 ok 3", "notice", request)


def failed(seconds_ago: float = 1, user: str = "app", request: str = "bbd6503c71") -> str:
    text = f"couch_httpd_auth: Authentication failed for user {user} from 127.0.0.1"
    return line(seconds_ago, text, request=request)


def refused(
    cozy: Cozy, folder: Path, reply: Answer, log: str, ini: str = "", earlier: Reply | None = None
) -> tuple[Finding, Machine]:
    """What the check of the login says to ``reply``, with these words in CouchDB's log."""

    def serve(request: Request) -> Answer | Failure:
        return reply if request.header("Authorization") else cozy.healthy_couchdb(request)

    (folder / "couch.log").write_text(log)
    (folder / "local.ini").write_text(ini)
    machine = cozy.machine(web={PLACE: serve}, real=str(folder))
    stack = Stack(cozy.with_config(couchdb=CouchDB(log=str(folder / "couch.log"), etc=str(folder))))
    stack.refusal = earlier
    (finding,) = run_check(cozy.checks["couchdb.login"], FakeHost(machine), stack)
    return finding, machine


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (failed() + asked(), "couchdb.credentials_refused"),
        (asked(), "couchdb.account_unknown"),
        (failed(request="0000000000") + asked(), "couchdb.account_unknown"),
        (failed(user="other") + asked(), "couchdb.account_unknown"),
        ("", "couchdb.credentials_refused"),
        (line(1, "something else", "info"), "couchdb.credentials_refused"),
    ],
    ids=["wrong", "no account", "wrong before", "wrong for another", "no log", "no request in it"],
)
def test_a_wrong_password_is_told_from_an_account_that_is_not_there(
    cozy: Cozy, tmp_path: Path, log: str, code: str
) -> None:
    finding, _ = refused(cozy, tmp_path, WRONG, log)
    assert (finding.code, finding.restart_helps) == (code, False)


# --- when a lockout ends


@pytest.mark.parametrize(
    ("ago", "ini", "until"),
    [
        ([], "", NOW + 300),
        ([100, 80, 60, 40, 20], "", NOW - 100 + 300),
        ([4000, 100, 20], "", NOW - 100 + 300),
        ([320, 310, 15], "", NOW - 15 + 300),
        ([100], "[chttpd_auth_lockout]\nmax_lifetime = 600000\n", NOW - 100 + 600),
        ([100], "[chttpd_auth_lockout]\nmax_lifetime = soon\n", NOW - 100 + 300),
    ],
)
def test_the_end_of_a_lockout_counts_from_its_first_failure(
    cozy: Cozy, tmp_path: Path, ago: list[float], ini: str, until: float
) -> None:
    finding, machine = refused(cozy, tmp_path, LOCKED, "".join(map(failed, ago)), ini)
    assert finding.code == "couchdb.locked_out"
    when = dict(finding.text.params)["when"]
    assert isinstance(when, When)
    assert float(when) == until
    assert "at the latest" in finding.text.template
    assert [r.target for r in machine.requests if r.header("Authorization")] == ["/_session"]


def test_a_lockout_of_an_earlier_run_is_told_with_its_own_end(cozy: Cozy, tmp_path: Path) -> None:
    kept = Reply(403, {"error": "forbidden", "reason": "Account is temporarily locked", "at": NOW - 4000}, "")
    finding, machine = refused(cozy, tmp_path, LOCKED, "", earlier=kept)
    assert dict(finding.text.params)["when"] == NOW - 4000 + 300
    assert "had locked" in finding.text.template
    assert [r for r in machine.requests if r.header("Authorization")] == []


# --- a login by cookie

BLIND = '{"ok":true,"userCtx":{"name":null,"roles":[]},"info":{"authentication_handlers":["cookie"]}}'
OPENED = '{"ok":true,"name":"app","roles":["_admin"]}'


def by_cookie(cozy: Cozy, opened: Answer | Failure) -> Callable[[Request], Answer | Failure]:
    """A server that takes no Basic, and gives what stands in the cookie to an administrator."""

    def serve(request: Request) -> Answer | Failure:
        if request.target == "/_session":
            return opened if request.method == "POST" else answer(200, BLIND, Server="CouchDB/3.5.0")
        if request.target == "/_all_dbs" and request.header("Cookie") == "AuthSession=c00kie":
            return answer(200, '["_replicator","_users","cozy"]', Server="CouchDB/3.5.0")
        return cozy.healthy_couchdb(request)

    return serve


def test_where_basic_is_not_looked_at_a_session_is_opened(cozy: Cozy) -> None:
    opened = answer(200, OPENED, Server="CouchDB/3.5.0", Set_Cookie="AuthSession=c00kie; Version=1; Path=/; HttpOnly")
    machine = cozy.machine(web={PLACE: by_cookie(cozy, opened)})
    diagnosis = cozy.examine(machine)
    assert [cause.code for cause in diagnosis.causes if cause.code.startswith("couchdb.")] == []
    ours = [r for r in machine.requests if r.place == PLACE]
    sent = [(r.method, r.target) for r in ours]
    assert sent.count(("POST", "/_session")) == sent.count(("GET", "/_session")) == 1
    assert [target for method, target in sent if method != "GET"] == ["/_session"]
    (login,) = [r for r in ours if r.method == "POST"]
    assert login.body == b"name=app&password=apppw"
    assert "c00kie" not in repr(diagnosis.results)
    after = sent.index(("POST", "/_session"))
    assert [r for r in ours[after + 1 :] if r.header("Authorization")] == []
    assert [r.target for r in ours if r.header("Cookie") and r.target in ("/", "/_up")] == []


def test_a_refused_cookie_login_is_the_last(cozy: Cozy) -> None:
    machine = cozy.machine(web={PLACE: by_cookie(cozy, WRONG)})
    diagnosis = cozy.examine(machine)
    assert [cause.code for cause in diagnosis.causes if cause.role == "couchdb"] == ["couchdb.credentials_refused"]
    assert len([r for r in machine.requests if r.method == "POST" and r.place == PLACE]) == 1
    assert [r for r in machine.requests if r.header("Cookie")] == []


def test_a_server_that_knows_no_way_of_ours_is_named(cozy: Cozy) -> None:
    blind = answer(200, BLIND.replace("cookie", "jwt"), Server="CouchDB/3.5.0")

    def serve(request: Request) -> Answer | Failure:
        return blind if request.target == "/_session" else cozy.healthy_couchdb(request)

    machine = cozy.machine(web={PLACE: serve})
    (finding,) = cozy.look("couchdb.login", machine)
    assert (finding.code, dict(finding.text.params)["kinds"]) == ("couchdb.login_ignored", "jwt")
