"""What CouchDB tells an administrator of itself: its databases, its name, what it is doing."""

from __future__ import annotations

from typing import Any

from cozydiag.api import Evidence, Failure, Finding, Host, Iterator, Percent, Stack, check, ok, plural, skip, t, warn
from cozydiag.couchdb import Reply, access, answers, broke_off
from cozydiag.couchdb.account import Account

_ROLE = "couchdb"
_NEEDS = ["couchdb.reach"]
_BECAUSE = ["couchdb.storage", "couchdb.files", "couchdb.log", "couchdb.up", "couchdb.login"]
_NAMES = 8 << 20
"""Bytes: a list of 100,000 databases."""
_LEFT = 1000
"""Documents that an index has to go through for its readers to notice."""
_QUEUE = 1000
"""Messages that wait for one part of CouchDB: it is stalled (section "Performance" of CouchDB's documentation)."""


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
    if isinstance(reply, Failure):
        yield _cut(reply) if broke_off(reply) else skip(t("CouchDB did not say: {why}", why=reply.detail))
    elif reply.status != 200:
        yield _not_listed(reply)
    else:
        names = {name for name in reply.items if isinstance(name, str)}
        yield from _compared(host, stack, names)


def _cut(why: Failure) -> Finding:
    return warn(
        "couchdb.answer_cut",
        t("an answer of CouchDB broke off in the middle: some database cannot be opened"),
        t("Ask for the databases one by one (`cozydiag curlcouch --server NAME`) to find which, and read the log."),
        role=_ROLE,
        proof=Evidence("GET /_all_dbs", why.detail),
        restart_helps=False,
    )


def _not_listed(reply: Reply) -> Finding:
    return answers.of_database("_all_dbs", reply) or skip(t("CouchDB did not say: {why}", why=reply.error))


def _compared(host: Host, stack: Stack, names: set[str]) -> Iterator[Finding]:
    """The list against the disk, and against what every server has."""
    lost = _forgotten(host, stack, names)
    if lost is not None:
        yield lost
    elif "_users" not in names and not _is_old(stack, host):
        yield answers.no_system_databases("GET /_all_dbs: " + (", ".join(sorted(names)[:10]) or "[]"))
    else:
        yield ok(plural("{n} database", "{n} databases", n=len(names)))


def _forgotten(host: Host, stack: Stack, names: set[str]) -> Finding | None:
    data = access.survey(stack, host)
    if data is None:
        return None
    missing = sorted(name for name in data.shards if name not in names and not name.startswith("_"))
    return answers.forgotten(host, stack, missing, "GET /_all_dbs") if missing else None


def _is_old(stack: Stack, host: Host) -> bool:
    root = access.root(stack, host)
    return isinstance(root, Reply) and root.version.startswith(("0.", "1."))


@check("couchdb.node", t("CouchDB runs under the name that its databases belong to"), role=_ROLE, needs=_NEEDS,
       because=_BECAUSE)  # fmt: skip
def node(host: Host, stack: Stack) -> Iterator[Finding]:
    account = _admin(host, stack)
    if isinstance(account, Finding) or _is_old(stack, host):
        yield account if isinstance(account, Finding) else skip(t("CouchDB 1.x has no nodes"))
        return
    reply = account.ask(host, "/_membership")
    if isinstance(reply, Failure) or reply.status != 200:
        yield skip(t("CouchDB did not say: {why}", why=reply.detail if isinstance(reply, Failure) else reply.error))
        return
    here, known = (reply.data.get(key) for key in ("all_nodes", "cluster_nodes"))
    here, known = (value if isinstance(value, list) else [] for value in (here, known))
    gone = [str(name) for name in known if name not in here]
    if len(here) == 1 and gone:
        yield answers.node_renamed(Evidence("GET /_membership", f"runs: {here[0]}, known: {', '.join(gone)}"))
    else:
        yield ok(t("CouchDB runs as {name}", name=str(here[0]))) if here else skip(t("CouchDB names no node"))


