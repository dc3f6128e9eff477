"""A login by cookie: only where a server takes no other."""

from __future__ import annotations

from cozydiag.couchdb.client import Reply, reply_of
from cozydiag.couchdb.credentials import Credentials
from cozydiag.host import Host
from cozydiag.host.failure import Failure


def opened(host: Host, url: str, credentials: Credentials) -> tuple[Reply | Failure, str]:
    """POST /_session: what came of it, and the cookie ("" where there is none). The password goes in the body."""
    from urllib.parse import urlencode

    form = urlencode({"name": credentials.user, "password": credentials.password}).encode()
    headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]
    answer = host.post(url.rstrip("/") + "/_session", form, headers=headers, max_body=1 << 16)
    if isinstance(answer, Failure):
        return answer, ""
    reply = reply_of(answer)
    if reply.status == 200 and not reply.data.get("name"):  # 1.x does not name an administrator
        reply = reply._replace(data={**reply.data, "name": credentials.user})
    return reply, _cookie(answer.header("Set-Cookie")) if reply.status == 200 else ""


def _cookie(header: str) -> str:
    name, _, value = header.partition(";")[0].strip().partition("=")
    return value if name == "AuthSession" else ""
