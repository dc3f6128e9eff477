"""What kind of server this is: which stacks are here, by which signs, and where they answer."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cozydiag.model import Evidence

Kind = Literal["v2", "v3", "generic"]

USUAL = "usual"
"""The origin of an address that nothing told: programs have it when nobody says otherwise."""


class Place(NamedTuple):
    """Where a role answers. ``url`` is "" where it has no address that can be reached from here; ``origin`` is the
    file and line, the unit, the process or the container that told it."""

    role: str
    url: str
    origin: str


class Held(NamedTuple):
    """A container that plays a role. ``address`` is its manager's name of it (`docker:cozy/stack`), ``health`` healthy,
    unhealthy, starting or "" where nobody looks; ``running`` by its manager."""

    address: str
    running: bool
    health: str = ""


class Flavour(NamedTuple):
    """One stack. ``name`` tells several apart; ``way`` is how it was installed or runs (`systemd`, `supervisord`,
    `docker`), ``evidence`` what gave it away."""

    kind: Kind
    name: str
    way: str
    places: tuple[Place, ...]
    evidence: tuple[Evidence, ...]
    container: Held | None = None

    @property
    def subject(self) -> str:
        return self.name

    @property
    def role(self) -> str:
        """What the checks of it look at."""
        return "cozy.stack" if self.kind == "v3" else "cozy.proxy"

    def place(self, role: str) -> Place | None:
        return next((one for one in self.places if one.role == role), None)
