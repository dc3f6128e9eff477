"""Which tool owns a service, and whether this user may use it."""

from __future__ import annotations

from shlex import quote

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import systemd
from cozydiag.managers.scripts import COZY_MONITOR, SYSV
from cozydiag.managers.service import Manager, Service
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.stack import Stack

_UNITS = {"proxy": ("nginx",), "couchdb": ("couchdb",), "supervisor": ("supervisor", "supervisord")}
"""What packages call the services that no supervisord owns (Debian, CouchDB's own packages, Fedora)."""

_OF_THE_MONITOR = {"cozy.data-system": "data-system", "cozy.home": "home", "cozy.proxy": "proxy"}
"""The parts that the controller runs and cozy-monitor starts (`cozy-monitor` STACK)."""


def service_of(host: Host, stack: Stack, role: str | None, address: str | None) -> Service | None:
    """The service behind a cause: by its address, else by who owns that role on this machine; None: nobody."""
    place = stack.address_of(role)
    if address is not None:
        manager, _, unit = address.partition(":")
        return Service(manager, unit, role, place)
    if not stack.config.discover or role is None:
        return None
    if role in _OF_THE_MONITOR:
        found = not isinstance(host.stat("/usr/bin/cozy-monitor"), Failure) or not isinstance(
            host.stat("/usr/local/bin/cozy-monitor"), Failure
        )
        return Service("cozy-monitor", _OF_THE_MONITOR[role], role, place) if found else None
    return _of_the_system(host, role, place)


def _of_the_system(host: Host, role: str, place: tuple[str, int] | None) -> Service | None:
    names = _UNITS.get(role, ())
    if not isinstance(host.stat(systemd.IN_CHARGE), Failure):
        shown = systemd.show(host, *(f"{name}.service" for name in names)) if names else {}
        if isinstance(shown, Failure):
            return None
        for unit, properties in shown.items():
            if properties.get("LoadState") == "loaded":
                return Service("systemd", unit, role, place)
        return None
    for name in names:
        if not isinstance(host.stat(f"/etc/init.d/{name}"), Failure):
            return Service("sysv", name, role, place)
    return None


def manager_of(host: Host, stack: Stack, service: Service) -> Manager | None:
    """The tool to ask; None for one that is not known."""
    if service.manager == "supervisord":
        socket = stack.socket(host)
        program = stack.config.programs.get("supervisorctl", "supervisorctl")
        server = ("-s", f"unix://{socket}") if stack.config.supervisord.socket else ()
        return Supervisord(socket, (program, *server))
    known: dict[str, Manager] = {"systemd": systemd.Systemd(), "sysv": SYSV, "cozy-monitor": COZY_MONITOR}
    return known.get(service.manager)


def allowed(host: Host, stack: Stack, service: Service) -> bool:
    """Whether this user may act on it: root on all, others on a supervisord whose socket is theirs."""
    if host.euid() == 0:
        return True
    return service.manager == "supervisord" and host.may_write(stack.socket(host))


def line(host: Host, stack: Stack, service: Service, verb: str) -> str:
    """The command line that a person would type for it."""
    manager = manager_of(host, stack, service)
    if manager is None:
        return ""
    words = " ".join(map(quote, manager.command(service, verb)))
    return words if allowed(host, stack, service) else f"sudo {words}"
