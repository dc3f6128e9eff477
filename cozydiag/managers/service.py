"""A service and the tool that owns it, as far as starting and stopping goes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cozydiag.host import Host
from cozydiag.host.failure import Failure


class Service(NamedTuple):
    """What can be started and stopped. ``place`` is where it answers, when that is known."""

    manager: str
    unit: str
    role: str | None = None
    place: tuple[str, int] | None = None

    @property
    def address(self) -> str:
        """`manager:name`, as people and JSON name it."""
        return f"{self.manager}:{self.unit}"


class Life(NamedTuple):
    """Whether a service runs at this moment, as which process (0: unknown or none), in its manager's words.

    ``busy``: it is on its way up or down, and its manager will say more soon.
    """

    running: bool
    pid: int
    words: str
    busy: bool = False


class Manager(Protocol):
    """The tool that owns a service. What it says of its own success is never believed: `life` is."""

    def life(self, host: Host, service: Service) -> Life | Failure:
        """The state now."""

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        """What a person would type, as argv. ``verb`` is start, restart or reload."""

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """Ask for it. None: the manager has taken the request."""

    def patience(self, host: Host, service: Service) -> float:
        """Seconds that a start or restart may take by the manager's own settings."""
