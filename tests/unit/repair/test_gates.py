"""Each gate alone: what it forbids, in which words, and what it lets through."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.host import Answer, Failure, GivenUp, Host, Memory, Process, World
from cozydiag.managers.service import Condition, Life, Service
from cozydiag.managers.service import State as Is
from cozydiag.model import Cause, Evidence, Status
from cozydiag.repair import evidence, gates, lasting, maintenance, owners, work
from cozydiag.repair.act import Outcome
from cozydiag.repair.budget import Verdict
from cozydiag.repair.gates import Terms, View
from cozydiag.repair.ledger import Ledger
from cozydiag.repair.moments import Moment
from cozydiag.repair.plan import Action, gated, make
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, Request, answer
from cozydiag.text import t
from tests.unit.repair.conftest import Bench, FakeManager

AUTO, PERSON = Terms(auto=True), Terms()
OLD_MACHINE = {"/proc/uptime": b"99999.0 1.0"}


def action(bench: Bench, service: str = "fake:home", role: str = "cozy.home", verb: str = "restart") -> Action:
    manager, _, unit = service.partition(":")
    cause = bench.cause(role=role, service=service)
    return Action(Service(manager, unit, role), verb, f"ctl {verb} {unit}", cause.text, cause, allowed=True)


def verdict(
    bench: Bench, act: Action | None = None, terms: Terms = PERSON, causes: tuple[Cause, ...] = ()
) -> Verdict | None:
    view = View(
        bench.host, bench.stack, bench.report(*causes), Ledger(bench.state, bench.machine.clock), terms,
        Moment.now(bench.machine.clock),
    )  # fmt: skip
    return gates.verdict(view, act or action(bench))


def told(bench: Bench, found: Verdict | None) -> tuple[str, str, str]:
    assert found is not None
    return found.outcome, found.code, bench.words(found.reason)


def condition(monkeypatch: pytest.MonkeyPatch, state: Is, **more: Any) -> None:
    found = Condition(Service("fake", "home", "cozy.home"), state, **more)
    monkeypatch.setattr(owners, "condition", lambda *_: found)


def process(name: str, *words: str, pid: int = 900) -> Process:
    return Process(pid, 1, "S", name, 0.0, words or (name,), 0)


def test_where_nothing_forbids_it_it_may_be_done(bench: Bench) -> None:
    assert verdict(bench) is None


@pytest.mark.parametrize(
    "unit", ["sshd", "ssh.service", "dbus", "dbus-broker.service", "systemd-logind.service", "networking",
             "NetworkManager.service", "getty@tty1.service", "docker.service"],
)  # fmt: skip
@pytest.mark.parametrize("manager", ["systemd", "sysv"])
def test_some_are_never_touched(bench: Bench, manager: str, unit: str) -> None:
    found = told(bench, verdict(bench, action(bench, f"{manager}:{unit}")))
    assert found[:2] == ("refused", "never")


@pytest.mark.parametrize(
    "service", ["systemd:nginx.service", "systemd:couchdb", "supervisord:network", "docker:ssh-app"]
)
def test_the_others_may_be(bench: Bench, service: str) -> None:
    assert verdict(bench, action(bench, service)) is None


def test_in_a_maintenance_nothing_is_done_until_its_time_is_over(bench: Bench) -> None:
    clock = bench.machine.clock
    assert maintenance.declare(bench.state, clock, 7200.0, "ann", "new disk")
    clock.sleep(60)
    outcome, code, words = told(bench, verdict(bench))
    assert (outcome, code) == ("deferred", "maintenance")
    assert words.startswith("maintenance for another 1 h 59 min, declared by ann: new disk")
    clock.sleep(7140)
    assert verdict(bench) is None


def test_a_maintenance_can_be_ended(bench: Bench) -> None:
    maintenance.declare(bench.state, bench.machine.clock, 7200.0, "ann", "")
    assert maintenance.end(bench.state)
    assert verdict(bench) is None


def test_what_is_disabled_stays_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    condition(monkeypatch, Is.DISABLED)
    assert told(bench, verdict(bench))[:2] == ("refused", "disabled")


def test_a_unit_that_is_disabled_and_down_is_left_to_a_person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = Service("systemd", "couchdb.service", "couchdb")
    line = "systemctl enable --now couchdb.service"
    found = Condition(unit, Is.STOPPED, wanted=False, boot=False, boot_line=line)
    monkeypatch.setattr(owners, "condition", lambda *_: found)
    words = f"it is disabled: somebody decided that it is not to run (to undo that: {line})"
    assert told(bench, verdict(bench)) == ("refused", "disabled", words)
    monkeypatch.setattr(owners, "condition", lambda *_: found._replace(state=Is.FAILED))
    assert verdict(bench) is None
    monkeypatch.setattr(owners, "service_of", lambda *_: None)
    monkeypatch.setattr(owners, "conditions", lambda *_: [found])
    [refusal] = make(bench.host, bench.stack, bench.report(bench.cause(role="couchdb"))).refusals
    assert bench.words(refusal.reason) == words


def test_what_should_run_and_does_not_is_started_by_a_timer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """cozy-monitor's parts are stopped when nothing listens: nobody wanted that."""
    condition(monkeypatch, Is.STOPPED, wanted=True)
    bench.machine.files = OLD_MACHINE
    assert told(bench, verdict(bench, action(bench, verb="start"), AUTO))[:2] == ("deferred", "confirm")


