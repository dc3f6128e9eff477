"""The one login of a run. After a refusal no credentials leave any more, in this run and in later ones.

From 3.4 on five failures of a user from one address lock it, for the apps too, and with the right password as well
(`chttpd_auth_lockout`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from cozydiag.couchdb.client import Reply, ask, reply_of
from cozydiag.couchdb.credentials import Credentials
from cozydiag.host import Host
from cozydiag.host.failure import Failure

_HARMLESS = ("You are not a server admin", "You are not authorized to access")
"""The 401s of those who are known and may not: no failed login."""

_WAITED = Failure("given_up", "other requests with this login took all the time")
_SHUT = Failure("given_up", "the login was refused, and is not tried again")


class Account:
    """``refusal`` is how the server refused, be it in an earlier run; ``tell`` hears of a new one at once. Safe in
    threads: one request at a time, so that none is under way when another is refused."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        refusal: Reply | None = None,
        tell: Callable[[Reply], None] = lambda _: None,
    ) -> None:
        self.url = url
        self.credentials = credentials
        self.refusal = refusal
        self.context: dict[str, object] = {}
        self._tell = tell
        self._answer: Reply | Failure | None = refusal
        self._one = threading.Lock()

    @property
    def is_admin(self) -> bool:
        roles = self.context.get("roles")
        return isinstance(roles, list) and "_admin" in roles

    @property
    def is_known(self) -> bool:
        """The login was taken, and nothing was refused since."""
        return bool(self.context.get("name")) and self.refusal is None

    def turned_away(self, status: int) -> None:
        """Somebody else sent the login for us, and it came back with 401 or 403: nobody sends it again."""
        self._refuse(Reply(status, {"error": "unauthorized", "reason": f"HTTP {status}"}, ""))

    def login(self, host: Host) -> Reply | Failure:
        """GET /_session, at most once; later the same answer again."""
        if not self._one.acquire(timeout=host.deadline.remaining()):
            return _WAITED
        try:
            if self._answer is None:
                self._answer = _SHUT  # also when the request raises: it may have been sent
                self._answer = self._send(host, "/_session", 1 << 16)
                if isinstance(self._answer, Reply) and wants_cookie(self._answer) and self.credentials.password:
                    self._answer = self._open_session(host)
                if isinstance(self._answer, Reply) and self._answer.status == 200:
                    self._take(self._answer.data)
            return self._answer
        finally:
            self._one.release()

    def ask(self, host: Host, path: str, max_body: int = 1 << 18) -> Reply | Failure:
        """GET ``path`` with the login, if that was taken."""
        if not self._one.acquire(timeout=host.deadline.remaining()):
            return _WAITED
        try:
            return self._send(host, path, max_body) if self.is_known else _SHUT
        finally:
            self._one.release()

    def save(self, host: Host, path: str, document: dict[str, object]) -> Reply | Failure:
        """PUT a `_local` document, and never another: they are in no view and no replication."""
        if "/_local/" not in path:
            raise ValueError("only _local documents are written")
        import json

        if not self._one.acquire(timeout=host.deadline.remaining()):
            return _WAITED
        try:
            if not self.is_known:
                return _SHUT
            headers = [("Accept", "application/json"), ("Content-Type", "application/json"), self.credentials.header]
            url = self.url.rstrip("/") + path
            answer = host.post(url, json.dumps(document).encode(), headers=headers, method="PUT")
            reply = answer if isinstance(answer, Failure) else reply_of(answer)
            self._note(reply)
            return reply
        finally:
            self._one.release()

    def _open_session(self, host: Host) -> Reply | Failure:
        """POST /_session, for a server that never looked at the password: nothing was refused yet."""
        from cozydiag.couchdb import session

        reply, cookie = session.opened(host, self.url, self.credentials)
        self._note(reply)
        if cookie:
            self.credentials = self.credentials._replace(cookie=cookie)
        return reply

    def _take(self, said: dict[str, object]) -> None:
        """Who we are, by `userCtx` of a GET, or at the top of what a POST says."""
        context = said.get("userCtx", said if self.credentials.cookie else None)
        if isinstance(context, dict):
            self.context = context

    def _send(self, host: Host, path: str, max_body: int) -> Reply | Failure:
        reply = ask(host, self.url, path, self.credentials, max_body=max_body)
        self._note(reply)
        return reply

    def _note(self, reply: Reply | Failure) -> None:
        if isinstance(reply, Reply) and refused(reply):
            self._refuse(reply)

    def _refuse(self, reply: Reply) -> None:
        self.refusal = reply
        if not self.credentials.bearer:  # a token ends after an hour, and the next run has another
            self._tell(reply)


def wants_cookie(reply: Reply) -> bool:
    """Whether the login was not even looked at: `_session` knows nobody, and names the cookie but not Basic
    (`default`) among the ways in (chttpd, `authentication_handlers`)."""
    context, info = reply.data.get("userCtx"), reply.data.get("info")
    handlers = info.get("authentication_handlers") if isinstance(info, dict) else None
    if reply.status != 200 or not isinstance(context, dict) or context.get("name") or not isinstance(handlers, list):
        return False
    return "cookie" in handlers and "default" not in handlers


def refused(reply: Reply) -> bool:
    """Whether the server turned the login itself away, and would count another try."""
    if reply.status == 401:
        return not reply.error.partition(": ")[2].startswith(_HARMLESS)
    return reply.status == 403 and "locked" in reply.error
