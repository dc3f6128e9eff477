"""CouchDB: is it there, is it itself, does it let the apps in.

One login per run, and never another after a refusal: from 3.4 on five failures lock the account,
for the apps too (CouchDB 3.4 changelog, `chttpd_auth_lockout`).
"""

from __future__ import annotations

from cozydiag.api import (
    Bytes,
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Percent,
    Stack,
    check,
    fail,
    ok,
    skip,
    t,
    warn,
)  # fmt: skip
from cozydiag.couchdb import Reply, access, ask, broke_off, path_of
from cozydiag.couchdb.account import Account

_ROLE = "couchdb"


def _curl(stack: Stack, path: str) -> str:
    return f"curl -sS -i {stack.config.couchdb.url.rstrip('/')}{path}"


@check(
    "couchdb.reach",
    t("CouchDB answers"),
    role=_ROLE,
    because=["supervisor.running", "supervisor.program", "manager.service", "host.disk"],
    essential=True,
)
def reach(host: Host, stack: Stack) -> Iterator[Finding]:
    host.world.limit(stack.config.couchdb.address, 1)
    reply = access.root(stack, host)
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
    elif reply.is_pouchdb:
        yield warn(
            "couchdb.pouchdb",
            t("pouchdb-server {version} answers in CouchDB's place", version=reply.version),
            t("Good enough to try things out; for anything else install CouchDB and replicate the data into it."),
            role=_ROLE,
            proof=Evidence("GET /", "express-pouchdb"),
            restart_helps=False,
        )
    elif not reply.is_couchdb:
        from cozydiag.couchdb import unreached

        yield unreached.stranger(host, stack, f"HTTP {reply.status}, Server: {reply.server or '-'}")
    elif reply.wants_login:
        yield warn(
            "couchdb.login_required",
            t("CouchDB {version} answers nobody without a login (require_valid_user)", version=reply.version),
            t("Apps that log in are served; health checks, load balancers and browsers that ask first are not. Take "
              "require_valid_user away in the section chttpd where these are needed."),
            role=_ROLE,
            proof=Evidence("GET /", f"HTTP 401 {reply.error}"),
            by_hand=_curl(stack, "/"),
            restart_helps=False,
        )  # fmt: skip
    elif _is_number(stack.config.couchdb.address[0]):
        yield ok(t("CouchDB {version} answers", version=reply.version))
    else:
        from cozydiag.couchdb import addresses

        yield addresses.judged(host, stack, reply.version)


def _is_number(name: str) -> bool:
    return ":" in name or name.rpartition(".")[2].isdigit()


def _unreachable(host: Host, stack: Stack, why: Failure) -> Finding:
    from cozydiag.couchdb import unreached

    return unreached.meaning(host, stack, why)


@check("couchdb.up", t("CouchDB is in service"), role=_ROLE, needs=["couchdb.reach"], essential=True)
def up(host: Host, stack: Stack) -> Iterator[Finding]:
    root = access.root(stack, host)
    if isinstance(root, Reply) and (root.is_pouchdb or root.wants_login):
        yield skip(t("this CouchDB has no open /_up"))
        return
    reply = ask(host, stack.config.couchdb.url, "/_up")
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
        return
    state = str(reply.data.get("status", ""))
    if reply.status == 404 and state == "nolb":
        yield warn(
            "couchdb.nolb",
            t("CouchDB works, but tells load balancers to leave (maintenance_mode = nolb)"),
            t("Set maintenance_mode to false in the section couchdb of its configuration when the work on it is over."),
            role=_ROLE,
            proof=Evidence("GET /_up", 'HTTP 404 {"status":"nolb"}'),
            by_hand=_curl(stack, "/_up"),
            restart_helps=False,
        )
    elif reply.status == 404 and state == "maintenance_mode":
        yield fail(
            "couchdb.maintenance",
            t("CouchDB is in maintenance mode: it answers, but does not serve data"),
            t("Set maintenance_mode to false in the section couchdb of its configuration, or in Fauxton under Config."),
            role=_ROLE,
            proof=Evidence("GET /_up", f'HTTP 404 {{"status":"{state}"}}'),
            by_hand=_curl(stack, "/_up"),
            restart_helps=False,
        )
    elif reply.status == 404 and state == "seeding":
        yield warn(  # what it has it serves; who asks /_up for its health ends it
            "couchdb.seeding",
            t("CouchDB waits for the other nodes of its seed list"),
            t("Start those nodes, or empty `seedlist` in the section cluster of its configuration."),
            role=_ROLE,
            by_hand=_curl(stack, "/_up"),
            restart_helps=False,
        )
    elif reply.status == 200 and state == "ok":
        yield ok(t("CouchDB says that it is up"))
    elif reply.status in (400, 401):
        yield skip(t("this CouchDB does not let everyone read /_up"))  # 1.x, or require_valid_user
    else:
        yield _unexpected(stack, "/_up", reply)


@check("couchdb.login", t("CouchDB takes the apps' password"), role=_ROLE, needs=["couchdb.reach"],
       because=["couchdb.storage", "couchdb.files", "couchdb.log", "couchdb.up", "couchdb.database"],
       essential=True)  # fmt: skip
