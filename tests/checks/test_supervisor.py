"""supervisord in every state that a program of its can have, as recorded from a real one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.host import Failure, Process
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, REFUSED, FakeHost, FakeSupervisord, answer, process_info, results
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

NOW = 1_795_248_737
TOO_QUICKLY = "Exited too quickly (process log may have details)"


def program(cozy: Cozy, info: dict[str, Any], **more: Any) -> Finding:
    """What is said of one program, alone under its supervisord."""
    machine = cozy.machine(supervisord=FakeSupervisord([info], **more))
    (finding,) = cozy.look("supervisor.program", machine)
    return finding


def words(finding: Finding) -> str:
    return render(finding.text, ENGLISH)


RECORDED = {
    "backoff": ("fail", "service.crash_loop"),
    "bad-cwd": ("fail", "service.failed"),
    "cozy-controller": ("ok", ""),
    "crash": ("fail", "service.crash_loop"),
    "crashloop-running": ("fail", "service.crash_loop"),
    "exited-bad": ("fail", "service.failed"),
    "killed-sig": ("fail", "service.failed"),
    "missing-bin": ("fail", "service.failed"),
    "not-exec": ("fail", "service.failed"),
    "oneshot": ("ok", ""),
    "slow-start": ("warn", "service.starting"),
    "stack:data-system": ("ok", ""),
    "stack:home": ("skip", ""),
    "stopped-app": ("skip", ""),
    "stubborn": ("skip", ""),
    "web:web_00": ("ok", ""),
    "web:web_01": ("ok", ""),
}


def loop_log(*names: str, ago: Sequence[int] = (40, 20, 2)) -> str:
    """Unexpected exits of each, so many seconds ago, in supervisord's own words and the zone of this machine."""
    lines = [
        f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(NOW - seconds))},123 WARN exited: {name} "
        "(exit status 3; not expected)"
        for seconds in ago
        for name in names
    ]
    return "\n".join(["2026-11-21 00:00:00,000 INFO supervisord started with pid 4999", *lines, ""])


def test_every_recorded_state(cozy: Cozy) -> None:
    infos = cozy.recorded_infos()
    daemon = FakeSupervisord(
        infos, configs=cozy.recorded_configs(), log=loop_log("backoff", "crash", "crashloop-running")
    )
    seen = results(cozy.checks["supervisor.program"], FakeHost(cozy.machine(supervisord=daemon)), Stack(cozy.config))
    assert {one.subject: (str(one.status), one.findings[0].code) for one in seen} == RECORDED


# --- one state at a time


def test_a_missing_command_is_not_mended_by_a_restart(cozy: Cozy) -> None:
    spawnerr = "can't find command '/opt/nowhere/bin/cozy-controller'"
    finding = program(cozy, process_info("cozy-home", "FATAL", spawnerr=spawnerr))
    assert (finding.code, finding.restart_helps, finding.role) == ("service.failed", False, "cozy.home")
    assert finding.proof is not None
    assert finding.proof.line == f"FATAL {spawnerr}"


def test_what_exits_too_quickly_shows_what_its_log_says(cozy: Cozy) -> None:
    errors = {"cozy-data-system": cozy.log("data-system-without-credentials")}
    finding = program(cozy, process_info("cozy-data-system", "FATAL", spawnerr=TOO_QUICKLY), errors=errors)
    assert (finding.code, finding.restart_helps) == ("service.failed", False)  # the file is still missing then
    assert finding.proof is not None
    assert finding.proof.line == "No CouchDB credentials file found: /etc/cozy/couchdb.login"


@pytest.mark.parametrize(
    ("log", "role"),
    [("data-system-without-couchdb", "couchdb"), ("data-system-refused-by-couchdb", "couchdb")],
)
def test_last_words_name_who_refused(cozy: Cozy, log: str, role: str) -> None:
    info = process_info("cozy-data-system", "FATAL", spawnerr=TOO_QUICKLY)
    assert program(cozy, info, errors={"cozy-data-system": cozy.log(log)}).waits_for == (role,)


