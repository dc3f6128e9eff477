"""A service, its condition in one vocabulary for all tools, and the tool that owns it."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, Literal, NamedTuple, Protocol

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process

Verb = Literal["start", "stop", "restart", "reload"]

FAR: Final = ("cloudfoundry",)
"""Managers on other machines."""

VERBS: Final[tuple[Verb, ...]] = ("start", "stop", "restart", "reload")


class Service(NamedTuple):
    """What can be started and stopped. ``place`` is where it answers, when that is known.

    ``id`` is what acts are addressed by where names can be ambiguous (PM2's pm_id, forever's uid); "" means ``unit``.
    """

    manager: str
    unit: str
    role: str | None = None
    place: tuple[str, int] | None = None
    user: str | None = None
    """Whose manager it is, where users have their own (PM2, forever, podman, `systemctl --user`)."""
    id: str = ""

    @property
    def address(self) -> str:
        """`manager[@user]:name`, as people and JSON name it."""
        owner = f"{self.manager}@{self.user}" if self.user else self.manager
        return f"{owner}:{self.unit}"


class State(str, Enum):
    """The one vocabulary. Each manager maps its own words to it, once, in its own file."""

    RUNNING = "running"
    DEGRADED = "degraded"  # some of its instances run, not all that are wanted
    STARTING = "starting"
    CRASH_LOOPING = "crash-looping"
    STOPPING = "stopping"  # its manager is ending it; its process may still live
    STOPPED = "stopped"  # and it was meant to be, unless `wanted`
    FAILED = "failed"
    FINISHED = "finished"  # it had one thing to do and did it
    HUNG = "hung"
    DISABLED = "disabled"  # masked, disabled: not to be started
    UNKNOWN = "unknown"
    NO_PERMISSION = "no-permission"

    __str__ = str.__str__


class Container(NamedTuple):
    """What the engine of a container says of the way to it. ``program`` is the last word of its image, ``addresses``
    its own, ``exposed`` the TCP ports that it has, ``published`` (its port, address here, port here). ``health`` is
    healthy, unhealthy, starting, or "" where nobody looks; ``volumes`` (folder inside, name of the volume or folder
    outside, whether somebody gave it that name)."""

    image: str
    program: str
    addresses: tuple[str, ...] = ()
    exposed: tuple[int, ...] = ()
    published: tuple[tuple[int, str, int], ...] = ()
    health: str = ""
    volumes: tuple[tuple[str, str, bool], ...] = ()


class Condition(NamedTuple):
    """What a manager says of one service at one moment. Times are epoch seconds.

    ``wanted``: it should run; None where nobody can tell. ``mode`` is the manager's own word (`fork`, `cluster`,
    `oneshot`). ``instances`` counts (running, wanted). ``since``: in this state. ``restarts`` is the manager's own
    counter, None where it keeps none. ``why`` is the line that says why it died, ``words`` the manager's own state.
    ``watch``: it is restarted whenever its files change. ``boot``: it comes back after a reboot; ``boot_line`` is the
    command that would see to it. ``start_line``: the whole command that would start it (path, folder, user), where
    the manager has lost it from its list. ``hopeless``: a restart would meet the same fault (no program, no folder, no
    user, a broken unit). ``command``: the whole command line that would start it anew. ``owner`` is the address of the
    service that really starts and stops it, where that is another manager's (`systemd:container-couchdb.service`).
    ``invocation`` is another one after each start, "" where its manager gives none.
    """

    service: Service
    state: State
    mode: str = ""
    wanted: bool | None = None
    instances: tuple[int, int] = (1, 1)
    since: float | None = None
    pids: tuple[int, ...] = ()
    restarts: int | None = None
    exit_code: int | None = None
    why: str = ""
    words: str = ""
    watch: bool = False
    boot: bool | None = None
    boot_line: str = ""
    start_line: str = ""
    hopeless: bool = False
    owner: str = ""
    command: str = ""
    container: Container | None = None
    invocation: str = ""

    @property
    def subject(self) -> str:
        return self.service.address

    @property
    def patient(self) -> bool:
        """Whether looks at it go to another machine, and may take as long."""
        return self.service.manager in FAR

    @property
    def role(self) -> str | None:
        return self.service.role


class Life(NamedTuple):
    """Whether a service runs at this moment, as which process (0: unknown or none), in its manager's words.

    ``busy``: it is on its way up or down, and its manager will say more soon. ``invocation`` is another one after each
    start, "" where its manager gives none.
    """

    running: bool
    pid: int
    words: str
    busy: bool = False
    invocation: str = ""

    def is_another(self, before: "Life") -> bool:
        """Whether it was started anew since ``before``, as far as that can be told: who has no main process that is
        known may still have an invocation, and a process that replaces itself was not started anew."""
        if self.invocation and before.invocation:
            return self.invocation != before.invocation
        return self.pid != before.pid or not self.pid


class Manager(Protocol):
    """The tool that owns services: one daemon, or one user's daemon. What it says of its own success is never
    believed: `life` is.

    Looking never starts anything (no daemon, no socket-activated service), and each call ends within the time of its
    host view. Environments of processes are dropped at once. Usual failures are values; "no permission" is
    ``Failure("permission", …)`` and never an empty list.
    """

    @property
    def name(self) -> str:
        """The kind, as in addresses: `systemd`, `pm2`, `docker` ..."""

    @property
    def user(self) -> str | None:
        """Whose it is, where users have their own and it is not the system's."""

    @property
    def place(self) -> str:
        """Where it is asked: its socket, its home folder, its URL; "" for the machine's own."""

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What it can be asked for; `reload` only where the tool has one (a graceful restart counts)."""

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """All that it owns, in one round trip. A Failure when it cannot be asked."""

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """The last ``lines`` lines that the service wrote, newest last, cleaned (`host.logs.clean`)."""

    def allowed(self, host: Host) -> bool:
        """Whether this user may start and stop its services."""

    def exposed(self, host: Host) -> str | None:
        """The address where anybody gives it orders without a password (`*:8701`); None when there is none."""

    def life(self, host: Host, service: Service) -> Life | Failure:
        """The state of one service now."""

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        """What a person would type, as argv. ``verb`` is start, stop, restart or reload (graceful where it can be)."""

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """Ask for it. None: the manager has taken the request."""

    def patience(self, host: Host, service: Service) -> float:
        """Seconds that a start, stop or restart may take by the manager's own settings."""


class Home(NamedTuple):
    """A user's home folder, as /etc/passwd has it."""

    user: str
    uid: int
    folder: str


class Surroundings(NamedTuple):
    """What the search for managers starts from: each kind's module has a function
    `find(host, around) -> tuple[Manager, ...]` that looks at files, sockets and these processes only, and gives every
    manager of its kind that is here, also those that do not answer or that this user may not ask.

    ``named`` is what the configuration says of the kind (`[managers]`: sockets, home folders or URLs; for systemd and
    sysv units), () when nothing. Without ``discover`` only that counts, and there are no ``processes`` and ``homes``.
    ``programs`` are the configured paths of programs, ``conf`` that of the main supervisord's own file. ``remembered``
    gives the homes of PM2 that were seen before. ``keep_secret`` takes what was read and must be in no output.
    """

    discover: bool = True
    named: tuple[str, ...] = ()
    processes: tuple[Process, ...] = ()
    homes: tuple[Home, ...] = ()
    programs: Mapping[str, str] = {}
    keep_secret: Callable[[str], object] = len
    conf: str | None = None
    remembered: Callable[[], tuple[str, ...]] = tuple
