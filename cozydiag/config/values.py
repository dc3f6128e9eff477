"""The settings as values. Every one has a default that suits a server set up by Cozy's own guides."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cozydiag.config.places import state_folder

if TYPE_CHECKING:
    from cozydiag.config.file import File

PARTS: Mapping[str, int] = {"controller": 9002, "data-system": 9101, "home": 9103, "proxy": 9104}
"""The parts of Cozy v2 and the ports that its controller gives them (cozy-controller, `config.json`)."""

STACK_PARTS: Mapping[str, int] = {"stack": 8080, "admin": 6060}
"""The two ports of a cozy-stack (v3). They are parts only where they are configured or were found."""

MANAGERS = (
    "systemd", "sysv", "supervisord", "pm2", "forever", "strongpm", "cozy-monitor", "docker", "podman",
)  # fmt: skip
"""The kinds of managers of services that can be asked on this machine."""

_SPEAKS_OF_SECRETS = ("pass", "secret", "token", "key", "credential", "auth")


class Secret:
    """A word that is shown to nobody by accident: only ``reveal`` gives it away."""

    __slots__ = ("_word",)

    def __init__(self, word: str) -> None:
        self._word = word

    def reveal(self) -> str:
        return self._word

    def __repr__(self) -> str:
        return "***"


class Paths(NamedTuple):
    """``state`` is where cozydiag keeps its own state, ``logs`` a folder of logs to look at as well."""

    state: str | None = None
    logs: str | None = None


class Supervisord(NamedTuple):
    """Where supervisord listens and what it reads; None: where it usually does."""

    socket: str | None = None
    conf: str | None = None


class Proxy(NamedTuple):
    """What nginx reads and where it writes its PID, what the other proxies read, where Caddy's admin API listens, and
    HAProxy's stats socket; None: where it usually is."""

    conf: str | None = None
    pid: str | None = None
    apache: str | None = None
    caddy: str | None = None
    caddy_admin: tuple[str, int] | None = None
    haproxy: str | None = None
    haproxy_socket: str | None = None


class Site(NamedTuple):
    """An address that people type, and where to connect to for it. ``elsewhere``: on another machine."""

    url: str
    host: str
    address: tuple[str, int]
    tls: bool
    elsewhere: bool = False


class CouchDB(NamedTuple):
    """``url`` holds no user and no password: those stand apart, or in the first two lines of the file.

    ``etc``, ``data`` and ``log`` are the server's own folders and log file; None: where they usually are.
    """

    url: str = "http://127.0.0.1:5984"
    address: tuple[str, int] = ("127.0.0.1", 5984)
    credentials_file: str = "/etc/cozy/couchdb.login"
    database: str = "cozy"
    user: Secret | None = None
    password: Secret | None = None
    etc: str | None = None
    data: str | None = None
    log: str | None = None


class Part(NamedTuple):
    """Where a part of the stack answers."""

    url: str
    address: tuple[str, int]


class Service(NamedTuple):
    """What plays a role: the ``unit`` of a ``manager`` (`supervisord`, `systemd`)."""

    manager: str
    unit: str


class CloudFoundry(NamedTuple):
    """A space of Cloud Foundry, asked with the login that `cf login` has left in the folder ``home``. ``api`` and
    ``space`` (name or GUID): the login must be for these; ``apps``: only these are looked at."""

    home: str
    api: str | None = None
    space: str | None = None
    apps: tuple[str, ...] = ()


class Setting(NamedTuple):
    """A value in force and where it comes from: `default`, `/etc/cozydiag/config.toml:12`, `environment NAME`."""

    value: Any
    origin: str


class Timing(NamedTuple):
    """In seconds: for one look at this machine, for one at another or over TLS, for a whole run, and how long to
    wait before looking at something a second time. ``proof`` is how long a restarted process must live to count as
    one that stays, ``settle`` how long what failed may then take to be well."""

    local: float = 2.0
    remote: float = 5.0
    deadline: float = 20.0
    second_look: float = 1.2
    proof: float = 3.0
    settle: float = 20.0


