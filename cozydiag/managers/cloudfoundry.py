"""Cloud Foundry, asked over its API v3 with the login of the `cf` program (cloud_controller_ng docs/v3).

Asked only where the configuration says so. The access token is used as it is and the refresh token never: it can be
used once, and `cf` would find itself logged out. Where the first has expired, `cf login` is the owner's to type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from cozydiag.host import Answer, Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers import cloudfoundry_login
from cozydiag.managers.cloudfoundry_app import SETTLED, Crash, Instance, crash, instance, lines_of, state_of
from cozydiag.managers.cloudfoundry_login import Login
from cozydiag.managers.containers import in_time, table
from cozydiag.managers.service import Condition, Life, Service, State, Verb

_LARGEST: Final = 4 << 20


class CloudFoundry:
    """The apps of one space. ``folder`` is the home of the user who has logged in; ``api`` and ``space`` are what the
    login must be for, where they are given; ``apps`` are the names to look at, all where none are given."""

    name = "cloudfoundry"
    user = None
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(
        self,
        folder: str,
        api: str | None = None,
        space: str | None = None,
        apps: Sequence[str] = (),
        keep_secret: Callable[[str], object] = len,
    ) -> None:
        self.folder = folder
        self.place = api or f"{folder}/.cf"
        self._api = api
        self._space = space
        self._apps = tuple(apps)
        self._keep_secret = keep_secret
        self._asked: dict[str, float] = {}

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """An app's own state is what is wanted of it; how its instances are is asked of each app that is started."""
        login = self._login(host)
        if isinstance(login, Failure):
            return login
        names = f"&names={','.join(quote(name, safe='') for name in self._apps)}" if self._apps else ""
        rows = self._rows(host, login, f"/v3/apps?per_page=100&space_guids={quote(login.space, safe='')}{names}")
        if isinstance(rows, Failure):
            return rows
        return in_time(host, [self._condition(host, login, row) for row in rows if row.get("guid")])

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """From log-cache, which keeps some thousand lines of each app, its visitors' requests among them."""
        batch = self._envelopes(host, service)
        if isinstance(batch, Failure):
            return batch
        return [line for envelope in batch for line in lines_of(envelope)][-lines:]

    def raw(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """The same as log-cache gives it, requests and all: one JSON a line."""
        from json import dumps

        batch = self._envelopes(host, service)
        return batch if isinstance(batch, Failure) else [dumps(envelope) for envelope in batch[-lines:]]

    def _envelopes(self, host: Host, service: Service) -> list[Mapping[str, Any]] | Failure:
        """The latest thousand, oldest first."""
        login = self._login(host)
        if isinstance(login, Failure):
            return login
        if not login.log_cache:
            return Failure("missing", "this Cloud Foundry keeps no logs")
        url = f"{login.log_cache}/api/v1/read/{quote(service.id, safe='')}"
        answer = self._get(host, login, f"{url}?envelope_types=LOG&limit=1000&descending=true")
        if isinstance(answer, Failure):
            return answer
        batch = table(table(answer.json()).get("envelopes")).get("batch")
        if not isinstance(batch, list):
            return Failure("protocol", "the answer is not log-cache's")
        return [table(envelope) for envelope in reversed(batch)]

    def allowed(self, host: Host) -> bool:
        return not isinstance(self._login(host), Failure)

    def exposed(self, host: Host) -> None:  # noqa: ARG002  it always asks who it is
        return None

    def life(self, host: Host, service: Service) -> Life | Failure:
        """Processes have no numbers there. After a restart only instances that are younger than it count, and a crash
        since then ends it."""
        login = self._login(host)
        instances = self._instances(host, login, service.id) if not isinstance(login, Failure) else login
        if isinstance(instances, Failure) or isinstance(login, Failure):
            return instances if isinstance(instances, Failure) else Failure("login", "not logged in")
        now, since = host.clock.now(), self._asked.get(service.id)
        fresh = [one for one in instances if since is None or now - one.up >= since - 1]
        running = [one for one in fresh if one.state == "RUNNING"]
        words = ", ".join(f"#{one.place} {one.state}" for one in instances) or "no instance"
        crashes = self._crashes(host, login, service.id) if since is not None else []
        after = [one for one in crashes if one.at >= (since or 0.0)] if not isinstance(crashes, Failure) else []
        if after:
            return Life(False, 0, one_line(after[0].words, 300))
        return Life(bool(running), 0, words, busy=not running and bool(instances))

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("cf", "restart" if verb == "reload" else verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        login = self._login(host)
        if isinstance(login, Failure):
            return login
        act = "restart" if verb == "reload" else verb
        self._asked[service.id] = host.clock.now()
        url = f"{login.api}/v3/apps/{quote(service.id, safe='')}/actions/{act}"
        answer = host.post(url, b"", headers=login.headers)
        return answer if isinstance(answer, Failure) else _refusal(answer)

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002
        """An app that does not listen after a minute is given up (cf's own default for health checks)."""
        return 90.0

    def _condition(self, host: Host, login: Login, row: Mapping[str, Any]) -> Condition:
        guid, name = str(row["guid"]), one_line(str(row.get("name") or row["guid"]), 200)
        service = Service(self.name, name, id=guid)
        if row.get("state") != "STARTED":
            return Condition(service, State.STOPPED, wanted=False, instances=(0, 0), words="STOPPED", boot=True)
        instances = self._instances(host, login, guid)
        if isinstance(instances, Failure):
            return Condition(service, State.UNKNOWN, wanted=True, words=instances.detail)
        running = [one for one in instances if one.state == "RUNNING"]
        calm = running and len(running) == len(instances) and all(one.up >= SETTLED for one in running)
        crashes = [] if calm or not instances else self._crashes(host, login, guid)
        unread = crashes.detail if isinstance(crashes, Failure) else ""
        now = host.clock.now()
        recent = [] if isinstance(crashes, Failure) else [one for one in crashes if now - one.at < 2 * SETTLED]
        state = state_of(instances, recent)
        details = next((one.details for one in instances if one.details), "")
        return Condition(
            service,
            State.UNKNOWN if unread and state is State.RUNNING else state,
            wanted=True,
            instances=(len(running), len(instances)),
            since=now - min(one.up for one in running) if running else None,
            restarts=len(recent),
            why=details or (one_line(recent[0].words, 300) if recent and state is not State.RUNNING else ""),
            words=unread or ", ".join(f"#{one.place} {one.state}" for one in instances) or "no instance",
            boot=True,  # the platform starts it wherever there is room
        )

    def _instances(self, host: Host, login: Login, guid: str) -> list[Instance] | Failure:
        rows = self._rows(host, login, f"/v3/apps/{quote(guid, safe='')}/processes/web/stats")
        return rows if isinstance(rows, Failure) else [instance(row) for row in rows]

    def _crashes(self, host: Host, login: Login, guid: str) -> list[Crash] | Failure:
        """Newest first. Each crash makes two events: only those of the app are asked for."""
        target = f"target_guids={quote(guid, safe='')}&types=app.crash&order_by=-created_at&per_page=50"
        rows = self._rows(host, login, f"/v3/audit_events?{target}")
        return rows if isinstance(rows, Failure) else [crash(row) for row in rows]

    def _login(self, host: Host) -> Login | Failure:
        content = host.read(f"{self.folder}/.cf/config.json", follow=False)
        if isinstance(content, Failure):
            missing = content.kind == "missing"
            return Failure("login", f"nobody has logged in from {self.folder}") if missing else content
        login = cloudfoundry_login.read(content, self._keep_secret)
        if login is None:
            return Failure("protocol", f"{self.folder}/.cf/config.json cannot be understood")
        return self._unfit(login, host.clock.now()) or login

    def _unfit(self, login: Login, now: float) -> Failure | None:
        if not login.token or not login.api:
            return Failure("login", f"nobody has logged in from {self.folder}")
        if self._api and self._api.rstrip("/") != login.api:
            return Failure("login", f"the login is for {login.api}")
        if self._space and self._space not in (login.space, login.space_name):
            return Failure("login", f"the login is for the space {login.space_name}")
        if not login.space:
            return Failure("login", "no space is chosen")
        if login.expires is not None and login.expires <= now:
            return Failure("login", "the login has expired")
        return None

    def _rows(self, host: Host, login: Login, target: str) -> list[Mapping[str, Any]] | Failure:
        answer = self._get(host, login, login.api + target)
        if isinstance(answer, Failure):
            return answer
        rows = table(answer.json()).get("resources")
        if answer.truncated or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return Failure("protocol", "the answer is not Cloud Foundry's")
        return rows

    def _get(self, host: Host, login: Login, url: str) -> Answer | Failure:
        answer = host.get(url, headers=login.headers, max_body=_LARGEST)
        return answer if isinstance(answer, Failure) else _refusal(answer) or answer


def _refusal(answer: Answer) -> Failure | None:
    """By code and title, as the API wants it: the words may change."""
    if 200 <= answer.status < 300:
        return None
    errors = table(answer.json()).get("errors")
    first = table(errors[0]) if isinstance(errors, list) and errors else {}
    title = one_line(str(first.get("title") or f"HTTP {answer.status}"), 120)
    if answer.status == 401:
        return Failure("login", "the login is no longer valid")
    kind = {403: "permission", 404: "missing"}.get(answer.status, "error")
    return Failure(kind, title)
