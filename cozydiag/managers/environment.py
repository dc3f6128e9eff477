"""Environments of processes, as managers of services hand them over: dropped at once, but for what must be masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

SECRETS: Final = frozenset({
    "COUCHDB_PASSWORD", "COUCHDB_SECRET", "COUCHDB_ERLANG_COOKIE", "COUCHDB_URL", "COUCH_PASSWORD", "COUCH_URL",
    "COZY_COUCHDB_URL", "COZY_ADMIN_PASSWORD", "COZY_ADMIN_PASSPHRASE", "TOKEN", "DATABASE_PASSWORD", "DB_PASSWORD",
    "STRONGLOOP_PM_HTTP_AUTH",
})  # fmt: skip
"""CouchDB's credentials (image `couchdb`), and those of the stack (cozy-controller gives its apps TOKEN)."""


def secrets(environment: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The passwords and tokens among ``environment``; of an address, the password in it."""
    for name, value in environment:
        if name not in SECRETS:
            continue
        before, at, _ = value.partition("://")[2].rpartition("@")
        password = before.partition(":")[2] if at else value if "://" not in value else ""
        if name == "STRONGLOOP_PM_HTTP_AUTH":
            password = value.partition(":")[2]
        if password:
            yield password
