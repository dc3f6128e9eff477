"""What cozydiag never runs stands there as its owner would type it, with its effect."""

from __future__ import annotations

import pytest

from cozydiag.managers.docker import Docker
from cozydiag.managers.forever import Forever
from cozydiag.managers.node import Place
from cozydiag.managers.pm2 import PM2
from cozydiag.managers.service import VERBS, Manager, Service
from cozydiag.managers.strongpm import StrongPM
from cozydiag.managers.supervisord_control import Supervisord
from cozydiag.managers.systemd import Systemd
from cozydiag.managers.sysv import SysV
from cozydiag.report.owner_only import never_run

ANN = Place("/home/ann/.pm2", 1000, "ann", ("sudo", "-u", "ann", "-H"), "ann")


@pytest.mark.parametrize(
    ("manager", "service", "lines"),
    [
        (Systemd(), Service("systemd", "nginx.service"), ["systemctl disable --now nginx.service"]),
        (Supervisord("/run/s"), Service("supervisord", "a:b"), ["supervisorctl remove a:b", "supervisorctl reload"]),
        (PM2(ANN), Service("pm2", "stop", id="3"), ["sudo -u ann -H pm2 delete 3", "sudo -u ann -H pm2 kill"]),
        (Forever(ANN), Service("forever", "a b", id="a b"), ["sudo -u ann -H forever stopall"]),
        (StrongPM(), Service("strongpm", "app", id="1"), ["slc ctl remove app"]),
        (Docker(), Service("docker", "web", id="abc"), ["docker rm --force web"]),
        (SysV(), Service("sysv", "nginx"), []),
    ],
)
def test_each_has_what_takes_a_service_away(manager: Manager, service: Service, lines: list[str]) -> None:
    assert [line for line, _ in never_run(manager, service)] == lines


def test_none_of_it_is_a_verb() -> None:
    assert not {"delete", "remove", "kill", "stopall", "rm"} & {*VERBS}
