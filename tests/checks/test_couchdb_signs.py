"""Signs of trouble that no recording holds: made answers, made logs, made settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB, Secret
from cozydiag.host import Answer, Failure
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, FakeHost, Machine, Request, Served, answer, process_info, run_check

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

PLACE = "127.0.0.1:5984"
ERRORS = "/_node/_local/_stats/couch_log/level/error"
ADMIN = answer(200, '{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]}}', Server="CouchDB/3.5.0")


def said(cozy: Cozy, check: str, answers: dict[str, str | Answer | Failure]) -> list[tuple[str, str]]:
    """What ``check`` says of a server whose answers are healthy but for these, asked as an administrator."""

    def serve(request: Request) -> Answer | Failure:
        given = answers.get(request.target)
        if given is None:
            return ADMIN if request.target == "/_session" else cozy.healthy_couchdb(request)
        return answer(200, given, Server="CouchDB/3.5.0") if isinstance(given, str) else given

    return cozy.said(cozy.look(check, cozy.machine(web={PLACE: serve})))


@pytest.mark.parametrize(
    ("check", "answers", "expected"),
    [
        ("couchdb.up", {"/_up": answer(404, '{"status":"nolb"}', Server="CouchDB/3.5.0")}, ("warn", "couchdb.nolb")),
        (
            "couchdb.up",
            {"/_up": answer(404, '{"status":"seeding"}', Server="CouchDB/3.5.0")},
            ("warn", "couchdb.seeding"),
        ),
        (
            "couchdb.node",
            {"/_membership": '{"all_nodes":["c@b"],"cluster_nodes":["c@b","c@a"]}'},
            ("fail", "couchdb.node_renamed"),
        ),
        (
            "couchdb.node",
            {"/_membership": '{"all_nodes":["c@a","c@b"],"cluster_nodes":["c@a","c@b","c@c"]}'},
            ("ok", ""),
        ),
        ("couchdb.database", {"/cozy": '{"db_name":"co'}, ("warn", "couchdb.answer_cut")),
        (
            "couchdb.database",
            {"/cozy": Failure("closed", "closed after 9 of 90 bytes")},
            ("warn", "couchdb.answer_cut"),
        ),
        ("couchdb.list", {"/_all_dbs": "[]"}, ("fail", "couchdb.system_databases_missing")),
        ("couchdb.list", {"/_all_dbs": '["_users","cozy"]'}, ("warn", "couchdb.replicator_missing")),
        ("couchdb.list", {"/_all_dbs": '["_users","_replicator","co'}, ("warn", "couchdb.answer_cut")),
        (
            "couchdb.list",
            {
                "/_all_dbs": '["_users","_replicator"]',
                "/_users": answer(500, '{"error":"error","reason":"eacces"}', Server="CouchDB/3.5.0"),
            },
            ("fail", "couchdb.file_unreadable"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(500, '{"error":"error","reason":"eio"}', Server="CouchDB/3.5.0")},
            ("fail", "couchdb.disk_error"),
        ),
        ("couchdb.database", {"/cozy": answer(402, "", Server="CouchDB/3.5.0")}, ("fail", "couchdb.plan_full")),
        (
            "couchdb.work",
            {"/_node/_local/_system": '{"process_count":250000,"process_limit":262144}'},
            ("warn", "couchdb.processes"),
        ),
        (
            "couchdb.work",
            {"/_node/_local/_system": '{"memory":{"binary":1900000000,"atom_used":1}}'},
            ("warn", "couchdb.memory_high"),
        ),
        (
            "couchdb.work",
            {"/_node/_local/_system": '{"uptime":3600}', ERRORS: '{"value":100}'},
            ("warn", "couchdb.errors_many"),
        ),
        ("couchdb.work", {"/_node/_local/_system": '{"uptime":3600}', ERRORS: '{"value":99}'}, ("ok", "")),
        ("couchdb.work", {"/_node/_local/_system": '{"uptime":36000}', ERRORS: '{"value":500}'}, ("ok", "")),
        (
            "couchdb.list",
            {"/_all_dbs": Failure("closed", "closed within a chunk, after 9 bytes")},
            ("warn", "couchdb.answer_cut"),
        ),
        (
            "couchdb.list",
            {"/_all_dbs": answer(500, '{"error":"error","reason":"erofs"}', Server="CouchDB/3.5.0")},
            ("fail", "couchdb.read_only"),
        ),
        (
            "couchdb.work",
            {"/_node/_local/_system": '{"message_queues":{"couch_server":5000}}'},
            ("warn", "couchdb.stalled"),
        ),
        (
            "couchdb.work",
            {"/_node/_local/_system": '{"message_queues":{"couch_db_updater":{"max":1001}}}'},
            ("warn", "couchdb.stalled"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(429, '{"error":"too_many_requests"}', Server="CouchDB/3.5.0")},
            ("fail", "couchdb.rate_limited"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(500, '{"error":"x","reason":"No DB shards could be opened."}', Server="CouchDB/3")},
            ("fail", "couchdb.node_renamed"),
        ),
        (
            "couchdb.database",
            {
                "/cozy": answer(500, '{"error":"x","reason":"No DB shards could be opened."}', Server="CouchDB/3"),
                "/_membership": '{"all_nodes":["c@a"],"cluster_nodes":["c@a"]}',
            },
            ("fail", "couchdb.not_opened"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(500, '{"error":"error","reason":"emfile"}', Server="CouchDB/3")},
            ("fail", "couchdb.file_descriptors"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(500, '{"error":"error","reason":"{badmatch,{error,enospc}}"}', Server="CouchDB/3")},
            ("fail", "couchdb.disk_full"),
        ),
        (
            "couchdb.database",
            {"/cozy": answer(500, '{"error":"error","reason":"all_dbs_active"}', Server="CouchDB/3")},
            ("fail", "couchdb.too_many_open"),
        ),
        (
            "couchdb.database",
            {"/cozy": '{"db_name":"cozy","doc_count":1,"sizes":{"file":9000000000,"active":1000000000}}'},
            ("warn", "couchdb.fragmented"),
        ),
        (
            "couchdb.database",
            {"/cozy": '{"db_name":"cozy","doc_count":1,"disk_size":9000000000,"data_size":10}'},
            ("warn", "couchdb.fragmented"),
        ),
        (
            "couchdb.database",
            {"/cozy": '{"db_name":"cozy","doc_count":1,"sizes":{"file":19505568,"active":887423}}'},
            ("ok", ""),
        ),
    ],
)
def test_an_answer(
    cozy: Cozy, check: str, answers: dict[str, str | Answer | Failure], expected: tuple[str, str]
) -> None:
    assert said(cozy, check, answers) == [expected]


# --- the log

LINE = "[error] 2026-11-21T08:12:00.000000Z couchdb@127.0.0.1 <0.1.0> -------- "
"""A few seconds before the false clock's now."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OS process timed out.", ("warn", "couchdb.view_slow")),
        ('{options,{certfile,"/etc/x.pem",{error,enoent}}}', ("warn", "couchdb.certificate")),
        ("{error,all_dbs_active}", ("warn", "couchdb.too_many_open")),
        ("OS Process Error <0.1.0> :: {os_process_error,{exit_status,127}}", ("fail", "couchdb.javascript")),
        ("OS Process Error <0.1.0> :: {os_process_error,{exit_status,0}}", ("ok", "")),
        ('{read_beyond_eof,"/data/.shards/x/cozy.1_design/mrview/a.view",1}', ("warn", "couchdb.view_damaged")),
        ("rexi_server: {error,eio}", ("fail", "couchdb.disk_error")),
        ("Accept failed error {error,enfile}", ("fail", "couchdb.file_descriptors")),
        ("File corruption in /data/shards/x.couch at position 4096", ("fail", "couchdb.file_damaged")),
        ("page checksum mismatch", ("fail", "couchdb.file_damaged")),
        ("exec: ./bin/couchjs: not found", ("fail", "couchdb.javascript")),
        (
            "OS Process #Port<0.7> Log :: function raised exception (new TypeError) with doc._id a1",
            ("warn", "couchdb.view_throws"),
        ),
        ("OS Process #Port<0.7> Log :: {error,enospc}", ("ok", "")),
        ('req_err(1) unknown_query_language : "erlang"', ("warn", "couchdb.view_language")),
        ("req_err(1) reduce_overflow_error : Reduce output must shrink", ("warn", "couchdb.reduce_overflow")),
        ("nothing of note", ("ok", "")),
    ],
)
@pytest.mark.parametrize("age", ["fresh", "old"])
def test_a_line_of_the_log(cozy: Cozy, tmp_path: Path, text: str, expected: tuple[str, str], age: str) -> None:
    when = "2026-11-21T08" if age == "fresh" else "2026-11-20T08"
    since = LINE.replace("error", "notice") + "x\n"
    (tmp_path / "couch.log").write_text(LINE.replace("2026-11-21T08", when) + text + "\n" + since)
    config = cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log")))
    found = cozy.said(cozy.look("couchdb.log", cozy.machine(real=str(tmp_path)), config))
    lasts = expected[1] == "couchdb.file_damaged"
    assert found == [expected if age == "fresh" or lasts else ("ok", "")]