class Repair(NamedTuple):
    """The terms of `fix --restart`, in seconds but for the three numbers.

    ``confirm`` lies between two looks before the first act, ``confirm_auto`` between the two runs that --auto needs.
    ``stable`` is how long what was mended must stay well (CouchDB: three times that). ``grace`` is what --auto gives a
    service that was just started, ``boot_grace`` a machine. A restart is ``proven`` after so long in health; with
    ``unproven`` others within ``window`` the service is held, until it was ``well`` for so long. ``daily`` restarts of
    a service within a day, ``hourly`` of all within an hour. ``cooldown`` follows the first, second and third that is
    not proven. ``stateful`` services are never killed, as CouchDB is not.
    """

    confirm: float = 5.0
    confirm_auto: float = 60.0
    stable: float = 10.0
    grace: float = 120.0
    boot_grace: float = 180.0
    proven: float = 1800.0
    unproven: int = 3
    window: float = 21600.0
    well: float = 86400.0
    daily: int = 12
    hourly: int = 5
    cooldown: tuple[float, ...] = (300.0, 900.0, 2700.0)
    stateful: tuple[str, ...] = ()


class Notify(NamedTuple):
    """Who is told by `cozydiag cron`, besides whom cron mails. All addresses are as good as passwords.

    ``ping`` speaks the protocol of healthchecks, ``kuma`` that of Uptime Kuma's push monitors; ``webhook`` gets JSON;
    ``apprise`` are URLs of that library; ``prometheus`` is a file for node_exporter. ``remind`` is in seconds.
    """

    ping: str | None = None
    kuma: str | None = None
    webhook: str | None = None
    apprise: tuple[str, ...] = ()
    prometheus: str | None = None
    remind: float = 86400.0


def _default_parts() -> dict[str, Part]:
    return {name: Part(f"http://127.0.0.1:{port}", ("127.0.0.1", port)) for name, port in PARTS.items()}


_UNSHOWN = frozenset({"checks", "support", "notify", "file", "settings"})


class Config(NamedTuple):
    """All settings. ``settings`` has them once more, by dotted key and with where each comes from.

    ``managers`` names, for a kind of managers of services, their sockets, home folders or URLs; for systemd and sysv
    units to look at. ``cloudfoundry`` is None where its table is not there: then none is asked. ``mail`` is where mail
    is handed over, None where that is to be found out. ``drop_ins`` is the folder of the checks that an administrator
    adds, beside the file; ``file`` is None where there is none.
    """

    discover: bool = True
    programs: Mapping[str, str] = {}
    paths: Paths = Paths()
    supervisord: Supervisord = Supervisord()
    proxy: Proxy = Proxy()
    sites: tuple[Site, ...] = ()
    couchdb: CouchDB = CouchDB()
    parts: Mapping[str, Part] = _default_parts()
    services: Mapping[str, Service] = {}
    managers: Mapping[str, tuple[str, ...]] = {}
    cloudfoundry: CloudFoundry | None = None
    mail: tuple[str, int] | None = None
    timing: Timing = Timing()
    repair: Repair = Repair()
    checks: Mapping[str, Mapping[str, Any]] = {}
    support: Mapping[str, Any] = {}
    notify: Notify = Notify()
    drop_ins: str = "/etc/cozydiag/checks.d"
    file: "File | None" = None
    settings: Mapping[str, Setting] = {}

    def __repr__(self) -> str:
        """Without what may hold secrets."""
        shown = (f"{name}={value!r}" for name, value in self._asdict().items() if name not in _UNSHOWN)
        return f"Config({', '.join(shown)})"

    @property
    def state_folder(self) -> str:
        """Where what outlives a run is kept."""
        return state_folder(self.paths.state, os.environ)

    @property
    def origins(self) -> dict[str, str]:
        """Where the value of each dotted key comes from."""
        return {key: setting.origin for key, setting in self.settings.items()}


def secrets(config: Config) -> Iterator[str]:
    """The settings that no output may hold. Of [notify] not every word: `warning` is none, an address is.

    A user is a secret where no password stands beside it: it is a token then.
    """
    user, password = (word.reveal() if word else "" for word in (config.couchdb.user, config.couchdb.password))
    if user or password:
        yield from (password, f"{user}:{password}") if password else (user,)
    for key, setting in config.settings.items():
        yield from _secrets(key, setting.value)


def _secrets(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(key, inner)
    elif isinstance(value, str) and is_hidden(key) and (_speaks_of_secrets(key) or "://" in value):
        yield value


def is_hidden(key: str) -> bool:
    """What free tables hold, and addresses to notify: these are as good as passwords."""
    table, _, name = key.partition(".")
    if table == "notify":
        return name.partition(".")[0] in ("ping", "kuma", "webhook", "apprise")
    return table in ("checks", "support") and _speaks_of_secrets(key)


def _speaks_of_secrets(key: str) -> bool:
    return any(word in key.lower() for word in _SPEAKS_OF_SECRETS)