def test_a_taken_port_is_told_with_who_has_it(cozy: Cozy) -> None:
    squatter = Process(812, 1, "S", "node", 1_795_000_000.0, ("node", "old-proxy.js"), 1000)
    info = process_info("cozy-proxy", "FATAL", spawnerr=TOO_QUICKLY)
    machine = cozy.machine(
        supervisord=FakeSupervisord([info], errors={"cozy-proxy": cozy.log("proxy-port-taken")}),
        listening={9104: 812},
        processes=(squatter,),
    )
    (finding,) = cozy.look("supervisor.program", machine)
    assert (finding.code, finding.restart_helps) == ("service.port_taken", False)
    assert "port 9104 is taken by node old-proxy.js (PID 812)" in words(finding)


def test_a_log_that_speaks_of_a_port_proves_nothing_once_nobody_has_it(cozy: Cozy) -> None:
    daemon = FakeSupervisord(
        [process_info("cozy-proxy", "FATAL", spawnerr=TOO_QUICKLY)],
        errors={"cozy-proxy": cozy.log("proxy-port-taken")},
    )
    (finding,) = cozy.look("supervisor.program", cozy.machine(supervisord=daemon, listening={}))
    assert finding.code == "service.failed"


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, ("ok", "")), (2, ("ok", "")), (7, ("fail", "service.failed"))],
    ids=["expected", "also expected", "unexpected"],
)
def test_an_exit_of_something_else_counts_by_its_exit_codes(cozy: Cozy, status: int, said: tuple[str, str]) -> None:
    config = {"name": "nightly", "group": "nightly", "exitcodes": [0, 2]}
    finding = program(cozy, process_info("nightly", "EXITED", exitstatus=status), configs=[config])
    assert cozy.said([finding]) == [said]


def test_a_part_of_the_chain_may_not_end_at_all(cozy: Cozy) -> None:
    assert program(cozy, process_info("cozy-home", "EXITED", exitstatus=0)).code == "service.failed"


def test_a_stopped_part_is_a_fault_even_if_it_does_not_start_by_itself(cozy: Cozy) -> None:
    config = {"name": "cozy-home", "group": "cozy-home", "autostart": False}
    finding = program(cozy, process_info("cozy-home", "STOPPED", start=0), configs=[config])
    assert (finding.code, finding.restart_helps, finding.service) == (
        "service.stopped",
        True,
        "supervisord:cozy-home",
    )


def test_a_part_that_is_being_stopped_is_on_its_way(cozy: Cozy) -> None:
    finding = program(cozy, process_info("cozy-home", "STOPPING"))
    assert (cozy.said([finding]), finding.restart_helps) == ([("warn", "service.stopping")], False)


def test_a_state_that_supervisord_does_not_know_is_unknown(cozy: Cozy) -> None:
    finding = program(cozy, process_info("cozy-home", "UNKNOWN"))
    assert cozy.said([finding]) == [("unknown", "supervisor.state")]
    assert finding.unlock == "supervisorctl status cozy-home"


# --- a start, or a crash loop


def young(name: str = "cozy-home", state: str = "RUNNING", pid: int = 4000, age: int = 3) -> dict[str, Any]:
    return process_info(name, state, pid=pid, start=NOW - age)


def test_two_samples_with_two_processes_are_a_crash_loop(cozy: Cozy) -> None:
    daemon = FakeSupervisord([young(state="STARTING", pid=4000)], [young(state="STARTING", pid=4001)])
    (finding,) = cozy.look("supervisor.program", cozy.machine(supervisord=daemon))
    assert (finding.code, finding.restart_helps, finding.commands) == ("service.crash_loop", False, ())


def test_a_start_that_succeeds_between_two_samples_is_fine(cozy: Cozy) -> None:
    daemon = FakeSupervisord([young(state="STARTING")], [young(state="RUNNING")])
    assert cozy.said(cozy.look("supervisor.program", cozy.machine(supervisord=daemon))) == [("ok", "")]


def test_a_start_that_goes_on_is_a_warning(cozy: Cozy) -> None:
    daemon = FakeSupervisord([young(state="STARTING")])
    assert cozy.said(cozy.look("supervisor.program", cozy.machine(supervisord=daemon))) == [
        ("warn", "service.starting")
    ]