HOURS_AGO = LINE.replace("T08:12", "T04:12")


@pytest.mark.parametrize(
    ("after", "silent", "expected"),
    [
        ("", False, ("warn", "couchdb.disk_full", "likely")),
        ("", True, ("fail", "couchdb.disk_full", "certain")),
        (HOURS_AGO.replace("T04:12", "T04:13") + "x\n", False, ("warn", "couchdb.disk_full", "likely")),
        (HOURS_AGO.replace("T04:12", "T05:12") + "x\n", False, ("ok", "", "certain")),
        (LINE + "x\n", True, ("ok", "", "certain")),
    ],
    ids=["nothing since", "and it hangs", "little since", "much since", "up to now"],
)
def test_the_last_that_a_log_says_counts_for_longer(
    cozy: Cozy, tmp_path: Path, after: str, silent: bool, expected: tuple[str, str, str]
) -> None:
    (tmp_path / "couch.log").write_text(HOURS_AGO + "db died with reason {error,enospc}\n" + after)
    config = cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log")))
    web: dict[str, Served] = {PLACE: HANGS} if silent else {}
    (finding,) = cozy.look("couchdb.log", cozy.machine(web=web, real=str(tmp_path)), config)
    assert (finding.status, finding.code, finding.certainty) == expected


@pytest.mark.parametrize(
    ("before", "silent", "expected"),
    [
        ("", False, ("ok", "", "certain")),
        ("", True, ("fail", "couchdb.file_unreadable", "certain")),
        (HOURS_AGO.replace("error", "info") + "x\n", False, ("fail", "couchdb.file_unreadable", "likely")),
    ],
    ids=["a log of errors alone", "and it hangs", "a log of every request"],
)
def test_what_the_answers_tell_as_well(
    cozy: Cozy, tmp_path: Path, before: str, silent: bool, expected: tuple[str, str, str]
) -> None:
    (tmp_path / "couch.log").write_text(before + HOURS_AGO + "Could not open file /a.couch: permission denied\n")
    config = cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log")))
    web: dict[str, Served] = {PLACE: HANGS} if silent else {}
    (finding,) = cozy.look("couchdb.log", cozy.machine(web=web, real=str(tmp_path)), config)
    assert (finding.status, finding.code, finding.certainty) == expected


