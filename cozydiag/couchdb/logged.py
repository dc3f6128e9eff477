"""What the signs in CouchDB's log say of this moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cozydiag.couchdb import logs
from cozydiag.couchdb.logs import Trouble
from cozydiag.findings import fail, ok, skip, warn
from cozydiag.model import Certainty, Evidence, Finding
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.couchdb.boot import Ill

_ROLE = "couchdb"


def judged(section: bytes, now: float, *, silent: bool) -> Iterator[Finding]:
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
    from cozydiag.couchdb.meanings import ANSWERED, LASTING, MILD, WORDS

    found = []
    for one in seen:
        fresh = one.what in LASTING or logs.is_fresh(one, now)
        if not (fresh or logs.is_last(one, section)):
            continue
        sure = fresh or silent
        if not sure and one.what in ANSWERED and not logs.is_talkative(section):
            continue
        words = WORDS[one.what](one.detail)
        certainty: Certainty = "certain" if sure else "likely"
        if one.what in MILD or not (sure or one.what in ANSWERED):
            proof = Evidence("log", one.line)
            found.append(warn(words.code, words.text, words.advice, role=_ROLE, proof=proof, certainty=certainty))
        else:
            found.append(bad(words, one, certainty))
    return found


def bad(words: Ill, seen: Trouble, certainty: Certainty = "certain") -> Finding:
    return fail(
        words.code, words.text, words.advice, role=_ROLE, proof=Evidence("log", seen.line), certainty=certainty,
        restart_helps=words.restart_helps,
    )  # fmt: skip
