"""Why CouchDB did not take the apps' login: the same 401 says that a password is wrong, that there is no such account,
and that the accounts cannot be read."""

from __future__ import annotations

from cozydiag.couchdb import access, answers, logs
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.client import Reply, ask
from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import Text, When, t

_ROLE = "couchdb"
_LIFETIME = 300.0
"""Seconds from the first failure to the end of a lockout (`[chttpd_auth_lockout] max_lifetime`, default.ini of 3.4)."""

OF_STACK = t("The password there and the one in CouchDB differ. Put the right one into CouchDB's address there (`/`, "
    "`:` and `@` in it as %2F, %3A and %40), or set the user's password anew in CouchDB; then restart "
    "cozy-stack. Try it once only: five failures lock the account. cozydiag itself tries no more until that "
    "file changes, or until you say `cozydiag couchdb --again`.")  # fmt: skip
"""What to do about a password in a cozy-stack's address of CouchDB."""


def locked_out(host: Host, stack: Stack, account: Account, reply: Reply) -> Finding:
    until = _end_of_lockout(host, stack, account, reply)
    user, path = account.credentials.user, access.told_in(stack, host)
    proof = Evidence("GET /_session", f"HTTP 403 {reply.error}")
    if until <= host.clock.now():
        return fail(
            "couchdb.locked_out",
            t("CouchDB had locked user {user} after several wrong passwords, until {when}", user=user,
              when=When(until)),
            t("That is over, unless something keeps trying. See which program has the wrong password and correct it; "
              "then let cozydiag look again: `cozydiag couchdb --again`."),
            role=_ROLE, proof=proof, restart_helps=False,
        )  # fmt: skip
    return fail(
        "couchdb.locked_out",
        t("CouchDB has locked user {user} after several wrong passwords, until {when} at the latest", user=user,
          when=When(until)),
        t("Stop what keeps trying and wait until then: the right password is refused as well. Then see which program "
          "has the wrong one. cozydiag itself tries no more until {path} changes, or until you say `cozydiag couchdb "
          "--again`.", path=path),
        role=_ROLE, proof=proof, restart_helps=False,
    )  # fmt: skip


def _end_of_lockout(host: Host, stack: Stack, account: Account, reply: Reply) -> float:
    """Epoch seconds. Failures count from the first one on; what is not in the log began now at the latest."""
    place = access.place(stack, host)
    given = place.settings.get("chttpd_auth_lockout", "max_lifetime") if place else ""
    lifetime = int(given) / 1000 if given.isdigit() else _LIFETIME
    at = reply.data.get("at")  # of an earlier run
    seen = float(at) if isinstance(at, (int, float)) else host.clock.now()
    section = _log_now(stack, host)
    began = 0.0
    for moment in logs.failures(section, account.credentials.user):
        if moment <= seen and moment > began + lifetime:
            began = moment
    return began + lifetime if began + lifetime > seen else seen + lifetime


def of_401(host: Host, stack: Stack, account: Account, reply: Reply) -> Finding:
    if account.credentials.bearer:
        return _token(reply)
    return _no_users(host, stack) or _unknown(host, stack, account, reply) or _wrong(host, stack, account, reply)


def _token(reply: Reply) -> Finding:
    return fail(
        "couchdb.token_refused",
        t("CouchDB refuses the token that the API key gave"),
        t("See in the cloud's console whether the key's service ID may use this instance (at least the role Reader)."),
        role=_ROLE,
        proof=Evidence("GET /_session", f"HTTP {reply.status} {reply.error}"),
        restart_helps=False,
    )


def _no_users(host: Host, stack: Stack) -> Finding | None:
    """CouchDB says the same of a right password when it cannot read _users; whether that exists it tells everybody."""
    users = ask(host, stack.config.couchdb.url, "/_users")
    if isinstance(users, Failure):
        return None
    if users.status == 404 and "not_found" in users.error:
        return answers.no_system_databases(f"GET /_users: HTTP 404 {users.error}")
    return answers.of_database("_users", users)


def _unknown(host: Host, stack: Stack, account: Account, reply: Reply) -> Finding | None:
    user = account.credentials.user
    if not reply.body or not logs.is_unknown(_log_now(stack, host), user):
        return None
    return fail(
        "couchdb.account_unknown",
        t("CouchDB finds no account of user {user}: there is none, or its database _users was lost", user=user),
        t("Ask it as an administrator how many documents _users has (`cozydiag curlcouch --server _users`): with 0 or "
          "1 the accounts are gone, so copy the whole data folder before anything else and bring _users back from a "
          "backup. Else create the user again, or correct its name in {path}.",
          path=access.told_in(stack, host)),
        role=_ROLE,
        proof=Evidence("log", "GET /_session 401, and no line that says that the password failed"),
        certainty="likely",
        restart_helps=False,
    )  # fmt: skip


def _wrong(host: Host, stack: Stack, account: Account, reply: Reply) -> Finding:
    where = access.told_in(stack, host)
    line = logs.warnings_of(_log_now(stack, host), account.credentials.user)
    return fail(
        "couchdb.credentials_refused",
        t("CouchDB refuses user {user} with the password in {path}", user=account.credentials.user, path=where),
        _remedy(stack, where),
        role=_ROLE,
        proof=Evidence("log", line) if line else Evidence("GET /_session", f"HTTP {reply.status} {reply.error}"),
        restart_helps=False,
    )  # fmt: skip


def _remedy(stack: Stack, where: str) -> Text:
    """What to correct: the data-system's file, a cozy-stack's address, or the login that cozydiag alone was given."""
    path, file = where.rpartition(":")[0] or where, stack.config.file
    if path == stack.config.couchdb.credentials_file:
        return t("The password there and the one in CouchDB differ. Put the right one into that file, or set the "
                 "user's password anew in CouchDB; then restart what uses it. Try it once only: five failures lock the "
                 "account. cozydiag itself tries no more until that file changes, or until you say `cozydiag couchdb "
                 "--again`.")  # fmt: skip
    if not path.startswith("/") or (file is not None and path == file.path):
        return t("That is the login that cozydiag alone was given: put the right one there. Try it once only: five "
                 "failures lock the account. cozydiag itself tries no more until that changes, or until you say "
                 "`cozydiag couchdb --again`.")  # fmt: skip
    return OF_STACK


def not_looked_at(reply: Reply) -> Finding:
    """A 200 that knows nobody: the server takes logins of another kind only."""
    info = reply.data.get("info")
    handlers = info.get("authentication_handlers") if isinstance(info, dict) else None
    named = ", ".join(str(one) for one in handlers) if isinstance(handlers, list) else "-"
    return fail(
        "couchdb.login_ignored",
        t("CouchDB does not look at the apps' user and password: it takes logins by {kinds} only", kinds=named),
        t("Put `default_authentication_handler` back into authentication_handlers in the section chttpd; for an "
          "instance with IAM only give cozydiag and the apps an API key."),
        role=_ROLE,
        proof=Evidence("GET /_session", f'HTTP 200 "name":null, {named}'),
        restart_helps=False,
    )  # fmt: skip


def _log_now(stack: Stack, host: Host) -> bytes:
    """The log with what the login has just made CouchDB write: the one that was read before may lack it."""

    def read(host: Host) -> bytes:
        place = access.place(stack, host)
        content = host.end(place.log, access.REACH) if place and place.log else b""
        return content if isinstance(content, bytes) else b""

    return stack.once("couchdb.log_after_login", host, read)
