"""What every reverse proxy is asked, and what its answers are made of: nginx, Apache, Caddy, HAProxy.

Looking changes nothing: files, /proc, admin sockets, and commands that only print (`apache2 -t -D DUMP_CONFIG`,
`caddy adapt`; `haproxy -c`, which opens no port, and only where HAProxy is down or its file is newer than what it runs
with). Tests that write as root (`nginx -t`) or ask around (`caddy validate`) are for repairs alone.
"""

from typing import NamedTuple, Protocol

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.model import Evidence

NAMES = {"nginx": "nginx", "apache": "Apache", "caddy": "Caddy", "haproxy": "HAProxy"}
"""The names that people know them by, by `Proxy.name`."""


class Running(NamedTuple):
    """The master and its workers; the master alone where there are none by design (Caddy, Apache's and HAProxy's
    single-process modes). ``orphans``: workers whose master was killed and that still hold its ports."""

    master: Process
    workers: tuple[Process, ...] = ()
    orphans: tuple[Process, ...] = ()

    @property
    def loaded(self) -> float:
        """When the configuration was read (epoch seconds): a good reload replaces the workers, a failed one none."""
        return max([self.master.started, *(worker.started for worker in self.workers)])

    @property
    def stopped(self) -> bool:
        """The master, or every worker, was stopped by a signal (SIGSTOP): connections are accepted, never answered."""
        return self.master.state in "Tt" or (bool(self.workers) and all(w.state in "Tt" for w in self.workers))


class Mistake(NamedTuple):
    """An error in the configuration. ``line`` is 0 where the whole file is meant."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{self.message} in {place}" if place else self.message


class Listen(NamedTuple):
    """Where a server takes connections. ``address`` is "" for all of IPv4, "::" for all of IPv6, "*" for both;
    ``unix`` is the path of a socket instead, "" otherwise. ``default``: it answers for names that no server has."""

    address: str
    port: int
    tls: bool = False
    default: bool = False
    unix: str = ""


class Certificate(NamedTuple):
    """Files as the proxy opens them. ``key`` is the same file where both are in one (HAProxy)."""

    path: str
    key: str
    line: int = 0


class Upstream(NamedTuple):
    """One place that requests are passed to. ``scheme``: http, https, h2c, fastcgi, uwsgi, scgi, grpc, ajp.

    ``host`` and ``port`` for TCP; ``unix`` for a socket file; ``dynamic`` is what was written where it depends on the
    request, and then nothing else is known. ``file:line`` is where it is named.
    """

    scheme: str
    host: str = ""
    port: int = 0
    unix: str = ""
    dynamic: str = ""
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        return self.dynamic or (f"unix:{self.unix}" if self.unix else f"{bracketed(self.host)}:{self.port}")


class Passing(NamedTuple):
    """What goes through a location as the client sent it; None where the configuration does not tell.

    ``host``: the app sees the name that people typed. ``upgrade``: a WebSocket can be opened. ``proto``: the app is
    told http or https. ``body``: the largest request body in bytes, 0 for no limit. ``connect``, ``read``: seconds
    until the proxy gives up connecting, and waiting for the next byte.
    """

    host: bool | None = None
    upgrade: bool | None = None
    proto: bool | None = None
    body: int | None = None
    connect: float | None = None
    read: float | None = None


class Location(NamedTuple):
    """A part of a server that passes requests on. ``match`` is as written (`/`, `~ \\.php$`, `/drive/*`), "/" for
    all; ``group`` is the name of the `upstream {}`, balancer or backend, "" where there is none."""

    match: str
    upstreams: tuple[Upstream, ...]
    passing: Passing
    group: str = ""
    path: str = ""
    line: int = 0


class Server(NamedTuple):
    """One site of a proxy: nginx's `server {}`, Apache's `<VirtualHost>`, a route of Caddy, a frontend of HAProxy
    with the backends of one name. ``names`` are as written (`*.example.org`, `~^x`); () answers for all.
    ``proxy`` is `Proxy.name`."""

    proxy: str
    names: tuple[str, ...]
    listens: tuple[Listen, ...]
    certificates: tuple[Certificate, ...]
    locations: tuple[Location, ...]
    path: str
    line: int

    @property
    def tls(self) -> bool:
        return any(listen.tls for listen in self.listens)

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """Of all locations, each once."""
        return tuple(dict.fromkeys(one for location in self.locations for one in location.upstreams))


class Configuration(NamedTuple):
    """What a proxy was told to do. ``files`` were read for it (main file first); ``unreadable`` could not be.

    ``logs`` are the files that errors are written to; () where they go to the journal or are not known.
    """

    servers: tuple[Server, ...]
    mistakes: tuple[Mistake, ...] = ()
    unreadable: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()


class Proxy(Protocol):
    """A reverse proxy that is installed here. Each call ends within the time of its host view."""

    @property
    def name(self) -> str:
        """nginx, apache, caddy or haproxy."""

    @property
    def configuration(self) -> str:
        """Its main file."""

    def running(self, host: Host) -> Running | None:
        """Its processes; None when it does not run (orphans without a master: the oldest of them is the master)."""

    def version(self, host: Host) -> str | None:
        """`1.22.1`; by a command that only prints."""

    def test(self) -> tuple[str, ...]:
        """The argv that tests its configuration, for people and for repairs. Of these four only HAProxy's changes
        nothing at all, so that it is run to look as well (`HAProxy.mistakes`)."""

    def read(self, host: Host) -> Configuration | Failure:
        """Its configuration, parsed. A Failure when there is no way to get at it."""

    def changed(self, host: Host) -> float:
        """When a file of the configuration was last changed (epoch seconds), 0.0 when none can be seen."""

    def last_error(self, host: Host, logs: tuple[str, ...], since: float, words: tuple[str, ...]) -> Evidence | None:
        """The last line that it logged at or after ``since`` (epoch seconds) and that has one of ``words`` in it
        (any line where there are none); None when there is no such line or the log is closed to us."""


def bracketed(host: str) -> str:
    """An IPv6 address as it stands before a port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
