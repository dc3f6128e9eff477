"""SysV init scripts where no systemd is in charge (Debian's: nginx, apache2, haproxy, postfix, supervisor).

The scripts' own `status` is not asked: each costs a shell, and each calls a service running when any living process has
the number in its pid file. The pid file is read and the process looked at.
"""

from __future__ import annotations

from typing import Final

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.managers.discovery import SCRIPTS
from cozydiag.managers.scripts import Script
from cozydiag.managers.service import VERBS, Condition, Service, State, Surroundings, Verb
from cozydiag.managers.systemd import IN_CHARGE

FOLDER: Final = "/etc/init.d"

_PIDS: Final = {
    "apache2": "/run/apache2/apache2.pid",
    "couchdb": "/run/couchdb/couchdb.pid",
    "exim4": "/run/exim4/exim.pid",
    "postfix": "/var/spool/postfix/pid/master.pid",
    "redis-server": "/run/redis/redis-server.pid",
    "supervisor": "/run/supervisord.pid",
}  # others: /run/NAME.pid

_PROGRAMS: Final = {"supervisor": "supervisord", "postfix": "master", "exim4": "exim4", "couchdb": "beam.smp"}
"""What the processes are called, where it is not the script's name."""


def find(host: Host, around: Surroundings) -> tuple[SysV, ...]:
    """The scripts of interest that are there. Under systemd they are only a way to call it."""
    if not isinstance(host.stat(IN_CHARGE), Failure):
        return ()
    known = SCRIPTS if around.discover else ()
    units = tuple(
        n for n in dict.fromkeys((*around.named, *known)) if not isinstance(host.stat(f"{FOLDER}/{n}"), Failure)
    )
    return (SysV(units),) if units else ()


class SysV(Script):
    """The init scripts called ``units``."""

    name = "sysv"
    user = None
    place = FOLDER
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, units: tuple[str, ...] = ()) -> None:
        super().__init__(lambda unit, verb: (f"{FOLDER}/{unit}", verb))
        self.units = units

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        links = _start_links(host)
        return tuple(_condition(host, unit, unit in links) for unit in self.units)

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """Init scripts drop what a service says at its start; its own log is where Debian has it."""
        for path in (f"/var/log/{service.unit}/error.log", f"/var/log/{service.unit}.log", "/var/log/syslog"):
            found = host.tail(path, lines)
            if not isinstance(found, Failure) or found.kind == "permission":
                return found
        return Failure("missing", f"no log of {service.unit} is known")

    def allowed(self, host: Host) -> bool:
        return host.euid() == 0

    def exposed(self, host: Host) -> None:  # noqa: ARG002
        return None


def _condition(host: Host, unit: str, starts_at_boot: bool) -> Condition:
    program = _PROGRAMS.get(unit, unit)
    file = _PIDS.get(unit, f"/run/{unit}.pid")
    pid = host.pid_from_file(file)
    main = _itself(host, pid, program) if pid else None
    left = [one for one in host.find((program,)) if one.state != "Z"] if main is None else []
    why, words = "", "running" if main else "not running"
    if main is None and pid:
        why = f"{file} names process {pid}, which is gone or is another program"
    if main is None and left and pid:
        why += f"; {len(left)} of its processes live on without it"
    if main is None and left and not pid:
        main = left[0]  # it runs, and keeps its pid file elsewhere
        words = "running"
    state = State.RUNNING if main else State.FAILED if why else State.STOPPED
    return Condition(
        Service("sysv", unit),
        state,
        wanted=True if why or main else None if starts_at_boot else False,
        instances=(int(main is not None), 1),
        since=main.started if main else None,
        pids=(main.pid,) if main else tuple(one.pid for one in left),
        why=why,
        words=words,
        boot=starts_at_boot,
        boot_line="" if starts_at_boot else f"update-rc.d {unit} enable",
    )


def _itself(host: Host, pid: int, program: str) -> Process | None:
    """The process ``pid``, if it lives and is this program: numbers are used again."""
    found = host.process(pid)
    if found is None or found.state == "Z":
        return None
    words = " ".join((found.name, *found.cmdline[:3]))
    return found if program[:15] in words else None


def _start_links(host: Host) -> set[str]:
    """What starts in Debian's usual runlevel."""
    names = host.listdir("/etc/rc2.d")
    return set() if isinstance(names, Failure) else {name[3:] for name in names if name[:1] == "S"}
