"""Credentials, the one login, what is remembered of a refusal, and the only write there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.config.values import CouchDB, Paths
from cozydiag.couchdb import Credentials, Reply, access, memory, probe
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.credentials import from_service_key, url_in_stack_file
from cozydiag.host import Answer, Failure
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, Request, answer

URL = "http://127.0.0.1:5984"
LOGIN = Credentials("app", "s3cret!")
KNOWN = answer(200, '{"ok":true,"userCtx":{"name":"app","roles":["_admin"]}}', Server="CouchDB/3.5.0")
REFUSED = answer(401, '{"error":"unauthorized","reason":"Name or password is incorrect."}', Server="CouchDB/3.5.0")
LOCKED = answer(403, '{"error":"forbidden","reason":"Account is temporarily locked due to"}', Server="CouchDB/3.5.0")


def world(answers: dict[str, Answer | Failure]) -> tuple[FakeHost, Machine]:
    machine = Machine(web={f"127.0.0.1:5984{path}": served for path, served in answers.items()})
    return FakeHost(machine, 20.0), machine


def test_nothing_shows_a_password() -> None:
    assert "s3cret" not in repr(LOGIN) + str(LOGIN)
    assert "s3cret!" in LOGIN.secrets
    assert LOGIN.header[1].removeprefix("Basic ") in LOGIN.secrets


@pytest.mark.parametrize("refusal", [REFUSED, LOCKED])
def test_after_a_refusal_no_credentials_leave(refusal: Answer) -> None:
    host, machine = world({"/_session": KNOWN, "/_all_dbs": refusal, "/_users": KNOWN})
    account = Account(URL, LOGIN)
    account.login(host)
    assert account.is_known
    assert isinstance(account.ask(host, "/_all_dbs"), Reply)
    assert isinstance(account.ask(host, "/_users"), Failure)
    assert isinstance(account.save(host, "/a/_local/b", {}), Failure)
    account.login(host)
    assert [request.target for request in machine.requests] == ["/_session", "/_all_dbs"]


def test_a_refusal_in_the_middle_is_told_at_once() -> None:
    host, _ = world({"/_session": KNOWN, "/_all_dbs": LOCKED})
    told: list[Reply] = []
    account = Account(URL, LOGIN, None, told.append)
    account.login(host)
    assert told == []
    account.ask(host, "/_all_dbs")
    assert [reply.status for reply in told] == [403]


def test_too_few_rights_are_no_refusal() -> None:
    few = answer(401, '{"error":"unauthorized","reason":"You are not a server admin."}', Server="CouchDB/3.5.0")
    host, _ = world({"/_session": KNOWN, "/_all_dbs": few, "/_users": KNOWN})
    account = Account(URL, LOGIN)
    account.login(host)
    account.ask(host, "/_all_dbs")
    assert isinstance(account.ask(host, "/_users"), Reply)


def test_a_login_that_got_no_answer_is_not_sent_again() -> None:
    host, machine = world({"/_session": Failure("reset", "connection reset by peer")})
    account = Account(URL, LOGIN)
    assert isinstance(account.login(host), Failure)
    assert isinstance(account.login(host), Failure)
    assert isinstance(account.ask(host, "/x"), Failure)
    assert len(machine.requests) == 1


def test_only_local_documents_are_written() -> None:
    host, machine = world({})
    with pytest.raises(ValueError, match="_local"):
        Account(URL, LOGIN).save(host, "/cozy/doc", {})
    assert machine.requests == []


# --- the write probe


@pytest.mark.parametrize(
    ("saved", "code"),
    [
        (answer(201, '{"ok":true}', Server="CouchDB/3.5.0"), ""),
        (
            answer(500, '{"error":"error","reason":"internal_server_error"}', Server="CouchDB/3.5.0"),
            "couchdb.not_saved",
        ),
        (answer(500, '{"error":"error","reason":"erofs"}', Server="CouchDB/3.5.0"), "couchdb.read_only"),
        (answer(402, "", Server="CouchDB/3.5.0"), "couchdb.plan_full"),
        (
            answer(403, '{"error":"forbidden","reason":"limit of 20 databases reached"}', Server="CouchDB/3.5.0"),
            "couchdb.plan_databases",
        ),
        (answer(412, '{"error":"file_exists","reason":"x"}', Server="CouchDB/3.5.0"), "couchdb.database_exists"),
        (answer(413, "<html>", Server="nginx"), "couchdb.too_large_for_proxy"),
        (answer(413, '{"error":"document_too_large"}', Server="CouchDB/3.5.0"), "couchdb.too_large"),
        (answer(429, '{"error":"too_many_requests"}', Server="CouchDB/3.5.0"), "couchdb.rate_limited"),
        (answer(500, '{"error":"error","reason":"eio"}', Server="CouchDB/3.5.0"), "couchdb.disk_error"),
        (answer(409, '{"error":"conflict"}', Server="CouchDB/3.5.0"), "couchdb.not_saved"),
        (Failure("timeout", "no answer"), "couchdb.not_saved"),
    ],
)
def test_the_write_probe(saved: Answer | Failure, code: str) -> None:
    def local(request: Request) -> Answer | Failure:
        return saved if request.method == "PUT" else answer(404, '{"error":"not_found"}', Server="CouchDB/3.5.0")

    machine = Machine(web={"127.0.0.1:5984/_session": KNOWN, "127.0.0.1:5984/cozy/_local/cozydiag": local})
    host, account = FakeHost(machine, 20.0), Account(URL, LOGIN)
    account.login(host)
    assert probe.write(host, account, "cozy").code == code
    assert [r.target for r in machine.requests if r.method != "GET"] == ["/cozy/_local/cozydiag"]


# --- what is remembered


def config(tmp_path: Path) -> Config:
    login = tmp_path / "couchdb.login"
    if not login.exists():
        login.write_text("app\ns3cret!\n")
    return Config(couchdb=CouchDB(credentials_file=str(login)), paths=Paths(str(tmp_path / "state"), None))


def test_a_refusal_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    assert memory.recall(config(tmp_path)) is None
    assert not (tmp_path / "state").exists()
    memory.remember(config(tmp_path), Reply(401, {"error": "unauthorized", "reason": "Name"}, ""))
    kept = memory.recall(config(tmp_path))
    assert kept is not None
    assert (kept.status, kept.error) == (401, "unauthorized: Name")
    (tmp_path / "couchdb.login").write_text("app\nanother\n")
    assert memory.recall(config(tmp_path)) is None


def test_a_refusal_can_be_forgotten(tmp_path: Path) -> None:
    memory.remember(config(tmp_path), Reply(403, {"error": "forbidden", "reason": "locked"}, ""))
    memory.forget(config(tmp_path))
    assert memory.recall(config(tmp_path)) is None


@pytest.fixture
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a refusal goes that the state does not take."""
    folder = tmp_path / "run"
    monkeypatch.setattr(memory, "VOLATILE", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    folder.mkdir(mode=0o700)
    return folder


def unkept(tmp_path: Path) -> Config:
    """A state that cannot be written: a file stands in its way."""
    (tmp_path / "file").write_text("")
    return config(tmp_path)._replace(paths=Paths(str(tmp_path / "file" / "state"), None))


def test_a_refusal_is_remembered_also_where_the_state_takes_nothing(tmp_path: Path, spare: Path) -> None:
    there = unkept(tmp_path)
    memory.keep(there, Reply(401, {"error": "unauthorized", "reason": "Name"}, ""))
    kept = memory.recall(there)
    assert kept is not None
    assert kept.error == "unauthorized: Name"
    (file,) = spare.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in file.read_text()
    memory.forget(there)
    assert memory.recall(there) is None
    assert list(spare.iterdir()) == []


def test_without_any_place_to_remember_it_no_login_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.may_try(config(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: False)
    assert not memory.may_try(config(tmp_path))
    stack, files = Stack(config(tmp_path)), {str(tmp_path / "couchdb.login"): b"app\ns3cret!\n"}
    stack.may_log_in = False
    found = access.account(stack, FakeHost(Machine(files=files)))
    assert isinstance(found, Finding)
    assert (str(found.status), found.code) == ("unknown", "couchdb.login_not_tried")


def test_no_word_of_the_credentials_is_kept(tmp_path: Path) -> None:
    memory.remember(config(tmp_path), Reply(401, {"error": "unauthorized", "reason": "Name"}, ""))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())
    assert b"s3cret" not in kept


# --- where credentials are


def test_the_address_in_a_stacks_file() -> None:
    text = b"host: 1.2.3.4\ncouchdb:\n  # theirs\n  url: http://cozy:p%40ss@127.0.0.1:5984/ # here\n\nfs:\n  url: file:///x\n"
    assert url_in_stack_file(text) == "http://cozy:p%40ss@127.0.0.1:5984/"
    assert url_in_stack_file(b"fs:\n  url: http://a:b@c/\n") is None
    assert url_in_stack_file(b"couchdb:\n  url: http://{{.Env.USER}}:x@c/\n") is None
    assert url_in_stack_file(b"") is None


def test_the_stacks_login_goes_to_its_own_server_only() -> None:
    files = {"/etc/cozy/cozy.yml": b"couchdb:\n  url: http://cozy:p%40ss@localhost:5984/\n"}
    stack, host = Stack(Config()), FakeHost(Machine(files=files))
    found = access.account(stack, host)
    assert isinstance(found, Account)
    assert (found.credentials.user, found.credentials.password) == ("cozy", "p@ss")
    assert access.expected(stack, host) == ("global/instances",)
    assert "p@ss" not in stack.masks().mask("it is p@ss")
    elsewhere = {"/etc/cozy/cozy.yml": b"couchdb:\n  url: http://cozy:p%40ss@db.example:5984/\n"}
    assert isinstance(access.account(Stack(Config()), FakeHost(Machine(files=elsewhere))), Finding)


def test_service_keys() -> None:
    legacy = from_service_key(b'{"cloudantNoSQLDB":[{"credentials":{"username":"u","password":"p","url":"x"}}]}')
    assert legacy is not None
    assert legacy.credentials == Credentials("u", "p")
    key = from_service_key(b'{"apikey":"K","url":"https://x"}')
    assert key is not None
    assert (key.credentials, key.apikey, repr(key)) == (None, "K", "ServiceKey(***)")
    for nothing in (b"app\npw\n", b"{", b"{}", b"[1]", b'{"cloudantNoSQLDB":[]}', b'{"VCAP_SERVICES":3}'):
        assert from_service_key(nothing) is None


def test_an_api_key_becomes_a_token() -> None:
    def iam(request: Request) -> Answer | Failure:
        assert b"apikey=KEY" in request.body
        return answer(200, '{"access_token":"TOKEN"}')

    machine = Machine(
        web={"iam.cloud.ibm.com:443": iam}, files={"/etc/cozy/couchdb.login": b'{"apikey":"KEY","url":"https://x"}'}
    )
    stack = Stack(Config())
    found = access.account(stack, FakeHost(machine))
    assert isinstance(found, Account)
    assert found.credentials.header == ("Authorization", "Bearer TOKEN")
    assert stack.masks().mask("TOKEN and KEY-KEY apikey=KEY").count("TOKEN") == 0
