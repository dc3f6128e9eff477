"""Which tool owns what is broken, and what a person would type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest

from cozydiag.config import Config, Supervisord
from cozydiag.host import Failure
from cozydiag.host.commands import Completed
from cozydiag.managers.service import Service
from cozydiag.managers.systemd import IN_CHARGE
from cozydiag.repair import owners
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, FakeHost, Machine
from tests.checks.conftest import SITE

SOCKET: Final = "/run/supervisor.sock"
EMPTY: Final[dict[str, bytes]] = {}
CONFIG: Final = Config(sites=(SITE,))
COUCHDB, NGINX = ("127.0.0.1", 5984), ("127.0.0.1", 80)


def shows(*loaded: str) -> Any:
    """A systemctl that knows these units only."""

    def systemctl(argv: Sequence[str]) -> Completed:
        units = [word for word in argv if word.endswith(".service")]
        states = [f"Id={unit}\nLoadState={'loaded' if unit in loaded else 'not-found'}\n" for unit in units]
        return Completed(0, "\n".join(states).encode(), b"")

    return systemctl


def owner(machine: Machine, role: str | None, address: str | None = None, config: Config = CONFIG) -> Service | None:
    return owners.service_of(FakeHost(machine), Stack(config), role, address)


def machine(*files: str, **more: Any) -> Machine:
    return Machine(files=dict.fromkeys(files, b""), **more)


# --- who owns it


def test_what_the_cause_names_is_its_owner() -> None:
    found = owner(machine(IN_CHARGE, commands={"systemctl": shows("couchdb.service")}), "couchdb", "supervisord:couch")
    assert found == Service("supervisord", "couch", "couchdb", COUCHDB)


@pytest.mark.parametrize(
    ("address", "manager", "unit"),
    [
        ("supervisord:web:home", "supervisord", "web:home"),
        ("systemd:couchdb.service", "systemd", "couchdb.service"),
        ("cozy-monitor:home", "cozy-monitor", "home"),
    ],
)
def test_an_address_is_a_manager_and_its_name_for_it(address: str, manager: str, unit: str) -> None:
    found = owner(Machine(), None, address)
    assert found is not None
    assert (found.manager, found.unit, found.address) == (manager, unit, address)


@pytest.mark.parametrize(
    ("role", "loaded", "unit"),
    [
        ("proxy", ("nginx.service",), "nginx.service"),
        ("couchdb", ("couchdb.service",), "couchdb.service"),
        ("supervisor", ("supervisor.service",), "supervisor.service"),
        ("supervisor", ("supervisord.service",), "supervisord.service"),
        ("supervisor", ("supervisord.service", "supervisor.service"), "supervisor.service"),
        ("couchdb", ("nginx.service",), None),
        ("cozy.controller", ("cozy-controller.service",), None),
        ("host", (), None),
    ],
)
def test_systemd_owns_what_it_has_a_unit_for(role: str, loaded: tuple[str, ...], unit: str | None) -> None:
    found = owner(machine(IN_CHARGE, f"/etc/init.d/{role}", commands={"systemctl": shows(*loaded)}), role)
    assert (found and (found.manager, found.unit)) == (("systemd", unit) if unit else None)


@pytest.mark.parametrize("answer", [HANGS, Failure("missing", "no systemctl"), Completed(1, b"", b"no bus")])
def test_a_systemd_that_does_not_answer_owns_nothing(answer: Completed | Failure) -> None:
    assert owner(machine(IN_CHARGE, "/etc/init.d/nginx", commands={"systemctl": answer}), "proxy") is None


@pytest.mark.parametrize(("role", "script"), [("proxy", "nginx"), ("couchdb", "couchdb"), ("supervisor", "supervisor")])
def test_without_systemd_an_init_script_owns_it(role: str, script: str) -> None:
    place = {"proxy": NGINX, "couchdb": COUCHDB}.get(role)
    assert owner(machine(f"/etc/init.d/{script}"), role) == Service("sysv", script, role, place)


@pytest.mark.parametrize("file", ["/usr/bin/cozy-monitor", "/usr/local/bin/cozy-monitor"])
@pytest.mark.parametrize("part", ["data-system", "home", "proxy"])
def test_the_parts_that_the_controller_runs_are_cozy_monitors(part: str, file: str) -> None:
    found = owner(machine(file), f"cozy.{part}")
    assert found is not None
    assert (found.address, found.place) == (f"cozy-monitor:{part}", CONFIG.parts[part].address)


@pytest.mark.parametrize("role", ["proxy", "couchdb", "supervisor", "cozy.home", "cozy.controller", "host", None])
def test_on_an_empty_machine_nobody_owns_anything(role: str | None) -> None:
    assert owner(Machine(), role) is None


@pytest.mark.parametrize("role", ["proxy", "couchdb", "cozy.home"])
def test_nobody_is_looked_for_where_only_the_configuration_counts(role: str) -> None:
    """Else the demo would find the services of the machine that it runs on."""
    here = machine(
        IN_CHARGE, "/usr/bin/cozy-monitor", "/etc/init.d/nginx", commands={"systemctl": shows("nginx.service")}
    )
    assert owner(here, role, config=Config(discover=False)) is None


# --- what to type, and who may


@pytest.mark.parametrize(
    ("service", "verb", "line"),
    [
        (Service("systemd", "nginx.service"), "restart", "systemctl restart nginx.service"),
        (Service("sysv", "nginx"), "start", "/etc/init.d/nginx start"),
        (Service("cozy-monitor", "home"), "restart", "cozy-monitor restart home"),
        (Service("supervisord", "cozy-home"), "start", "supervisorctl start cozy-home"),
        (Service("supervisord", "my home"), "start", "supervisorctl start 'my home'"),
        (Service("daemontools", "home"), "start", ""),
    ],
)
def test_the_line_that_a_person_would_type(service: Service, verb: str, line: str) -> None:
    assert owners.line(FakeHost(Machine()), Stack(Config()), service, verb) == line


def test_the_line_names_the_configured_supervisord() -> None:
    config = Config(programs={"supervisorctl": "/opt/sctl"}, supervisord=Supervisord(socket="/srv/my s.sock"))
    line = owners.line(FakeHost(Machine()), Stack(config), Service("supervisord", "home"), "start")
    assert line == "/opt/sctl -s 'unix:///srv/my s.sock' start home"


@pytest.mark.parametrize("manager", ["systemd", "sysv", "cozy-monitor", "supervisord"])
def test_without_root_it_takes_sudo(manager: str) -> None:
    host, stack, service = FakeHost(Machine(uid=1000)), Stack(Config()), Service(manager, "home")
    assert not owners.allowed(host, stack, service)
    assert owners.line(host, stack, service, "restart").startswith("sudo ")


class Writable(FakeHost):
    """Whose user may write everything."""

    def may_write(self, path: str) -> bool:
        return True


@pytest.mark.parametrize(("manager", "allowed"), [("supervisord", True), ("systemd", False), ("sysv", False)])
def test_ones_own_supervisord_takes_no_root(manager: str, allowed: bool) -> None:
    host, stack, service = Writable(Machine(uid=1000)), Stack(Config()), Service(manager, "home")
    assert owners.allowed(host, stack, service) is allowed
    assert owners.line(host, stack, service, "restart").startswith("sudo ") is not allowed
