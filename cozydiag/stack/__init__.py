"""What this server is made of: configuration, and sources that are asked at most once a run.

A source gives items for checks with ``each``, and gaps: what it could not see, as UNKNOWN findings.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from cozydiag.config import Config, secrets
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord
from cozydiag.managers.service import FAR, Condition, Manager
from cozydiag.managers.supervisord import Snapshot
from cozydiag.masking import Masks
from cozydiag.model import Evidence, Finding
from cozydiag.stack import ownership

if TYPE_CHECKING:
    from cozydiag.couchdb import Reply
    from cozydiag.cozy.flavour import Flavour

T = TypeVar("T")

ROLES: Final[Mapping[str, str]] = {
    "proxy": "nginx",
    "supervisor": "supervisord",
    "couchdb": "CouchDB",
    "cozy.controller": "controller",
    "cozy.data-system": "data-system",
    "cozy.home": "home",
    "cozy.proxy": "proxy",
    "cozy.stack": "cozy-stack",
    "cozy.indexer": "indexer",
    "host": "host",
    "mail": "MTA",
    "name": "DNS",
}
"""Roles and the names that people know them by; names of programs are not translated."""

CHAIN = ("proxy", "cozy.stack", "cozy.proxy", "cozy.home", "cozy.data-system", "couchdb")
"""What a request passes, from the outside in."""

_EVERYBODY = frozenset({"admin", "administrator", "couchdb", "cozy", "root", "user"})
"""Users that tell nothing, in whose place no stand-in may make a text unreadable."""

_TRACES: Final[Mapping[str, tuple[str, ...]]] = {
    "couchdb": ("/opt/couchdb", "/etc/couchdb", "/usr/local/etc/couchdb", "/var/lib/couchdb", "/etc/cozy"),
    "cozy": ("/etc/cozy/couchdb.login", "/etc/cozy/controller.json", "/etc/cozy/stack.token", "/usr/local/cozy"),
}
"""What an installation leaves on the disk (cozy-debian, cozy-setup fabfile, couchdb-pkg)."""


ELSEWHERE = "elsewhere"
"""The origin of a site on another machine."""


class Site(NamedTuple):
    """One address that people type. ``address`` is where to connect to, ``origin`` where it was read. ``ours``: a Cozy
    is meant to be behind it, with all that it needs; else another program, of which only the way is looked at."""

    url: str
    host: str
    address: tuple[str, int]
    tls: bool
    origin: str
    role: str = "proxy"
    ours: bool = True

    @property
    def subject(self) -> str:
        return self.host

    @property
    def far_away(self) -> bool:
        """It is on another machine, of which nothing else can be seen."""
        return self.origin == ELSEWHERE

    @property
    def patient(self) -> bool:
        """Whether a look at it may take as long as one at another machine: over TLS, or because it is one."""
        return self.tls or self.far_away


class Mount(NamedTuple):
    """A file system that holds something that matters. ``path`` is that something."""

    path: str
    mount: str

    @property
    def subject(self) -> str:
        return self.mount


class Part(NamedTuple):
    """A part of the app stack at its own address."""

    name: str
    role: str
    url: str
    address: tuple[str, int]


class Items(NamedTuple):
    """What a source found, and what it could not see."""

    items: tuple[Any, ...] = ()
    gaps: tuple[Finding, ...] = ()


class Stack:
    """The configuration and the lazy sources. Shared by all checks of a run; safe in threads."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.second_look = False
        self.refusal: Reply | None = None
        """How CouchDB refused the login. Nobody tries again then: five failures lock the account."""
        self.refusals: dict[tuple[Any, ...], Reply] = {}
        """The same of every login that was ever refused, by the mark of its credentials (`couchdb.memory`)."""
        self.may_log_in = True
        """Whether a refusal could be remembered for the next run; without that no login is tried at CouchDB."""
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._values: dict[str, tuple[Any, tuple[Evidence, ...]]] = {}
        self._secrets = [*secrets(config)]

    def once(self, key: str, host: Host, make: Callable[[Host], T]) -> T:
        """``make(host)``, at most once a run. Whoever asks later gets the value and its evidence."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._values:
                seen = len(host.evidence)
                value = make(host)
                self._values[key] = (value, tuple(host.evidence[seen:]))
            else:
                host.evidence.extend(self._values[key][1])
            return self._values[key][0]  # type: ignore[no-any-return]

    # -- secrets -------------------------------------------------------------------------------------

    def keep_secret(self, *words: str) -> None:
        """What was read and must be in no output. Whoever reads a secret gives it here before anything else."""
        with self._guard:
            self._secrets += [word for word in words if word]

    def masks(self) -> Masks:
        """What hides all that is secret by now. The user of a configured address is a name, not a secret, and hidden
        unless it is a word of every second sentence."""
        user = self.config.couchdb.user
        names = [user.reveal()] if user and user.reveal().lower() not in _EVERYBODY else []
        with self._guard:
            return Masks(self._secrets, names)

    # -- the supervisor ------------------------------------------------------------------------------

    def socket(self, host: Host) -> str:
        """The socket of supervisord: as configured, else the first usual one that exists, else the usual one; it
        knows its password where one is asked for."""
        return self.once("socket", host, self._socket)

    def _socket(self, host: Host) -> str:
        own = self.config.supervisord
        found = own.socket or supervisord.socket(host.within(host.deadline.remaining(), host.instance))
        return supervisord.door(found, own.conf, self.keep_secret)

    def supervisor(self, host: Host) -> Snapshot | Failure:
        """What supervisord says, with each program bound to its role."""
        return self.once("supervisor", host, self._look)

    def supervisor_again(self, host: Host) -> Snapshot | Failure:
        """A second sample, ``timing.second_look`` seconds after the first, for what cannot be judged from one."""

        def make(host: Host) -> Snapshot | Failure:
            self.second_look = True
            host.clock.sleep(min(self.config.timing.second_look, host.deadline.remaining()))
            return self._look(host)

        return self.once("supervisor again", host, make)

    def _look(self, host: Host) -> Snapshot | Failure:
        seen = supervisord.look(host, self.socket(host))
        if isinstance(seen, Failure):
            return seen
        return Snapshot(tuple(p._replace(role=self.role_of_program(p.name)) for p in seen.programs))

    def unexpected_exits(self, host: Host) -> list[supervisord.Exit]:
        """Exits of the last ten minutes that supervisord did not expect."""
        since = host.clock.now() - 600
        return self.once("exits", host, lambda host: supervisord.unexpected_exits(host, self.socket(host), since))

    # -- all managers ---------------------------------------------------------------------------------

    def managers(self, host: Host) -> tuple[Manager, ...]:
        """Every manager of services that is here, of every user; nothing is started to find out."""
        return self.once("managers", host, partial(ownership.managers, self))

    def is_main(self, host: Host, manager: Manager) -> bool:
        """Whether it is the one supervisord that the checks `supervisor.*` look at."""
        return manager.name == "supervisord" and manager.place == self.socket(host)

    def owned(self, host: Host) -> tuple[ownership.Owned, ...]:
        """What every manager of this machine but the main supervisord says of its services."""

        def make(host: Host) -> tuple[ownership.Owned, ...]:
            near = (one for one in self.managers(host) if one.name not in FAR)
            return ownership.owned(self, host, [one for one in near if not self.is_main(host, one)])

        return self.once("owned", host, make)

    def owned_elsewhere(self, host: Host) -> tuple[ownership.Owned, ...]:
        """The same of managers on other machines: apart, so that nobody waits for these who need not."""

        def make(host: Host) -> tuple[ownership.Owned, ...]:
            return ownership.owned(self, host, [one for one in self.managers(host) if one.name in FAR])

        return self.once("owned elsewhere", host, make)

    def owned_again(self, host: Host, manager: Manager) -> tuple[Condition, ...] | Failure:
        """A second sample of one manager, ``timing.second_look`` seconds after the first."""
        return self.once(f"{ownership.title(manager)} again", host, lambda host: ownership.again(self, host, manager))

    # -- roles and services --------------------------------------------------------------------------

    def role_of_program(self, name: str) -> str | None:
        """The role that a program of supervisord plays: by the configuration, else by its known name."""
        for role, service in self.config.services.items():
            if service.manager == "supervisord" and service.unit == name:
                return role
        known = ownership.USUAL.get(name)
        return None if known in self.config.services else known

    def program(self, host: Host, role: str) -> supervisord.Program | None:
        """The program of supervisord that plays ``role``; None when there is none or nobody can tell."""
        seen = self.supervisor(host)
        if isinstance(seen, Failure):
            return None
        return next((program for program in seen.programs if program.role == role), None)

    def supervised_roles(self) -> tuple[str, ...]:
        """The roles that go down with supervisord, as far as is known while it cannot be asked."""
        bound = [role for role, service in self.config.services.items() if service.manager == "supervisord"]
        if bound:
            return tuple(bound)
        return tuple(role for role in ROLES if role.startswith("cozy.") and role != "cozy.stack")

    def address_of(self, role: str | None) -> tuple[str, int] | None:
        """Where ``role`` should answer on this machine; None when that is not known."""
        if role == "couchdb":
            return self.config.couchdb.address
        if role == "proxy":
            return self.config.sites[0].address if self.config.sites else None
        return next((part.address for part in self.parts() if part.role == role), None)

    def is_far(self, role: str | None) -> bool:
        """Whether looks at ``role`` go to another machine, by its configured name, and may take as long."""
        name = self.config.couchdb.address[0].lower()
        return role == "couchdb" and name not in ("localhost", "::1") and not name.startswith("127.")

    def role_at(self, port: int) -> str | None:
        """The role that is expected at a port of this machine."""
        roles = ("couchdb", *(part.role for part in self.parts()))
        return next((role for role in roles if (self.address_of(role) or ("", 0))[1] == port), None)

    def expected(self, host: Host, role: str) -> bool:
        """Whether ``role`` should be here: it is configured, something owns it, or it has left its traces."""
        part = role.partition(".")[2]
        key = f"parts.{part}.url" if part else f"{role}.url"
        if not self.config.discover or role in self.config.services or self.config.origins.get(key) != "default":
            return True
        traces = _TRACES["cozy" if part else role]
        return self.program(host, role) is not None or any(not isinstance(host.stat(p), Failure) for p in traces)

    def services(self) -> dict[str, str]:
        """The addresses of the services behind the roles (`supervisord:cozy-home`), as far as they are known by now."""
        known = {role: f"{service.manager}:{service.unit}" for role, service in self.config.services.items()}
        seen = self._values.get("supervisor", (None, ()))[0]
        if isinstance(seen, Snapshot):
            known |= {program.role: program.service for program in seen.programs if program.role}
        return known

    # -- the stack and its sites ---------------------------------------------------------------------

    def flavours(self, host: Host) -> "tuple[Flavour, ...]":
        """Which stacks are here, and where they answer."""
        from cozydiag.cozy import discovery

        def make(host: Host) -> "tuple[Flavour, ...]":
            view = host.within(host.deadline.remaining(), host.instance)  # what was looked for is no evidence
            found = discovery.find(self, view)
            host.see("stacks", ", ".join(one.name for one in found) or "none")
            return found

        return self.once("flavours", host, make)

    def settle(self, host: Host) -> None:
        """Takes the addresses that were found for those that nobody configured."""
        if self.config.discover:
            from cozydiag.cozy import discovery

            self.config = discovery.applied(self.config, self.flavours(host))
            self.keep_secret(*secrets(self.config), *discovery.passwords(self.flavours(host)))

    def part(self, name: str) -> Part:
        config = self.config.parts[name]
        return Part(name, f"cozy.{name}", config.url, config.address)

    def parts(self) -> tuple[Part, ...]:
        return tuple(self.part(name) for name in self.config.parts)

    def source(self, name: str) -> Callable[[Host], Items]:
        """The source of that name. Raises KeyError where there is none."""
        from cozydiag.stack import sources

        make = {
            "sites": sources.sites,
            "programs": sources.programs,
            "mounts": sources.mounts,
            "managers": sources.managers,
            "services": sources.services,
            "apps": sources.apps,
            "stacks": sources.stacks,
        }[name]
        return lambda host: make(self, host)

    def time_of(self, source: str) -> float:
        """Seconds that a source may take."""
        far = self.config.cloudfoundry is not None and source in ("managers", "services")
        return self.config.timing.remote if far else self.config.timing.local
