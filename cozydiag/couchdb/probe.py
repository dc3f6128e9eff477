"""Proof that CouchDB saves: one document that no replication and no view ever sees. Only where it was asked for."""

from __future__ import annotations

from cozydiag.couchdb import answers, cloud
from cozydiag.couchdb.account import Account
from cozydiag.couchdb.client import path_of
from cozydiag.findings import fail, ok, skip
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.text import t


def write(host: Host, account: Account, database: str) -> Finding:
    """Save `_local/cozydiag` in ``database``: reads are green on a full disk, and only a write tells."""
    path = f"{path_of(database)}/_local/cozydiag"
    before = account.ask(host, path)
    if isinstance(before, Failure) or before.status not in (200, 404):
        return skip(t("nothing was written: the database {name} cannot be read", name=database))
    reply = account.save(host, path, {"_rev": before.data["_rev"]} if before.status == 200 else {})
    if isinstance(reply, Failure):
        return _failed(database, reply.detail)
    if reply.status in (200, 201, 202):
        return ok(t("CouchDB saves into the database {name}", name=database))
    told = cloud.finding(f"PUT {path}", reply) or answers.of_database(database, reply)
    return told or _failed(database, reply.error or f"HTTP {reply.status}")


def _failed(database: str, why: str) -> Finding:
    return fail(
        "couchdb.not_saved",
        t("CouchDB does not save into the database {name}: {why}", name=database, why=why),
        t("Look at the disk of its data (`df -h`, `df -i`, `findmnt`) and read its log: the answer does not say why."),
        role="couchdb",
        proof=Evidence(f"PUT {path_of(database)}/_local/cozydiag", why),
        restart_helps=False,
    )