def test_who_hangs_and_said_last_that_it_has_no_descriptor_left(cozy: Cozy, tmp_path: Path) -> None:
    (tmp_path / "couch.log").write_text(HOURS_AGO + 'Accept failed error", "{error,emfile}"\n')
    config = cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log")))
    (finding,) = cozy.look("couchdb.reach", cozy.machine(web={PLACE: HANGS}, real=str(tmp_path)), config)
    assert finding.code == "couchdb.file_descriptors"


@pytest.mark.parametrize(
    ("served", "code"),
    [
        (answer(502, "<html>Bad Gateway", Server="nginx"), "couchdb.behind_proxy"),
        (answer(504, "<html>", Server="nginx"), "couchdb.behind_proxy"),
        (answer(301, "", Server="nginx", Location="https://u:pw@db.test/x"), "couchdb.redirected"),
        (answer(301, "", Server="nginx"), "service.port_taken"),
        (answer(200, "hello", Server="nginx"), "service.port_taken"),
    ],
)
def test_who_answers_in_couchdbs_place(cozy: Cozy, served: Answer, code: str) -> None:
    machine = cozy.machine(web={PLACE: served})
    (finding,) = cozy.look("couchdb.reach", machine)
    assert finding.code == code
    assert "u:pw" not in repr(finding)
    assert [r for r in machine.requests if r.header("Authorization")] == []


