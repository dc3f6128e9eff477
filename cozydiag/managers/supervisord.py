"""supervisord, asked over its unix socket (`supervisor/rpcinterface.py`, seen with 4.2.5 and 4.3.0)."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cozydiag.host import Host, logs
from cozydiag.host.failure import Failure
from cozydiag.managers import xmlrpc

if TYPE_CHECKING:
    from cozydiag.managers.supervisord_login import Login

STATES = {
    "STOPPED": 0, "STARTING": 10, "RUNNING": 20, "BACKOFF": 30, "STOPPING": 40, "EXITED": 100, "FATAL": 200,
    "UNKNOWN": 1000,
}  # fmt: skip
"""`supervisor/states.py ProcessStates`"""
STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, UNKNOWN = STATES.values()

SOCKETS = (
    "/run/supervisor.sock",
    "/var/run/supervisor.sock",
    "/run/supervisor/supervisor.sock",
    "/tmp/supervisor.sock",  # noqa: S108  supervisord's own default
)
PACKAGED = SOCKETS[:3]
"""Those of the packages of distributions, which start their supervisord with the machine."""

CONFIGURATIONS = ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf")


def socket(host: Host) -> str:
    """The first usual socket that exists, else where the usual file has it, else the usual one."""
    found = next((path for path in SOCKETS if not isinstance(host.stat(path), Failure)), "")
    file = next((path for path in CONFIGURATIONS if not found and not isinstance(host.stat(path), Failure)), None)
    if file is not None:
        from cozydiag.managers import supervisord_file

        settings = supervisord_file.read(host, file)
        found = settings.socket if settings else ""
    return found or SOCKETS[0]


def door(place: str, conf: str | None, keep_secret: Callable[[str], object]) -> xmlrpc.Door:
    """``place`` with what opens it where it asks for a password, from ``conf`` or whichever file it has."""
    if isinstance(place, xmlrpc.Door):
        return place

    def key(host: Host) -> "Login | Failure":
        from cozydiag.managers import supervisord_login

        return supervisord_login.find(host, place, conf, keep_secret)

    return xmlrpc.Door(place, key)


class Program(NamedTuple):
    """One process of supervisord. Times are epoch seconds by the daemon's clock; ``pid`` is 0 when none."""

    name: str  # as supervisorctl takes it: NAME, or GROUP:NAME
    state: int
    statename: str
    pid: int
    start: float
    stop: float
    now: float
    spawnerr: str
    exitstatus: int
    autostart: bool
    startsecs: int
    exitcodes: tuple[int, ...]
    logs_to_stdout: bool
    logs: tuple[str, ...] = ()  # the files that hold what it writes
    role: str | None = None

    @property
    def subject(self) -> str:
        return self.name

    @property
    def wanted(self) -> bool:
        """It should run: it starts by itself, or somebody started it."""
        return self.autostart or self.start > 0

    @property
    def age(self) -> float:
        """Seconds since its last start."""
        return max(0.0, self.now - self.start)

    @property
    def service(self) -> str:
        return f"supervisord:{self.name}"


_YOUNG = 30
"""Seconds; what has run for less may be in a crash loop."""


def _slow(host: Host, socket: str, late: Failure) -> Failure:
    """It sends 4 KiB a round of its own, and with a thousand programs each round takes 5 ms (seen with 4.3.0): one that
    answers a short question is not hung."""
    if isinstance(xmlrpc.call(host, socket, "supervisor.getPID"), int):
        return Failure("slow", "its list of programs takes too long")
    return late


class Snapshot(NamedTuple):
    """What supervisord says at one moment."""

    programs: tuple[Program, ...]

    def program(self, name: str) -> Program | None:
        return next((program for program in self.programs if program.name == name), None)


