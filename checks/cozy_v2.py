"""A Cozy v2 beyond its parts: its apps, its secrets, its processes, and what cozy-monitor says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Finding, Host, Iterator, Stack, check, skip, t

if TYPE_CHECKING:
    from collections.abc import Callable

    from cozydiag.cozy.apps import App

    Look = Callable[[Host, Stack], Iterator[Finding]]

_PARTS = ["stack.controller", "stack.data-system", "stack.home", "stack.proxy", "couchdb.reach"]


@check("cozy.app", t("Each app of the Cozy is as it should be"), each="apps",
       because=["stack.controller", "stack.data-system", "stack.home", "couchdb.reach"])  # fmt: skip
def app(host: Host, stack: Stack, app: App) -> Iterator[Finding]:
    from cozydiag.cozy import apps

    yield from apps.look(host, stack, app)


def _is_here(host: Host, stack: Stack) -> bool:
    """A Cozy v2 of this machine itself; one in a container has all this inside of it."""
    if not stack.config.discover:
        return False
    return any(one.kind == "v2" and one.container is None for one in stack.flavours(host))


def _where_it_is(look: Look) -> Look:
    """``look`` where there is a Cozy v2, else a word that there is none."""

    def looked(host: Host, stack: Stack) -> Iterator[Finding]:
        if _is_here(host, stack):
            yield from look(host, stack)
        else:
            yield skip(t("there is no Cozy v2 here"))

    return looked


@check("cozy.indexer", t("The indexer of an old Cozy answers"), role="cozy.indexer",
       because=["supervisor.running", "supervisor.program", "manager.service", "stack.data-system"])  # fmt: skip
def indexer(host: Host, stack: Stack) -> Iterator[Finding]:
    here = stack.flavours(host) if stack.config.discover else ()
    place = next((one for flavour in here if (one := flavour.place("cozy.indexer")) is not None), None)
    if place is None:
        yield skip(t("there is no indexer here, as in every Cozy since 2016"))
        return
    from cozydiag.cozy import silent

    yield silent.any_answer(host, stack, place)


@check("cozy.secrets", t("The Cozy's secrets are in order"), role="cozy.data-system")
@_where_it_is
def secrets(host: Host, stack: Stack) -> Iterator[Finding]:
    from cozydiag.cozy import secrets

    yield from secrets.look(host, stack)


@check("cozy.processes", t("No part of the Cozy runs twice"), role="cozy.controller")
@_where_it_is
def processes(host: Host, stack: Stack) -> Iterator[Finding]:
    from cozydiag.cozy import processes

    yield from processes.duplicates(host, stack)


@check("cozy.connections", t("Connections between the parts are closed"), role="cozy.proxy")
@_where_it_is
def connections(host: Host, stack: Stack) -> Iterator[Finding]:
    from cozydiag.cozy import processes

    yield from processes.connections(host, stack)


@check("cozy.node", t("node is what the parts ask for"), role="cozy.controller")
@_where_it_is
def node(host: Host, stack: Stack) -> Iterator[Finding]:
    from cozydiag.cozy import node

    yield from node.look(host, stack)


@check("cozy.monitor", t("What cozy-monitor says of the parts is true"), role="cozy.proxy", because=_PARTS,
       timeout=5.0)  # fmt: skip
def monitor(host: Host, stack: Stack) -> Iterator[Finding]:
    """Its program is run only where it is installed. It waits without end for a part that hangs."""
    if not _is_here(host, stack) or not any(manager.name == "cozy-monitor" for manager in stack.managers(host)):
        yield skip(t("there is no cozy-monitor here"))
        return
    from cozydiag.cozy import monitor

    yield from monitor.look(host, stack)
