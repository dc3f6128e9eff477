"""The login of a cozy-stack at its CouchDB, where it is not the one that is looked at as the apps' (`couchdb.login`): a
Cozy v2 beside it has a user of its own there, or another server.

One login for each user of each server, and none after a refusal, as everywhere (`couchdb.account`).
"""

from __future__ import annotations

from functools import partial

from cozydiag.config.kinds import Address, url_with_user
from cozydiag.couchdb import Reply, access, ask, memory, path_of, refusals
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.answers import missing
from cozydiag.couchdb.credentials import Credentials
from cozydiag.cozy.flavour import Flavour
from cozydiag.cozy.status import ROLE, of_couchdb
from cozydiag.findings import fail, ok, skip
from cozydiag.host import Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t


def look(host: Host, stack: Stack, flavour: Flavour) -> Finding:
    place = flavour.place("couchdb")
    if place is None or urls.parse(place.url) is None:
        return skip(t("{name} does not say where its CouchDB is", name=flavour.name))
    address = url_with_user("couchdb.url", place.url)
    if address.user is None or address.password is None or not address.password.reveal():
        return skip(t("{path} has no user and password for CouchDB", path=place.origin))
    own = Credentials(address.user.reveal(), address.password.reveal())
    stack.keep_secret(*own.secrets)
    account = _account(host, stack, address, own, place.origin)
    if isinstance(account, Finding):
        return account
    if own.password != account.credentials.password:
        return _another(host, stack, account, place.origin)
    if access.is_asked(stack, address.url) and account is access.account(stack, host):
        return skip(t("its login at CouchDB is the one that is looked at as the apps'"))
    return _reached(host, stack, address) or _login(host, stack, account, address, place.origin)


def _account(host: Host, stack: Stack, address: Address, own: Credentials, origin: str) -> Account | Finding:
    """The one account of that user at that server; it may have been made with another password."""

    def make(host: Host) -> Account | Finding:
        apps = access.account(stack, host) if access.is_asked(stack, address.url) else None
        if isinstance(apps, Account) and apps.credentials.user == own.user:
            return apps
        if not stack.may_log_in:
            return access.not_tried(stack)
        mark = memory.mark_of(address.url, origin, f"{own.user}:{own.password}")
        return Account(address.url, own, stack.refusals.get(mark), partial(stack.refusals.__setitem__, mark))

    return stack.once(f"couchdb.account {own.user} {access.server(address.host, address.port)}", host, make)


def _another(host: Host, stack: Stack, account: Account, origin: str) -> Finding:
    """Two passwords for one user: one was tried, and of the other that tells enough."""
    access.login(stack, host, account)
    user = account.credentials.user
    if not account.is_known:
        return skip(t("no login is tried: CouchDB did not take user {user} with another password", user=user))
    return fail(
        "cozystack.couchdb_login",
        t("{path} has another password for CouchDB's user {user} than the one that CouchDB takes",
          path=origin, user=user),
        refusals.OF_STACK,
        role=ROLE,
        proof=Evidence(origin, f"http://{user}:***@"),
        restart_helps=False,
    )  # fmt: skip


def _reached(host: Host, stack: Stack, address: Address) -> Finding | None:
    """What is wrong with the server itself; of the apps' own one that is known."""
    asked = access.is_asked(stack, address.url)
    if not asked:
        host.world.limit((address.host, address.port), 1)
    root = access.root(stack, host) if asked else ask(host, address.url, "/")
    if isinstance(root, Reply) and root.is_pouchdb:
        return skip(t("no login is tried at pouchdb-server"))
    if isinstance(root, Reply) and (root.is_couchdb or root.wants_login):
        return None
    why = root.detail if isinstance(root, Failure) else f"HTTP {root.status} {root.program}"
    by_hand = f"curl -sS -i --max-time 5 {address.url}"
    return of_couchdb(why, host.evidence[-1], by_hand)._replace(waits_for=("couchdb",) if asked else ())


def _login(host: Host, stack: Stack, account: Account, address: Address, origin: str) -> Finding:
    reply = access.login(stack, host, account)
    user, place = account.credentials.user, address.url
    if account.is_known:
        return _instances(host, stack, account, address) or ok(t("CouchDB knows cozy-stack's user {user}", user=user))
    said = reply.detail if isinstance(reply, Failure) else f"HTTP {reply.status} {reply.error}"
    proof = Evidence(f"GET {place.rstrip('/')}/_session", said)
    if isinstance(reply, Failure) or reply.status not in (200, 401, 403):
        return of_couchdb(said, proof, f"curl -sS -i --max-time 5 {place}")
    if reply.status == 200:
        return refusals.not_looked_at(reply)._replace(role=ROLE)
    text = t("CouchDB at {place} refuses cozy-stack's user {user} with the password in {path}",
             place=place, user=user, path=origin)  # fmt: skip
    if reply.status == 403:
        text = t("CouchDB at {place} has locked cozy-stack's user {user} after several wrong passwords",
                 place=place, user=user)  # fmt: skip
    return fail(
        "cozystack.couchdb_login", text, refusals.OF_STACK, role=ROLE, proof=proof, restart_helps=False,
        waits_for=("couchdb",) if access.is_asked(stack, place) else (),
    )  # fmt: skip


def _instances(host: Host, stack: Stack, account: Account, address: Address) -> Finding | None:
    """The list of instances, where nobody else asks for it."""
    if access.is_asked(stack, address.url):
        return None
    path = path_of(access.INSTANCES)
    reply = account.ask(host, path)
    if isinstance(reply, Failure) or reply.status != 404:
        return None
    return missing(access.INSTANCES, reply, f"curl -sS -i {address.url.rstrip('/')}{path}", ROLE)
