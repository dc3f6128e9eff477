"""Disks and memory at the edges of what is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.host import Failure, Memory

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ("ok", "")),
        ({"available": 64 * MIB}, ("warn", "host.disk_nearly_full")),
        ({"available": 64 * MIB - 1}, ("fail", "host.disk_full")),
        ({"used": 39 * GIB, "available": 4 * GIB}, ("warn", "host.disk_nearly_full")),
        ({"used": 90 * GIB, "available": 5 * GIB}, ("ok", "")),
        ({"inodes_free": 999}, ("fail", "host.inodes")),
        ({"inodes_free": 1000}, ("ok", "")),
        ({"inodes": 0, "inodes_free": 0}, ("ok", "")),
        ({"read_only": True}, ("fail", "host.read_only")),
    ],
    ids=str,
)
def test_disks(cozy: Cozy, changes: dict[str, Any], said: tuple[str, str]) -> None:
    machine = cozy.machine(disks={"/": cozy.disk._replace(**changes)})
    assert cozy.said(cozy.look("host.disk", machine)) == [said]


def test_two_folders_on_one_disk_are_one_disk(cozy: Cozy) -> None:
    machine = cozy.machine(disks={"/": cozy.disk, "/var/log": cozy.disk._replace(path="/var/log")})
    assert len(cozy.look("host.disk", machine)) == 1


def test_a_closed_folder_is_unknown_beside_the_disks_that_were_seen(cozy: Cozy) -> None:
    denied = Failure("permission", "permission denied")
    machine = cozy.machine(disks={"/": cozy.disk, "/var/lib/couchdb": denied})
    assert cozy.said(cozy.look("host.disk", machine)) == [("ok", ""), ("unknown", "host.unreadable")]


@pytest.mark.parametrize(("available", "said"), [(60 * MIB, "ok"), (60 * MIB - 1, "warn")])
def test_memory(cozy: Cozy, available: int, said: str) -> None:
    machine = cozy.machine(memory=Memory(GIB, available, 0, 0))
    assert [str(finding.status) for finding in cozy.look("host.memory", machine)] == [said]


@pytest.mark.parametrize(
    ("swap_free", "available", "said"), [(0, 90 * MIB, "warn"), (0, GIB, "ok"), (GIB, MIB * 90, "ok")]
)
def test_swap_matters_when_memory_is_short(cozy: Cozy, swap_free: int, available: int, said: str) -> None:
    machine = cozy.machine(memory=Memory(GIB, available, GIB, swap_free))
    assert [str(finding.status) for finding in cozy.look("host.memory", machine)] == [said]
