"""CouchDB: the one client that talks to it, what it reads and writes on the disk, and what its answers mean."""

from __future__ import annotations

from cozydiag.couchdb.client import Reply, ask, broke_off, path_of
from cozydiag.couchdb.credentials import Credentials, from_login_file

__all__ = ["Credentials", "Reply", "ask", "broke_off", "from_login_file", "path_of"]
