"""What an answer about a database says is wrong, where that is more than `an error`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cozydiag.couchdb import access
from cozydiag.couchdb.client import Reply, path_of
from cozydiag.findings import fail, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_ROLE = "couchdb"
_DAMAGED = ("read_beyond_eof", "file_corruption", "checksum", "invalid_compression")
_SYSTEM = {
    "eacces": "file_unreadable",
    "erofs": "read_only",
    "enospc": "disk_full",
    "emfile": "file_descriptors",
    "enfile": "file_descriptors",
    "eio": "disk_error",
    "all_dbs_active": "too_many_open",
}
"""The kernel's words in the reason of a 500, and what they are called in the log (`meanings`)."""


def of_database(name: str, reply: Reply) -> Finding | None:
    """The reason in a refusal or a 500 of a database; None where it names none that is known."""
    proof = Evidence(f"GET {path_of(name)}", f"HTTP {reply.status} {reply.error}"[:400])
    if reply.status < 400:
        return None
    if reply.status < 500:
        from cozydiag.couchdb import cloud

        return cloud.finding(proof.source, reply)
    said = str(reply.data.get("reason", ""))
    if any(word in reply.error for word in _DAMAGED):
        return fail(
            "couchdb.file_damaged",
            t("a file of the database {name} is damaged", name=name),
            t("Make a copy of the whole data folder now, before anything else. Do not restart CouchDB and do not "
              "compact: both can make what is left unreadable for good. Then compare with a backup."),
            role=_ROLE, proof=proof, restart_helps=False,
        )  # fmt: skip
    what = next((what for word, what in _SYSTEM.items() if re.search(rf"\b{word}\b", said)), "")
    if what == "file_unreadable":
        return fail(
            "couchdb.file_unreadable",
            t("CouchDB may not open a file of the database {name}", name=name),
            t("Give the files of the data folder back to CouchDB's user (`chown`, then `chmod 644`); nothing is lost."),
            role=_ROLE, proof=proof, restart_helps=False,
        )  # fmt: skip
    if what:
        from cozydiag.couchdb.meanings import WORDS

        ill = WORDS[what]("")
        return fail(ill.code, ill.text, ill.advice, role=_ROLE, proof=proof, restart_helps=ill.restart_helps)
    return node_renamed(proof, likely=True) if NOT_OPENED in said else None


NOT_OPENED = "No DB shards could be opened"


def missing(name: str, reply: Reply, by_hand: str, role: str = _ROLE) -> Finding:
    """The server says that there is no such database (404)."""
    return fail(
        "couchdb.database_missing",
        t("CouchDB has no database {name}", name=name),
        t("Look whether its files are still in CouchDB's data folder before anything is created anew: a new, empty "
          "database would hide what is left. Then bring it back from a backup, or create it on a new server."),
        role=role,
        proof=Evidence(f"GET {path_of(name)}", f"HTTP 404 {reply.error}"),
        by_hand=by_hand,
        restart_helps=False,
    )  # fmt: skip


def not_opened(name: str, reply: Reply) -> Finding:
    """A database that does not open although the node has its old name."""
    return fail(
        "couchdb.not_opened",
        t("CouchDB opens no file of the database {name}, and runs under the right name", name=name),
        t("Read its log for the reason: its disk, its file descriptors, or too much work at a time. Copy the data "
          "folder before you restart it."),
        role=_ROLE, proof=Evidence(f"GET {path_of(name)}", f"HTTP {reply.status} {reply.error}"[:400]),
        restart_helps=None,
    )  # fmt: skip


def cut(path: str, reply: Reply | Failure) -> Finding:
    seen = reply.detail if isinstance(reply, Failure) else f"no end after {len(reply.body)} bytes"
    return warn(
        "couchdb.answer_cut",
        t("an answer of CouchDB broke off in the middle: some database cannot be opened"),
        t("Ask for the databases one by one (`cozydiag curlcouch --server NAME`) to find which, and read the log."),
        role=_ROLE, proof=Evidence(f"GET {path}", seen), restart_helps=False,
    )  # fmt: skip


def node_renamed(proof: Evidence, *, likely: bool = False) -> Finding:
    return fail(
        "couchdb.node_renamed",
        t("CouchDB runs under another node name than its databases belong to, and opens none of them"),
        t("Put the old name back: -name in vm.args, or the host name of the container. Nothing is lost; copy the data "
          "folder before you try anything else."),
        role=_ROLE, proof=proof, certainty="likely" if likely else "certain", restart_helps=False,
    )  # fmt: skip


def no_system_databases(seen: str) -> Finding:
    return fail(
        "couchdb.system_databases_missing",
        t("CouchDB has no database _users, so that it knows no user but its administrators"),
        t("On a new server create it: `curl -X PUT -u ADMIN http://127.0.0.1:5984/_users`, the same for _replicator. "
          "On an old one look first whether its files are still in the data folder."),
        role=_ROLE, proof=Evidence("GET /_users", seen), restart_helps=False,
    )  # fmt: skip


def forgotten(host: Host, stack: Stack, missing: Sequence[str], seen: str) -> Finding | None:
    """Of databases that CouchDB does not have, one whose files are on its disk: its list of databases was lost."""
    data = access.survey(stack, host)
    if data is None or data.old_layout or _is_another(stack, host):
        return None
    name = next((name for name in missing if name in data.shards), None)
    if name is None:
        return None
    return fail(
        "couchdb.databases_forgotten",
        t("CouchDB does not know the database {name} any more, though its files are on the disk", name=name),
        t("Its list of databases (_dbs.couch) was lost or replaced. Make a copy of the whole data folder now; do not "
          "create the database anew and do not restart CouchDB. Then bring _dbs.couch back from a backup."),
        role=_ROLE, proof=Evidence(data.shards[name][0], seen), restart_helps=False,
    )  # fmt: skip


def _is_another(stack: Stack, host: Host) -> bool:
    """The server that answers is not the one whose files these are: it has another uuid, or is no CouchDB."""
    place, root = access.place(stack, host), access.root(stack, host)
    own = place.settings.get("couchdb", "uuid") if place else ""
    return isinstance(root, Reply) and (root.is_pouchdb or (bool(own) and str(root.data.get("uuid", own)) != own))
