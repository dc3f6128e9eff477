"""Docker, asked over its socket (Engine API, seen with dockerd 20.10). Compose's containers have compose's names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cozydiag.host import Answer, Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean, one_line
from cozydiag.host.processes import Process
from cozydiag.managers import environment
from cozydiag.managers.containers import condition, in_time, life, number, service_of, table
from cozydiag.managers.service import Condition, Life, Service, State, Surroundings, Verb
from cozydiag.managers.systemd import IN_CHARGE

SOCKETS: Final = ("/run/docker.sock", "/var/run/docker.sock")

_LARGEST: Final = 8 << 20  # bytes of one answer: a thousand containers
_STOP: Final = 10.0  # seconds until `docker stop` kills, unless the container says otherwise


def find(host: Host, around: Surroundings) -> tuple[Docker, ...]:
    """The named sockets, then those of the daemons that run (also of users), then the usual one."""
    found = {socket: Docker(socket, keep_secret=around.keep_secret) for socket in map(_path, around.named)}
    users = {home.uid: home.user for home in around.homes}
    for one in around.processes:
        if one.name == "dockerd":
            user = users.get(one.uid, str(one.uid)) if one.uid else None
            socket = _socket_of(one)
            told = one.cmdline if one.uid else (*one.cmdline, *_of_file(host))
            found.setdefault(socket, Docker(socket, user, around.keep_secret, _open_to_all(told)))
    if around.discover and not found:
        there = [socket for socket in SOCKETS if not isinstance(host.stat(socket), Failure)][:1]
        found.update((socket, Docker(socket, keep_secret=around.keep_secret)) for socket in there)
    return tuple(found.values())


def _path(named: str) -> str:
    return named.removeprefix("unix://")


def _socket_of(daemon: Process) -> str:
    told = [argument for argument in daemon.cmdline if "unix://" in argument]
    usual = f"/run/user/{daemon.uid}/docker.sock" if daemon.uid else SOCKETS[0]
    return told[0].partition("unix://")[2] if told else usual


def _of_file(host: Host) -> tuple[str, ...]:
    """What its configuration file says, as if it stood on the command line."""
    content = host.read("/etc/docker/daemon.json")
    try:
        settings = {} if isinstance(content, Failure) else table(json.loads(content))
    except (ValueError, RecursionError):
        return ()
    hosts = settings.get("hosts")
    return (
        *(map(str, hosts) if isinstance(hosts, list) else ()),
        *(("--tlsverify",) if settings.get("tlsverify") else ()),
    )


def _open_to_all(cmdline: tuple[str, ...]) -> str | None:
    """Where the daemon takes orders over TCP without asking for a certificate."""
    if any(argument.startswith("--tlsverify") and not argument.endswith("=false") for argument in cmdline):
        return None
    places = [argument.partition("tcp://")[2] for argument in cmdline if "tcp://" in argument]
    return next((place for place in places if not place.startswith(("127.", "localhost", "[::1]"))), None)


class Docker:
    """One dockerd, known by its socket, which is its ``place``."""

    name = "docker"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(
        self,
        socket: str = SOCKETS[0],
        user: str | None = None,
        keep_secret: Callable[[str], object] = len,
        open_to_all: str | None = None,
    ) -> None:
        self.place = socket
        self.user = user
        self._keep_secret = keep_secret
        self._open_to_all = open_to_all
        self._awake = socket not in SOCKETS  # systemd holds the usual ones only

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """The list knows neither restarts nor policies nor why: each container is inspected. What the time does not
        suffice for is unknown."""
        rows = self._get(host, "/containers/json?all=1")
        if isinstance(rows, Failure):
            return rows
        if not isinstance(rows, list):
            return Failure("protocol", "the answer is not Docker's")
        found = [self._condition(host, row) for row in rows if isinstance(row, dict) and row.get("Id")]
        return in_time(host, [one for one in found if one is not None])

    def _condition(self, host: Host, row: Mapping[str, Any]) -> Condition | None:
        inspected = self._inspect(host, str(row["Id"]))
        if not isinstance(inspected, Failure):
            return condition(inspected, self.name, self.user, host.clock.now())
        if inspected.kind == "missing":  # removed since
            return None
        names = row.get("Names")
        known = {"Id": row["Id"], "Name": names[0] if isinstance(names, list) and names else ""}
        service = service_of({**known, "Config": {"Labels": row.get("Labels")}}, self.name, self.user)
        return Condition(service, State.UNKNOWN, words=inspected.detail)

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        target = f"/containers/{self._id(service)}/logs?stdout=1&stderr=1&tail={lines}"
        answer = self._ask(host, "GET", target)
        if isinstance(answer, Failure):
            return answer
        return [clean(line) for line in plain(answer.body).splitlines()][-lines:]

    def allowed(self, host: Host) -> bool:
        return host.may_write(self.place)

    def exposed(self, host: Host) -> str | None:  # noqa: ARG002  its command line was read when it was found
        return self._open_to_all

    def life(self, host: Host, service: Service) -> Life | Failure:
        inspected = self._inspect(host, self._id(service))
        return inspected if isinstance(inspected, Failure) else life(inspected)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        name = service.id if "/" in service.unit else service.unit  # compose's name is no container's
        rootless = ("-H", f"unix://{self.place}") if self.place not in SOCKETS else ()
        return ("docker", *rootless, "restart" if verb == "reload" else verb, name)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """304: it runs, or stands still, already. Docker answers a stop when all is over: ten seconds, usually."""
        act = "restart" if verb == "reload" else verb
        answer = self._ask(host, "POST", f"/containers/{self._id(service)}/{act}")
        return answer if isinstance(answer, Failure) else None

    def patience(self, host: Host, service: Service) -> float:
        inspected = self._inspect(host, self._id(service))
        settings = {} if isinstance(inspected, Failure) else table(inspected.get("Config"))
        return 20.0 + (float(number(settings.get("StopTimeout"))) or _STOP)

    def _id(self, service: Service) -> str:
        """The container's own; a name of compose's is looked up among the labels by nobody."""
        from urllib.parse import quote

        return quote(service.id or service.unit, safe="")

    def _inspect(self, host: Host, name: str) -> Mapping[str, Any] | Failure:
        """One container. Its environment is dropped here."""
        inspected = self._get(host, f"/containers/{name}/json")
        if isinstance(inspected, Failure):
            return inspected
        if not isinstance(inspected, dict) or not isinstance(inspected.get("State"), dict):
            return Failure("protocol", "the answer is not Docker's")
        return without_environment(inspected, self._keep_secret)

    def _get(self, host: Host, target: str) -> Any | Failure:
        answer = self._ask(host, "GET", target)
        return answer if isinstance(answer, Failure) else answer.json()

    def _ask(self, host: Host, method: str, target: str) -> Answer | Failure:
        asleep = None if self._awake else _asleep(host)
        if asleep is not None:
            return asleep
        self._awake = True
        url = f"http://docker{target}"
        if method == "POST":
            answer = host.post(url, b"", unix=self.place)
        else:
            answer = host.get(url, unix=self.place, max_body=_LARGEST)
        return answer if isinstance(answer, Failure) else _refusal(answer) or answer


def without_environment(inspected: dict[str, Any], keep_secret: Callable[[str], object]) -> dict[str, Any]:
    settings = table(inspected.get("Config"))
    given = settings.get("Env")
    pairs = [str(one).partition("=")[::2] for one in given] if isinstance(given, list) else []
    for secret in environment.secrets(pairs):
        keep_secret(secret)
    return {**inspected, "Config": {name: value for name, value in settings.items() if name != "Env"}}


def plain(stream: bytes) -> bytes:
    """What a container wrote. Without a terminal each piece has eight bytes before it: stream, 0, 0, 0, length."""
    pieces, at = [], 0
    while stream[at : at + 1] in (b"\0", b"\1", b"\2") and stream[at + 1 : at + 4] == b"\0\0\0":
        length = int.from_bytes(stream[at + 4 : at + 8], "big")
        pieces.append(stream[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(pieces) if pieces else stream


def _asleep(host: Host) -> Failure | None:
    """Where systemd listens for a dockerd that does not run, a question would start it."""
    if host.find(("dockerd",)) or isinstance(host.stat(IN_CHARGE), Failure):
        return None
    done = host.run(("systemctl", "show", "--no-pager", "-p", "ActiveState", "--", "docker.service"))
    if isinstance(done, Failure):
        return Failure("missing", "no dockerd is seen, and asking could start it")
    state = done.stdout.decode("utf-8", "replace").strip().partition("=")[2]
    if state in ("active", "reloading"):
        return None
    if state == "failed":
        return Failure("refused", "docker.service has failed")
    return Failure("missing", "dockerd is not running, and asking would start it")


def _refusal(answer: Answer) -> Failure | None:
    if answer.status < 400 and not answer.truncated:
        return None
    said = table(answer.json()).get("message")
    detail = one_line(str(said or f"HTTP {answer.status} {answer.reason}"), 300)
    return Failure("missing" if answer.status == 404 else "protocol" if answer.truncated else "error", detail)