def login(host: Host, stack: Stack) -> Iterator[Finding]:
    account = access.account(stack, host)
    root = access.root(stack, host)
    if isinstance(account, Finding):
        yield account
        return
    if isinstance(root, Reply) and root.is_pouchdb:
        yield skip(t("no login is tried at pouchdb-server"))
        return
    reply = access.login(stack, host, account)
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
    elif account.is_known:
        yield ok(t("CouchDB knows user {user}", user=str(account.context["name"])))
    else:
        yield _not_taken(host, stack, account, reply)


def _not_taken(host: Host, stack: Stack, account: Account, reply: Reply) -> Finding:
    from cozydiag.couchdb import refusals
    from cozydiag.couchdb.account import refused

    if reply.status == 403 and refused(reply):
        return refusals.locked_out(host, stack, account, reply)
    if reply.status == 401:
        return refusals.of_401(host, stack, account, reply)
    if reply.status == 200 and "userCtx" in reply.data:
        return refusals.not_looked_at(reply)
    return _unexpected(stack, "/_session", reply)


_WASTE = 1 << 29
"""Bytes of a file that are of no use, from which smoosh compacts by itself (`slack` in default.ini of 3.x)."""


def _fragmented(name: str, reply: Reply) -> Finding | None:
    told = reply.data.get("sizes")
    file = told.get("file") if isinstance(told, dict) else reply.data.get("disk_size")
    if not isinstance(file, int) or file < _WASTE:
        return None
    from cozydiag.couchdb import sizes

    size = sizes.size_of(reply.data)
    if size is None or size.fragmentation < 70 or size.file - size.active < _WASTE:
        return None
    return warn(
        "couchdb.fragmented",
        t("{percent} of the file of the database {name} ({size}) is of no use", percent=Percent(size.fragmentation),
          name=name, size=Bytes(size.file)),
        t("Compact it at a quiet time, with at least {room} free on the same disk: POST /{name}/_compact as an "
          "administrator. In 1.x nothing does that by itself.", room=Bytes(size.active), name=name),
        role=_ROLE,
        proof=Evidence(f"GET {path_of(name)}", f"{size.active} of {size.file} bytes in use"),
        restart_helps=False,
    )  # fmt: skip


@check("couchdb.database", t("The apps' databases are there and open"), role=_ROLE, needs=["couchdb.reach"],
       because=["couchdb.storage", "couchdb.files", "couchdb.log", "couchdb.up"], essential=True)  # fmt: skip
def database(host: Host, stack: Stack) -> Iterator[Finding]:
    """With the login where that was taken; else without: CouchDB tells everyone whether a database exists (404, else
    401), so no login is spent."""
    account = access.known(stack, host)
    for name in access.expected(stack, host):
        path = path_of(name)
        reply = account.ask(host, path) if account else ask(host, stack.config.couchdb.url, path)
        if broke_off(reply):
            from cozydiag.couchdb import answers

            yield answers.cut(path, reply)
        elif isinstance(reply, Failure):
            yield _unreachable(host, stack, reply)
        else:
            yield _database(host, stack, name, reply)


def _database(host: Host, stack: Stack, name: str, reply: Reply) -> Finding:
    if (reply.status == 200 and "db_name" in reply.data) or (reply.status in (401, 403) and _is_of_rights(reply)):
        return _fragmented(name, reply) or ok(t("the database {name} is there", name=name))
    from cozydiag.couchdb import answers

    if reply.status == 404:
        return answers.forgotten(host, stack, [name], f"HTTP 404 {reply.error}") or fail(
            "couchdb.database_missing",
            t("CouchDB has no database {name}", name=name),
            t("Look whether its files are still in CouchDB's data folder before anything is created anew: a new, empty "
              "database would hide what is left. Then bring it back from a backup, or create it on a new server."),
            role=_ROLE,
            proof=Evidence(f"GET {path_of(name)}", f"HTTP 404 {reply.error}"),
            by_hand=_curl(stack, path_of(name)),
            restart_helps=False,
        )  # fmt: skip
    if reply.wants_login:  # require_valid_user hides what there is
        return skip(t("this CouchDB tells nobody without a login whether it has the database {name}", name=name))
    if answers.NOT_OPENED in reply.error and _is_right_node(host, stack):
        return answers.not_opened(name, reply)
    return answers.of_database(name, reply) or _unexpected(stack, path_of(name), reply)


def _is_right_node(host: Host, stack: Stack) -> bool:
    account = access.known(stack, host)
    reply = access.membership(stack, host, account) if account is not None and account.is_admin else None
    return isinstance(reply, Reply) and reply.status == 200 and not access.nodes(reply)[1]


def _is_of_rights(reply: Reply) -> bool:
    """Whether a 401 or 403 says that there is such a database, for others."""
    return bool(reply.error) and not reply.wants_login


def _unexpected(stack: Stack, path: str, reply: Reply) -> Finding:
    from cozydiag.couchdb import cloud

    return cloud.finding(f"GET {path}", reply) or fail(
        "couchdb.error",
        t("CouchDB answers {path} with HTTP {status}: {why}", path=path, status=reply.status, why=reply.error or "-"),
        t("Read CouchDB's log; look at its disk first."),
        role=_ROLE,
        by_hand=_curl(stack, path),
        restart_helps=None,
    )
