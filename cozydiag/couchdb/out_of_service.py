"""What CouchDB says of itself where it is up and not in service."""

from __future__ import annotations

from cozydiag.couchdb.client import Reply
from cozydiag.couchdb.unreached import by_hand
from cozydiag.findings import fail, warn
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_ROLE = "couchdb"


def meaning(stack: Stack, reply: Reply) -> Finding | None:
    """Of an answer of `/_up` (chttpd_misc.erl); None where it is none that is known."""
    state = str(reply.data.get("status", ""))
    if reply.status == 404 and state == "nolb":
        return warn(
            "couchdb.nolb",
            t("CouchDB works, but tells load balancers to leave (maintenance_mode = nolb)"),
            t("Set maintenance_mode to false in the section couchdb of its configuration when the work on it is over."),
            role=_ROLE,
            proof=Evidence("GET /_up", 'HTTP 404 {"status":"nolb"}'),
            by_hand=by_hand(stack, "/_up"),
            restart_helps=False,
        )
    if reply.status == 404 and state == "maintenance_mode":
        return fail(
            "couchdb.maintenance",
            t("CouchDB is in maintenance mode: it answers, but does not serve data"),
            t("Set maintenance_mode to false in the section couchdb of its configuration, or in Fauxton under Config."),
            role=_ROLE,
            proof=Evidence("GET /_up", f'HTTP 404 {{"status":"{state}"}}'),
            by_hand=by_hand(stack, "/_up"),
            restart_helps=False,
        )
    if reply.status == 404 and state == "seeding":
        return warn(  # what it has it serves; who asks /_up for its health ends it
            "couchdb.seeding",
            t("CouchDB waits for the other nodes of its seed list"),
            t("Start those nodes, or empty `seedlist` in the section cluster of its configuration."),
            role=_ROLE,
            by_hand=by_hand(stack, "/_up"),
            restart_helps=False,
        )
    return None