def look(host: Host, socket: str, *, whole: bool = False) -> Snapshot | Failure:
    """All programs in one round trip. Their settings (`autostart`, `startsecs`, `exitcodes`, where they log) say
    nothing of what has run for a while: they are asked for only where something has not, or the ``whole`` is wanted."""
    view = host.within(host.deadline.remaining() * 0.9, host.instance)
    infos = xmlrpc.rows(view, socket, "supervisor.getAllProcessInfo")
    host.evidence.extend(view.evidence)
    if isinstance(infos, Failure):
        return _slow(host, socket, infos) if infos.kind == "timeout" else infos
    if isinstance(infos, xmlrpc.Fault):
        return Failure("error", infos.text)
    try:
        configs: Any = ()
        if whole or any(int(info["state"]) != RUNNING or info["now"] - info["start"] < _YOUNG for info in infos):
            configs = xmlrpc.call(host, socket, "supervisor.getAllConfigInfo")
        if isinstance(configs, Failure):
            return configs
        known = {} if isinstance(configs, xmlrpc.Fault) else {(c["group"], c["name"]): c for c in configs}
        return Snapshot(tuple(_program(info, known.get((info["group"], info["name"]), {})) for info in infos))
    except (KeyError, TypeError, ValueError):
        return Failure("protocol", "the answer is not supervisord's")


def _program(info: dict[str, Any], config: dict[str, Any]) -> Program:
    name, group = str(info["name"]), str(info["group"])
    exitcodes = config.get("exitcodes", [0])
    return Program(
        name if name == group else f"{group}:{name}",
        int(info["state"]),
        str(info["statename"]),
        int(info["pid"]),
        float(info["start"]),
        float(info["stop"]),
        float(info["now"]),
        str(info["spawnerr"]),
        int(info["exitstatus"]),
        bool(config.get("autostart", True)),
        int(config.get("startsecs", 1)),
        tuple(exitcodes) if isinstance(exitcodes, list) else (0,),
        bool(config.get("redirect_stderr", False)),
        tuple(path for key in _FILES if (path := str(info.get(key, ""))).startswith("/")),
    )


_FILES = ("stderr_logfile", "stdout_logfile")

REACH = 1 << 13
"""Bytes of a running program's log that are looked at."""


def loud_end(host: Host, program: Program, path: str) -> bytes | Failure:
    """The end of one of its logs where words of trouble were written lately; b"" where it is calm, which mostly costs
    one `stat`."""
    state = host.stat(path)
    if isinstance(state, Failure):
        return state
    if state.st_mtime < logs.lately(host.clock.now(), program.start):
        return b""
    content = host.end(path, REACH)
    return content if isinstance(content, Failure) or logs.is_loud(content) else b""


def log_tail(host: Host, socket: str, program: Program, size: int = 4000) -> list[str]:
    """The last lines that ``program`` wrote to stderr (or to its only log), newest last; [] when unreadable.

    Through the socket, because /var/log/supervisor is closed to everyone but root.
    """
    from cozydiag.host.logs import clean

    order = ("Stdout", "Stderr") if program.logs_to_stdout else ("Stderr", "Stdout")
    for channel in order:
        text = xmlrpc.call(host, socket, f"supervisor.readProcess{channel}Log", program.name, -size, 0)
        if isinstance(text, str) and text.strip():
            return [clean(line) for line in text.splitlines() if line.strip()]
    return []


class Exit(NamedTuple):
    """One exit that supervisord did not expect."""

    name: str
    at: float


def unexpected_exits(host: Host, socket: str, since: float) -> list[Exit]:
    """Exits after ``since`` from supervisord's own log: it keeps no counter of restarts. Only of its present life."""
    text = xmlrpc.call(host, socket, "supervisor.readLog", -65536, 0)
    if not isinstance(text, str):
        return []
    exits: list[Exit] = []
    for line in text.splitlines():
        if "supervisord started with pid" in line:
            exits.clear()
        head, found, rest = line.partition(" exited: ")
        if found and rest.endswith("; not expected)"):
            at = _timestamp(head)
            if at >= since:
                exits.append(Exit(rest.partition(" (")[0], at))
    return exits


def _timestamp(head: str) -> float:
    """`2026-11-21 08:10:12,123 WARN` in local time; 0.0 where the line does not begin so."""
    try:
        year, month, day = map(int, head[:10].split("-"))
        hour, minute, second = map(int, head[11:19].split(":"))
        return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0
