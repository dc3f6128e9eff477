"""forever: each recorded state, monitors that hang or are gone, and who finds them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.host import Answer, Failure, Process
from cozydiag.managers import forever
from cozydiag.managers.forever import Forever
from cozydiag.managers.node import Place
from cozydiag.managers.service import Condition, Home, Life, Service, State, Surroundings
from cozydiag.model import Status
from cozydiag.stack import Stack, ownership
from cozydiag.stack.unwell import unwell
from cozydiag.testing import HANGS, REFUSED, FakeClock, FakeHost, Machine, Request, answer

RECORDED = Path(__file__).parents[2] / "recordings" / "forever"
FOLDER = "/srv/lab/forever/home/.forever"
MOMENT = 1_795_249_660.0

Data = dict[str, Any]


def recorded(file: str = "data.jsonl") -> dict[str, Data]:
    said = (json.loads(line)[1] for line in (RECORDED / file).read_text().splitlines())
    return {one["uid"]: one for one in said}


class Monitor:
    """One monitor on its socket."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.asked: list[str] = []
        self.answers: list[Answer | Failure] = []

    def __call__(self, request: Request) -> Answer | Failure:
        [question, nothing] = json.loads(request.body)
        assert nothing is None
        assert request.body.endswith(b"\n")
        if question == "data":
            return answer(200, json.dumps(["data", self.data]) + "\n")
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else answer(200, json.dumps([question, "ok", None]) + "\n")


def alive(pid: int, ppid: int = 1, *cmdline: str, state: str = "S") -> Process:
    return Process(pid, ppid, state, "node", 0.0, cmdline or ("/usr/bin/node", "/srv/ok.js"), 0)


def host(*monitors: Any, files: dict[str, Any] | None = None, processes: tuple[Process, ...] = ()) -> FakeHost:
    sockets = {f"{FOLDER}/sock/worker.{number}.sock": one for number, one in enumerate(monitors)}
    known: dict[str, Any] = {**dict.fromkeys(sockets, b""), **(files or {})}
    return FakeHost(Machine(sockets=sockets, files=known, processes=processes, clock=FakeClock(MOMENT)), 2.0)


def manager(user: str | None = None, prefix: tuple[str, ...] = ()) -> Forever:
    return Forever(Place(FOLDER, 0, user, prefix))


def conditions(found: tuple[Condition, ...] | Failure) -> dict[str, Condition]:
    assert not isinstance(found, Failure), found
    return {one.service.unit: one for one in found}


def ends(*how: str) -> bytes:
    said = (f"Forever detected script {one}" for one in how)
    return "".join(
        f'Error: no database\n    at app.js:1\n{{"level":"error","message":"{one}"}}\n' for one in said
    ).encode()


CRASHES = ends(*["exited with code: 1"] * 4)


@pytest.mark.parametrize(
    ("uid", "log", "lives", "state", "words"),
    [
        ("home", b"", True, State.RUNNING, "running"),
        ("my app", b"", True, State.RUNNING, "running"),
        ("slowcrash", CRASHES, True, State.CRASH_LOOPING, "running"),
        ("slowcrash", ends(*["was killed by signal: SIGKILL"] * 4), True, State.RUNNING, "running"),  # by somebody
        ("slowcrash", b"", True, State.RUNNING, "running"),  # a second look will tell
        ("crash", CRASHES, False, State.CRASH_LOOPING, "waits for its next start"),
        ("crashm2", ends("exited with code: 1"), False, State.FAILED, "STOPPED"),
        ("crashm2", b"", False, State.FAILED, "STOPPED"),
        ("once", ends("exited with code: 0"), False, State.FINISHED, "STOPPED"),
    ],
)
def test_every_recorded_state_is_told(uid: str, log: bytes, lives: bool, state: State, words: str) -> None:
    data = recorded()[uid]
    there = (alive(data["pid"]),) if lives else ()
    [found] = conditions(
        manager().services(host(Monitor(data), files={data["logFile"]: log}, processes=there))
    ).values()
    assert (found.state, found.words, found.boot) == (state, words, False)
    assert found.pids == ((data["pid"],) if lives else ())
    assert (found.why == "Error: no database") == (state in (State.CRASH_LOOPING, State.FAILED) and bool(log))


def test_a_process_that_has_ended_and_waits_for_its_parent_does_not_run() -> None:
    data = recorded()["home"]
    [found] = conditions(manager().services(host(Monitor(data), processes=(alive(data["pid"], state="Z"),)))).values()
    assert found.state is State.FAILED


