"""One service of any manager: what to say of it."""

from __future__ import annotations

from cozydiag.findings import fail, ok, unknown
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, Manager, State
from cozydiag.model import Finding
from cozydiag.stack import Stack, ownership, strangers
from cozydiag.stack.unwell import called, is_watched, loops, seen, starting, unwell
from cozydiag.stack.why import waits_for
from cozydiag.text import Seconds, t

LISTENS = 15.0
"""Seconds that a service has, after its start, until it must listen."""

SLOW = {"cozy.controller": 300.0}
"""It listens last of all, when every app is up (cozy-controller autostart.coffee)."""


def judged(host: Host, stack: Stack, service: Condition) -> Finding:
    """The finding for ``service``, after a second look where one is not enough."""
    manager = ownership.manager_of(stack, host, service)
    if manager is None:  # it went away within the run
        return unknown("service.unknown", t("nobody can be asked about {name} any more", name=called(service)))
    found = _second_look(host, stack, manager, service)
    if found.state is State.RUNNING:
        return _running(host, stack, manager, found)
    if found.state is State.FINISHED:
        return ok(t("{name} has done its work and ended", name=called(found)))
    return unwell(host, stack, manager, found)


def _second_look(host: Host, stack: Stack, manager: Manager, found: Condition) -> Condition:
    """One sample cannot tell a start from a crash loop."""
    if not ownership.is_suspect(found, host.clock.now()):
        return found
    again = stack.owned_again(host, manager)
    later = () if isinstance(again, Failure) else [one for one in again if one.service == found.service]
    return ownership.settled(found, later[0]) if later else found


def _running(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding:
    age = host.clock.now() - found.since if found.since else None
    if is_watched(host, found):
        return loops(host, stack, manager, found)
    if strangers.is_silent(host, found):
        grace = SLOW.get(found.role or "", LISTENS)
        if age is None or age >= grace:
            from cozydiag.stack import complaints

            return complaints.sharper(host, stack, _silent_service(host, manager, found))
        log = manager.log(host, found.service, 20)
        waits = waits_for(stack, [] if isinstance(log, Failure) else log, found.role)
        return starting(found)._replace(waits_for=waits)
    if age is None:
        return ok(t("{name} is running", name=called(found)))
    return ok(t("{name} has been running for {age}", name=called(found), age=Seconds(age)))


def _silent_service(host: Host, manager: Manager, found: Condition) -> Finding:
    port = str(found.service.place[1]) if found.service.place else ""
    return fail(
        "service.not_listening",
        t("{manager} says that {name} is running, but nothing listens on its port {port}",
          manager=manager.name, name=called(found), port=port),
        t("Read its log, then restart it."),
        role=found.role,
        affects=(found.role,) if found.role else (),
        proof=seen(found),
        commands=(ownership.line(host, manager, found.service, "restart"),),
        by_hand=f"sudo ss -ltnp 'sport = :{port}'",
        service=found.service.address,
    )  # fmt: skip
