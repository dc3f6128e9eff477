"""Containers with data in them, and whether these outlive the container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cozydiag.cozy.find_containers import Box, boxes, is_couchdb, is_stack, is_v2
from cozydiag.findings import ok, skip, warn
from cozydiag.host import Host
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_COUCHDB: Final = ("/opt/couchdb/data", "/usr/local/var/lib/couchdb", "/var/lib/couchdb", "/bitnami/couchdb")
_STACK: Final = ("/var/lib/cozy",)


def look(host: Host, stack: Stack) -> Iterator[Finding]:
    found = [(box, _folders(box)) for box in boxes(stack, host)]
    stateful = [(box, folders) for box, folders in found if folders]
    lost = [finding for box, folders in stateful for finding in _lost(box, folders)]
    yield from lost
    if not stateful:
        yield skip(t("no container here holds the data of a Cozy"))
    elif not lost:
        yield ok(t("the data of every container are in volumes of their own"))


def _folders(box: Box) -> tuple[str, ...]:
    if is_stack(box.facts):
        return _STACK
    return _COUCHDB if is_couchdb(box.facts) or is_v2(box.facts) else ()


def _lost(box: Box, folders: tuple[str, ...]) -> Iterator[Finding]:
    kept = [named for inside, _, named in box.facts.volumes if any(_covers(inside, folder) for folder in folders)]
    if any(kept):
        return
    name = box.found.service.unit
    yield warn(
        "container.no_volume",
        t("the data of {name} are in a volume without a name: whoever makes the container anew starts with nothing",
          name=name) if kept
        else t("the data of {name} are inside of the container: they go when it goes", name=name),
        t("Leave this container alone until its data are copied out of it; then give {folder} a volume with a name.",
          folder=folders[0]),
        role="cozy.stack" if folders is _STACK else "couchdb",
        affects=(),
        proof=Evidence(box.found.service.address, _volumes(box) or "no volume"),
        restart_helps=False,
    )  # fmt: skip


def _covers(inside: str, folder: str) -> bool:
    return bool(inside) and (folder + "/").startswith(inside.rstrip("/") + "/")


def _volumes(box: Box) -> str:
    return ", ".join(inside for inside, _, _ in box.facts.volumes)
