"""The one client that talks to CouchDB: careful with passwords, one request at a time."""

from __future__ import annotations

from binascii import b2a_base64  # base64 would bring struct
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer


class Credentials(NamedTuple):
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, password=***)"

    @property
    def header(self) -> tuple[str, str]:
        return ("Authorization", "Basic " + b2a_base64(f"{self.user}:{self.password}".encode(), newline=False).decode())


def from_login_file(content: bytes) -> Credentials | None:
    """`/etc/cozy/couchdb.login`: the user on the first line, the password on the second, nothing else."""
    lines = content.decode("utf-8", "replace").split("\n")
    user, password = lines[0].strip(), lines[1].strip() if len(lines) > 1 else ""
    return Credentials(user, password) if user and password else None


class Reply(NamedTuple):
    """One answer of the server: HTTP status and the JSON object, {} where the body is none."""

    status: int
    data: dict[str, Any]
    server: str

    @property
    def is_couchdb(self) -> bool:
        return self.server.startswith("CouchDB/") or "couchdb" in self.data

    @property
    def error(self) -> str:
        """`unauthorized: Name or password is incorrect.`, for people."""
        return ": ".join(str(self.data[key]) for key in ("error", "reason") if key in self.data)


def ask(host: Host, url: str, path: str, credentials: Credentials | None = None) -> Reply | Failure:
    """GET ``path``. Credentials never go to `/` and `/_up`, where wrong ones would turn a 200 into a 401.

    Accept is set, because CouchDB answers browsers with a redirect where others get a 401.
    """
    headers = [("Accept", "application/json")]
    if credentials is not None:
        if path in ("/", "/_up"):
            raise ValueError("no credentials to / and /_up")
        headers.append(credentials.header)
    answer = host.get(url.rstrip("/") + path, headers=headers)
    return answer if isinstance(answer, Failure) else _reply(answer)


def _reply(answer: Answer) -> Reply:
    data = answer.json()
    return Reply(answer.status, data if isinstance(data, dict) else {}, answer.header("Server"))