def test_a_certificate_that_nobody_trusts(cozy: Cozy) -> None:
    machine = cozy.machine(web={PLACE: Failure("tls", "certificate: certificate has expired")})
    (finding,) = cozy.look("couchdb.reach", machine)
    assert (finding.code, finding.restart_helps) == ("couchdb.tls", False)


@pytest.mark.parametrize(("vendor", "code"), [("IBM Cloudant", ""), ("X", "couchdb.system_databases_missing")])
def test_a_service_has_no_users_database(cozy: Cozy, vendor: str, code: str) -> None:
    welcome = f'{{"couchdb":"Welcome","version":"3.3.3","vendor":{{"name":"{vendor}"}}}}'
    assert said(cozy, "couchdb.list", {"/": welcome, "/_all_dbs": '["cozy"]'}) == [("fail" if code else "ok", code)]


def test_a_token_that_is_refused_may_be_tried_with_the_next(cozy: Cozy) -> None:
    key = {"/etc/cozy/couchdb.login": b'{"apikey":"KEY"}'}
    refusal = answer(401, '{"error":"unauthorized","reason":"Token expired"}', Server="CouchDB/3.5.0")

    def serve(request: Request) -> Answer | Failure:
        return refusal if request.header("Authorization") else cozy.healthy_couchdb(request)

    web: dict[str, Served] = {PLACE: serve, "iam.cloud.ibm.com:443": answer(200, '{"access_token":"T0KEN"}')}
    machine, stack = cozy.machine(web=web, files=key), Stack(cozy.config)
    (finding,) = run_check(cozy.checks["couchdb.login"], FakeHost(machine), stack)
    assert (finding.code, stack.refusal) == ("couchdb.token_refused", None)
    assert [r.target for r in machine.requests if r.header("Authorization")] == ["/_session"]


def test_lost_data_stay_lost_however_long_ago(cozy: Cozy, tmp_path: Path) -> None:
    text = LINE.replace("11-21", "01-01") + "creating missing database: shards/00000000-7fffffff/cozy.1\n"
    (tmp_path / "couch.log").write_text(text)
    config = cozy.with_config(couchdb=CouchDB(log=str(tmp_path / "couch.log")))
    (finding,) = cozy.look("couchdb.log", cozy.machine(real=str(tmp_path)), config)
    assert (finding.code, finding.restart_helps) == ("couchdb.data_lost", False)
    assert finding.advice is not None
    assert finding.advice.template.startswith("Make a copy")


# --- settings

