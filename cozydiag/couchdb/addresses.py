"""Each address of CouchDB's name apart: who takes the first one may meet another server than who takes the second."""

from __future__ import annotations

from cozydiag.couchdb.client import Reply, ask
from cozydiag.findings import ok, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.url import is_address
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_MOST = 4
"""Addresses of a name that are tried."""


def of(host: Host, name: str) -> list[str]:
    """The addresses of ``name``; [] where it is one itself, or has none."""
    found = Failure("name", "") if is_address(name) else host.resolve(name)
    return [] if isinstance(found, Failure) else found[:_MOST]


def tried(host: Host, place: tuple[str, int]) -> list[tuple[str, Failure | None]]:
    """Where a connection is taken (None), and why not elsewhere; [] for fewer than two addresses."""
    addresses = of(host, place[0])
    return [(one, host.connect(one, place[1])) for one in addresses] if len(addresses) > 1 else []


def judged(host: Host, stack: Stack, version: str) -> Finding:
    """What to say where CouchDB answers at one of the addresses at least.

    `localhost` without ::1 is how CouchDB comes, and no fault of its own (`couchdb.localhost` where an app stumbles).
    """
    name, port = stack.config.couchdb.address
    addresses = of(host, name)
    if len(addresses) < 2:
        return ok(t("CouchDB {version} answers", version=version))
    seen = {one: ask(host, stack.config.couchdb.url, "/", connect_to=(one, port)) for one in addresses}
    good = [one for one, reply in seen.items() if isinstance(reply, Reply) and reply.is_couchdb]
    bad = [one for one in seen if one not in good]
    if good and not bad:
        return ok(t("CouchDB {version} answers at {places}", version=version, places=", ".join(good)))
    if not good:
        return ok(t("CouchDB {version} answers", version=version))
    dead = seen[bad[0]]
    if name.lower() == "localhost" and isinstance(dead, Failure) and dead.kind in ("refused", "unreachable"):
        return ok(t("CouchDB {version} answers at {places}, not at {dead}", version=version, places=", ".join(good),
                    dead=", ".join(bad)))  # fmt: skip
    why = dead.detail if isinstance(dead, Failure) else f"HTTP {dead.status}, Server: {dead.server or '-'}"
    return warn(
        "couchdb.address_dead",
        t("CouchDB answers at {place}, but not at {dead}, which {name} leads to as well: {why}", place=good[0],
          dead=bad[0], name=name, why=why),
        t("Who takes that address first waits or fails. Take it away from the name (DNS or /etc/hosts), or let CouchDB "
          "listen there too (bind_address in the section chttpd)."),
        role="couchdb",
        proof=Evidence(f"GET / via {bad[0]}:{port}", why),
        restart_helps=False,
    )  # fmt: skip
