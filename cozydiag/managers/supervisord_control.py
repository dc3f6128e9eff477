"""Starting and stopping programs of supervisord, over its socket (`supervisor/rpcinterface.py`)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord, xmlrpc
from cozydiag.managers.service import Condition, Life, Service, State, Surroundings, Verb
from cozydiag.managers.supervisord import Program

if TYPE_CHECKING:
    from cozydiag.managers.supervisord_file import Settings

RECENT = 600.0
"""Seconds."""

LOOP = 3
"""So many unexpected exits within RECENT make a crash loop."""

_GONE = (supervisord.STOPPED, supervisord.EXITED, supervisord.FATAL)
_BUSY = (supervisord.STARTING, supervisord.STOPPING, supervisord.BACKOFF)
_NOT_RUNNING, _ALREADY_STARTED = 70, 60  # `supervisor/xmlrpc.py Faults`


_STATES = {
    supervisord.STOPPED: State.STOPPED,
    supervisord.STARTING: State.STARTING,
    supervisord.RUNNING: State.RUNNING,
    supervisord.BACKOFF: State.CRASH_LOOPING,  # it has ended during its start, and is tried again
    supervisord.STOPPING: State.STOPPING,
    supervisord.FATAL: State.FAILED,
}


def find(host: Host, around: Surroundings) -> tuple[Supervisord, ...]:
    """The configured ones first, then those that run, then the one that is installed. Each socket once."""
    program = around.programs.get("supervisorctl", "supervisorctl")

    def command(socket: str) -> tuple[str, ...]:
        url = socket if socket.startswith("http://") else f"unix://{socket}"
        return (program,) if socket in supervisord.SOCKETS else (program, "-s", url)

    found = {
        socket: Supervisord(supervisord.door(socket, None, around.keep_secret), command(socket))
        for socket in around.named
    }
    for main in around.named[:1]:
        found[main].conf = around.conf or (supervisord.CONFIGURATIONS[0] if main in supervisord.SOCKETS else None)
    if not around.discover:
        return tuple(found.values())
    from cozydiag.managers import supervisord_file

    users = {home.uid: home.user for home in around.homes}
    files: list[tuple[str | None, str | None]] = [
        (supervisord_file.of_process(host, one.cmdline), users.get(one.uid, str(one.uid)) if one.uid else None)
        for one in around.processes
        if supervisord_file.is_one(one)
    ]
    if not files and not found:
        here = (file for file in supervisord.CONFIGURATIONS if not isinstance(host.stat(file), Failure))
        files.extend((file, None) for file in [*here][:1])
    for file, user in files:
        settings = supervisord_file.read(host, file) if file else None
        socket = _present(host, settings.socket) if settings else supervisord.socket(host)
        if socket in found:
            found[socket].settings = settings
        elif socket:
            taken = any(other.user == user for other in found.values())
            place = supervisord.door(socket, file, around.keep_secret)
            found[socket] = Supervisord(place, command(socket), socket if taken else user, settings)
    return tuple(found.values())


def _present(host: Host, socket: str) -> str:
    """Debian's file says /var/run, which is another name of /run: one socket is one supervisord."""
    if not socket.startswith("/var/run/"):
        return socket
    shorter = socket.removeprefix("/var")
    return socket if isinstance(host.stat(shorter), Failure) else shorter