def test_a_back_off_that_ends_fatal_is_told_as_that(cozy: Cozy) -> None:
    daemon = FakeSupervisord(
        [process_info("cozy-home", "BACKOFF")], [process_info("cozy-home", "FATAL", spawnerr=TOO_QUICKLY)]
    )
    assert cozy.look("supervisor.program", cozy.machine(supervisord=daemon))[0].code == "service.failed"


def test_three_exits_in_the_log_are_a_crash_loop_although_it_runs_now(cozy: Cozy) -> None:
    finding = program(cozy, young(), log=loop_log("cozy-home"))
    assert finding.code == "service.crash_loop"
    assert "3 times in ten minutes" in words(finding)


def test_what_has_outlived_its_crashes_runs(cozy: Cozy) -> None:
    """It died every 5 s, and whatever has lived for more than twice that was mended."""
    log = loop_log("cozy-home", ago=(40, 35, 30))
    assert program(cozy, young(age=10), log=log).code == "service.crash_loop"
    assert program(cozy, young(age=12), log=log).status == "ok"


def test_exits_before_supervisord_started_do_not_count(cozy: Cozy) -> None:
    log = loop_log("cozy-home") + "2026-11-21 23:59:59,000 INFO supervisord started with pid 4999\n"
    assert program(cozy, young(), log=log).status == "ok"


# --- supervisord itself


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (Failure("permission", "permission denied"), ("unknown", "supervisor.permission")),
        (answer(401), ("unknown", "supervisor.login")),
        (HANGS, ("fail", "service.hung")),
        (
            lambda request: FakeSupervisord()(request) if b"getPID" in request.body else HANGS,
            ("unknown", "supervisor.slow"),
        ),
        (answer(200, "<html>"), ("fail", "supervisor.answer")),
        (answer(500), ("fail", "supervisor.answer")),
    ],
    ids=["closed socket", "password", "hangs", "a long list", "not XML-RPC", "HTTP 500"],
)
def test_a_supervisord_that_does_not_say_what_it_should(cozy: Cozy, served: Any, said: tuple[str, str]) -> None:
    assert cozy.said(cozy.look("supervisor.running", cozy.machine(supervisord=served))) == [said]


@pytest.mark.parametrize(
    ("infos", "configs"),
    [
        ("nothing", []),
        ([{}], []),
        (["home"], []),
        ([{**process_info("home"), "state": "x"}], []),
        ([process_info("home", start="yesterday")], []),
        ([process_info("home", "STOPPED")], [{}]),
        ([process_info("home", "STOPPED")], ["home"]),
        ([process_info("home", "STOPPED")], "nothing"),
        ([process_info("home", "STOPPED")], [{"name": "home", "group": "home", "startsecs": "soon"}]),
    ],
    ids=str,
)
def test_values_of_the_wrong_kind_are_not_supervisords(cozy: Cozy, infos: Any, configs: Any) -> None:
    daemon = FakeSupervisord(infos, configs=configs)
    assert cozy.said(cozy.look("supervisor.running", cozy.machine(supervisord=daemon))) == [
        ("fail", "supervisor.answer")
    ]


def test_a_dead_supervisord_with_living_parts_is_a_warning_that_forbids_a_restart(cozy: Cozy) -> None:
    (finding,) = cozy.look(
        "supervisor.running", cozy.machine(supervisord=REFUSED, files={"/etc/supervisord.conf": b""})
    )
    assert (finding.code, finding.restart_helps) == ("supervisor.down_parts_alive", False)
    assert "controller, data-system, home, proxy" in words(finding)


def test_a_dead_supervisord_without_parts_is_what_is_wrong(cozy: Cozy) -> None:
    machine = cozy.machine(supervisord=REFUSED, files={"/etc/supervisord.conf": b""}, listening={})
    machine.web = {}
    (finding,) = cozy.look("supervisor.running", machine)
    assert (finding.code, finding.restart_helps) == ("supervisor.down", True)


def test_no_supervisord_is_not_here(cozy: Cozy) -> None:
    (finding,) = cozy.look("supervisor.running", cozy.machine(supervisord=REFUSED, files={}))
    assert finding.status == "skip"
