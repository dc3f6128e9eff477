"""StrongLoop Process Manager, asked over its REST API on port 8701 (seen with strong-pm 6.0.1).

A crash loop shows in the list of past processes only: the service is "started", and `restartCount` counts something
else. `slc ctl status` ends with 0 whatever it has to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cozydiag.host import Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.host.logs import one_line
from cozydiag.host.processes import Process
from cozydiag.managers.containers import number, table
from cozydiag.managers.service import Condition, Life, Service, Surroundings, Verb
from cozydiag.managers.strongpm_workers import DYING, SUPERVISOR, Worker, checked, state_of, worker

PORT: Final = 8701

_LARGEST: Final = 4 << 20


def find(host: Host, around: Surroundings) -> tuple[StrongPM, ...]:  # noqa: ARG001  its file or process has been seen
    """The named addresses, then where each one that runs says that it listens, else the usual one."""
    found: dict[str, StrongPM] = {}
    for named in around.named:
        login, address = _login(named)
        if login:
            around.keep_secret(login.partition(":")[2])
        found[address] = StrongPM(address, login)
    running = [one for one in around.processes if _is_one(one)]
    users = {home.uid: home.user for home in around.homes}
    for one in running:
        user = users.get(one.uid) if one.uid and len(running) > 1 else None
        address = f"http://127.0.0.1:{_port(one.cmdline)}"
        found.setdefault(address, StrongPM(address, user=user))
    usual = f"http://127.0.0.1:{PORT}"
    return tuple(found.values()) or ((StrongPM(usual),) if around.discover else ())


def _is_one(process: Process) -> bool:
    """`sl-pm` and `node …/strong-pm/bin/sl-pm.js`, not its runner of apps."""
    words = (process.name, *process.cmdline[:2])
    return any(word.rpartition("/")[2] in ("sl-pm", "sl-pm.js") for word in words)


def _port(cmdline: Sequence[str]) -> int:
    for index, argument in enumerate(cmdline):
        value = argument.partition("=")[2] if argument.startswith("--listen=") else ""
        if argument in ("-l", "--listen") and index + 1 < len(cmdline):
            value = cmdline[index + 1]
        if value.isdigit():
            return int(value)
    return PORT


def _login(named: str) -> tuple[str, str]:
    """`USER:PASSWORD`, and the address without it."""
    scheme, _, rest = named.partition("://")
    login, _, place = rest.rpartition("@")
    return login, f"{scheme}://{place}".rstrip("/")


class StrongPM:
    """One StrongLoop PM, known by its address, which is its ``place``."""

    name = "strongpm"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(self, place: str = f"http://127.0.0.1:{PORT}", login: str = "", user: str | None = None) -> None:
        self.place = place
        self.user = user
        self._headers: tuple[tuple[str, str], ...] = ()
        if login:
            from base64 import b64encode
            from urllib.parse import unquote

            self._headers = (("Authorization", "Basic " + b64encode(unquote(login).encode()).decode()),)

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """Services have environments: what is wanted is picked out, and the rest dropped."""
        services = self._rows(host, "Services")
        instances = self._rows(host, "ServiceInstances") if not isinstance(services, Failure) else services
        if isinstance(services, Failure) or isinstance(instances, Failure):
            return services if isinstance(services, Failure) else Failure("protocol", "no list of instances")
        workers = self._workers(host)
        if isinstance(workers, Failure):
            return workers
        now = host.clock.now()
        return tuple(self._condition(one, instances, workers, now) for one in services if number(one.get("id")))

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:  # noqa: ARG002
        return Failure("error", f"`slc ctl log-dump {service.unit}` shows its log and empties it, so it is not read")

    def allowed(self, host: Host) -> bool:
        """Whoever may ask may act as well."""
        answer = host.get(self.place + "/api/Services", headers=self._headers, max_body=_LARGEST)
        return isinstance(answer, Answer) and answer.status == 200

    def exposed(self, host: Host) -> str | None:
        """It listens on all addresses unless told otherwise, and asks for no password."""
        place = urls.parse(self.place)
        open_ = [one for one in host.listeners(place.port) if one.address in ("0.0.0.0", "::")] if place else []  # noqa: S104
        if place is None or not open_:
            return None
        answer = host.get(self.place + "/api/Services", max_body=_LARGEST)
        return f"*:{place.port}" if isinstance(answer, Answer) and answer.status == 200 else None

    def life(self, host: Host, service: Service) -> Life | Failure:
        """Never the last word while nothing works: in the midst of a start and a restart it says "not started"."""
        instances = self._rows(host, f"Services/{service.id}/instances")
        if isinstance(instances, Failure):
            return instances
        workers = self._workers(host)
        if isinstance(workers, Failure):
            return workers
        ids = {number(one.get("id")) for one in instances}
        alive = sorted(one for one in workers if one.instance in ids and one.stopped is None)
        working = [one for one in alive if one.worker != SUPERVISOR]
        wanted = any(one.get("started") and number(one.get("setSize")) for one in instances)
        words = f"{len(working)} workers, {'started' if wanted else 'not started'}"
        return Life(bool(working), working[0].pid if working else 0, words, busy=not working)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        usual = self.place == f"http://127.0.0.1:{PORT}"
        where = () if usual else ("-C", self.place)
        return ("slc", "ctl", *where, "restart" if verb == "reload" else verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        act = "restart" if verb == "reload" else verb
        answer = host.post(f"{self.place}/api/Services/{service.id}/{act}", b"", headers=self._headers)
        return answer if isinstance(answer, Failure) else self._refusal(answer)

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002  five seconds a worker, then it kills
        return 30.0

    def _condition(
        self, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], workers: Sequence[Worker], now: float
    ) -> Condition:
        mine = [one for one in rows if one.get("serverServiceId") == row["id"]]
        ids = {number(one.get("id")) for one in mine}
        known = [one for one in workers if one.instance in ids and one.worker != SUPERVISOR]
        alive = sorted((one for one in known if one.stopped is None), key=lambda one: one.started)
        heads = [one for one in workers if one.instance in ids and one.worker == SUPERVISOR and one.stopped is None]
        size = sum(number(one.get("setSize")) for one in mine if one.get("started"))
        short = [one for one in workers if one.instance in ids and one.was_short(now, [head.pid for head in heads])]
        state = state_of(size, alive, heads, short, now)
        last = max(short, key=lambda one: one.stopped or 0.0, default=None)
        name = one_line(str(row.get("name") or row["id"]), 200)
        port = next((one.port for one in alive if one.port), 0)
        return Condition(
            Service(self.name, name, None, ("127.0.0.1", port) if port else None, self.user, id=str(row["id"])),
            state,
            mode="cluster",
            wanted=size > 0,
            instances=(len(alive), size),
            since=(alive[-1].started if alive else last.stopped if last else None),
            pids=tuple(one.pid for one in alive),
            restarts=len([one for one in known if one.stopped is not None]),
            exit_code=int(last.reason) if last and last.reason.isdigit() and not alive else None,
            why=f"a worker ended with {last.reason}" if last and last.reason and state in DYING else "",
            words=f"{len(alive)} of {size} workers" if size else "not started",
            boot=None,
        )

    def _workers(self, host: Host) -> list[Worker] | Failure:
        """Those that live, and the last that do not: the whole history can be long."""
        living = self._rows(host, 'ServiceProcesses?filter={"where":{"stopTime":null}}')
        if isinstance(living, Failure):
            return living
        last = self._rows(host, 'ServiceProcesses?filter={"order":"id DESC","limit":300}')
        if isinstance(last, Failure):
            return last
        found = {number(one.get("id")): worker(one) for one in (*living, *last)}
        place = urls.parse(self.place)
        if place is None or place.host not in urls.LOOPBACK:
            return list(found.values())
        return [checked(host, one) for one in found.values()]

    def _rows(self, host: Host, path: str) -> list[Mapping[str, Any]] | Failure:
        from urllib.parse import quote

        url = f"{self.place}/api/{quote(path, safe='/?=')}"
        answer = host.get(url, headers=self._headers, max_body=_LARGEST)
        if isinstance(answer, Failure):
            return answer
        refused = self._refusal(answer)
        if refused is not None:
            return refused
        rows = answer.json()
        if answer.truncated or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return Failure("protocol", "the answer is not StrongLoop PM's")
        return rows

    def _refusal(self, answer: Answer) -> Failure | None:
        if answer.status == 401:
            wrong = "does not take this password" if self._headers else "wants a password"
            return Failure("login", f"{self.place} {wrong}")
        if answer.status < 300:
            return None
        said = table(table(answer.json()).get("error")).get("message")
        kind = "missing" if answer.status == 404 and said else "error"
        return Failure(kind, one_line(str(said or f"HTTP {answer.status}"), 300))
