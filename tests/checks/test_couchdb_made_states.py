"""States of which no recording is here, made of what CouchDB is known to say in them (couch_server.erl, chttpd.erl,
mem3_shards.erl): each is one cause, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Union

import pytest

from cozydiag.host import Answer, Failure
from cozydiag.testing import HANGS, Request, answer
from tests.checks.couchdb_states import ADMIN, READ_ONLY, Damage, State, shard
from tests.checks.test_couchdb_states import PLACE, login_of, server, world

if TYPE_CHECKING:
    from cozydiag.host import Disk
    from tests.checks.conftest import Cozy

APP = "app:apppw"
ANYBODY = ""
Said = Union[Answer, Failure]


def couchdb(status: int, body: str, version: str = "3.5.0") -> Answer:
    return answer(status, body, Server=f"CouchDB/{version} (Erlang OTP/25)")


def error(kind: str, reason: str, status: int = 500) -> Answer:
    return couchdb(status, f'{{"error":"{kind}","reason":"{reason}"}}')


WRONG = error("unauthorized", "Name or password is incorrect.", 401)
CLOSED = error("internal_server_error", "No DB shards could be opened.")
STAMP = "2026-11-21T08:12:00.000000Z couchdb@127.0.0.1 <0.349.0>"
"""A few seconds before the false clock's now."""


def line(level: str, text: str, request: str = "--------") -> str:
    return f"[{level}] {STAMP} {request} {text}\n"


UP = line("info", "Apache CouchDB has started on http://127.0.0.1:5984/")
REFUSED_LOGIN = line("notice", "127.0.0.1:5984 127.0.0.1 undefined GET /_session 401 ok 3", "bbd6503c71")
NO_COPIES = line("error", "2 shards in cluster with only 0 copies on nodes that are currently up")


class Made(NamedTuple):
    """Answers by path, or by login and path; all others are those of a healthy server."""

    code: str
    answers: Mapping[str | tuple[str, str], Said] = {}
    log: str = UP
    damage: Damage | None = None
    disk: Disk | None = None


def lose_users(data: Path) -> None:
    shard(data, "_users").write_bytes(b"\xe3" * 99)


def close_shard(data: Path) -> None:
    shard(data).chmod(0o200)


RENAMED = '{"all_nodes":["couchdb@new"],"cluster_nodes":["couchdb@new","couchdb@old"]}'
MADE: dict[str, Made] = {
    "node renamed": Made(
        "couchdb.node_renamed",
        {
            (APP, "/_session"): WRONG,
            "/appdb": CLOSED,
            "/_users": CLOSED,
            "/_membership": couchdb(200, RENAMED),
        },
        UP + REFUSED_LOGIN + NO_COPIES,
    ),
    "node renamed, log unknown": Made(
        "couchdb.node_renamed",
        {(APP, "/_session"): WRONG, "/appdb": CLOSED, "/_users": CLOSED, "/_membership": couchdb(200, RENAMED)},
        "",
    ),
    "accounts garbage": Made("couchdb.data_lost", {(APP, "/_session"): WRONG}, UP + REFUSED_LOGIN, lose_users),
    "read-only while it runs": Made(
        "couchdb.read_only",
        {"/_all_dbs": error("error", "erofs")},
        UP + line("error", "CRASH REPORT {badmatch,{error,erofs}}"),
        disk=READ_ONLY,
    ),
    "read-only while it runs, disk unknown": Made(
        "couchdb.read_only",
        {"/_all_dbs": error("error", "erofs")},
        UP + line("error", "CRASH REPORT {badmatch,{error,erofs}}"),
    ),
    "files used up": Made(
        "couchdb.file_descriptors",
        {"/appdb": error("error", "emfile"), "/_users": error("error", "emfile")},
        UP + line("error", "File operation error: emfile"),
    ),
    "connections used up": Made(
        "couchdb.file_descriptors",
        dict.fromkeys(("/", "/_up", "/_session", "/appdb", "/_all_dbs", "/_membership"), HANGS),
        UP + line("error", 'Accept failed error", "{error,emfile}"'),
    ),
    "couchjs gone": Made("couchdb.javascript", {}, UP + line("info", "couch_proc_manager <0.301.0> died epipe") * 900),
    "a shard closed": Made(
        "couchdb.file_unreadable",
        {"/appdb": error("error", "eacces")},
        UP + line("error", "Could not open file /data/shards/x.couch: permission denied"),
    ),
    "a shard not readable": Made("couchdb.file_unreadable", {"/appdb": error("error", "eacces")}, ""),
    "map loops": Made("couchdb.view_slow", {}, UP + line("error", "os_process_error : OS process timed out.")),
    "map throws": Made(
        "couchdb.view_throws",
        {},
        UP + line("info", "OS Process #Port<0.7> Log :: function raised exception (new TypeError) with doc._id a"),
    ),
    "unknown language": Made(
        "couchdb.view_language", {}, UP + line("error", 'req_err(1) unknown_query_language : <<"erlang">>')
    ),
    "certificate missing": Made(
        "couchdb.certificate", {}, UP + line("error", '{options,{certfile,"/etc/cert.pem",{error,enoent}}}')
    ),
    "load balancers sent away": Made("couchdb.nolb", {"/_up": couchdb(404, '{"status":"nolb"}')}),
    "seeding": Made("couchdb.seeding", {"/_up": couchdb(404, '{"status":"seeding","seeds":{}}')}),
    "overloaded": Made(
        "couchdb.error", {"/appdb": error("timeout", "The request could not be processed in a reasonable amount of")}
    ),
    "a disk that fails": Made(
        "couchdb.disk_error", {"/appdb": error("error", "eio")}, UP + line("error", "{error,eio}")
    ),
    "an index damaged": Made(
        "couchdb.view_damaged",
        {},
        UP + line("error", '{read_beyond_eof,"/data/.shards/0/appdb.1_design/mrview/a1.view",1,2}'),
    ),
}  # fmt: skip


