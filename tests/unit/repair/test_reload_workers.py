"""A reload of a proxy is one when its workers are new, whatever systemctl says and whatever role the proxy plays."""

from __future__ import annotations

import pytest

from cozydiag.host import Host, Process
from cozydiag.managers.service import Life, Service
from cozydiag.managers.systemd import Systemd
from cozydiag.repair.proof import prove
from cozydiag.testing import FakeHost, Machine

MASTER = 10


def process(pid: int, ppid: int) -> Process:
    return Process(pid, ppid, "S", "haproxy", 100.0, ("haproxy",), 0)


class Reloaded(Systemd):
    """It says that all is well; its workers are ``after`` then."""

    def __init__(self, machine: Machine, after: tuple[int, ...]) -> None:
        super().__init__(known=False)
        self.machine = machine
        self.after = after

    def life(self, host: Host, service: Service) -> Life:
        return Life(True, MASTER, "active/running success")

    def ask(self, host: Host, service: Service, verb: str) -> None:
        self.machine.processes = (process(MASTER, 1), *(process(pid, MASTER) for pid in self.after))


@pytest.mark.parametrize("unit", ["haproxy.service", "nginx", "apache2.service"])
@pytest.mark.parametrize(("after", "result"), [((13, 14), "verified"), ((11, 12), "failed"), ((), "failed")])
def test_new_workers_prove_it(unit: str, after: tuple[int, ...], result: str) -> None:
    machine = Machine(processes=(process(MASTER, 1), process(11, MASTER), process(12, MASTER)))
    proof = prove(FakeHost(machine, 60.0), Reloaded(machine, after), Service("systemd", unit), "reload", 0.5)
    assert proof.result == result


def test_what_has_no_workers_of_that_kind_is_judged_by_its_process_alone() -> None:
    machine = Machine(processes=(process(MASTER, 1), process(11, MASTER)))
    proof = prove(FakeHost(machine, 60.0), Reloaded(machine, (11,)), Service("systemd", "redis"), "reload", 0.5)
    assert proof.result == "verified"
