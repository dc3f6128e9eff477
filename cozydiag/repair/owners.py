"""Which tool owns a service, and whether this user may use it."""

from __future__ import annotations

from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord
from cozydiag.managers.cozy_monitor import CozyMonitor
from cozydiag.managers.service import Condition, Manager, Service, State
from cozydiag.managers.supervisord import Program
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.managers.systemd import Systemd
from cozydiag.managers.sysv import SysV
from cozydiag.stack import Stack, ownership

_STATES = {
    supervisord.STOPPED: State.STOPPED,
    supervisord.STARTING: State.STARTING,
    supervisord.RUNNING: State.RUNNING,
    supervisord.BACKOFF: State.CRASH_LOOPING,
    supervisord.STOPPING: State.STOPPING,
}
"""All others are ends that nobody wanted."""

_LOOK = 2.0  # seconds; mostly it was asked before, in the look that the plan comes from


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


def conditions(host: Host, stack: Stack) -> list[Condition]:
    """What all managers say of their services, the main supervisord too; nothing of those that hang."""
    try:
        found, main = _services(host, stack), stack.supervisor(host.within(_LOOK, "repair"))
    except GivenUp:
        return []
    programs = () if isinstance(main, Failure) else main.programs
    known = {one.service.address for one in found}
    return [*found, *(_program(one) for one in programs if one.service not in known)]


def _program(program: Program) -> Condition:
    return Condition(
        Service("supervisord", program.name, program.role), _STATES.get(program.state, State.FAILED),
        since=(program.start if program.pid else program.stop) or None,
        pids=(program.pid,) if program.pid else (), why=program.spawnerr, words=program.statename,
    )  # fmt: skip


def condition(host: Host, stack: Stack, service: Service) -> Condition | None:
    """What its manager says of a service; None where it says nothing."""
    return next((one for one in conditions(host, stack) if one.service.address == service.address), None)


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
