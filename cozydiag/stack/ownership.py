"""All managers of services on this machine and what they own, each asked once a run and in its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.world import GivenUp, Unasked
from cozydiag.managers import discovery
from cozydiag.managers.service import FAR, Condition, Manager, Service, State

if TYPE_CHECKING:
    from cozydiag.stack import Stack

YOUNG = 30.0
"""Seconds; what has been so for less, and was restarted before, may be in a crash loop that looks healthy now."""

USUAL: Final[Mapping[str, str]] = {
    "nginx": "proxy",
    "couchdb": "couchdb",
    "supervisor": "supervisor",
    "supervisord": "supervisor",
    "cozy-controller": "cozy.controller",
    "cozy-data-system": "cozy.data-system",
    "cozy-home": "cozy.home",
    "cozy-proxy": "cozy.proxy",
    "postfix": "mail",
    "postfix@-": "mail",
    "exim4": "mail",
    "cozy-stack": "cozy.stack",
    "cozy-indexer": "cozy.indexer",
}
"""What packages and guides call the services of the chain (Debian, CouchDB's own packages, Fedora, cozy-debian)."""


class Owned(NamedTuple):
    """A manager and what it said."""

    manager: Manager
    services: tuple[Condition, ...] | Failure

    @property
    def subject(self) -> str:
        return title(self.manager)

    @property
    def patient(self) -> bool:
        """Whether it is asked on another machine, and may take as long."""
        return self.manager.name in FAR


def title(manager: Manager) -> str:
    """`pm2@deploy`"""
    return f"{manager.name}@{manager.user}" if manager.user else manager.name


def line(host: Host, manager: Manager, service: Service, verb: str) -> str:
    """The command line that a person would type, sudo before it where this user may not."""
    from shlex import quote

    words = " ".join(map(quote, manager.command(service, verb)))
    return words if may_act(host, manager) or words.startswith("sudo ") else f"sudo {words}"


def may_act(host: Host, manager: Manager) -> bool:
    return host.euid() == 0 or manager.allowed(host)


def managers(stack: Stack, host: Host) -> tuple[Manager, ...]:
    """Those that are here; without discovery only those that the configuration names."""
    config = stack.config
    named = {kind: tuple(places) for kind, places in config.managers.items()}
    for service in config.services.values():
        kind = service.manager.partition("@")[0]
        if kind in ("systemd", "sysv", "cozy-monitor"):
            units = () if kind == "cozy-monitor" else (service.unit,)
            named[kind] = (*named.get(kind, ()), *units)
    view = host.within(host.deadline.remaining(), host.instance)  # a hundred looks for files are no evidence
    socket = stack.socket(view)
    if config.supervisord.socket or socket.startswith("http://") or not isinstance(view.stat(socket), Failure):
        named["supervisord"] = tuple(dict.fromkeys((socket, *named.get("supervisord", ()))))
    found = discovery.find(
        view, discover=config.discover, named=named, programs=config.programs, keep_secret=stack.keep_secret,
        conf=config.supervisord.conf, remembered=lambda: _homes_of_pm2(stack, view),
    )  # fmt: skip
    found = (*found, *_elsewhere(stack))
    host.see("managers of services", ", ".join(map(title, found)) or "none")
    return found


def _homes_of_pm2(stack: Stack, host: Host) -> tuple[str, ...]:
    from cozydiag.stack import remembered

    return remembered.folders(stack, host)


def _elsewhere(stack: Stack) -> tuple[Manager, ...]:
    """Cloud Foundry, where it is configured."""
    space = stack.config.cloudfoundry
    if space is None:
        return ()
    from cozydiag.managers.cloudfoundry import CloudFoundry

    return (CloudFoundry(*space, keep_secret=stack.keep_secret),)


def owned(stack: Stack, host: Host, found: Sequence[Manager]) -> tuple[Owned, ...]:
    """What each of ``found`` says, all asked at the same time: one that hangs takes nothing from the others."""
    answers = _at_once(stack, host, found)
    return tuple(Owned(manager, answer) for manager, answer in zip(found, answers, strict=True))


def manager_of(stack: Stack, host: Host, found: Condition) -> Manager | None:
    """Who said this."""
    service = found.service
    same = (one for one in stack.managers(host) if (one.name, one.user) == (service.manager, service.user))
    return next(same, None)


def again(stack: Stack, host: Host, manager: Manager) -> tuple[Condition, ...] | Failure:
    """A second sample of one manager, for what cannot be judged from one."""
    stack.second_look = True
    host.clock.sleep(min(stack.config.timing.second_look, host.deadline.remaining()))
    return _ask(stack, host, manager)


def is_suspect(condition: Condition, now: float) -> bool:
    """It looks well, but has been restarted, and has not run for long since."""
    young = condition.since is not None and now - condition.since < YOUNG
    return condition.state in (State.RUNNING, State.DEGRADED, State.STARTING) and bool(condition.restarts) and young


def settled(first: Condition, later: Condition) -> Condition:
    """The second sample, as a crash loop where something has died between the two without anybody's wish."""
    more = (later.restarts or 0) > (first.restarts or 0)
    died = bool(first.pids) and not set(first.pids) & set(later.pids)
    if later.state not in (State.STOPPED, State.STOPPING) and (more or died):
        return later._replace(state=State.CRASH_LOOPING)
    return later


def everything(stack: Stack, host: Host) -> tuple[Owned, ...]:
    """All managers with all their services, those that may be in a crash loop looked at twice."""
    return tuple(_settled(stack, host, one) for one in owned(stack, host, stack.managers(host)))


def _settled(stack: Stack, host: Host, seen: Owned) -> Owned:
    now = host.clock.now()
    if isinstance(seen.services, Failure) or not any(is_suspect(one, now) for one in seen.services):
        return seen
    later = stack.owned_again(host, seen.manager)
    found = {one.service: one for one in later} if not isinstance(later, Failure) else {}
    return seen._replace(
        services=tuple(
            settled(one, found[one.service]) if one.service in found and is_suspect(one, now) else one
            for one in seen.services
        )
    )


def named(seen: Sequence[Owned], word: str) -> list[Condition]:
    """The services that ``word`` can mean: an address, `#id`, or a name, with or without its manager before it and
    `.service` behind. An address that fits exactly is the only one."""
    services = [one for owned in seen if not isinstance(owned.services, Failure) for one in owned.services]
    exact = [one for one in services if one.service.address == word]
    return exact if len(exact) == 1 else [one for one in services if word in _names(one.service)]


def _names(service: Service) -> tuple[str, ...]:
    owner = service.address.removesuffix(f":{service.unit}")
    bare = service.unit.removesuffix(".service")
    short = service.unit.rpartition(":")[2].rpartition("/")[2]  # of GROUP:NAME, PROJECT/NAME
    names = (service.unit, bare, short, *((f"#{service.id}",) if service.id else ()))
    return (*names, *(f"{prefix}:{name}" for prefix in {owner, service.manager} for name in names))


def _at_once(stack: Stack, host: Host, found: Sequence[Manager]) -> list[tuple[Condition, ...] | Failure]:
    views = [host.within(_limit(stack, host, manager), host.instance) for manager in found]
    if len(found) < 2:
        return [_ask(stack, view, manager) for view, manager in zip(views, found, strict=True)]
    import threading

    answers: list[tuple[Condition, ...] | Failure] = [Failure("timeout", "did not answer in time")] * len(found)

    def ask(number: int) -> None:
        answers[number] = _ask(stack, views[number], found[number])

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(len(found))]
    for thread in threads:
        thread.start()
    for thread, view in zip(threads, views, strict=True):
        thread.join(view.deadline.remaining() + 0.1)
        host.evidence.extend(view.evidence)
    return list(answers)


