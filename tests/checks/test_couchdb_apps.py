"""CouchDB as the apps see it, where they go another way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from cozydiag.couchdb import access
from cozydiag.couchdb.account import Account
from cozydiag.host import Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, process_info, run_check

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

APP = Process(600, 1, "S", "node", 0.0, ("node", "server.js"), 1001)


def machine(cozy: Cozy, environment: bytes, ended: Completed, uid: int = 0) -> tuple[Machine, list[Sequence[str]]]:
    ran: list[Sequence[str]] = []

    def setpriv(argv: Sequence[str]) -> Completed:
        ran.append(argv)
        return ended

    return cozy.machine(
        supervisord=cozy.supervisord(process_info("cozy-data-system", pid=600)),
        processes=(*cozy.nginx, APP),
        files={"/proc/600/environ": environment},
        commands={"setpriv": setpriv},
        uid=uid,
    ), ran


def said(cozy: Cozy, environment: bytes, ended: Completed, uid: int = 0) -> tuple[list[tuple[str, str]], int]:
    made, ran = machine(cozy, environment, ended, uid)
    return cozy.said(cozy.look("couchdb.apps", made)), len(ran)


OK = Completed(0, b"200", b"")
REFUSED = Completed(7, b"000", b"")
PROXY = b"PATH=/bin\0http_proxy=http://u:pr0xy@127.0.0.1:3128\0"


def test_no_program_is_run_where_the_apps_go_our_way(cozy: Cozy) -> None:
    assert said(cozy, b"PATH=/bin\0HOME=/x\0", REFUSED) == ([("ok", "")], 0)


def test_ordinary_users_cannot_tell(cozy: Cozy) -> None:
    assert said(cozy, PROXY, REFUSED, uid=1000) == ([("skip", "")], 0)


@pytest.mark.parametrize(
    ("environment", "ended", "expected"),
    [
        (PROXY, OK, ("ok", "")),
        (PROXY, Completed(5, b"000", b""), ("fail", "couchdb.out_of_reach")),
        (PROXY, Completed(0, b"503", b""), ("fail", "couchdb.out_of_reach")),
        (b"COUCH_HOST=::1\0", REFUSED, ("fail", "couchdb.out_of_reach")),
        (b"COUCH_PORT=5985\0", REFUSED, ("fail", "couchdb.out_of_reach")),
        (PROXY, Completed(127, b"", b"curl: not found"), ("skip", "")),
    ],
)
def test_another_way_is_tried(cozy: Cozy, environment: bytes, ended: Completed, expected: tuple[str, str]) -> None:
    assert said(cozy, environment, ended) == ([expected], 1)


GO = Process(600, 1, "S", "cozy-stack", 0.0, ("cozy-stack", "serve"), 1001)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (b"HTTP_PROXY=http://u:pr0xy@10.0.0.1:3128\0", ("ok", "")),
        (b"COZY_COUCHDB_URL=http://cozy:pr0xy@127.0.0.1:5985/\0", ("fail", "couchdb.out_of_reach")),
        (b"COZY_COUCHDB_URL=http://cozy:pr0xy@127.0.0.1:5984/\0", ("ok", "")),
    ],
    ids=["Go takes no proxy to itself", "another port", "the same"],
)
def test_a_cozy_stack(cozy: Cozy, environment: bytes, expected: tuple[str, str]) -> None:
    made, ran = machine(cozy, environment, REFUSED)
    made.processes = (*cozy.nginx, GO)
    findings = cozy.look("couchdb.apps", made)
    assert cozy.said(findings) == [expected]
    assert "pr0xy" not in repr(findings) + repr(ran)


def test_a_login_that_the_app_was_refused_is_not_sent_again(cozy: Cozy) -> None:
    made, _ = machine(cozy, PROXY, Completed(0, b"401", b""))
    stack = Stack(cozy.config)
    findings = run_check(cozy.checks["couchdb.apps"], FakeHost(made), stack)
    assert [finding.code for finding in findings] == ["couchdb.out_of_reach"]
    assert stack.refusal is not None
    account = access.account(stack, FakeHost(made))
    assert isinstance(account, Account)
    assert isinstance(account.ask(FakeHost(made), "/cozy"), Failure)


def test_no_secret_is_in_the_arguments_or_in_what_is_said(cozy: Cozy) -> None:
    made, ran = machine(cozy, PROXY, REFUSED)
    findings = cozy.look("couchdb.apps", made)
    assert "--reuid=1001" in ran[0]
    for secret in ("apppw", "pr0xy"):
        assert secret not in repr(findings) + repr(ran)
