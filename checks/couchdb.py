"""CouchDB: is it there, is it itself, does it let the apps in.

One login per run, and never another after a refusal: from 3.4 on five failures lock the account,
for the apps too (CouchDB 3.4 changelog, `chttpd_auth_lockout`).
"""

from __future__ import annotations

from cozydiag.api import Evidence, Failure, Finding, Host, Iterator, Stack, check, fail, ok, skip, t, unknown
from cozydiag.couchdb import Credentials, Reply, ask, from_login_file
from cozydiag.stack.ports import holder, state_of
from cozydiag.stack.words import ourselves

_ROLE = "couchdb"


def _curl(stack: Stack, path: str) -> str:
    return f"curl -sS -i {stack.config.couchdb.url.rstrip('/')}{path}"


@check(
    "couchdb.reach",
    t("CouchDB answers"),
    role=_ROLE,
    because=["supervisor.running", "supervisor.program", "manager.service"],
    essential=True,
)
def reach(host: Host, stack: Stack) -> Iterator[Finding]:
    host.world.limit(stack.config.couchdb.address, 1)
    reply = ask(host, stack.config.couchdb.url, "/")
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
    elif not reply.is_couchdb:
        yield _stranger(host, stack, f"HTTP {reply.status}, Server: {reply.server or '-'}")
    else:
        version = str(reply.data.get("version") or reply.server.partition("/")[2].split(" ")[0])
        yield ok(t("CouchDB {version} answers", version=version))


def _unreachable(host: Host, stack: Stack, why: Failure) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    proof = host.evidence[-1]
    if why.kind == "refused" and not stack.expected(host, _ROLE):
        return skip(t("there is no CouchDB here"))
    if why.kind == "timeout":
        stopped = state_of(host, stack.config.couchdb.address[1]) == "T"
        return fail(
            "service.hung",
            t("CouchDB was stopped by a signal (SIGSTOP): it takes connections and answers none") if stopped
            else t("CouchDB takes connections at {place} but does not answer", place=place),
            t("Restart CouchDB. If it hangs again, look at its log, its open files and its disk."),
            role=_ROLE,
            proof=proof,
            by_hand=_curl(stack, "/"),
            restart_helps=True,
        )  # fmt: skip
    if why.kind == "protocol":
        return _stranger(host, stack, why.detail)
    if why.kind in ("closed", "reset"):
        return fail(
            "service.breaks_off",
            t("CouchDB takes connections at {place} and ends them without an answer", place=place),
            t("Read its log and look at its disk and memory, then restart it."),
            role=_ROLE,
            proof=proof,
            by_hand=_curl(stack, "/"),
            restart_helps=None,
        )
    return fail(
        "service.down",
        t("nothing answers at {place}, the address of CouchDB: {why}", place=place, why=why.detail),
        t("Start CouchDB with the tool that owns it, then read its log if it does not stay."),
        role=_ROLE,
        proof=proof,
        by_hand=_curl(stack, "/"),
        restart_helps=True,
    )


def _stranger(host: Host, stack: Stack, seen: str) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    proof = host.evidence[-1]
    other = holder(host, stack.config.couchdb.address[1])
    return fail(
        "service.port_taken",
        t("another program answers at CouchDB's address {place}: {other}", place=place, other=str(other or seen)),
        t("End that program or move it; only then start CouchDB."),
        role=_ROLE,
        proof=Evidence(proof.source, seen),
        by_hand=_curl(stack, "/"),
        restart_helps=False,
    )


@check("couchdb.up", t("CouchDB is in service"), role=_ROLE, needs=["couchdb.reach"], essential=True)
def up(host: Host, stack: Stack) -> Iterator[Finding]:
    reply = ask(host, stack.config.couchdb.url, "/_up")
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
        return
    state = str(reply.data.get("status", ""))
    if reply.status == 404 and state in ("maintenance_mode", "nolb"):
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
        yield fail(
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
       because=["couchdb.up"], essential=True)  # fmt: skip
