"""Failures of a whole machine through the whole engine: what is explained is no cause beside it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Site
from cozydiag.host import Failure, Shown
from cozydiag.managers import discovery
from cozydiag.managers.service import Condition, Service, State
from cozydiag.testing import FakeSupervisord, process_info
from cozydiag.testing.machine import HANGS, REFUSED, FakeClock
from tests.checks.conftest import RECORDINGS
from tests.checks.test_managers import FakeManager

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

GIB = 1 << 30


def causes(cozy: Cozy, **changes: object) -> list[tuple[str, str | None]]:
    machine = cozy.machine(**changes)  # type: ignore[arg-type]
    return [(cause.code, cause.role) for cause in cozy.examine(machine, Config(sites=cozy.config.sites)).causes]


def test_a_full_disk_is_why_couchdb_hangs(cozy: Cozy) -> None:
    web = {"127.0.0.1:5984": HANGS}
    full = cozy.disk._replace(used=40 * GIB, available=0)
    assert causes(cozy, web=web, disks={"/": full}) == [("host.disk_full", "host")]
    assert causes(cozy, web=web) == [("service.hung", "couchdb")]


def test_parts_without_a_manager_go_down_with_the_controller(cozy: Cozy) -> None:
    """A real Cozy v2: supervisord has the controller alone, which starts the others."""
    stopped = process_info("cozy-controller", "STOPPED", stop=1_795_248_000)
    alone = FakeSupervisord([stopped])
    away = {f"127.0.0.1:{port}/{path}": REFUSED
            for port, path in ((9002, ""), (9101, ""), (9103, "api/applications/"), (9104, "status"))}  # fmt: skip
    found = causes(cozy, supervisord=alone, web=away, listening={80: 700, 5984: 500})
    assert found == [("service.stopped", "cozy.controller")]


@pytest.mark.parametrize(("line", "told"), [("listen EADDRINUSE: address already in use :::9103", False), ("", True)])
def test_a_taken_port_is_told_once(cozy: Cozy, monkeypatch: pytest.MonkeyPatch, line: str, told: bool) -> None:
    """By the check on the service, whose log says it; else the holder of the port is told beside it."""
    manager = FakeManager((Condition(Service("fake", "cozy-home"), State.FAILED),))
    manager.lines = [line]
    monkeypatch.setattr(discovery, "find", lambda *_, **__: (manager,))
    machine = cozy.machine(supervisord=Failure("missing", "none"), listening={9103: 602})
    machine.processes = (*machine.processes, cozy.nginx[1]._replace(pid=602, ppid=1, name="python3"))
    found = cozy.said(cozy.look("manager.orphans", machine))
    assert (("warn", "service.orphan") in found) is told


def test_a_wrong_clock_is_why_no_certificate_is_valid(cozy: Cozy) -> None:
    """All files of the tables were written when the epoch began, more than an hour after this clock."""
    content = (RECORDINGS / "certificates" / "valid.crt").read_bytes()
    der = ssl.PEM_cert_to_DER_cert(content.decode("ascii"))
    site = Site("https://cozy.test/", "cozy.test", ("127.0.0.1", 443), tls=True)
    web = {"127.0.0.1:443": cozy.recorded("cozy/proxy-root.http")}
    machine = cozy.machine(
        web=web, files={"/etc": b""}, clock=FakeClock(-4000.0), listening={443: 700, 5984: 500},
        certificates={"127.0.0.1:443": Shown(der, 0, "")},
    )  # fmt: skip
    found = cozy.examine(machine, Config(sites=(site,)))
    explained = found.by_name["site.certificate:cozy.test"]
    assert [one.code for one in explained.findings] == ["certificate.not_yet"]
    assert "host.clock" in found.explained["site.certificate:cozy.test"]
    assert ("host.clock_wrong", "host") in [(cause.code, cause.role) for cause in found.causes]
