"""Who really holds the ports of services, beside what the managers say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.managers import supervisord
from cozydiag.managers.service import Condition, Manager, State
from cozydiag.stack import Stack
from cozydiag.stack.ports import Holder, called, owner_of
from cozydiag.stack.words import name_of

_DOORS = ("docker-proxy", "rootlessport", "slirp4netns", "pasta", "conmon")
"""Programs that hold the ports of containers."""

RECORDED = ("sysv", "cozy-monitor")
"""Managers that read off from elsewhere whether something runs: what they name may well be another's."""


class Held(NamedTuple):
    """A port of a role, and the process that holds it."""

    role: str
    name: str
    port: int
    holder: Holder


class Twice(NamedTuple):
    """A role that two managers want to play; ``first`` and ``second`` are addresses of services."""

    role: str
    name: str
    first: str
    second: str


def is_silent(host: Host, found: Condition) -> bool:
    """Nothing at all listens where this service should answer; a container's port may be passed on by the kernel."""
    place = found.service.place
    return place is not None and not host.listeners(place[1]) and host.connect(*place) is not None


def orphans(host: Host, stack: Stack) -> list[Held]:
    """Processes on a service's port that belong to none of the managers here, where one of these would have it, or
    that have lost whoever started them."""
    pids_of = dict(_processes(host, stack))
    pids = {pid for found in pids_of.values() for pid in found}
    return [
        held
        for held, process in holders(host, stack)
        if not _below(host, process, pids) and (held.role in pids_of or _is_lost(host, stack, held.role, process))
        and not _in_its_unit(host, stack, held.role, process)
        and not _is_told(host, stack, held.role)
    ]  # fmt: skip


def claims(host: Host, stack: Stack) -> dict[str, list[str]]:
    """For each role the services, by address, that play it or would play it."""
    wanting: dict[str, list[str]] = {}
    for found in _conditions(host, stack):
        idle = found.wanted is False or found.state in (State.STOPPED, State.STOPPING, State.DISABLED, State.UNKNOWN)
        second = found.service.manager in RECORDED or found.owner  # it says again what another one says
        if found.role is not None and not second and not idle:
            wanting.setdefault(found.role, []).append(found.service.address)
    seen = stack.supervisor(host)
    for program in () if isinstance(seen, Failure) else seen.programs:
        if program.role is not None and program.state != supervisord.STOPPED:
            wanting.setdefault(program.role, []).append(program.service)
    return wanting


def owned_twice(claims: Mapping[str, Sequence[str]]) -> list[Twice]:
    """Roles that services of two managers play or would play."""
    return [Twice(role, name_of(role, role), *two[:2]) for role, two in claims.items() if len(two) > 1]


def answering(host: Host, stack: Stack) -> list[Manager]:
    """The managers that could be asked."""
    silent = {owned.manager for owned in stack.owned(host) if isinstance(owned.services, Failure)}
    if isinstance(stack.supervisor(host), Failure):
        silent |= {manager for manager in stack.managers(host) if stack.is_main(host, manager)}
    return [one for one in stack.managers(host) if one not in silent and one.name not in RECORDED]


def holders(host: Host, stack: Stack) -> list[tuple[Held, Process]]:
    """Who listens on the ports of the chain, as far as this user may see it."""
    return stack.once("holders", host, lambda host: list(_holders(host, stack)))


def _holders(host: Host, stack: Stack) -> Iterator[tuple[Held, Process]]:
    pids_of = dict(_processes(host, stack))
    everybody = [pid for pids in pids_of.values() for pid in pids]
    listening = {listener.port: listener for listener in reversed(host.listeners())}
    for role in ("proxy", "couchdb", *(part.role for part in stack.parts())):
        address = stack.address_of(role)
        listener = listening.get(address[1]) if address is not None else None
        if listener is None:
            continue
        pid = owner_of(host, listener, pids_of.get(role) or everybody)
        process = host.process(pid) if pid else None
        if process is not None:
            yield Held(role, name_of(role, role), listener.port, called(process)), process


