"""CouchDB: is it there, is it itself, does it let the apps in.

One login per run, and never another after a refusal: from 3.4 on five failures lock the account,
for the apps too (CouchDB 3.4 changelog, `chttpd_auth_lockout`).
"""

from __future__ import annotations

from cozydiag.api import (
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
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
from cozydiag.host.url import is_address

_ROLE = "couchdb"
_LARGE = 1 << 29
"""Bytes of a file from which it is looked at how much of it is of no use."""
_TELLING = (b"couch_host=", b"couch_port=", b"couchdb_url=", b"_proxy=")
"""What in an app's environment can lead it elsewhere."""


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

        yield unreached.no_couchdb(host, stack, reply)
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
    elif is_address(stack.config.couchdb.address[0]):
        yield ok(t("CouchDB {version} answers", version=reply.version))
    else:
        from cozydiag.couchdb import addresses

        yield addresses.judged(host, stack, reply.version)


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
    if reply.status == 200 and reply.data.get("status") == "ok":
        yield ok(t("CouchDB says that it is up"))
    elif reply.status in (400, 401):
        yield skip(t("this CouchDB does not let everyone read /_up"))  # 1.x, or require_valid_user
    else:
        from cozydiag.couchdb import out_of_service

        yield out_of_service.meaning(stack, reply) or _unexpected(stack, "/_up", reply)


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


def _fragmented(name: str, reply: Reply) -> Finding | None:
    told = reply.data.get("sizes")
    file = told.get("file") if isinstance(told, dict) else reply.data.get("disk_size")
    if not isinstance(file, int) or file < _LARGE:
        return None
    from cozydiag.couchdb import sizes

    return sizes.fragmented(name, reply.data)


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
        return answers.forgotten(host, stack, [name], f"HTTP 404 {reply.error}") or answers.missing(
            name, reply, _curl(stack, path_of(name))
        )
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


@check("couchdb.apps", t("The apps reach CouchDB in their own way"), role=_ROLE,
       needs=["couchdb.reach", "couchdb.login"], because=["couchdb.up", "couchdb.log"])  # fmt: skip
def apps(host: Host, stack: Stack) -> Iterator[Finding]:
    """Their environment is read by root only. Nobody is asked where it holds neither another address nor a proxy."""
    if host.euid() != 0:
        yield skip(t("only root sees how the apps reach CouchDB"))
        return
    role = next((role for role in access.APPS if stack.program(host, role) is not None), None)
    program = stack.program(host, role) if role else None
    part = stack.address_of(role)
    if program is not None and part is not None and not host.listeners(part[1]):
        from cozydiag.couchdb import apps_view

        lost = apps_view.lost_to_localhost(host, stack, program)
        if lost is not None:
            yield lost
            return
    process = access.app(stack, host)
    if process is None:
        yield skip(t("no app runs that could be asked"))
        return
    environment = host.read(f"/proc/{process.pid}/environ", max_bytes=1 << 17)
    if isinstance(environment, bytes) and not any(word in environment.lower() for word in _TELLING):
        yield ok(t("the apps reach CouchDB as cozydiag does"))
        return
    from cozydiag.couchdb import apps_view

    yield apps_view.finding(host, stack, process)


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
