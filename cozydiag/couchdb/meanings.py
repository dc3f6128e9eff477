"""What each trouble in CouchDB's log means, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cozydiag.couchdb.boot import Ill
from cozydiag.couchdb.damage import COPY
from cozydiag.text import t

LASTING = ("data_lost", "file_damaged")
"""What stays true until the files are mended; all else may be over by now."""

ANSWERED = ("file_unreadable", "node_renamed", "no_users")
"""What the answers of this moment show as well: then the log says why. An old line counts only in a log that tells of
every request: in one of errors alone nothing would come after it when all is well again."""

MILD = ("view_damaged", "too_many_open", "view_slow", "view_throws", "view_language", "reduce_overflow", "certificate")
"""What leaves the rest in working order."""

WORDS: Final[dict[str, Callable[[str], Ill]]] = {
    "data_lost": lambda name: Ill(
        "couchdb.data_lost",
        t("a file of CouchDB's data was missing, and CouchDB put an empty one in its place: {name}", name=name),
        COPY,
    ),
    "file_damaged": lambda path: Ill(
        "couchdb.file_damaged", t("a file of CouchDB's data is damaged: {path}", path=path or "?"), COPY
    ),
    "view_damaged": lambda path: Ill(
        "couchdb.view_damaged",
        t("an index of CouchDB's is damaged, and is made anew: {path}", path=path),
        t("No document is lost. Let it be built; then look why the file was damaged (`dmesg`, a machine that lost its "
          "power): the next one may be a database."),
    ),
    "disk_error": lambda _: Ill(
        "couchdb.disk_error",
        t("the disk of CouchDB's data gives errors when it is read or written"),
        t("Make a copy of the whole data folder now, to another disk; do not restart CouchDB before. Then read `dmesg` "
          "and `smartctl -a`, and replace the disk."),
    ),
    "disk_full": lambda _: Ill(
        "couchdb.disk_full",
        t("CouchDB cannot write: there is no room on the disk of its data"),
        t("Make room first; nothing else helps. Reading still works, so everything looks well but for what is saved. "
          "Compaction needs room as well and does nothing now."),
    ),
    "read_only": lambda _: Ill(
        "couchdb.read_only",
        t("CouchDB cannot write: the file system of its data is read-only"),
        t("Read `dmesg`: after disk errors the kernel does this. Make a copy of the data before the disk is mended."),
    ),
    "file_descriptors": lambda _: Ill(
        "couchdb.file_descriptors",
        t("CouchDB has used up its file descriptors: it takes no more connections, or opens no more files"),
        t("See who keeps so many connections open; then raise its limit (LimitNOFILE in its unit, `minfds` of "
          "supervisord). It goes on as soon as connections are closed."),
        restart_helps=True,
    ),
    "file_unreadable": lambda path: Ill(
        "couchdb.file_unreadable",
        t("CouchDB may not open a file of its data: {path}", path=path),
        t("Give that file back to CouchDB's user (`chown`, then `chmod 644`); nothing is lost."),
    ),
    "node_renamed": lambda _: Ill(
        "couchdb.node_renamed",
        t("CouchDB runs under another node name than its databases belong to, and opens none of them"),
        t("Put the old name back: -name in vm.args, or the host name of the container. Nothing is lost; copy the data "
          "folder before you try anything else."),
    ),
    "no_users": lambda _: Ill(
        "couchdb.system_databases_missing",
        t("CouchDB has no database _users, so that it knows no user but its administrators"),
        t("On a new server create it: `curl -X PUT -u ADMIN http://127.0.0.1:5984/_users`, the same for _replicator. "
          "On an old one look first whether its files are still in the data folder."),
    ),
    "too_many_open": lambda _: Ill(
        "couchdb.too_many_open",
        t("CouchDB has more databases in use at a time than it may open"),
        t("Raise max_dbs_open in the section couchdb, and the limit of its file descriptors with it."),
    ),
    "javascript": lambda _: Ill(
        "couchdb.javascript",
        t("CouchDB's JavaScript program does not run: views hang, and documents that are checked cannot be saved"),
        t("Start couchjs by hand to see what it lacks (a library, a permission), then install CouchDB's package anew."),
    ),
    "view_slow": lambda _: Ill(
        "couchdb.view_slow",
        t("a function of a view takes longer than CouchDB waits (os_process_timeout, 5 seconds)"),
        t("See which view (the line before it in the log names its process) and make its function simpler; very "
          "large documents are the usual reason."),
    ),
    "view_throws": lambda document: Ill(
        "couchdb.view_throws",
        t("a function of a view fails at some documents, which are missing in that view without a word: {document}",
          document=document.removeprefix("with ") or "?"),
        t("See what that document lacks, and let the function look before it takes: `if (doc.x) emit(doc.x.y)`. The "
          "rest of the view is right."),
    ),
    "view_language": lambda language: Ill(
        "couchdb.view_language",
        t("a design document is in a language that CouchDB does not run: {language}", language=language or "?"),
        t("Correct `language` in that design document (javascript is the usual one), or enable the program for it in "
          "CouchDB's settings. Its views answer nobody until then."),
    ),
    "reduce_overflow": lambda _: Ill(
        "couchdb.reduce_overflow",
        t("the reduce function of a view gives more than CouchDB takes (reduce_limit)"),
        t("A reduce must give a number or a short summary, not a list of what it was given; _count, _sum and _stats "
          "always fit."),
    ),
    "certificate": lambda path: Ill(
        "couchdb.certificate",
        t("CouchDB cannot use its certificate {path}: its port for https ends every connection", path=path),
        t("Correct cert_file and key_file in the section ssl, and let CouchDB's user read them. Plain http works."),
    ),
}  # fmt: skip
