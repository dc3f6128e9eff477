"""What CouchDB wrote into its log since it was started, and why it did not start where it is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Evidence, Failure, Finding, Host, Iterator, Stack, check, fail, ok, skip, t, warn
from cozydiag.couchdb import access

if TYPE_CHECKING:
    from cozydiag.couchdb.boot import Ill
    from cozydiag.couchdb.logs import Trouble
    from cozydiag.model import Certainty

_ROLE = "couchdb"


@check("couchdb.log", t("CouchDB's log is free of trouble"), role=_ROLE, because=["host.disk", "couchdb.storage"])
def log(host: Host, stack: Stack) -> Iterator[Finding]:
    if isinstance(access.root(stack, host), Failure) and stack.expected(host, _ROLE):
        from cozydiag.couchdb import boot

        failed = boot.trouble(stack, host)
        if failed is not None:
            yield _bad(boot.MEANINGS[failed.what](failed.detail), failed)
            return
    section = access.log(stack, host)
    if section is None:
        yield skip(t("no log of CouchDB is known"))
    elif isinstance(section, Failure):
        yield skip(t("CouchDB's log cannot be read: {why}", why=section.detail))
    else:
        yield from _judged(section, host.clock.now(), silent=isinstance(access.root(stack, host), Failure))


def _judged(section: bytes, now: float, *, silent: bool) -> Iterator[Finding]:
    from cozydiag.couchdb import logs

    seen = logs.faults(section)
    found = _meanings(section, seen, now, silent=silent) if seen else []
    if found:
        yield from found
    elif any(level in section for level in (b"[info]", b"[notice]", b"[warning]", b"[error]")):
        yield ok(t("no trouble in CouchDB's log since its start"))
    else:
        yield skip(t("CouchDB's log is empty"))


def _meanings(section: bytes, seen: list[Trouble], now: float, *, silent: bool) -> list[Finding]:
    """What may be over by now counts while it is fresh; as the last that the log says it counts for a server that is
    ``silent``, and is likely for one that answers."""
    from cozydiag.couchdb import logs
    from cozydiag.couchdb.meanings import LASTING, MILD, WORDS

    found = []
    for one in seen:
        fresh = one.what in LASTING or logs.is_fresh(one, now)
        last = fresh or logs.is_last(one, section, now)
        if not last:
            continue
        words = WORDS[one.what](one.detail)
        if one.what in MILD or not (fresh or silent):
            certainty: Certainty = "certain" if fresh else "likely"
            proof = Evidence("log", one.line)
            found.append(warn(words.code, words.text, words.advice, role=_ROLE, proof=proof, certainty=certainty))
        else:
            found.append(_bad(words, one))
    return found


def _bad(words: Ill, seen: Trouble) -> Finding:
    return fail(
        words.code, words.text, words.advice, role=_ROLE, proof=Evidence("log", seen.line),
        restart_helps=words.restart_helps,
    )  # fmt: skip