def _processes(host: Host, stack: Stack) -> Iterator[tuple[str, tuple[int, ...]]]:
    """For each role, or service without one, the processes that its manager has for it."""
    together: dict[str, tuple[int, ...]] = {}
    for found in _conditions(host, stack):
        key = found.role or found.service.address
        together[key] = (*together.get(key, ()), *found.pids)
    seen = stack.supervisor(host)
    for program in () if isinstance(seen, Failure) else seen.programs:
        key = program.role or program.service
        together[key] = (*together.get(key, ()), *((program.pid,) if program.pid else ()))
    yield from together.items()


def _conditions(host: Host, stack: Stack) -> list[Condition]:
    found = [owned.services for owned in stack.owned(host)]
    return [one for services in found if not isinstance(services, Failure) for one in services]


def _below(host: Host, process: Process, pids: set[int]) -> bool:
    """It is one of ``pids``, or one of these started it, however far back; or it started one of them and holds their
    port for them (PM2's cluster mode), or for a container."""
    if process.name.startswith(_DOORS) or _is_under(host, process, pids):
        return True
    return process.pid in {one.ppid for one in map(host.process, pids) if one is not None} - {1}


def _is_under(host: Host, process: Process, pids: set[int]) -> bool:
    current: Process | None = process
    for _ in range(64):
        if current is None or current.pid in pids:  # who cannot be seen may be anybody's
            return True
        if current.ppid <= 1:
            return current.ppid in pids
        current = host.process(current.ppid)
    return False


def _in_its_unit(host: Host, stack: Stack, role: str, process: Process) -> bool:
    """Of a unit that systemd makes of an init script it knows no process, but which control group these are in."""
    units = {
        one.service.unit for one in _conditions(host, stack) if one.role == role and one.service.manager == "systemd"
    }
    content = host.read(f"/proc/{process.pid}/cgroup") if units else Failure("missing", "")
    return not isinstance(content, Failure) and any(f"/{unit}\n".encode() in content for unit in units)


def _is_lost(host: Host, stack: Stack, role: str, process: Process) -> bool:
    """A part of the Cozy that process 1 has taken over and no unit of systemd holds: unlike nginx and CouchDB they do
    not leave their parents by themselves. Without managers here everybody is on his own."""
    if not (stack.config.discover and role.startswith("cozy.") and process.ppid == 1 and stack.managers(host)):
        return False
    content = host.read(f"/proc/{process.pid}/cgroup")
    if isinstance(content, Failure):
        return False
    group = content.decode("utf-8", "replace")
    return not any(part.endswith(".service") and not _is_manager(part) for part in group.replace("\n", "/").split("/"))


def _is_manager(unit: str) -> bool:
    """What is left in the unit of a killed manager belongs to nobody."""
    return unit.startswith(("supervisor", "pm2", "forever"))


def _says_taken(host: Host, stack: Stack, found: Condition) -> bool:
    """Its own log ends with its port being taken: the check on it names who has it."""
    manager = next((one.manager for one in stack.owned(host) if not isinstance(one.services, Failure)
                    and found in one.services), None)  # fmt: skip
    lines = manager.log(host, found.service, 20) if manager is not None else []
    return not isinstance(lines, Failure) and any("address already in use" in line for line in lines)


def _is_told(host: Host, stack: Stack, role: str) -> bool:
    """supervisord is down, and its own check names what lives on; or it fails to start its program there, and
    `supervisor.program` names who holds the port."""
    if any(_says_taken(host, stack, one) for one in _conditions(host, stack) if one.role == role):
        return True
    seen = stack.supervisor(host)
    if isinstance(seen, Failure):
        here = any(stack.is_main(host, manager) for manager in stack.managers(host))
        return here and role in stack.supervised_roles()
    dying = (supervisord.STARTING, supervisord.BACKOFF, supervisord.FATAL, supervisord.EXITED)
    return any(program.role == role and program.state in dying for program in seen.programs)