def login(host: Host, stack: Stack) -> Iterator[Finding]:
    credentials = _credentials(host, stack)
    if isinstance(credentials, Finding):
        yield credentials
        return
    reply = stack.refusal or ask(host, stack.config.couchdb.url, "/_session", credentials)
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
        return
    context = reply.data.get("userCtx")
    if reply.status == 200 and isinstance(context, dict) and context.get("name"):
        yield ok(t("CouchDB knows user {user}", user=str(context["name"])))
    elif reply.status == 401:
        stack.refusal = reply
        yield _refused(stack, credentials, reply)
    elif reply.status == 403 and "locked" in reply.error:
        stack.refusal = reply
        yield fail(
            "couchdb.locked_out",
            t("CouchDB has locked user {user} after several wrong passwords", user=credentials.user),
            t("Stop what keeps trying and wait five minutes, then see which program has the wrong password."),
            role=_ROLE,
            proof=Evidence("GET /_session", f"HTTP 403 {reply.error}"),
            restart_helps=False,
        )
    else:
        yield _unexpected(stack, "/_session", reply)


def _refused(stack: Stack, credentials: Credentials, reply: Reply) -> Finding:
    where = stack.config.couchdb.credentials_file
    return fail(
        "couchdb.credentials_refused",
        t("CouchDB refuses user {user} with the password in {path}", user=credentials.user, path=where),
        t("The password there and the one in CouchDB differ. Put the right one into that file, or set the user's "
          "password anew in CouchDB; then restart what uses it. Try it once only: five failures lock the account."),
        role=_ROLE,
        proof=Evidence("GET /_session", f"HTTP {reply.status} {reply.error}"),
        restart_helps=False,
    )  # fmt: skip


def _credentials(host: Host, stack: Stack) -> Credentials | Finding:
    """The app's own credentials, or the finding that says why there are none."""
    configured = stack.config.couchdb
    if configured.user and configured.password:
        return Credentials(configured.user.reveal(), configured.password.reveal())
    path = configured.credentials_file
    content = host.read(path, max_bytes=4096)
    if isinstance(content, Failure):
        if content.kind == "missing":
            return skip(t("there are no credentials to try: {path} does not exist", path=path))
        text = t("{path} cannot be read: {why}", path=path, why=content.detail)
        return unknown("couchdb.credentials_unreadable", text, unlock=ourselves("status", stack.config))
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    stack.keep_secret(*(lines[1:] or lines), ":".join(lines[:2]))
    found = from_login_file(content)
    if found is None:
        return fail(
            "couchdb.credentials_malformed",
            t("{path} should hold the user on line 1 and the password on line 2", path=path),
            t("Put both back, one per line; the data-system cannot start without them."),
            role=_ROLE,
            proof=Evidence(path, "-"),
            restart_helps=False,
        )
    return found


@check("couchdb.database", t("The app's database exists"), role=_ROLE, needs=["couchdb.reach"],
       because=["couchdb.up", "couchdb.login"], essential=True)  # fmt: skip
def database(host: Host, stack: Stack) -> Iterator[Finding]:
    """Without credentials: CouchDB tells everyone whether a database exists (404, else 401), so no login is spent."""
    name = stack.config.couchdb.database
    reply = ask(host, stack.config.couchdb.url, f"/{name}")
    if isinstance(reply, Failure):
        yield _unreachable(host, stack, reply)
    elif reply.status == 404:
        yield fail(
            "couchdb.database_missing",
            t("CouchDB has no database {name}", name=name),
            t("Look whether its files are still in CouchDB's data folder before anything is created anew: a new, empty "
              "database would hide what is left. Then bring it back from a backup, or create it on a new server."),
            role=_ROLE,
            proof=Evidence(f"GET /{name}", f"HTTP 404 {reply.error}"),
            by_hand=_curl(stack, f"/{name}"),
            restart_helps=False,
        )  # fmt: skip
    elif reply.status == 401 and "Authentication required" in reply.error:  # require_valid_user hides what there is
        yield skip(t("this CouchDB tells nobody without a login whether it has the database {name}", name=name))
    elif (reply.status == 200 and "db_name" in reply.data) or (reply.status in (401, 403) and reply.error):
        yield ok(t("the database {name} is there", name=name))
    else:
        yield _unexpected(stack, f"/{name}", reply)


def _unexpected(stack: Stack, path: str, reply: Reply) -> Finding:
    return fail(
        "couchdb.error",
        t("CouchDB answers {path} with HTTP {status}: {why}", path=path, status=reply.status, why=reply.error or "-"),
        t("Read CouchDB's log; look at its disk first."),
        role=_ROLE,
        by_hand=_curl(stack, path),
        restart_helps=None,
    )