class Supervisord:
    """One supervisord, known by its socket, which is its ``place``."""

    name = "supervisord"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(
        self,
        socket: str,
        supervisorctl: tuple[str, ...] = ("supervisorctl",),
        user: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """``user``: whose it is, or its socket where one user has two."""
        self.socket = self.place = socket
        self.supervisorctl = supervisorctl
        self.user = user
        self.settings = settings
        self.conf: str | None = None
        """Its own file, where that is known and was not read."""

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """Its log of the day counts the restarts: supervisord itself keeps no counter."""
        seen = supervisord.look(host, self.socket, whole=True)
        if isinstance(seen, Failure):
            return seen
        exits: dict[str, list[float]] = {}
        for one in supervisord.unexpected_exits(host, self.socket, 0.0):
            exits.setdefault(one.name, []).append(one.at)
        starts = _starts_with_the_machine(host, self.socket)
        names = ((one, one.name.rpartition(":")[2]) for one in seen.programs)
        return tuple(self._condition(one, exits.get(name, []), starts) for one, name in names)

    def _condition(self, program: Program, exits: list[float], starts: bool | None) -> Condition:
        """One program in the house's words; ``starts``: supervisord itself starts with the machine."""
        expected = program.exitstatus in program.exitcodes
        state = _STATES.get(program.state, State.UNKNOWN)
        if program.state == supervisord.EXITED:
            state = State.FINISHED if expected else State.FAILED
        if program.state in (supervisord.RUNNING, supervisord.STARTING) and _loops(program, exits):
            state = State.CRASH_LOOPING
        return Condition(
            Service("supervisord", program.name, program.role, None, self.user),
            state,
            wanted=program.wanted and state not in (State.STOPPED, State.STOPPING),
            instances=(int(state is State.RUNNING), 1),
            since=(program.start if program.pid else program.stop) or None,
            pids=(program.pid,) if program.pid else (),
            restarts=len(exits),
            exit_code=None if program.pid or not program.stop else program.exitstatus,
            why=program.spawnerr,
            words=program.statename,
            boot=program.autostart and starts,
            boot_line=_missing(program, starts),
        )

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        program = self._program(host, service)
        if isinstance(program, Failure):
            return program
        return supervisord.log_tail(host, self.socket, program, 200 * lines)[-lines:]

    def allowed(self, host: Host) -> bool:
        closed = isinstance(self.socket, xmlrpc.Door) and self.socket.closed
        return not closed and (self.socket.startswith("http://") or host.may_write(self.socket))

    def exposed(self, host: Host) -> str | None:
        """Its HTTP server, where its file asks for no password."""
        if self.settings is None and self.conf and b"[inet_http_server]" in _content(host, self.conf):
            from cozydiag.managers import supervisord_file

            self.settings = supervisord_file.read(host, self.conf)
        return self.settings.open_to_all if self.settings else None

    def life(self, host: Host, service: Service) -> Life | Failure:
        program = self._program(host, service)
        if isinstance(program, Failure):
            return program
        running = program.state == supervisord.RUNNING
        return Life(running, program.pid, program.statename, program.state in _BUSY)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return (*self.supervisorctl, "restart" if verb == "reload" else verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """A restart is a stop, awaited, and a start: supervisord has no restart of its own."""
        if verb != "start":
            failure = self._stop(host, service)
            if failure is not None or verb == "stop":
                return failure
        answer = xmlrpc.call(host, self.socket, "supervisor.startProcess", service.unit, False)
        return _refusal(answer, but=_ALREADY_STARTED)

    def patience(self, host: Host, service: Service) -> float:
        """`stopwaitsecs` until supervisord kills, `startsecs` until it calls a start a success."""
        configs = xmlrpc.call(host, self.socket, "supervisor.getAllConfigInfo")
        if isinstance(configs, list):
            group, _, name = service.unit.rpartition(":")
            for config in configs:
                if (config.get("group"), config.get("name")) == (group or name, name):
                    return 5.0 + float(config.get("stopwaitsecs", 10)) + float(config.get("startsecs", 1))
        return 20.0

    def _program(self, host: Host, service: Service) -> supervisord.Program | Failure:
        seen = supervisord.look(host, self.socket)
        if isinstance(seen, Failure):
            return seen
        return seen.program(service.unit) or Failure("missing", f"supervisord has no program {service.unit}")

    def _stop(self, host: Host, service: Service) -> Failure | None:
        """Ask for the end and wait for it: supervisord itself kills what does not end after stopwaitsecs."""
        refused = _refusal(
            xmlrpc.call(host, self.socket, "supervisor.stopProcess", service.unit, False), but=_NOT_RUNNING
        )
        if refused is not None:
            return refused
        while host.deadline.remaining() > 0:
            program = self._program(host, service)
            if isinstance(program, Failure):
                return program
            if program.state in _GONE:
                return None
            host.clock.sleep(0.1)
        return Failure("timeout", f"{service.unit} does not stop")


_AT_BOOT = (
    "/etc/systemd/system/multi-user.target.wants/supervisor.service",
    "/etc/systemd/system/multi-user.target.wants/supervisord.service",
    "/etc/rc2.d/S01supervisor",
)
"""What Debian's and Fedora's packages leave when they are enabled."""


def _starts_with_the_machine(host: Host, socket: str) -> bool | None:
    """None for one that nobody's package has installed: it may be started by anything."""
    if socket not in supervisord.PACKAGED:
        return None
    return any(not isinstance(host.stat(path), Failure) for path in _AT_BOOT)


def _missing(program: Program, starts: bool | None) -> str:
    """What is to be done for it to come back."""
    if not program.autostart:
        return f"autostart=true in [program:{program.name.partition(':')[0]}]"
    return "systemctl enable supervisor" if starts is False else ""


def _content(host: Host, path: str) -> bytes:
    content = host.read(path)
    return b"" if isinstance(content, Failure) else content


def _refusal(answer: object, but: int) -> Failure | None:
    if isinstance(answer, Failure):
        return answer
    if isinstance(answer, xmlrpc.Fault) and answer.code != but:
        return Failure("error", answer.text)
    return None


def _loops(program: Program, exits: list[float]) -> bool:
    """It has crashed again and again within the last ten minutes, and has not lived twice as long since."""
    recent = [at for at in exits if program.now - at < RECENT]
    gaps = [later - earlier for earlier, later in pairwise(recent)]
    return len(recent) >= LOOP and program.age <= 2 * max(gaps) + 1