def test_all_are_told_with_their_uids_and_what_would_start_them_with_the_machine() -> None:
    found = conditions(manager().services(host(*map(Monitor, recorded().values()))))
    assert sorted(found) == ["crash", "crashm2", "home", "my app", "once", "slowcrash"]
    assert found["my app"].boot_line == (
        "@reboot forever start -a --uid 'my app' --sourceDir /srv/lab/forever/apps ok.js --port 9104"
    )


@pytest.mark.parametrize(("uid", "unit"), [("zX-8", "ok.js"), ("a1b2", "ok.js"), ("home", "home"), ("web-1", "web-1")])
def test_a_made_up_uid_is_no_name(uid: str, unit: str) -> None:
    found = conditions(manager().services(host(Monitor(recorded()["home"] | {"uid": uid}))))
    assert found[unit].service.id == uid


def test_environments_end_where_they_are_read_but_for_what_must_be_masked() -> None:
    kept: list[str] = []
    data = recorded()["home"] | {
        "spawnWith": {"env": {"COUCH_PASSWORD": "hunter22", "HOME": "/home/somebody"}}, "env": {"TOKEN": "t0ken"}
    }  # fmt: skip
    found = Forever(Place(FOLDER, 0, None, ()), kept.append).services(host(Monitor(data)))
    assert sorted(kept) == ["hunter22", "t0ken"]
    assert "somebody" not in str(found)


def hung(data: Data) -> dict[str, Any]:
    return {f"{FOLDER}/pids/{data['uid']}.pid": str(data["pid"]).encode()}


def test_one_hung_monitor_takes_nothing_from_the_others() -> None:
    home, other = recorded()["home"], recorded()["my app"]
    monitor = alive(home["foreverPid"], 1, "/usr/bin/node", "/usr/lib/node_modules/forever/bin/monitor", "ok.js")
    there = (monitor, alive(home["pid"], home["foreverPid"]), alive(other["pid"]))
    found = conditions(manager().services(host(HANGS, Monitor(other), files=hung(home), processes=there)))
    assert [(one, found[one].state) for one in sorted(found)] == [("home", State.HUNG), ("my app", State.RUNNING)]
    assert found["home"].why == f"its monitor (process {home['foreverPid']}) does not answer"
    assert found["home"].pids == (home["pid"],)


def test_the_recorded_list_of_five_and_one_that_hangs_is_whole() -> None:
    others = recorded("data-hung.jsonl")
    found = conditions(manager().services(host(HANGS, *map(Monitor, others.values()))))
    assert sorted(found) == sorted([*others, "worker.0.sock"])
    assert found["crashm2"].state is State.FAILED


def test_a_hung_monitor_of_which_nothing_else_is_known_is_told() -> None:
    [found] = conditions(manager().services(host(HANGS))).values()
    assert (found.service.unit, found.state) == ("worker.0.sock", State.HUNG)


def test_a_process_without_its_monitor_lives_on_and_has_its_whole_command() -> None:
    home = recorded()["home"]
    there = (alive(home["pid"], 1, "/usr/bin/node", "/srv/ok.js", "--port", "9104"),)
    [found] = conditions(manager().services(host(REFUSED, files=hung(home), processes=there))).values()
    assert (found.pids, found.words) == ((home["pid"],), "its monitor is gone")
    assert found.start_line == "forever start -a --uid home /srv/ok.js --port 9104"


def test_what_lives_on_is_a_warning_with_its_command() -> None:
    home = recorded()["home"]
    machine = host(REFUSED, files=hung(home), processes=(alive(home["pid"]),))
    machine.machine.uid = 1000
    theirs = manager("deploy", ("sudo", "-u", "deploy", "-H"))
    [found] = conditions(theirs.services(machine)).values()
    finding = unwell(machine, Stack(Config()), theirs, found)
    assert (finding.code, finding.status, finding.affects) == ("service.unwatched", Status.WARN, ())
    assert finding.commands == ("sudo -u deploy -H forever start -a --uid home /srv/ok.js",)
    assert ownership.line(machine, theirs, found.service, "stop") == "sudo -u deploy -H forever stop home"


def test_after_a_reboot_nothing_runs_and_nothing_will() -> None:
    [found] = conditions(manager().services(host(REFUSED, files=hung(recorded()["home"])))).values()
    assert (found.state, found.wanted, found.pids) == (State.STOPPED, True, ())
    assert found.start_line == "forever start -a --uid home SCRIPT"


def test_a_number_that_another_process_has_by_now_is_nobodys() -> None:
    home = recorded()["home"]
    other = alive(home["pid"])._replace(started=9_000.0)  # the pid file is older by far
    [found] = conditions(manager().services(host(REFUSED, files=hung(home), processes=(other,)))).values()
    assert found.pids == ()


