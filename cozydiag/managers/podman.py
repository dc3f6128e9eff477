"""podman (seen with 4.3.1): no daemon. Asked by its socket where its service runs, else by its own program.

Each user's containers are apart. Nothing is asked of a podman that has not run since the machine did: its first
command makes files and, without root, leaves a process behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean, one_line
from cozydiag.managers.containers import condition, life, number, table, unit_of
from cozydiag.managers.docker import without_environment
from cozydiag.managers.service import Condition, Home, Life, Service, Surroundings, Verb

RUNTIME: Final = "/run/libpod"
"""Where root's podman keeps what it knows until the machine stops."""

BOOT: Final = "/etc/systemd/system/default.target.wants/podman-restart.service"
"""What starts containers after a reboot (policy `always` only), where it is enabled."""

_LARGEST: Final = 8 << 20


def find(host: Host, around: Surroundings) -> tuple[Podman, ...]:
    """Root's, and every user's who has a storage of containers. The configuration may name users' homes and "/"."""
    program = around.programs.get("podman", "podman")
    found: dict[str | None, Podman] = {}
    if "/" in around.named or (around.discover and _exists(host, "/var/lib/containers/storage", "/run/podman")):
        socket = "/run/podman/podman.sock" if _serves(around, 0) else ""
        found[None] = Podman(program, socket=socket, keep_secret=around.keep_secret)
    for home in around.homes if around.discover else _named(host, around.named):
        named = home.folder in around.named
        if home.uid and (named or _exists(host, f"{home.folder}/.local/share/containers/storage")):
            socket = f"/run/user/{home.uid}/podman/podman.sock" if _serves(around, home.uid) else ""
            found[home.user] = Podman(program, home, socket, around.keep_secret)
    return tuple(found.values())


def _named(host: Host, folders: Sequence[str]) -> list[Home]:
    from cozydiag.managers.discovery import homes

    return [home for home in homes(host) if home.folder in folders]


def _exists(host: Host, *paths: str) -> bool:
    return any(not isinstance(host.stat(path), Failure) for path in paths)


def _serves(around: Surroundings, uid: int) -> bool:
    """`podman system service` runs; its socket alone would start it."""
    return any(one.uid == uid and one.cmdline[1:3] == ("system", "service") for one in around.processes)


