"""Which managers are found, by what they leave on the machine, and that looking for them starts and asks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from cozydiag.config import Config, Service, Supervisord
from cozydiag.config.values import MANAGERS
from cozydiag.host import Failure, Process
from cozydiag.managers import discovery
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine

PASSWD = b"root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nnobody:x:9:9::/nonexistent:/bin/false\n"


def found(machine: Machine, **settings: Any) -> list[str]:
    stack = Stack(Config(**settings))
    return [manager.name for manager in stack.managers(FakeHost(machine))]


def process(*cmdline: str) -> Process:
    return Process(70, 1, "S", cmdline[0].rpartition("/")[2][:15], 0.0, cmdline, 0)


def test_what_can_be_configured_is_what_can_be_found() -> None:
    assert set(discovery.KINDS) == set(MANAGERS)
    for kind in discovery.KINDS.values():
        assert callable(import_module(f"cozydiag.managers.{kind.module}").find)


def test_on_an_empty_machine_there_is_none() -> None:
    assert found(Machine(files={"/etc/passwd": PASSWD})) == []


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"/run/systemd/system": b""}, "systemd"),
        ({"/etc/init.d/nginx": b""}, "sysv"),
        ({"/etc/supervisor/supervisord.conf": b"[unix_http_server]\nfile=/run/x.sock\n"}, "supervisord"),
        ({"/run/supervisor.sock": b""}, "supervisord"),
        ({"/usr/local/bin/cozy-monitor": b""}, "cozy-monitor"),
    ],
)
def test_a_manager_is_found_by_its_files(files: Mapping[str, bytes], name: str) -> None:
    machine = Machine(files={"/etc/passwd": PASSWD, **files})
    assert found(machine) == [name]
    assert machine.requests == []


def test_a_running_supervisord_is_found_wherever_it_listens() -> None:
    files = {"/srv/s.conf": b"[unix_http_server]\nfile=/srv/s.sock\n"}
    line = ("/usr/bin/python3", "/usr/bin/supervisord", "-n", "-c", "/srv/s.conf")
    stack = Stack(Config())
    (manager,) = stack.managers(FakeHost(Machine(files=files, processes=(process(*line),))))
    assert (manager.name, manager.place) == ("supervisord", "/srv/s.sock")


def test_one_socket_under_two_names_is_one_supervisord() -> None:
    """Debian's own file says /var/run, which is /run."""
    file = b"[unix_http_server]\nfile=/var/run/supervisor.sock\n"
    files = {"/etc/supervisor/supervisord.conf": file, "/run/supervisor.sock": b"", "/var/run/supervisor.sock": b""}
    line = ("/usr/bin/python3", "/usr/bin/supervisord", "-c", "/etc/supervisor/supervisord.conf")
    managers = Stack(Config()).managers(FakeHost(Machine(files=files, processes=(process(*line),))))
    assert [manager.place for manager in managers] == ["/run/supervisor.sock"]


def test_a_closed_file_of_a_running_supervisord_leaves_its_usual_socket() -> None:
    files = {"/srv/s.conf": Failure("permission", "permission denied")}
    line = ("/usr/bin/python3", "/usr/bin/supervisord", "-c", "/srv/s.conf")
    (manager,) = Stack(Config()).managers(FakeHost(Machine(files=files, processes=(process(*line),))))
    assert manager.place == "/run/supervisor.sock"


def test_without_discovery_only_what_is_configured_is_there() -> None:
    """Else the demo would look at the machine that it runs on."""
    everything = Machine(other_files=b"", processes=(process("PM2 v5.3.0: God Daemon (/root/.pm2)"),))
    assert found(everything, discover=False, supervisord=Supervisord("/srv/s.sock")) == ["supervisord"]
    services = {"couchdb": Service("systemd", "couchdb")}
    named = found(everything, discover=False, supervisord=Supervisord("/srv/s.sock"), services=services)
    assert named == ["systemd", "supervisord"]


def test_the_search_leaves_one_line_of_evidence() -> None:
    host = FakeHost(Machine(files={"/run/systemd/system": b"", "/etc/passwd": PASSWD}))
    Stack(Config()).managers(host)
    assert [(one.source, one.line) for one in host.evidence] == [("managers of services", "systemd")]