def test_pid_files_say_nothing_where_every_monitor_answers() -> None:
    found = conditions(manager().services(host(Monitor(recorded()["my app"]), files=hung(recorded()["home"]))))
    assert list(found) == ["my app"]


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (Failure("permission", "permission denied"), "permission"),
        (answer(200, "hello\n"), "protocol"),
        (answer(200, b"[" * 100_000 + b"\n"), "protocol"),
        (answer(200, '["pong",null]\n'), "protocol"),
        (answer(200, '["data",{"uid":1}]\n'), "protocol"),
        (answer(200, '["data",null]\n'), "protocol"),
    ],
)
def test_what_is_no_answer_is_one_clear_failure(served: Any, kind: str) -> None:
    found = manager().services(host(served))
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_without_sockets_there_is_nothing() -> None:
    found = manager().services(host())
    assert isinstance(found, Failure)
    assert found.kind == "missing"


@pytest.mark.parametrize(
    ("verb", "uid", "asked"),
    [
        ("restart", "home", ["restart"]), ("stop", "home", ["stop"]), ("start", "home", []),
        ("start", "crashm2", ["restart"]),
    ],
)  # fmt: skip
def test_it_is_asked_by_its_uid(verb: str, uid: str, asked: list[str]) -> None:
    data = recorded()[uid]
    monitor, other = Monitor(data), Monitor(recorded()["my app"])
    machine = host(monitor, other, processes=(alive(recorded()["home"]["pid"]),))
    assert manager().ask(machine, Service("forever", uid, id=uid), verb) is None
    assert (monitor.asked, other.asked) == (asked, [])


def test_a_stop_that_gets_lost_is_asked_for_again() -> None:
    monitor = Monitor(recorded()["crash"])
    monitor.answers = [HANGS, Failure("closed", "the end came before a full answer")]
    machine = host(monitor, processes=(alive(monitor.data["pid"]),)).within(15.0, "act")
    assert manager().ask(machine, Service("forever", "crash", id="crash"), "stop") is None
    assert monitor.asked == ["stop", "stop"]


def test_what_is_in_no_list_is_stopped_and_cannot_be_started() -> None:
    machine = host(Monitor(recorded()["my app"]))
    assert manager().life(machine, Service("forever", "home", id="home")) == Life(False, 0, "no monitor looks after it")
    refused = manager().ask(machine, Service("forever", "home", id="home"), "start")
    assert isinstance(refused, Failure)
    assert refused.kind == "missing"


def test_the_log_is_the_last_of_what_it_wrote() -> None:
    data = recorded()["home"]
    own = b'{"level":"error","message":"Forever detected script exited with code: 1"}\n'
    machine = host(Monitor(data), files={data["logFile"]: b"one\ntwo\n" + own + b"three\n" + own})
    assert manager().log(machine, Service("forever", "home", id="home"), 2) == ["two", "three"]


def test_the_command_is_for_the_right_user() -> None:
    found = manager("deploy", ("sudo", "-u", "deploy", "-H")).command(Service("forever", "web", id="web"), "start")
    assert found == ("sudo", "-u", "deploy", "-H", "forever", "restart", "web")


def test_every_users_monitors_are_found_and_kept_apart() -> None:
    table = b"Num RefCount Protocol Flags Type St Inode Path\n" + b"".join(
        b"0: 00000002 00000000 00010000 0001 01 77 " + os.fsencode(path) + b"\n"
        for path in ("/srv/forever/sock/worker.1cJc.sock", "/home/ann/.forever/sock/worker.2.sock", "/run/sock/other")
    )
    homes = (Home("root", 0, "/root"), Home("ann", 1001, "/home/ann"), Home("bob", 1002, "/home/bob"))
    files = {
        "/proc/net/unix": table, "/srv/forever": b"", "/home/ann/.forever": b"", "/home/bob/.forever": b"",
        "/srv/forever/sock/worker.1cJc.sock": b"", "/home/ann/.forever/sock/worker.2.sock": b"",
    }  # fmt: skip
    machine = FakeHost(Machine(files=files), 2.0)
    found = forever.find(machine, Surroundings(homes=homes))
    assert [(one.user, one.place) for one in found] == [(None, "/srv/forever"), ("ann", "/home/ann/.forever")]
    [named] = forever.find(FakeHost(Machine(), 2.0), Surroundings(discover=False, named=("/srv/x/",)))
    assert named.place == "/srv/x"