def causes(cozy: Cozy, folder: Path, made: Made, login: str) -> list[tuple[str, str]]:
    machine, config = world(cozy, folder, "healthy-admin", State(None, login=login, damage=made.damage, disk=made.disk))
    healthy = server(lambda: "healthy-admin")

    def serve(request: Request) -> Said:
        special = made.answers.get((login_of(request), request.target)) or made.answers.get(request.target)
        return special or healthy(request)

    machine.web = {**machine.web, PLACE: serve}
    (folder / "couch.log").write_text(made.log)
    diagnosis = cozy.examine(machine, config)
    assert [one.id for one in diagnosis.results if str(one.status) == "error" and one.id.startswith("couchdb.")] == []
    return [(cause.code, cause.role or "") for cause in diagnosis.causes]


@pytest.mark.parametrize("login", [APP, ADMIN], ids=["app", "admin"])
@pytest.mark.parametrize("name", MADE)
def test_a_made_state_is_exactly_its_cause(cozy: Cozy, tmp_path: Path, name: str, login: str) -> None:
    assert causes(cozy, tmp_path, MADE[name], login) == [(MADE[name].code, "couchdb")]


# --- other healthy servers


def welcome(version: str, **more: str) -> Answer:
    fields = "".join(f',"{key}":{value}' for key, value in more.items())
    return couchdb(200, f'{{"couchdb":"Welcome","version":"{version}"{fields}}}', version)


NOT_THERE = error("not_found", "missing", 404)
ONE_X = {
    "/": welcome("1.6.1", uuid='"a1"'),
    "/_up": error("illegal_database_name", "Name: '_up'.", 400),
    "/_membership": NOT_THERE,
    "/_node/_local/_system": NOT_THERE,
    "/_all_dbs": couchdb(200, '["_replicator","_users","appdb"]'),
    "/appdb": couchdb(200, '{"db_name":"appdb","doc_count":9,"disk_size":4194304,"data_size":4000000}'),
}
TWO_X = {
    "/": welcome("2.3.1", features='["scheduler"]'),
    "/_node/_local/_system": NOT_THERE,
    "/appdb": couchdb(200, '{"db_name":"appdb","doc_count":9,"sizes":{"file":4194304,"active":4000000},"disk_size":1}'),
}
CLOUDANT = {
    "/": welcome("3.3.3+cloudant", vendor='{"name":"IBM Cloudant","version":"8500"}'),
    "/_all_dbs": couchdb(200, '["appdb"]'),
    "/_node/_local/_system": error("forbidden", "x", 403),
    "/_scheduler/docs?limit=100": NOT_THERE,
}


@pytest.mark.parametrize("login", [APP, ADMIN, ANYBODY], ids=["app", "admin", "nobody"])
@pytest.mark.parametrize("answers", [ONE_X, TWO_X, CLOUDANT], ids=["1.x", "2.x", "Cloudant"])
def test_other_healthy_servers_have_no_cause(
    cozy: Cozy, tmp_path: Path, answers: Mapping[str | tuple[str, str], Said], login: str
) -> None:
    assert causes(cozy, tmp_path, Made("", answers), login) == []