ETC = "/opt/couchdb/etc"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{ETC}/local.ini": b"[couchdb]\nuuid = 1\n"}, ("ok", "")),
        ({f"{ETC}/local.ini": b"[couchdb]\nuuid 1\n"}, ("warn", "couchdb.settings_malformed")),
        ({f"{ETC}/local.ini": b"[admins]\na = hunter2\n"}, ("warn", "couchdb.admin_in_clear")),
        ({f"{ETC}/local.ini": b"[admins]\na = -pbkdf2:sha256-1,2,3\n"}, ("ok", "")),
        (
            {f"{ETC}/local.ini": b"[a]\nb = 1\n", f"{ETC}/vm.args": b"-setcookie monster\n"},
            ("warn", "couchdb.cookie_known"),
        ),
        (
            {f"{ETC}/local.ini": b"[a]\nb = 1\n", f"{ETC}/vm.args": b"-setcookie hunter2 x\n"},
            ("warn", "couchdb.vm_args_malformed"),
        ),
        (
            {f"{ETC}/local.ini": b"[a]\nb = 1\n", f"{ETC}/vm.args": b"# -name x\n-setcookie 'hunter2\n"},
            ("warn", "couchdb.vm_args_malformed"),
        ),
        (
            {f"{ETC}/local.ini": b"[a]\nb = 1\n", f"{ETC}/vm.args": b"-name couchdb@server\n"},
            ("warn", "couchdb.vm_args_malformed"),
        ),
        (
            {f"{ETC}/local.ini": b"[a]\nb = 1\n", f"{ETC}/vm.args": b"-name couchdb@127.0.0.1\n-setcookie 'a1'\n"},
            ("ok", ""),
        ),
    ],
)
def test_settings(cozy: Cozy, files: dict[str, bytes], expected: tuple[str, str]) -> None:
    found = cozy.look("couchdb.settings", cozy.machine(files={ETC: b"", **files}))
    assert cozy.said(found) == [expected]
    assert "hunter2" not in repr(found)


# --- localhost


def in_vain(cozy: Cozy, address: str) -> Machine:
    log = f"Error: connect ECONNREFUSED {address}:5984\n    at TCPConnectWrap.afterConnect\n"
    made = cozy.machine(
        supervisord=cozy.supervisord(
            process_info("cozy-data-system", "FATAL", spawnerr="x"), errors={"cozy-data-system": log}
        ),
        web={"127.0.0.1:9101/": Failure("refused", "connection refused")},
    )
    made.listening = {port: pid for port, pid in made.listening.items() if port != 9101}
    return made


@pytest.mark.parametrize(("address", "code"), [("::1", "couchdb.localhost"), ("127.0.0.1", "")])
def test_localhost_is_another_address_for_the_app(cozy: Cozy, address: str, code: str) -> None:
    assert [finding.code for finding in cozy.look("couchdb.apps", in_vain(cozy, address))] == [code]


def test_it_is_the_cause_of_what_the_app_suffers(cozy: Cozy) -> None:
    diagnosis = cozy.examine(in_vain(cozy, "::1"))
    assert [(cause.code, cause.role) for cause in diagnosis.causes] == [("couchdb.localhost", "couchdb")]


# --- a login for Basic only where it belongs


def test_a_refusal_in_the_middle_of_a_run_ends_all_logins(cozy: Cozy) -> None:
    locked = answer(403, '{"error":"forbidden","reason":"Account is temporarily locked"}', Server="CouchDB/3.5.0")
    after: list[str] = []

    def serve() -> Callable[[Request], Answer | Failure]:
        seen: list[int] = []

        def one(request: Request) -> Answer | Failure:
            if not request.header("Authorization"):
                return cozy.healthy_couchdb(request)
            if seen:
                after.append(request.target)
            if request.target == "/_session":
                return ADMIN
            seen.append(1)
            return locked

        return one

    config = cozy.with_config(couchdb=CouchDB(user=Secret("admin"), password=Secret("adminpw")))
    cozy.examine(cozy.machine(web={PLACE: serve()}), config)
    assert after == []
