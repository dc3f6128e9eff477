"""Which managers of services are here. Files, sockets and process titles are looked at; nothing is asked or started."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.managers.service import Home, Manager, Surroundings

SCRIPTS = (
    "nginx", "apache2", "haproxy", "couchdb", "supervisor", "postfix", "exim4", "redis-server", "cozy-controller",
)  # fmt: skip
"""The init scripts of a Cozy's world, as Debian's packages call them."""


class Kind(NamedTuple):
    """What gives a kind of manager away: one of ``files`` exists (`~/` is every user's home), or one of ``words``
    stands in the name or the command line of a process. Its ``module`` is imported only then, or when the
    configuration names the kind."""

    module: str
    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_PM2 = ("/usr/bin/pm2", "/usr/local/bin/pm2", "/usr/lib/node_modules/pm2", "/usr/local/lib/node_modules/pm2")
"""Where npm puts it. Its home may be anywhere (`PM2_HOME`)."""

KINDS: Final[Mapping[str, Kind]] = {
    "systemd": Kind("systemd", files=("/run/systemd/system",)),
    "sysv": Kind("sysv", files=tuple(f"/etc/init.d/{script}" for script in SCRIPTS)),
    "supervisord": Kind(
        "supervisord_control",
        files=("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf"),
        words=("supervisord",),
    ),
    "pm2": Kind("pm2", files=("~/.pm2", *_PM2), words=("PM2 v",)),
    "forever": Kind("forever", files=("~/.forever",), words=("forever/bin/monitor",)),
    "strongpm": Kind("strongpm", files=("/var/lib/strong-pm", "~/.strong-pm"), words=("sl-pm", "strong-pm")),
    "cozy-monitor": Kind("cozy_monitor", files=("/usr/bin/cozy-monitor", "/usr/local/bin/cozy-monitor")),
    "docker": Kind("docker", files=("/run/docker.sock", "/var/run/docker.sock"), words=("dockerd",)),
    "podman": Kind(
        "podman", files=("/run/podman/podman.sock", "/var/lib/containers/storage", "~/.local/share/containers/storage")
    ),
}
"""Cloud Foundry is not on this machine: it has a table of its own in the configuration."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "openrc": "/run/openrc/softlevel",
    "runit": "/run/runit",
    "s6": "/run/s6",
}
"""Managers that are recognised and not asked, by what they leave while they run."""


def find(
    host: Host,
    *,
    discover: bool,
    named: Mapping[str, tuple[str, ...]],
    programs: Mapping[str, str],
    keep_secret: Callable[[str], object],
    conf: str | None = None,
    remembered: Callable[[], tuple[str, ...]] = tuple,
) -> tuple[Manager, ...]:
    """Every manager that is here, each user's apart. ``named`` is what the configuration says of each kind, ``conf``
    the main supervisord's own file, where it says that; ``remembered`` the homes of PM2 that were seen before."""
    processes = tuple(host.processes()) if discover else ()
    users = tuple(homes(host)) if discover else ()
    found: list[Manager] = []
    for name, kind in KINDS.items():
        if name in named or (discover and _traces(host, kind, processes, users)):
            around = Surroundings(
                discover, named.get(name, ()), processes, users, programs, keep_secret, conf, remembered
            )
            found.extend(_finder(kind)(host, around))
    return tuple(found)


def unsupported(host: Host) -> tuple[str, ...]:
    """The names of managers that are here and that nobody knows how to ask."""
    return tuple(name for name, trace in UNSUPPORTED.items() if _exists(host, trace))


def _finder(kind: Kind) -> Callable[[Host, Surroundings], tuple[Manager, ...]]:
    module = import_module(f"cozydiag.managers.{kind.module}")
    return module.find  # type: ignore[no-any-return]


def _traces(host: Host, kind: Kind, processes: Iterable[Process], users: Iterable[Home]) -> bool:
    for file in kind.files:
        if file.startswith("~/"):
            if any(_exists(host, home.folder + file[1:]) for home in users):
                return True
        elif _exists(host, file):
            return True
    return any(word in argument for one in processes for argument in (one.name, *one.cmdline) for word in kind.words)


def homes(host: Host) -> Iterable[Home]:
    """From /etc/passwd alone: the name service could ask a dead server. A home is given once, to its first user."""
    content = host.read("/etc/passwd")
    seen = {"/", "", "/nonexistent", "/bin", "/usr/sbin", "/dev"}
    for line in [] if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) > 5 and fields[2].isdigit() and fields[5].startswith("/") and fields[5] not in seen:
            seen.add(fields[5])
            yield Home(fields[0], int(fields[2]), fields[5].rstrip("/"))


def _exists(host: Host, path: str) -> bool:
    return not isinstance(host.stat(path), Failure)
