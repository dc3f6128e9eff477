"""What the checks of CouchDB share in a run: its files, its log, the one login, the databases that must be there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cozydiag.couchdb.account import Account
from cozydiag.couchdb.client import Reply, ask
from cozydiag.couchdb.credentials import Credentials, from_login_file, from_service_key, url_in_stack_file
from cozydiag.findings import fail, skip, unknown
from cozydiag.host import Host, Process
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.couchdb import files, layout

APPS = ("cozy.data-system", "cozy.home", "cozy.stack")
"""What asks CouchDB, in the order of its weight."""

REACH = 1 << 19
"""Bytes from the end of the log: more is not read, the hot path pays for it."""

INSTANCES = "global/instances"
"""The database in which a cozy-stack (v3) lists its instances."""

STACK_FILES = ("/etc/cozy/cozy.yml.local", "/etc/cozy/cozy.yml", "/etc/cozy/cozy.yaml")
"""Where a cozy-stack (v3) has the address of its CouchDB; the first one wins (cozy-stack's packages)."""


def place(stack: Stack, host: Host) -> layout.Place | None:
    """The server's files; None where they are on another machine, or not to be found."""
    given = stack.config.couchdb
    if not (stack.config.discover or given.etc or given.data or given.log):
        return None
    from cozydiag.couchdb import layout

    return stack.once("couchdb.place", host, lambda host: layout.find(host, stack.config))


def log(stack: Stack, host: Host) -> bytes | Failure | None:
    """The log since the last start: its file, else what its manager kept (a container, the journal); None where there
    is neither."""

    def read(host: Host) -> bytes | Failure | None:
        found = place(stack, host)
        path = found.log if found else ""
        content = host.end(path, REACH) if path else told(stack, host, 300)
        if not isinstance(content, bytes):
            return content
        from cozydiag.couchdb import logs

        return logs.since_start(content)

    return stack.once("couchdb.log", host, read)


def told(stack: Stack, host: Host, lines: int) -> bytes | Failure | None:
    """What the server wrote, as its manager keeps it; None where it is none of this machine's managers."""
    if not stack.config.discover or stack.is_far("couchdb"):
        return None
    program = stack.program(host, "couchdb")
    if program is not None:
        from cozydiag.managers import supervisord

        return "\n".join(supervisord.log_tail(host, stack.socket(host), program)).encode()
    for owned in stack.owned(host):
        services = () if isinstance(owned.services, Failure) else owned.services
        for one in services:
            if one.role == "couchdb":
                kept = owned.manager.log(host, one.service, lines)
                return kept if isinstance(kept, Failure) else "\n".join(kept).encode()
    return None


def survey(stack: Stack, host: Host) -> files.Data | None:
    """What is in the data folder; None where that cannot be seen."""
    found = place(stack, host)
    if found is None or not found.data:
        return None
    from cozydiag.couchdb import files

    data = stack.once("couchdb.files", host, lambda host: files.survey(host, found.data))
    return None if isinstance(data, Failure) else data


def process_id(stack: Stack, host: Host, role: str = "couchdb") -> int:
    """The process of ``role`` as its manager names it, 0 where none does: to look for who holds a port costs a whole
    interpreter."""
    program = stack.program(host, role)
    if program is not None and program.pid:
        return program.pid
    if not stack.config.discover:
        return 0
    known = (one for owned in stack.owned(host) if not isinstance(owned.services, Failure) for one in owned.services)
    return next((pid for one in known if one.role == role for pid in one.pids), 0)


def app(stack: Stack, host: Host) -> Process | None:
    """The most important app that runs and asks CouchDB."""
    pid = next((pid for role in APPS if (pid := process_id(stack, host, role))), 0)
    return host.process(pid) if pid else None


def root(stack: Stack, host: Host) -> Reply | Failure:
    """The answer of `/`, which says what this is, and which version."""
    return stack.once("couchdb.root", host, lambda host: ask(host, stack.config.couchdb.url, "/"))


def account(stack: Stack, host: Host) -> Account | Finding:
    """The login with the apps' own credentials, or the finding that says why there is none. Nothing is sent yet."""

    def make(host: Host) -> Account | Finding:
        found = _credentials(stack, host)
        if isinstance(found, Finding):
            return found
        stack.keep_secret(*found.secrets)
        if not stack.may_log_in:
            return not_tried(stack)
        return Account(stack.config.couchdb.url, found, stack.refusal, partial(setattr, stack, "refusal"))

    return stack.once("couchdb.account", host, make)


def not_tried(stack: Stack) -> Finding:
    text = t("no login is tried at CouchDB: if it were refused, nobody could remember that")
    return unknown("couchdb.login_not_tried", text, unlock=ourselves("status", stack.config))


def known(stack: Stack, host: Host) -> Account | None:
    """The login, once it was taken; None where there is none or where it was refused.

    Without administrators pouchdb-server lets everybody in, and refuses whoever brings a password all the same.
    """
    found = account(stack, host)
    first = root(stack, host)
    if isinstance(found, Finding) or (isinstance(first, Reply) and first.is_pouchdb):
        return None
    login(stack, host, found)
    return found if found.is_known else None


def login(stack: Stack, host: Host, account: Account) -> Reply | Failure:
    """What came of the one try."""
    reply = account.login(host)
    if account.credentials.cookie:
        stack.keep_secret(account.credentials.cookie)
    return reply


def membership(stack: Stack, host: Host, account: Account) -> Reply | Failure:
    return stack.once("couchdb.membership", host, lambda host: account.ask(host, "/_membership"))


def nodes(reply: Reply) -> tuple[list[str], list[str]]:
    """Of `_membership`: the nodes that run, and those that databases belong to and that do not run."""
    here, known = (reply.data.get(key) for key in ("all_nodes", "cluster_nodes"))
    here, known = ([str(name) for name in value] if isinstance(value, list) else [] for value in (here, known))
    return here, [name for name in known if name not in here]


def is_old(stack: Stack, host: Host) -> bool:
    """A CouchDB 1.x."""
    reply = root(stack, host)
    return isinstance(reply, Reply) and reply.version.startswith(("0.", "1."))


def is_service(stack: Stack, host: Host) -> bool:
    """CouchDB as a service (Cloudant), by what it says of itself."""
    reply = root(stack, host)
    return isinstance(reply, Reply) and "cloudant" in f"{reply.version} {reply.data.get('vendor')}".lower()


def expected(stack: Stack, host: Host) -> tuple[str, ...]:
    """The databases without which the apps cannot work: `cozy` of v2, the list of instances of v3."""
    name = stack.config.couchdb.database
    chosen = stack.config.origins.get("couchdb.database", "default") != "default"
    if chosen or not is_v3(stack, host):
        return (name,)
    return (name, INSTANCES) if "v2" in {one.kind for one in stack.flavours(host)} else (INSTANCES,)


def told_in(stack: Stack, host: Host) -> str:
    """Where the login was read: a file, be it with its line, or a variable of the environment."""
    configured = stack.config.couchdb
    if configured.user and configured.password:
        return stack.config.origins.get("couchdb.url", "").removeprefix("environment ")
    if not isinstance(host.stat(configured.credentials_file), Failure):
        return configured.credentials_file
    found = _in_stack_file(stack, host)
    return found[0] if found else configured.credentials_file


def is_v3(stack: Stack, host: Host) -> bool:
    """The server that is asked is a cozy-stack's: beside a Cozy v2 it may be another one."""
    if not stack.config.discover:
        return False
    found = _in_stack_file(stack, host)
    return (found is not None and is_asked(stack, found[1])) or {one.kind for one in stack.flavours(host)} == {"v3"}


def is_asked(stack: Stack, url: str) -> bool:
    """Whether that is the address of the server that is asked as the apps'."""
    parsed = urls.parse(url)
    return parsed is not None and server(parsed.host, parsed.port) == server(*stack.config.couchdb.address)


def server(name: str, port: int) -> str:
    """One name for each server: this machine has several."""
    return f"{_SAME.get(name, name)}:{port}"


_SAME = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}


