"""Stacks in containers, as their engines tell it: their own addresses, where these can be reached from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cozydiag.cozy.discovery import url_of
from cozydiag.cozy.flavour import Flavour, Held, Place
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.world import GivenUp
from cozydiag.managers.service import Condition, Container, State
from cozydiag.model import Evidence

if TYPE_CHECKING:
    from cozydiag.stack import Stack

ENGINES = ("docker", "podman")
_KNOCK = 0.4  # seconds to see whether a container's own network can be reached


class Box(NamedTuple):
    """A container with what its engine says of it."""

    found: Condition
    facts: Container


def boxes(stack: Stack, host: Host) -> tuple[Box, ...]:
    """All containers of all engines that can be asked."""
    if not any(manager.name in ENGINES for manager in stack.managers(host)):
        return ()
    owned = [one.services for one in stack.owned(host) if one.manager.name in ENGINES]
    every = [found for services in owned if not isinstance(services, Failure) for found in services]
    return tuple(Box(found, found.container) for found in every if found.container is not None)


def find(stack: Stack, host: Host) -> tuple[Flavour, ...]:
    return tuple(_flavours(host, boxes(stack, host)))


def _flavours(host: Host, every: tuple[Box, ...]) -> Iterator[Flavour]:
    for box in every:
        if is_stack(box.facts):
            places = [_place(host, box, "cozy.stack", 8080), _place(host, box, "cozy.admin", 6060)]
            yield _made("v3", box, (*places, *_couchdb(host, box, every)))
        elif is_v2(box.facts):
            yield _made("v2", box, (_place(host, box, "cozy.proxy", 9104), *_couchdb(host, box, every)))


def is_stack(facts: Container) -> bool:
    return facts.program == "cozy-stack" or {8080, 6060} <= set(facts.exposed)


def is_v2(facts: Container) -> bool:
    """Everything in one: the old images show the port of the Cozy's proxy."""
    return 9104 in facts.exposed


def is_couchdb(facts: Container) -> bool:
    return "couchdb" in facts.program or 5984 in facts.exposed


def _made(kind: str, box: Box, places: tuple[Place, ...]) -> Flavour:
    found, facts = box
    running = found.state in (State.RUNNING, State.STARTING, State.HUNG)
    held = Held(found.service.address, running, facts.health)
    evidence = (Evidence(found.service.address, f"{facts.image} {found.words}".strip()),)
    way, name = found.service.manager, found.service.unit
    return Flavour("v3" if kind == "v3" else "v2", name, way, places, evidence, held)


def _couchdb(host: Host, box: Box, every: tuple[Box, ...]) -> tuple[Place, ...]:
    """The one of the same project of compose, else the only one that there is."""
    others = [other for other in every if is_couchdb(other.facts) and other is not box]
    project = box.found.service.unit.rpartition("/")[0]
    same = [other for other in others if project and other.found.service.unit.startswith(f"{project}/")] or others
    if len(same) != 1:
        return ()
    place = _place(host, same[0], "couchdb", 5984)
    return (place,) if place.url else ()


def _is_reachable(box: Box) -> bool:
    """Of rootless engines nothing is, but for podman with the network of the machine itself."""
    service = box.found.service
    return service.user is None or (service.manager == "podman" and box.facts.addresses == ("127.0.0.1",))


def _place(host: Host, box: Box, role: str, port: int) -> Place:
    """The published port, else the container's own address where something there takes or refuses a connection."""
    facts, origin = box.facts, box.found.service.address
    for inside, address, outside in facts.published:
        if inside == port:
            return Place(role, url_of(address, outside), origin)
    for address in facts.addresses if _is_reachable(box) else ():
        try:
            failure = host.within(_KNOCK, host.instance).connect(address, port)
        except GivenUp:
            continue
        if failure is None or failure.kind == "refused":
            return Place(role, url_of(address, port), origin)
    return Place(role, "", origin)