@check("couchdb.work", t("CouchDB keeps up with its work"), role=_ROLE, needs=_NEEDS, because=_BECAUSE)
def work(host: Host, stack: Stack) -> Iterator[Finding]:
    account = _admin(host, stack)
    if isinstance(account, Finding):
        yield account
        return
    paths = ["/_active_tasks"]
    if not _is_old(stack, host):
        paths += ["/_node/_local/_system", "/_scheduler/docs?limit=100"]
    replies = {path: account.ask(host, path) for path in paths}
    seen = {path: reply for path, reply in replies.items() if isinstance(reply, Reply) and reply.status == 200}
    found: list[Finding] = []
    if "/_active_tasks" in seen:
        found += _indexing(seen["/_active_tasks"].items)
    if "/_node/_local/_system" in seen:
        found += _stalled(seen["/_node/_local/_system"].data.get("message_queues"))
    if "/_scheduler/docs?limit=100" in seen:
        found += _replicating(seen["/_scheduler/docs?limit=100"].data.get("docs"))
    yield from found
    if not found:
        yield ok(t("CouchDB keeps up")) if seen else skip(t("CouchDB did not say what it does"))


def _indexing(tasks: list[Any]) -> Iterator[Finding]:
    left: dict[tuple[str, str], list[int]] = {}
    for task in tasks:
        if isinstance(task, dict) and task.get("type") == "indexer":
            name = str(task.get("database", "")).rpartition("/")[2].rpartition(".")[0]
            done, total = (_number(task.get(key)) for key in ("changes_done", "total_changes"))
            sums = left.setdefault((name, str(task.get("design_document", ""))), [0, 0])
            sums[0], sums[1] = sums[0] + done, sums[1] + total
    slow = [(total - done, done / total, key) for key, (done, total) in left.items() if total - done >= _LEFT]
    if slow:
        _, part, (database, design) = max(slow)
        yield warn(
            "couchdb.index_building",
            t("CouchDB builds an index: {design} of the database {name}, {percent} done. Who reads it has to wait",
              design=design, name=database, percent=Percent(100 * part)),
            t("Let it end: a restart makes it go on from where it was, and helps nobody. After an upgrade this is "
              "usual."),
            role=_ROLE, proof=Evidence("GET /_active_tasks", f"indexer {design} {part:.0%}"),
            by_hand="cozydiag couchdb", restart_helps=False,
        )  # fmt: skip


def _stalled(queues: Any) -> Iterator[Finding]:
    for name, queue in queues.items() if isinstance(queues, dict) else ():
        waiting = _number(queue.get("max") if isinstance(queue, dict) else queue)
        if waiting > _QUEUE:
            yield warn(
                "couchdb.stalled",
                t("{n} messages wait for CouchDB's part {part}", n=waiting, part=str(name)),
                t("Look at its disk first (`iostat -x 2`), then at how many clients it has."),
                role=_ROLE, proof=Evidence("GET /_node/_local/_system", f"{name}: {waiting}"), restart_helps=None,
            )  # fmt: skip
            return


def _replicating(docs: Any) -> Iterator[Finding]:
    bad = [
        doc for doc in (docs if isinstance(docs, list) else [])
        if isinstance(doc, dict) and doc.get("state") in ("crashing", "failed", "error")
    ]  # fmt: skip
    if bad:
        info = bad[0].get("info")
        why = str(info.get("error", "-") if isinstance(info, dict) else info or "-")
        yield warn(
            "couchdb.replication_failing",
            t("the replication {name} fails: {why}", name=str(bad[0].get("doc_id")), why=why[:200]),
            t("Correct its source, target or password in the database _replicator; CouchDB then tries again by "
              "itself."),
            role=_ROLE, proof=Evidence("GET /_scheduler/docs", f"{bad[0].get('state')}: {why[:200]}"),
            restart_helps=False,
        )  # fmt: skip


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