def _limit(stack: Stack, host: Host, manager: Manager) -> float:
    """Seconds: for one on this machine, or on another one."""
    timing = stack.config.timing
    return min(timing.remote if manager.name in FAR else timing.local, host.deadline.remaining()) * 0.9


def _ask(stack: Stack, host: Host, manager: Manager) -> tuple[Condition, ...] | Failure:
    """Each service with the role that it plays and the place where it should answer."""
    try:
        found = manager.services(host)
    except Unasked:
        return Failure("given_up", "it was not collected")
    except GivenUp:
        return Failure("given_up", "others waited there in vain already")
    if manager.name in ("pm2", "forever"):
        from cozydiag.stack.remembered import completed

        found = completed(stack, host, manager, found)
    if isinstance(found, Failure):
        return found
    return tuple(one._replace(service=_with_role(stack, one.service)) for one in found)


def _with_role(stack: Stack, service: Service) -> Service:
    """What a container does not publish is not on the usual port of this machine."""
    role = service.role or _role(stack, service)
    boxed = service.manager in ("docker", "podman")
    return service._replace(role=role, place=service.place or (None if boxed else stack.address_of(role)))


def _role(stack: Stack, service: Service) -> str | None:
    """By the configuration, else by its usual name."""
    bare = service.unit.removesuffix(".service")
    for role, bound in stack.config.services.items():
        if bound.manager.partition("@")[0] == service.manager and bound.unit.removesuffix(".service") == bare:
            return role
    usual = USUAL.get(bare.rpartition("/")[2])  # PROJECT/SERVICE, as compose has it
    return None if usual in stack.config.services else usual


def dated_log(host: Host, manager: Manager, service: Service, lines: int) -> list[str] | Failure:
    """The last lines of a service, with the times of those managers that keep them."""
    if manager.name == "systemd":
        from cozydiag.managers import journal

        return journal.raw(host, service.unit, lines)
    if manager.name == "cloudfoundry":
        from cozydiag.managers.cloudfoundry import CloudFoundry

        if isinstance(manager, CloudFoundry):
            return manager.raw(host, service, lines)
    return manager.log(host, service, lines)