def _credentials(stack: Stack, host: Host) -> Credentials | Finding:
    configured = stack.config.couchdb
    if configured.user and configured.password:
        return Credentials(configured.user.reveal(), configured.password.reveal())
    path = configured.credentials_file
    content = host.read(path, max_bytes=16384)
    if isinstance(content, bytes):
        return _from_file(stack, host, path, content)
    if content.kind != "missing":
        text = t("{path} cannot be read: {why}", path=path, why=content.detail)
        return unknown("couchdb.credentials_unreadable", text, unlock=ourselves("status", stack.config))
    from_stack = _from_stack(stack, host)
    return from_stack or skip(t("there are no credentials to try: {path} does not exist", path=path))


def _from_file(stack: Stack, host: Host, path: str, content: bytes) -> Credentials | Finding:
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    stack.keep_secret(*(lines[1:] or lines), ":".join(lines[:2]))
    key = from_service_key(content)
    if key is not None:
        from cozydiag.couchdb import cloud

        return cloud.credentials(stack, host, key)
    return from_login_file(content) or fail(
        "couchdb.credentials_malformed",
        t("{path} does not hold a user on its first line and a password on its second", path=path),
        t("Write both back, one a line; the data-system cannot start without them."),
        role="couchdb",
        proof=Evidence(path, "-"),
        restart_helps=False,
    )


def _from_stack(stack: Stack, host: Host) -> Credentials | None:
    """User and password out of the stack's address of CouchDB, if that is the server that is asked."""
    told = _in_stack_file(stack, host) if stack.config.discover else None
    if told is None or urls.parse(told[1]) is None:
        return None
    found = told[1]
    from urllib.parse import unquote

    userinfo = found.partition("://")[2].rpartition("@")[0]
    stack.keep_secret(userinfo, unquote(userinfo.partition(":")[2]))
    if not userinfo or not is_asked(stack, found):
        return None
    user, _, password = userinfo.partition(":")
    return Credentials(unquote(user), unquote(password)) if password else None


def _in_stack_file(stack: Stack, host: Host) -> tuple[str, str] | None:
    """The file of a cozy-stack that has the address of its CouchDB, and that address."""

    def look(host: Host) -> tuple[str, str] | None:
        contents = ((path, host.read(path)) for path in STACK_FILES)
        found = ((path, url_in_stack_file(content)) for path, content in contents if isinstance(content, bytes))
        return next(((path, url) for path, url in found if url), None)

    return stack.once("couchdb.stack_url", host, look)
