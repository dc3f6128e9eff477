"""A Cozy v2 with one thing wrong, looked at as a whole: that thing is the cause, and the only one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cozydiag.cozy.node import satisfies
from cozydiag.engine import registry
from cozydiag.engine.diagnosis import Diagnosis
from cozydiag.host import Failure, Process
from cozydiag.host.commands import Completed
from cozydiag.model import Cause, Status
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, REFUSED, FakeHost, FakeSupervisord, Machine, answer, process_info, run_check
from cozydiag.text.catalogue import ENGLISH, render
from tests.checks.cozy_hosts import APPS, HOUR_AGO, NOW, SITE, bad, config, home_lists, look, monitor, node, v2

ALICE = SITE.format(names="alice.example", port=9104)
HOME = "127.0.0.1:9103/api/applications/"


def examine(folder: Path, machine: Machine) -> Diagnosis:
    return look(machine, config(folder, ALICE))[0]


def causes(folder: Path, **changes: Any) -> list[tuple[str, str | None, str]]:
    return [(one.code, one.role, str(one.severity)) for one in examine(folder, v2(**changes)).causes]


def cause(folder: Path, machine: Machine) -> Cause:
    [one] = examine(folder, machine).causes
    return one


# --- apps


def app(**changes: Any) -> dict[str, Any]:
    return {"slug": "notes", "state": "installed", "port": 9130, **changes}


@pytest.mark.parametrize(
    ("row", "served", "said"),
    [
        (app(), answer(200), None),
        (app(), answer(302, Location="/login"), None),
        (app(), answer(401), None),
        (app(), answer(403), None),
        (app(), REFUSED, ("cozy.app_down", "fail")),
        (app(), answer(500), ("cozy.app_error", "warn")),
        (app(state="stopped", port=0), REFUSED, None),
        (app(state="installing", port=0), REFUSED, None),
        (app(type="static", port=0), REFUSED, None),
        (app(state="broken", port=0), REFUSED, ("cozy.app_broken", "fail")),
        (app(state="broken", port=0, errormsg="Not enough Memory"), REFUSED, ("cozy.app_memory", "fail")),
        (app(state="new word", port="x"), REFUSED, None),
    ],
)
def test_an_app(row: dict[str, Any], served: Any, said: tuple[str, str] | None, tmp_path: Path) -> None:
    web = {HOME: home_lists(*APPS, row), "127.0.0.1:9130": served}
    listening = {5984: 500, 9002: 600, 9101: 601, 9103: 602, 9104: 603, 9120: 620, 9123: 623}
    if served is not REFUSED:
        listening[9130] = 623
    found = causes(tmp_path, web=web, listening=listening)
    assert found == ([(said[0], "cozy.app.notes", said[1])] if said else [])


def test_an_app_without_its_modules_is_not_to_be_reinstalled(tmp_path: Path) -> None:
    files = {"/usr/local/var/log/cozy/notes.log": b"Error: Cannot find module 'americano'\n"}
    found = cause(tmp_path, v2(web={HOME: home_lists(*APPS, app(state="broken", port=0))}, files=files))
    assert (found.code, found.commands, found.restart_helps) == ("cozy.app_broken", (), False)
    assert found.evidence[0].line == "Error: Cannot find module 'americano'"
    assert found.remedy is not None
    assert "back up" in render(found.remedy, ENGLISH)


def test_an_app_that_waits_for_the_data_system_is_explained_by_it(tmp_path: Path) -> None:
    files = {"/usr/local/var/log/cozy/notes.log": b"Error: connect ECONNREFUSED 127.0.0.1:9101\n"}
    web = {HOME: home_lists(*APPS, app()), "127.0.0.1:9101/": REFUSED, "127.0.0.1:9130": REFUSED}
    listening = {5984: 500, 9002: 600, 9103: 602, 9104: 603, 9120: 620, 9123: 623}
    commands = {"cozy-monitor": monitor("ds-down.status-raw")}
    diagnosis = examine(tmp_path, v2(web=web, files=files, listening=listening, commands=commands))
    assert [(one.code, one.role) for one in diagnosis.causes] == [("service.stopped", "cozy.data-system")]
    assert "cozy.app:notes" in diagnosis.causes[0].explains


@pytest.mark.parametrize("with_monitor", [True, False])
def test_how_an_app_is_started(with_monitor: bool, tmp_path: Path) -> None:
    server = v2(web={HOME: home_lists(app()), "127.0.0.1:9130": REFUSED})
    if not with_monitor:
        server.files = {path: content for path, content in server.files.items() if "monitor" not in path}
    [command] = cause(tmp_path, server).commands
    assert command == (
        "cozy-monitor start notes" if with_monitor
        else "curl -sS -X POST http://127.0.0.1:9103/api/applications/notes/start"
    )  # fmt: skip


def test_a_name_that_a_shell_would_obey_is_quoted(tmp_path: Path) -> None:
    found = cause(tmp_path, v2(web={HOME: home_lists(app(slug="a; reboot")), "127.0.0.1:9130": REFUSED}))
    assert found.commands == ("cozy-monitor start 'a; reboot'",)
    assert found.by_hand == "sudo tail -n 40 '/usr/local/var/log/cozy/a; reboot.log'"


# --- secrets


def test_a_token_that_is_younger_than_home(tmp_path: Path) -> None:
    found = causes(tmp_path, modes={"/etc/cozy/stack.token": (0o600, 0, NOW - 60)})
    assert found == [("cozy.token_stale", "cozy.home", "warn")]


def test_a_stale_token_explains_a_home_that_is_refused(tmp_path: Path) -> None:
    refused = answer(500, '{"error":"{ error: \'Application is not authenticated\' }"}')
    server = v2(web={HOME: refused}, modes={"/etc/cozy/stack.token": (0o600, 0, NOW - 60)})
    diagnosis = examine(tmp_path, server)
    assert {one.code for one in diagnosis.causes} == {"cozy.token_stale"}
    assert any("stack.home" in one.explains for one in diagnosis.causes)


@pytest.mark.parametrize(
    ("path", "mode", "said"),
    [
        ("/etc/cozy/couchdb.login", (0o644, 107, 0.0), [("cozy.secret_open", "host", "warn")]),
        ("/etc/cozy/stack.token", (0o644, 0, HOUR_AGO), [("cozy.secret_open", "host", "warn")]),
        ("/etc/cozy/couchdb.login", (0o600, 0, 0.0), [("cozy.login_unreadable", "cozy.data-system", "warn")]),
        ("/etc/cozy/couchdb.login", (0o440, 0, 0.0), [("cozy.login_unreadable", "cozy.data-system", "warn")]),
        ("/etc/cozy/couchdb.login", (0o700, 107, 0.0), []),
        ("/etc/cozy/couchdb.login", (0o400, 107, 0.0), []),
    ],
)
def test_owner_and_mode(
    path: str, mode: tuple[int, int, float], said: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    assert causes(tmp_path, modes={path: mode}) == said


DEAD: dict[str, Any] = {
    "web": {"127.0.0.1:9101/": REFUSED, HOME: answer(500, '{"error":"connect ECONNREFUSED 127.0.0.1:9101"}')},
    "listening": {5984: 500, 9002: 600, 9103: 602, 9104: 603, 9120: 620, 9123: 623},
}


def test_a_login_that_the_data_system_cannot_read_is_why_it_is_dead(tmp_path: Path) -> None:
    machine = v2(**DEAD, modes={"/etc/cozy/couchdb.login": (0o600, 0, 0.0)}, commands={"cozy-monitor": REFUSED})
    found = [one for one in examine(tmp_path, machine).causes if one.severity is Status.FAIL]
    assert [one.code for one in found] == ["cozy.login_unreadable"]
    assert {"stack.data-system", "stack.home"} <= set(found[0].explains)


def test_a_login_that_is_missing_is_why_it_is_dead(tmp_path: Path) -> None:
    machine = v2(**DEAD, commands={"cozy-monitor": REFUSED})
    machine.files = {path: content for path, content in machine.files.items() if path != "/etc/cozy/couchdb.login"}
    found = [one for one in examine(tmp_path, machine).causes if one.severity is Status.FAIL]
    assert [one.code for one in found] == ["cozy.login_missing"]


def test_secrets_that_may_not_be_looked_at(tmp_path: Path) -> None:
    server = v2(files={"/etc/cozy/stack.token": Failure("permission", "permission denied")})
    assert "cozy.secret_unseen" in str(bad(examine(tmp_path, server)).get("cozy.secrets"))


# --- processes


def test_two_controllers(tmp_path: Path) -> None:
    second = Process(650, 1, "S", "node", HOUR_AGO - 9, ("node", "/usr/local/bin/cozy-controller"), 0)
    found = cause(tmp_path, _beside(second))
    assert (found.code, found.role, found.restart_helps) == ("cozy.duplicates", "cozy.controller", False)
    assert found.commands == (
        "supervisorctl stop cozy-controller", "kill 650 600", "supervisorctl start cozy-controller",
    )  # fmt: skip


def _beside(*processes: Process) -> Machine:
    server = v2()
    server.processes = (*server.processes, *processes)
    return server


def test_what_a_part_has_started_is_no_duplicate(tmp_path: Path) -> None:
    worker = node(702, "home", parent=602)
    assert bad(examine(tmp_path, _beside(worker))) == {}


def table(count: int, port: int, state: str = "08") -> bytes:
    lines = [
        f"{n}: 0100007F:{40000 + n:04X} 0100007F:{port:04X} {state} 00000000:00000000 00:00000000 00000000 107 0 {n} 1"
        for n in range(count)
    ]
    return "\n".join(["  sl  local_address rem_address   st", *lines]).encode()


@pytest.mark.parametrize(
    ("count", "port", "state", "role"),
    [(12, 9104, "08", "cozy.proxy"), (12, 9123, "08", "cozy.proxy"), (12, 9101, "08", "cozy.data-system"),
     (4, 9104, "08", None), (50, 9104, "01", None), (50, 443, "08", None)],
)  # fmt: skip
def test_half_closed_connections(count: int, port: int, state: str, role: str | None, tmp_path: Path) -> None:
    found = causes(tmp_path, files={"/proc/net/tcp": table(count, port, state)})
    assert found == ([("cozy.close_wait", role, "warn")] if role else [])


PACKAGE = "/usr/local/cozy/apps/home/node_modules/cozy-home/package.json"


def engines(needs: str, version: str, log: bytes = b"") -> dict[str, Any]:
    return {
        "files": {PACKAGE: json.dumps({"engines": {"node": needs}}).encode(), "/usr/local/var/log/cozy/home.log": log},
        "commands": {"node": Completed(0, version.encode(), b"")},
    }


def test_a_node_that_a_part_does_not_want(tmp_path: Path) -> None:
    assert causes(tmp_path, **engines(">= 0.10 <5", "v20.20.2\n")) == [("cozy.node_version", "cozy.home", "warn")]
    assert causes(tmp_path, **engines("*", "v20.20.2\n")) == []


def test_a_part_that_dies_of_it(tmp_path: Path) -> None:
    log = b"Error: No appropiate net override for node version v0.12.7\n"
    machine = v2(web={HOME: REFUSED}, listening={5984: 500, 9002: 600, 9101: 601, 9104: 603},
                 **engines("0.10.x || 4", "v0.12.7\n", log))  # fmt: skip
    machine.commands = {**machine.commands, "cozy-monitor": REFUSED}
    machine.files = {path: content for path, content in machine.files.items() if "monitor" not in path}
    found = examine(tmp_path, machine).causes
    assert [(one.code, one.role) for one in found] == [("cozy.node_version", "cozy.home")]
    assert "stack.home" in found[0].explains


@pytest.mark.parametrize(
    ("version", "needs", "met"),
    [
        ((4, 9, 1), ">=0.10", True), ((0, 10, 48), ">=0.10 <5", True), ((20, 1, 0), ">=0.10 <5", False),
        ((4, 2, 0), "^4.2", True), ((4, 1, 0), "^4.2", False), ((5, 0, 0), "^4.2", False), ((0, 12, 7), "^0.10", False),
        ((4, 2, 9), "~4.2.3", True), ((4, 3, 0), "~4.2.3", False), ((0, 10, 3), "0.10.x || 4", True),
        ((4, 9, 1), "0.10.x || 4", True), ((0, 12, 7), "0.10.x || 4", False), ((6, 0, 0), ">4", True),
        ((4, 0, 0), "<=4.0", True), ((9, 9, 9), "*", True), ((9, 9, 9), "whatever", True), ((9, 9, 9), "", True),
    ],
)  # fmt: skip
def test_ranges_of_versions(version: tuple[int, ...], needs: str, met: bool) -> None:
    assert satisfies(version, needs) is met


# --- cozy-monitor


def test_a_home_that_answers_500_and_is_called_up_is_a_contradiction(tmp_path: Path) -> None:
    machine = v2(web={HOME: answer(500, '{"error":"boom"}')}, commands={"cozy-monitor": monitor("home-500.status-raw")})
    diagnosis = examine(tmp_path, machine)
    assert [(one.code, one.role) for one in diagnosis.causes] == [("service.error", "cozy.home")]
    assert "cozy.monitor" in diagnosis.causes[0].explains
    assert "cozy.monitor_wrong" in str(bad(diagnosis)["cozy.monitor"])


def test_a_part_that_is_well_and_called_down_is_a_warning_of_its_own(tmp_path: Path) -> None:
    assert causes(tmp_path, commands={"cozy-monitor": monitor("proxy-down.status-raw")}) == [
        ("cozy.monitor_wrong", "cozy.proxy", "warn")
    ]


def test_a_cozy_monitor_that_hangs_is_no_finding(tmp_path: Path) -> None:
    """It waits for ever for a part that hangs, and a slow machine takes its time to start it."""
    machine = v2(commands={"cozy-monitor": HANGS})
    [finding] = run_check(registry.load().checks["cozy.monitor"], FakeHost(machine), Stack(config(tmp_path)))
    assert finding.status is Status.SKIP


@pytest.mark.parametrize("ran", [Completed(1, b"", b"module not found"), Failure("missing", "no cozy-monitor")])
def test_a_cozy_monitor_that_says_nothing_is_no_finding(ran: Any, tmp_path: Path) -> None:
    assert causes(tmp_path, commands={"cozy-monitor": ran}) == []


# --- the indexer of old versions, and what the proxy claims


@pytest.mark.parametrize(("served", "code"), [(answer(200, "Cozy Indexer"), None), (REFUSED, "service.down")])
def test_the_indexer(served: Any, code: str | None, tmp_path: Path) -> None:
    files = {"/var/lib/cozy-indexer": b""}
    found = causes(tmp_path, web={"127.0.0.1:9102": served}, files=files)
    assert found == ([(code, "cozy.indexer", "fail")] if code else [])


def test_a_proxy_that_calls_a_dead_home_up_is_explained_by_it(tmp_path: Path) -> None:
    machine = v2(web={HOME: REFUSED}, listening={5984: 500, 9002: 600, 9101: 601, 9104: 603, 9120: 620, 9123: 623},
                 commands={"cozy-monitor": monitor("home-down.status-raw")})  # fmt: skip
    machine.web = {place: served for place, served in machine.web.items() if place != HOME}
    [found] = examine(tmp_path, machine).causes
    assert found.role == "cozy.home"
    assert "stack.claims" in found.explains


# --- the controller


def test_a_controller_that_is_not_up_yet_has_time(tmp_path: Path) -> None:
    young = FakeSupervisord([process_info("cozy-controller", pid=600, start=NOW - 120)])
    machine = v2(web={"127.0.0.1:9002/": REFUSED}, sockets={"/run/supervisor.sock": young},
                 listening={5984: 500, 9101: 601, 9103: 602, 9104: 603, 9120: 620, 9123: 623},
                 commands={"cozy-monitor": monitor("controller-down.status-raw")})  # fmt: skip
    assert [one.code for one in examine(tmp_path, machine).causes] == ["service.starting"]


def test_a_controller_that_is_gone_is_not_to_be_reinstalled(tmp_path: Path) -> None:
    machine = v2(web={"127.0.0.1:9002/": REFUSED}, sockets={"/run/supervisor.sock": FakeSupervisord([])},
                 listening={5984: 500, 9101: 601, 9103: 602, 9104: 603, 9120: 620, 9123: 623},
                 commands={"cozy-monitor": monitor("controller-down.status-raw")})  # fmt: skip
    machine.files = {path: content for path, content in machine.files.items() if "controller" not in path}
    found = cause(tmp_path, machine)
    assert (found.code, found.role, found.restart_helps) == ("service.down", "cozy.controller", False)
    assert found.remedy is not None
    assert "back up" in render(found.remedy, ENGLISH)


@pytest.mark.parametrize(("gone", "words"), [(True, "npm has it no more"), (False, "Mend the command in section")])
def test_a_controller_that_supervisord_does_not_find(gone: bool, words: str, tmp_path: Path) -> None:
    error = "can't find command 'cozy-controller'"
    daemon = FakeSupervisord([process_info("cozy-controller", "FATAL", spawnerr=error)])
    machine = v2(web={"127.0.0.1:9002/": REFUSED}, sockets={"/run/supervisor.sock": daemon},
                 listening={5984: 500, 9101: 601, 9103: 602, 9104: 603, 9120: 620, 9123: 623},
                 commands={"cozy-monitor": monitor("controller-down.status-raw")})  # fmt: skip
    if gone:
        machine.files = {path: content for path, content in machine.files.items() if "bin/cozy-c" not in path}
    found = cause(tmp_path, machine)
    assert (found.code, found.role, found.restart_helps) == ("service.failed", "cozy.controller", False)
    assert found.remedy is not None
    assert words in render(found.remedy, ENGLISH)


def test_no_text_tells_to_install_what_is_gone_from_npm() -> None:
    root = Path(__file__).parents[2]
    sources = [*(root / "checks").glob("*.py"), *(root / "cozydiag/cozy").glob("*.py")]
    text = "".join(path.read_text() for path in sources).lower()
    assert "npm install" not in text
    assert "reinstall" not in text
