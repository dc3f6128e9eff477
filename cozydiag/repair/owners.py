"""Which tool owns a service, and whether this user may use it."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.cozy_monitor import CozyMonitor
from cozydiag.managers.service import Condition, Manager, Service, State
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.managers.systemd import Systemd
from cozydiag.managers.sysv import SysV
from cozydiag.stack import Stack, ownership


def service_of(host: Host, stack: Stack, role: str | None, address: str | None) -> Service | None:
    """The service behind a cause: by its address, else by who owns that role on this machine; None: nobody."""
    if address is not None:
        found = next((one.service for one in _services(host, stack) if one.service.address == address), None)
        owner, _, unit = address.partition(":")
        manager, _, user = owner.partition("@")
        return found or Service(manager, unit, role, stack.address_of(role), user or None)
    playing = [one for one in _services(host, stack) if one.role == role and one.state is not State.DISABLED]
    playing.sort(key=lambda one: one.wanted is False)
    return playing[0].service if playing and role is not None else None


def _services(host: Host, stack: Stack) -> list[Condition]:
    found = [owned.services for owned in (*stack.owned(host), *stack.owned_elsewhere(host))]
    return [one for services in found if not isinstance(services, Failure) for one in services]


def manager_of(host: Host, stack: Stack, service: Service) -> Manager | None:
    """The tool to ask, also where it is down; None for one that is not known."""
    for manager in stack.managers(host):
        if (manager.name, manager.user) == (service.manager, service.user):
            return manager
    if service.user is not None:
        return None
    supervisorctl = stack.config.programs.get("supervisorctl", "supervisorctl")
    down: dict[str, Manager] = {
        "supervisord": Supervisord(stack.socket(host), (supervisorctl,)),
        "systemd": Systemd(known=False),
        "sysv": SysV(),
        "cozy-monitor": CozyMonitor(),
    }
    return down.get(service.manager)


def allowed(host: Host, stack: Stack, service: Service) -> bool:
    """Whether this user may act on it."""
    manager = manager_of(host, stack, service)
    return manager is not None and ownership.may_act(host, manager)


def line(host: Host, stack: Stack, service: Service, verb: str) -> str:
    """The command line that a person would type for it; "" where its manager is not known."""
    manager = manager_of(host, stack, service)
    return ownership.line(host, manager, service, verb) if manager is not None else ""
