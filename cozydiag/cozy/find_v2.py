"""A Cozy v2 by what its installation leaves behind (cozy-debian, cozy-setup's fabfile, cozy-controller)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cozydiag.config.values import PARTS
from cozydiag.cozy.discovery import url_of
from cozydiag.cozy.flavour import USUAL, Flavour, Place
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence

if TYPE_CHECKING:
    from cozydiag.stack import Stack

CONTROLLER: Final = "/etc/cozy/controller.json"

INDEXER: Final = "/var/lib/cozy-indexer"
"""Before 2016 it had a search of its own, in Python, under supervisord and on port 9102."""

TRACES: Final = (
    CONTROLLER, "/etc/cozy/couchdb.login", "/etc/cozy/stack.token", "/etc/cozy/controller.token",
    "/usr/local/cozy/apps", "/etc/supervisor/conf.d/cozy-controller.conf", "/usr/local/bin/cozy-controller",
    "/usr/bin/cozy-controller",
)  # fmt: skip


def find(stack: Stack, host: Host) -> tuple[Flavour, ...]:
    signs = [path for path in TRACES if not isinstance(host.stat(path), Failure)]
    evidence = [Evidence(path, "exists") for path in signs]
    if program := stack.program(host, "cozy.controller"):
        evidence.insert(0, Evidence("supervisord", f"program {program.name}"))
    evidence = evidence or _running(host)
    if not evidence:
        return ()
    told = controller_settings(host)
    parts = [_part(host, name, port, told) for name, port in PARTS.items()]
    indexer = stack.program(host, "cozy.indexer")
    if indexer is not None or not isinstance(host.stat(INDEXER), Failure):
        parts.append(Place("cozy.indexer", url_of("", 9102), USUAL))
    way = "supervisord" if program else ""
    return (Flavour("v2", "Cozy v2", way, (*parts, *_couchdb(told)), tuple(evidence)),)


def _running(host: Host) -> list[Evidence]:
    """What runs or listens without having left any of that, as for development."""
    for one in host.find(("node", "nodejs")):
        part = next((name for name in PARTS if any(f"cozy-{name}" in word for word in one.cmdline)), None)
        if part is not None:
            return [Evidence(f"process {one.pid}", f"cozy-{part}")]
    ports = {listener.port for listener in host.listeners()} & set(PARTS.values())
    return [Evidence("sockets", f"listen on {', '.join(map(str, sorted(ports)))}")] if len(ports) > 2 else []


def controller_settings(host: Host) -> Mapping[str, Any]:
    """cozy-controller's own settings; what is no JSON it ignores without a word (`server/lib/conf.coffee`)."""
    content = host.read(CONTROLLER)
    try:
        found = {} if isinstance(content, Failure) else json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _env(told: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    every = told.get("env")
    found = every.get(part) if isinstance(every, dict) else None
    return found if isinstance(found, dict) else {}


def _part(host: Host, name: str, usual: int, told: Mapping[str, Any]) -> Place:
    port = str(_env(told, name).get("PORT", ""))
    if port.isdigit() and 0 < int(port) < 65536:
        return Place(f"cozy.{name}", url_of("", port), CONTROLLER)
    if not host.listeners(usual):
        for process in host.find(("node", "nodejs")):
            if any(f"cozy-{name}" in word or f"/apps/{name}/" in word for word in process.cmdline):
                for one in host.listeners():
                    if host.owner(one.inode, (process.pid,)) == process.pid:
                        return Place(f"cozy.{name}", url_of(one.address, one.port), f"process {process.pid}")
    return Place(f"cozy.{name}", url_of("", usual), USUAL)


def _couchdb(told: Mapping[str, Any]) -> tuple[Place, ...]:
    """As the data-system is told it (`server/lib/db.coffee`: COUCH_HOST, COUCH_PORT)."""
    env = _env(told, "data-system")
    name, port = str(env.get("COUCH_HOST", "")), str(env.get("COUCH_PORT", ""))
    if not (name or port):
        return ()
    return (Place("couchdb", url_of(name, port if port.isdigit() else "5984"), CONTROLLER),)