def test_what_was_stopped_only_a_person_starts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    condition(monkeypatch, Is.STOPPED)
    bench.machine.files = OLD_MACHINE
    start = action(bench, verb="start")
    assert told(bench, verdict(bench, start, AUTO))[:2] == ("refused", "stopped")
    assert verdict(bench, start) is None


@pytest.mark.parametrize("state", [Is.STARTING, Is.STOPPING])
def test_what_is_on_its_way_is_left_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch, state: Is) -> None:
    condition(monkeypatch, state, words="activating/start-pre")
    assert told(bench, verdict(bench)) == ("deferred", "starting", "it is still on its way: activating/start-pre")


def test_after_a_boot_a_timer_waits_and_a_person_need_not(bench: Bench) -> None:
    bench.machine.files = {"/proc/uptime": b"179.0 1.0"}
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "boot")
    assert verdict(bench) is None


def test_what_was_just_started_gets_its_time_from_a_timer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.machine.files = OLD_MACHINE
    now = bench.machine.clock.now()
    condition(monkeypatch, Is.RUNNING, since=now - 119, pids=(7,))
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "grace")
    assert verdict(bench) is None
    condition(monkeypatch, Is.RUNNING, since=now - 121, pids=(7,))
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "confirm")


def test_a_slow_manager_gives_more_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.machine.files = OLD_MACHINE
    monkeypatch.setattr(bench.manager, "patience", lambda *_: 600.0)
    condition(monkeypatch, Is.RUNNING, since=bench.machine.clock.now() - 500, pids=(7,))
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "grace")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("work.packages", ("dpkg", "/usr/bin/dpkg", "--configure", "-a")),
        ("work.backup", ("borg", "/usr/bin/python3", "/usr/bin/borg", "create")),
        ("work.backup", ("rsync", "rsync", "-a", "/var/lib/couchdb/", "nas:")),
        ("work.deployment", ("node", "npm install cozy-home")),
        ("work.deployment", ("node", "node", "/usr/bin/cozy-monitor", "update", "home")),
        ("work.image", ("docker", "docker", "pull", "cozy/cozy")),
    ],
)
def test_work_that_is_under_way_is_waited_for(bench: Bench, code: str, words: tuple[str, ...]) -> None:
    bench.machine.processes = (process(*words),)
    outcome, found, text = told(bench, verdict(bench))
    assert (outcome, found) == ("deferred", code)
    assert "PID 900" in text