class Podman:
    """The podman of root, or of the user whose ``home`` is given."""

    name = "podman"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(
        self,
        program: str = "podman",
        home: Home | None = None,
        socket: str = "",
        keep_secret: Callable[[str], object] = len,
    ) -> None:
        self.home = home
        self.user = home.user if home else None
        self.program = program
        self.socket = socket
        self.place = socket or (home.folder if home else "")
        self._keep_secret = keep_secret
        self._units: dict[str, str] = {}
        """The units of systemd that start and stop containers, by their ids."""

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """The list has no restarts and no policies, and shows `running` for what only crashes: all are inspected."""
        rows = self._list(host)
        if isinstance(rows, Failure) or not rows:
            return rows if isinstance(rows, Failure) else ()
        inspected = self._inspect(host, [str(row.get("Id", "")) for row in rows])
        if isinstance(inspected, Failure):
            return inspected
        now = host.clock.now()
        boots = not isinstance(host.stat(BOOT), Failure)
        found = [condition(one, self.name, self.user, now) for one in inspected]
        return tuple(self._boot(one, boots) for one in found)

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """A container's own two streams come as two of podman's; what they say last is on either."""
        done = self._run(host, "logs", "--tail", str(lines), "--", service.id or service.unit)
        if isinstance(done, Failure):
            return done
        return [clean(line) for line in done.splitlines()][-lines:]

    def allowed(self, host: Host) -> bool:
        return host.euid() in (0, self.home.uid if self.home else 0)

    def exposed(self, host: Host) -> None:  # noqa: ARG002  its service listens on a socket file, unless told otherwise
        return None

    def life(self, host: Host, service: Service) -> Life | Failure:
        """A unit makes its container anew at each start, with another id and the same name."""
        owned = service.id in self._units
        inspected = self._inspect(host, [service.unit if owned else service.id or service.unit])
        if not isinstance(inspected, Failure):
            if inspected:
                return life(inspected[0])
            inspected = Failure("missing", f"no container {service.unit}")
        return Life(False, 0, "not there", busy=True) if owned and inspected.kind == "missing" else inspected

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        act, unit = "restart" if verb == "reload" else verb, self._units.get(service.id)
        if unit is not None:
            return (*self._systemctl(as_root=True), act, unit)
        name = service.id if "/" in service.unit else service.unit
        return (*self._prefix(as_root=True), self.program, act, name)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """A container of a unit of systemd by that unit, which would start it again, or make it anew."""
        act = "restart" if verb == "reload" else verb
        inspected = self._inspect(host, [service.id or service.unit])
        if isinstance(inspected, Failure):
            return inspected
        unit = self._units.get(service.id)
        if unit is not None:
            return self._ask_unit(host, act, unit)
        done = self._run(host, act, "--", service.id or service.unit)
        return done if isinstance(done, Failure) else None

    def patience(self, host: Host, service: Service) -> float:
        inspected = self._inspect(host, [service.id or service.unit])
        settings = {} if isinstance(inspected, Failure) or not inspected else table(inspected[0].get("Config"))
        return 20.0 + float(number(settings.get("StopTimeout")) or 10)

    def _boot(self, found: Condition, enabled: bool) -> Condition:
        if found.boot is None or found.mode != "always":
            return found
        line = "" if enabled else "systemctl enable podman-restart.service"
        return found._replace(boot=enabled, boot_line=line)

    def _list(self, host: Host) -> list[Mapping[str, Any]] | Failure:
        rows = (
            self._get(host, "/containers/json?all=true")
            if self.socket
            else self._json(host, "ps", "-a", "--format=json")
        )
        if isinstance(rows, Failure):
            return rows
        if rows is not None and not isinstance(rows, list):
            return Failure("protocol", "the answer is not podman's")
        return [row for row in rows or [] if isinstance(row, dict) and row.get("Id") and not row.get("IsInfra")]

    def _inspect(self, host: Host, names: Sequence[str]) -> list[dict[str, Any]] | Failure:
        """Containers that are gone by now are left out; environments are dropped here."""
        if self.socket:
            found: Any = [self._get(host, f"/containers/{name}/json") for name in names]
            failure = next((one for one in found if isinstance(one, Failure) and one.kind != "missing"), None)
        else:
            found = self._json(host, "inspect", "--type", "container", "--", *names)
            failure = found if isinstance(found, Failure) else None
        if failure is not None:
            return failure
        if not isinstance(found, list):
            return Failure("protocol", "the answer is not podman's")
        whole = [one for one in found if isinstance(one, dict) and isinstance(one.get("State"), dict)]
        self._units |= {str(one.get("Id", ""))[:12]: unit for one in whole if (unit := unit_of(one))}
        return [without_environment(one, self._keep_secret) for one in whole]

    def _get(self, host: Host, target: str) -> Any | Failure:
        """`/v4.0.0/libpod`: what podman 4 and 5 both know."""
        answer = host.get(f"http://podman/v4.0.0/libpod{target}", unix=self.socket, max_body=_LARGEST)
        if isinstance(answer, Failure):
            return answer
        if answer.status >= 400 or answer.truncated:
            said = one_line(str(table(answer.json()).get("message") or f"HTTP {answer.status}"), 300)
            return Failure("missing" if answer.status == 404 else "error", said)
        return answer.json()

    def _json(self, host: Host, *arguments: str) -> Any | Failure:
        output = self._run(host, *arguments)
        if isinstance(output, Failure):
            return output
        try:
            return json.loads(output or b"[]")
        except (ValueError, RecursionError):
            return Failure("protocol", "the answer is not podman's")

    def _run(self, host: Host, *arguments: str) -> bytes | Failure:
        """What the program says. A list where some names are unknown is still a list: exit 125."""
        refused = self._refused(host)
        if refused is not None:
            return refused
        env = {"HOME": self.home.folder, "XDG_RUNTIME_DIR": self._runtime()} if self.home else {"HOME": "/root"}
        prefix = self._prefix(as_root=host.euid() == 0)
        done = host.run((*prefix, self.program, *arguments), max_output=_LARGEST, env=env)
        if isinstance(done, Failure):
            return done
        if done.code and not done.stdout.strip().startswith(b"[{"):
            said = one_line(done.stderr.strip().split(b"\n")[-1], 300).removeprefix("Error: ")
            return Failure("missing" if "no such" in said else "error", said or f"exit {done.code}")
        return done.stdout if arguments[0] != "logs" else done.stdout + done.stderr

    def _ask_unit(self, host: Host, act: str, unit: str) -> Failure | None:
        env = {"HOME": self.home.folder, "XDG_RUNTIME_DIR": self._runtime()} if self.home else None
        done = host.run((*self._systemctl(as_root=host.euid() == 0), "--no-block", act, unit), env=env)
        if isinstance(done, Failure):
            return done
        return Failure("error", one_line(done.stderr.strip().split(b"\n")[0], 300)) if done.code else None

    def _refused(self, host: Host) -> Failure | None:
        if not self.allowed(host):
            return Failure("permission", f"the containers of {self.user or 'root'} are its own")
        if self.home is None:
            asleep = isinstance(host.stat(RUNTIME), Failure)
        else:
            pid = host.pid_from_file(f"{self._runtime()}/libpod/tmp/pause.pid")
            asleep = pid is None or host.process(pid) is None
        return Failure("missing", "no container has run since the machine started") if asleep else None

    def _runtime(self) -> str:
        return f"/run/user/{self.home.uid}" if self.home else "/run"

    def _systemctl(self, *, as_root: bool) -> tuple[str, ...]:
        """That user's own systemd, which is found by its folder below /run."""
        if self.home is None:
            return ("systemctl",)
        place = ("env", f"XDG_RUNTIME_DIR={self._runtime()}") if as_root else ()
        return (*self._prefix(as_root=as_root), *place, "systemctl", "--user")

    def _prefix(self, *, as_root: bool) -> tuple[str, ...]:
        return ("runuser", "-u", self.home.user, "--") if self.home and as_root else ()
