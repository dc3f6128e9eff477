"""A service, its condition in one vocabulary for all tools, and the tool that owns it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from cozydiag.host import Host
from cozydiag.host.failure import Failure


class Service(NamedTuple):
    """What can be started and stopped. ``place`` is where it answers, when that is known."""

    manager: str
    unit: str
    role: str | None = None
    place: tuple[str, int] | None = None
    user: str | None = None
    """Whose manager it is, where users have their own (PM2, forever, podman, `systemctl --user`)."""

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
    STOPPED = "stopped"  # and it was meant to be, unless `wanted`
    FAILED = "failed"
    FINISHED = "finished"  # it had one thing to do and did it
    HUNG = "hung"
    DISABLED = "disabled"  # masked, disabled: not to be started
    UNKNOWN = "unknown"
    NO_PERMISSION = "no-permission"

    __str__ = str.__str__


class Condition(NamedTuple):
    """What a manager says of one service at one moment. Times are epoch seconds.

    ``id`` is what acts are addressed by (names can be ambiguous). ``wanted`` is None where nobody can tell.
    ``instances`` counts (running, wanted). ``restarts`` is the manager's own counter, None where it keeps none.
    ``why`` is the line that says why it died, ``words`` the manager's own state. ``boot``: it comes back after a
    reboot. ``start_line``: the whole command that would start it, where the manager has lost it from its list.
    """

    service: Service
    state: State
    id: str = ""
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
    start_line: str = ""

    @property
    def subject(self) -> str:
        return self.service.address

    @property
    def role(self) -> str | None:
        return self.service.role


class Life(NamedTuple):
    """Whether a service runs at this moment, as which process (0: unknown or none), in its manager's words.

    ``busy``: it is on its way up or down, and its manager will say more soon.
    """

    running: bool
    pid: int
    words: str
    busy: bool = False


class Manager(Protocol):
    """The tool that owns a service. What it says of its own success is never believed: `life` is.

    Looking never starts anything, and each call ends within the time of its host view.
    """

    def life(self, host: Host, service: Service) -> Life | Failure:
        """The state now."""

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        """What a person would type, as argv. ``verb`` is start, stop, restart or reload (graceful where it can be)."""

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """Ask for it. None: the manager has taken the request."""

    def patience(self, host: Host, service: Service) -> float:
        """Seconds that a start or restart may take by the manager's own settings."""