@pytest.mark.parametrize(
    "words",
    [
        ("node", "node", "/opt/app/server.js", "install"),
        ("rsync", "rsync", "-a", "/home/ann/", "nas:"),
        ("docker", "docker", "ps"),
        ("unattended-upgr", "/usr/bin/python3", "/usr/share/unattended-upgrades/unattended-upgrade-shutdown"),
        ("node", "node", "/usr/bin/cozy-monitor", "status"),
    ],
)
def test_other_programs_are_no_obstacle(bench: Bench, words: tuple[str, ...]) -> None:
    bench.machine.processes = (process(*words),)
    assert verdict(bench) is None


def test_without_discovery_only_what_is_configured_is_looked_at(bench: Bench) -> None:
    bench.stack = Stack(Config(discover=False))
    bench.machine.processes = (process("dpkg"),)
    assert verdict(bench) is None


def test_the_lock_of_dpkg_is_read_and_not_taken(bench: Bench, tmp_path: Any) -> None:
    lock = tmp_path / "lock-frontend"
    lock.touch()
    inode = lock.stat().st_ino
    bench.machine.real = str(tmp_path)
    locks = b"1: POSIX  ADVISORY  WRITE 77 fe:01:%d 0 EOF\n1: -> POSIX  ADVISORY  WRITE 78 fe:01:5 0 EOF\n"
    bench.machine.files = {"/proc/locks": locks % inode}
    assert work._locked(bench.host, str(lock))
    bench.machine.files = {"/proc/locks": locks % (inode + 1)}
    assert not work._locked(bench.host, str(lock))


def test_a_lock_that_somebody_holds_is_seen(tmp_path: Path) -> None:
    """As dpkg takes it (fcntl), by another process."""
    lock = tmp_path / "lock"
    lock.touch()
    script = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
    host = Host(World(), 5.0)
    if isinstance(host.read("/proc/locks"), Failure):
        pytest.skip("this system does not tell its locks")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        seen = work._locked(host, str(lock))
        holder.communicate(timeout=10)
    assert (seen, work._locked(host, str(lock))) == (True, False)


@pytest.mark.parametrize("code", ["host.disk_full", "host.inodes", "host.read_only"])
def test_without_room_nothing_is_restarted(bench: Bench, code: str) -> None:
    full = bench.cause(code, "host", restart_helps=False, service=None)
    outcome, found, words = told(bench, verdict(bench, causes=(full,)))
    assert (outcome, found, words) == ("refused", "disk", "it would meet this again: host is broken")


def test_data_at_risk_keeps_couchdb_as_it_is_and_nobody_else(bench: Bench) -> None:
    risk = bench.cause("couchdb.file_damaged", "couchdb", severity=Status.WARN, restart_helps=False, service=None)
    found = verdict(bench, action(bench, "fake:couchdb", "couchdb"), causes=(risk,))
    assert told(bench, found)[:2] == ("refused", "data")
    assert verdict(bench, causes=(risk,)) is None


def test_without_memory_nothing_comes_up(bench: Bench) -> None:
    start = action(bench, verb="start")
    bench.machine.memory = Memory(1 << 30, gates.LEAST_MEMORY - 2, 10, 1)
    assert told(bench, verdict(bench, start))[:2] == ("deferred", "memory")
    assert verdict(bench) is None  # a restart gives back what it takes
    assert verdict(bench, action(bench, "fake:nginx", "proxy", "start")) is None
    bench.machine.memory = Memory(1 << 30, gates.LEAST_MEMORY - 2, 10, 2)
    assert verdict(bench, start) is None


def couchdb(bench: Bench, tasks: list[dict[str, Any]] | Failure) -> Callable[[Request], Answer | Failure]:
    def serve(request: Request) -> Answer | Failure:
        if request.target == "/_session":
            return answer(200, json.dumps({"ok": True, "userCtx": {"name": "admin", "roles": ["_admin"]}}))
        return tasks if isinstance(tasks, Failure) else answer(200, json.dumps(tasks))

    bench.machine.web = {"127.0.0.1:5984": serve}
    bench.machine.files = {"/etc/cozy/couchdb.login": b"admin\nsecret-word\n"}
    return serve


