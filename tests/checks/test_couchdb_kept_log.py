"""The log of a CouchDB that writes none of its own: a container's, a unit's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cozydiag.host import Failure, Host
from cozydiag.managers.service import Condition, Service, State
from cozydiag.stack import Stack
from cozydiag.stack.ownership import Owned
from cozydiag.testing import REFUSED, FakeHost, Machine, Served, run_check
from tests.checks.test_couchdb_made_states import UP, line

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy


class Docker:
    """What a manager says of one container."""

    name, user, place = "docker", None, "/run/docker.sock"

    def __init__(self, log: list[str] | Failure) -> None:
        self._log = log

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        assert service.unit == "db"
        return self._log if isinstance(self._log, Failure) else self._log[-lines:]


@pytest.fixture
def stack(cozy: Cozy, monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack(cozy.config)
    condition = Condition(Service("docker", "db", "couchdb"), State.RUNNING)
    lines = (UP + line("error", "db died with reason {error,enospc}")).splitlines()
    monkeypatch.setattr(Stack, "owned", lambda *_: (Owned(Docker(lines), (condition,)),))  # type: ignore[arg-type]
    return stack


def said(cozy: Cozy, machine: Machine, stack: Stack) -> list[tuple[str, str]]:
    return cozy.said(run_check(cozy.checks["couchdb.log"], FakeHost(machine), stack))


def without_supervisord(cozy: Cozy, web: dict[str, Served]) -> Machine:
    machine = cozy.machine(web=web)
    machine.sockets = {}
    return machine


def test_what_a_container_wrote_is_its_log(cozy: Cozy, stack: Stack) -> None:
    assert said(cozy, without_supervisord(cozy, {}), stack) == [("fail", "couchdb.disk_full")]


def test_why_a_container_did_not_start(cozy: Cozy, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    words = 'ERROR: CouchDB 3.0+ will no longer run in "Admin Party"'
    condition = Condition(Service("docker", "db", "couchdb"), State.FAILED)
    monkeypatch.setattr(Stack, "owned", lambda *_: (Owned(Docker([words]), (condition,)),))  # type: ignore[arg-type]
    machine = without_supervisord(cozy, {"127.0.0.1:5984": REFUSED})
    machine.listening = {}
    assert said(cozy, machine, stack) == [("fail", "couchdb.no_admin")]


def test_a_manager_that_may_not_be_asked(cozy: Cozy, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    condition = Condition(Service("docker", "db", "couchdb"), State.RUNNING)
    closed = Docker(Failure("permission", "permission denied"))
    monkeypatch.setattr(Stack, "owned", lambda *_: (Owned(closed, (condition,)),))  # type: ignore[arg-type]
    assert said(cozy, without_supervisord(cozy, {}), stack) == [("skip", "")]
