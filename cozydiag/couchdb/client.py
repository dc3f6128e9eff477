"""What goes to CouchDB and comes back: GET only, no redirects followed, bodies capped."""

from typing import Any, NamedTuple

from cozydiag.couchdb.credentials import Credentials
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import MAX_BODY, Answer

OPEN = ("/", "/_up")
"""Where wrong credentials would turn a 200 into a 401, so none are sent."""


class Reply(NamedTuple):
    """One answer of the server: HTTP status and the JSON value, {} where the body is no object, [] where no list.

    ``cut``: a 200 whose body stops in the middle, as CouchDB's do when it meets a database that does not open.
    """

    status: int
    data: dict[str, Any]
    server: str
    items: list[Any] = []  # noqa: RUF012  never changed
    body: bytes = b""
    cut: bool = False
    location: str = ""

    @property
    def is_couchdb(self) -> bool:
        return self.server.startswith("CouchDB/") or "couchdb" in self.data

    @property
    def is_pouchdb(self) -> bool:
        return "express-pouchdb" in self.data

    @property
    def program(self) -> str:
        """What answers, and which version of it; what it says of itself where it is no CouchDB."""
        if self.is_couchdb or self.is_pouchdb:
            return f"{'CouchDB' if self.is_couchdb else 'pouchdb-server'} {self.version}"
        return self.server or "?"

    @property
    def error(self) -> str:
        """`unauthorized: Name or password is incorrect.`, for people."""
        return ": ".join(str(self.data[key]) for key in ("error", "reason") if key in self.data)

    @property
    def version(self) -> str:
        """As the body says, else as the header does; `` where neither."""
        return str(self.data.get("version") or self.server.partition("/")[2].split(" ")[0])

    @property
    def wants_login(self) -> bool:
        """`require_valid_user`: also what is open elsewhere asks for a login (chttpd_auth, with a realm)."""
        return self.status == 401 and "Authentication required" in self.error


def ask(
    host: Host,
    url: str,
    path: str,
    credentials: Credentials | None = None,
    *,
    max_body: int = MAX_BODY,
    connect_to: tuple[str, int] | None = None,
) -> Reply | Failure:
    """GET ``path``. Credentials never go to `/` and `/_up`, where wrong ones would turn a 200 into a 401.

    Accept is set, because CouchDB answers browsers with a redirect where others get a 401. An answer that breaks off
    is a Failure of kind `closed` whose detail says after how much.
    """
    headers = [("Accept", "application/json")]
    if credentials is not None:
        if path in OPEN:
            raise ValueError("no credentials to / and /_up")
        headers.append(credentials.header)
    answer = host.get(url.rstrip("/") + path, headers=headers, max_body=max_body, connect_to=connect_to)
    return answer if isinstance(answer, Failure) else reply_of(answer)


def reply_of(answer: Answer) -> Reply:
    data = answer.json()
    begun = answer.status == 200 and data is None and answer.body[:1] in (b"{", b"[")
    return Reply(
        answer.status,
        data if isinstance(data, dict) else {},
        answer.header("Server"),
        data if isinstance(data, list) else [],
        answer.body,
        begun or answer.truncated,
        answer.header("Location"),
    )


def path_of(database: str) -> str:
    """`/global%2Finstances`: a database's name may hold slashes and plus signs."""
    return "/" + database.replace("%", "%25").replace("/", "%2F").replace("+", "%2B")


def broke_off(reply: Reply | Failure) -> bool:
    """The answer began and did not end: some database could not be opened, and the server gave up in the middle."""
    if isinstance(reply, Reply):
        return reply.cut
    began = ("closed after", "closed within a chunk", "closed between")
    return reply.kind == "closed" and reply.detail.startswith(began)