def test_couchdb_is_not_disturbed_at_work(bench: Bench) -> None:
    couchdb(bench, [{"type": "replication"}, {"type": "database_compaction", "database": "shards/cozy"}])
    error = bench.cause("service.error", "couchdb", service="fake:couchdb")
    act = action(bench, "fake:couchdb", "couchdb")._replace(cause=error)
    outcome, code, words = told(bench, verdict(bench, act))
    assert (outcome, code) == ("deferred", "couchdb.tasks")
    assert "database_compaction of shards/cozy" in words


@pytest.mark.parametrize("tasks", [[], [{"type": "replication"}], [None], HANGS])
def test_a_couchdb_without_work_or_without_an_answer_may_be_restarted(bench: Bench, tasks: Any) -> None:
    couchdb(bench, tasks)
    error = bench.cause("service.error", "couchdb", service="fake:couchdb")
    assert verdict(bench, action(bench, "fake:couchdb", "couchdb")._replace(cause=error)) is None


def test_one_that_hangs_is_not_asked(bench: Bench) -> None:
    couchdb(bench, [{"type": "indexer"}])
    assert verdict(bench, action(bench, "fake:couchdb", "couchdb")) is None
    assert not [one for one in bench.machine.requests if one.place.endswith(":5984")]


def test_an_app_without_its_code_is_not_stopped(bench: Bench) -> None:
    act = action(bench, "cozy-monitor:contacts", "", "start")
    outcome, code, words = told(bench, verdict(bench, act))
    assert (outcome, code) == ("refused", "code")
    assert "/usr/local/cozy/apps/contacts" in words
    bench.machine.files = {f"{gates.APPS}/contacts": b""}
    assert verdict(bench, act) is None


def test_a_timer_needs_two_runs(bench: Bench) -> None:
    """At least a minute apart, and no health between."""
    bench.machine.files = OLD_MACHINE
    clock = bench.machine.clock
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "confirm")
    bench.state.keep_service("fake:home", {"failing": Moment.now(clock)})
    clock.sleep(59)
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "confirm")
    clock.sleep(1)
    assert verdict(bench, terms=AUTO) is None


def test_what_lasts_comes_before_what_passes(bench: Bench) -> None:
    maintenance.declare(bench.state, bench.machine.clock, 60.0, "ann", "")
    found = verdict(bench, action(bench, "systemd:sshd"))
    assert told(bench, found)[:2] == ("refused", "never")


def test_the_plan_shows_what_forbids_each_act(bench: Bench) -> None:
    maintenance.declare(bench.state, bench.machine.clock, 60.0, "ann", "")
    report = bench.report(bench.cause())
    ledger = Ledger(bench.state, bench.machine.clock)
    view = View(bench.host, bench.stack, report, ledger, Terms(), Moment.now(bench.machine.clock))
    [found] = gated(make(bench.host, bench.stack, report), view).actions
    assert found.gate is not None
    assert found.gate.code == "maintenance"


# --- evidence


def test_what_a_restart_destroys_is_kept_for_root_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.stack.keep_secret("hunter22")
    bench.machine.processes = (process("node", "node", "server.js", "--password=hunter22", pid=70),)
    bench.machine.listening = {9103: 70}
    bench.machine.files = {"/proc/70/status": b"Name:\tnode\nVmRSS:\t  1234 kB\n"}
    monkeypatch.setattr(bench.manager, "log", lambda *_: ["connected with hunter22", "Error: gave up"])
    bench.act()
    [entry] = bench.state.entries("act")
    [kept] = evidence.read(bench.state.folder, entry.data["incident"])
    assert (kept["service"], kept["pid"], kept["state"]) == ("fake:home", 70, "RUNNING")
    assert kept["log"] == ["connected with ***", "Error: gave up"]
    assert kept["process"] == {
        "state": "S", "started": 0.0, "command": "node server.js --password=***", "memory_kib": 1234, "ports": [9103],
    }  # fmt: skip


