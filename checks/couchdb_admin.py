"""What CouchDB tells an administrator of itself: its databases, its name, what it is doing."""

from __future__ import annotations

from cozydiag.api import Evidence, Failure, Finding, Host, Iterator, Stack, check, fail, ok, plural, skip, t, warn
from cozydiag.couchdb import Reply, access, broke_off
from cozydiag.couchdb.account import Account

_ROLE = "couchdb"
_NEEDS = ["couchdb.reach"]
_BECAUSE = ["couchdb.storage", "couchdb.files", "couchdb.log", "couchdb.up", "couchdb.login"]
_NAMES = 8 << 20
"""Bytes: a list of 100,000 databases."""
_OF_EVERY_INSTANCE = ("io-cozy-files", "io-cozy-apps", "io-cozy-settings", "io-cozy-permissions")
"""What a cozy-stack makes for each instance before anything else (cozy-stack, `lifecycle/create.go`)."""


def _admin(host: Host, stack: Stack) -> Account | Finding:
    account = access.known(stack, host)
    if account is None or not account.is_admin:
        return skip(t("the apps' login is no administrator's"))
    return account


@check("couchdb.list", t("CouchDB lists its databases"), role=_ROLE, needs=_NEEDS,
       because=[*_BECAUSE, "couchdb.node"])  # fmt: skip
def databases(host: Host, stack: Stack) -> Iterator[Finding]:
    account = _admin(host, stack)
    if isinstance(account, Finding):
        yield account
        return
    reply = account.ask(host, "/_all_dbs", _NAMES)
    if broke_off(reply):
        from cozydiag.couchdb import answers

        yield answers.cut("/_all_dbs", reply)
    elif isinstance(reply, Failure):
        yield skip(t("CouchDB did not say: {why}", why=reply.detail))
    elif reply.status != 200:
        yield _not_listed(reply)
    else:
        names = {name for name in reply.items if isinstance(name, str)}
        yield from _compared(host, stack, account, names)


def _not_listed(reply: Reply) -> Finding:
    from cozydiag.couchdb import answers

    return answers.of_database("_all_dbs", reply) or skip(t("CouchDB did not say: {why}", why=reply.error))


def _compared(host: Host, stack: Stack, account: Account, names: set[str]) -> Iterator[Finding]:
    """The list against the disk, and against what every server and every instance has."""
    lost = _forgotten(host, stack, names)
    old = access.is_old(stack, host)
    if lost is not None:
        yield lost
        return
    if access.is_service(stack, host):  # keeps its users elsewhere
        yield ok(plural("{n} database", "{n} databases", n=len(names)))
        return
    if "_users" not in names and not old:
        from cozydiag.couchdb import answers

        yield answers.no_system_databases("GET /_all_dbs: " + (", ".join(sorted(names)[:10]) or "[]"))
        return
    bad = _closed_users(account.ask(host, "/_users")) if "_users" in names else None
    bad = bad or _without_replicator(names, old=old) or (_incomplete(names) if access.is_v3(stack, host) else None)
    yield bad or ok(plural("{n} database", "{n} databases", n=len(names)))


def _closed_users(users: Reply | Failure) -> Finding | None:
    if isinstance(users, Failure) or users.status == 200:
        return None
    from cozydiag.couchdb import answers

    return answers.of_database("_users", users)


def _without_replicator(names: set[str], *, old: bool) -> Finding | None:
    if old or "_replicator" in names:
        return None
    return warn(
        "couchdb.replicator_missing",
        t("CouchDB has no database _replicator: it replicates nothing"),
        t("Create it: `curl -X PUT -u ADMIN http://127.0.0.1:5984/_replicator`. On an old server look first whether "
          "its files are still in the data folder."),
        role=_ROLE,
        proof=Evidence("GET /_all_dbs", ", ".join(sorted(names)[:10])),
        restart_helps=False,
    )  # fmt: skip


def _incomplete(names: set[str]) -> Finding | None:
    """An instance of v3 that has some of its databases and not all: their names begin with its prefix."""
    found: dict[str, set[str]] = {}
    for name in names:
        prefix, _, kind = name.partition("/")
        if kind in _OF_EVERY_INSTANCE:
            found.setdefault(prefix, set()).add(kind)
    for prefix in sorted(found):
        missing = [f"{prefix}/{kind}" for kind in _OF_EVERY_INSTANCE if kind not in found[prefix]]
        if missing:
            return fail(
                "couchdb.instance_incomplete",
                t("the instance {prefix} lacks its database {name}", prefix=prefix, name=missing[0]),
                t("Look whether its files are still in CouchDB's data folder, and copy that first. Then bring the "
                  "instance back from a backup (`cozy-stack instances import`)."),
                role=_ROLE, proof=Evidence("GET /_all_dbs", f"no {', '.join(missing)}"), restart_helps=False,
            )  # fmt: skip
    return None


def _forgotten(host: Host, stack: Stack, names: set[str]) -> Finding | None:
    data = access.survey(stack, host)
    if data is None:
        return None
    missing = sorted(name for name in data.shards if name not in names and not name.startswith("_"))
    if not missing:
        return None
    from cozydiag.couchdb import answers

    return answers.forgotten(host, stack, missing, "GET /_all_dbs")


@check("couchdb.node", t("CouchDB runs under the name that its databases belong to"), role=_ROLE, needs=_NEEDS,
       because=_BECAUSE)  # fmt: skip
def node(host: Host, stack: Stack) -> Iterator[Finding]:
    account = _admin(host, stack)
    if isinstance(account, Finding) or access.is_old(stack, host):
        yield account if isinstance(account, Finding) else skip(t("CouchDB 1.x has no nodes"))
        return
    reply = access.membership(stack, host, account)
    if isinstance(reply, Failure) or reply.status != 200:
        yield skip(t("CouchDB did not say: {why}", why=reply.detail if isinstance(reply, Failure) else reply.error))
        return
    here, gone = access.nodes(reply)
    if len(here) == 1 and gone:
        from cozydiag.couchdb import answers

        yield answers.node_renamed(Evidence("GET /_membership", f"runs: {here[0]}, known: {', '.join(gone)}"))
    else:
        yield ok(t("CouchDB runs as {name}", name=here[0])) if here else skip(t("CouchDB names no node"))


@check("couchdb.work", t("CouchDB keeps up with its work"), role=_ROLE, needs=_NEEDS,
       because=[*_BECAUSE, "couchdb.database", "couchdb.list", "couchdb.node"])  # fmt: skip
def work(host: Host, stack: Stack) -> Iterator[Finding]:
    """What it is doing, and what it has of what it needs for that."""
    account = _admin(host, stack)
    if isinstance(account, Finding):
        yield account
        return
    from cozydiag.couchdb import burden

    replies = {path: account.ask(host, path) for path in burden.paths(old=access.is_old(stack, host))}
    seen = {path: reply for path, reply in replies.items() if isinstance(reply, Reply) and reply.status == 200}
    found = [*burden.of(seen), *burden.on_this_machine(host, stack, seen)]
    yield from found
    if not found:
        yield ok(t("CouchDB keeps up")) if seen else skip(t("CouchDB did not say what it does"))