def test_only_the_last_twenty_are_kept_and_nobody_else_may_read_them(bench: Bench) -> None:
    for number in range(25):
        assert evidence.keep(bench.state.folder, f"20260101-0000{number:02}", {"service": str(number)})
    found = evidence.read(bench.state.folder, "20260101-000024")
    assert found == [{"service": "24"}]
    assert evidence.read(bench.state.folder, "20260101-000004") == []
    assert evidence.read(bench.state.folder, "20260101-000005") == [{"service": "5"}]


def test_the_evidence_of_one_run_lies_together_in_order(bench: Bench) -> None:
    for number in range(12):
        evidence.keep(bench.state.folder, "one", {"n": number})
    assert [one["n"] for one in evidence.read(bench.state.folder, "one")] == list(range(12))


@pytest.mark.parametrize("name", ["", "..", ".", "../../etc", "a/b"])
def test_a_name_that_leads_elsewhere_has_no_evidence(bench: Bench, name: str) -> None:
    assert evidence.read(bench.state.folder, name) == []


def test_its_files_are_for_their_owner_alone_and_links_are_not_followed(bench: Bench, tmp_path: Any) -> None:
    path = evidence.keep(bench.state.folder, "one", {})
    assert path is not None
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) & 0o077 == 0
    precious = tmp_path / "precious"
    precious.write_text("text")
    (tmp_path / "state" / "incidents" / "one" / "2.json").symlink_to(precious)
    assert evidence.keep(bench.state.folder, "one", {}) is not None
    assert precious.read_text() == "text"


# --- what would meet the same again


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("file_exists: The database could not be created", True),
        ("Error: listen EADDRINUSE 127.0.0.1:9103", False),  # nobody has the port now, or that would be the cause
        ("Error: ENOSPC: no space left on device, write", False),  # the disk itself is looked at
    ],
)
def test_what_is_still_so_afterwards_is_no_reason_for_a_restart(bench: Bench, line: str, again: bool) -> None:
    act = action(bench)
    act = act._replace(cause=act.cause._replace(evidence=(Evidence("its log", line),)))
    found = verdict(bench, act)
    assert (found is not None) is again
    assert found is None or told(bench, found)[:2] == ("refused", "again")


def test_memory_that_ran_out_twice_is_no_reason_for_another_restart(bench: Bench) -> None:
    act = action(bench)
    act = act._replace(cause=act.cause._replace(evidence=(Evidence("log", "JavaScript heap out of memory"),)))
    assert verdict(bench, act) is None
    clock = bench.machine.clock
    bench.state.append("act", {"service": "fake:home", "verb": "restart", "moment": Moment.now(clock)})
    clock.sleep(1200)
    assert told(bench, verdict(bench, act))[:2] == ("refused", "out_of_memory")
    clock.sleep(6 * 3600)
    assert verdict(bench, act) is None


def test_a_manager_that_everybody_has_given_up_on_is_no_end_of_the_repair(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GivenUp is no Exception: it would end the whole repair."""

    def given_up(*_: object) -> float:
        raise GivenUp(("supervisor.running",))

    bench.machine.files = OLD_MACHINE
    condition(monkeypatch, Is.RUNNING, since=bench.machine.clock.now() - 500, pids=(7,))
    monkeypatch.setattr(bench.manager, "patience", given_up)
    assert told(bench, verdict(bench, terms=AUTO))[:2] == ("deferred", "unanswered")
    monkeypatch.setattr(bench.manager, "life", given_up)
    assert not lasting.changed(bench.host, bench.stack, done(70))


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (Life(True, 70, "", invocation="a"), False),
        (Life(True, 71, "", invocation="a"), True),
        (Life(True, 70, "", invocation="b"), True),
        (Life(True, 0, ""), False),
        (Life(False, 0, ""), True),
    ],
)
def test_what_was_mended_must_still_be_the_same(bench: Bench, now: Life, changed: bool) -> None:
    bench.manager = FakeManager(now)
    assert lasting.changed(bench.host, bench.stack, done(70, "a")) is changed


def done(pid: int, invocation: str = "") -> Outcome:
    return Outcome(Service("fake", "home"), "restart", "verified", t("it runs"), 1, pid, invocation=invocation)
