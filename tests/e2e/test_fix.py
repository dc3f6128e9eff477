"""`cozydiag fix` as people run it: on real stacks, on terminals and in scripts, interrupted and in each other's way."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cozydiag
from cozydiag.host import Clock
from cozydiag.repair.act import KIND
from cozydiag.repair.budget import reset
from cozydiag.repair.ledger import Ledger
from cozydiag.sandbox import Sandbox
from cozydiag.sandbox.layout import REAL_PORTS
from cozydiag.state import open_state
from scripts.laboratory.repair import identities
from tests.e2e.terminal import Terminal

COMMAND = (sys.executable, "-m", "cozydiag")
NOBODY = 65534
TIMING = "\n[timing]\nproof = 0.2\nsettle = 10\n\n[repair]\nconfirm = 0.1\nstable = 0.2\n"


def environment() -> dict[str, str]:
    """Ours, without what would choose a language, a configuration or a person."""
    kept = ("PATH", "HOME")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "SUDO_USER": "ann"}


def wait(child: subprocess.Popen[str]) -> int:
    return child.wait(60)


class Server:
    """A sandbox, what `fix` does to it, and what the journal says of that."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.known = 0
        self.broken = False
        self.children: list[subprocess.Popen[Any]] = []

    @property
    def config(self) -> str:
        """The sandbox's own configuration, with less patience."""
        path = Path(self.sandbox.folder, "fix.toml")
        path.write_text(Path(self.sandbox.config).read_text().partition("[repair]")[0] + TIMING)
        return str(path)

    def have(self, *stopped: str) -> None:
        """Healthy but for these programs, which are stopped."""
        self.end()
        states = self.sandbox.supervisor.states() if not self.broken else {}
        if {state for program, state in states.items() if program not in stopped} != {"RUNNING"}:
            self.sandbox.heal()
            self.broken = False
        for program in stopped:
            self.sandbox.supervisor.stop(program)
        self.journal()
        with closing(open_state(self.sandbox.layout.path("state"))) as state:
            reset(Ledger(state, Clock()), None)

    def end(self) -> None:
        """What a failed test has left running."""
        for child in self.children:
            child.kill()
            child.wait()
        self.children.clear()

    def break_(self, fault: str) -> None:
        self.broken = True
        self.sandbox.break_(fault)

    def run(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        line = [*COMMAND, *arguments, "--config", self.config]
        return subprocess.run(
            line, env=environment(), stdin=stdin, capture_output=True, text=True, timeout=90, check=False
        )

    def restart(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("fix", "--restart", "--yes", *arguments)

    def begin(self, program: str) -> subprocess.Popen[str]:
        """A repair that has begun to act on this program. It hears Ctrl-C wherever the suite runs."""
        line = [*COMMAND, "fix", "--restart", "--yes", "--config", self.config]
        child = subprocess.Popen(
            line, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        self.children.append(child)
        assert child.stdout is not None
        said = []
        for row in child.stdout:
            said.append(row)
            if not row.startswith(" ") and f"start {program} " in row:
                return child
        raise AssertionError("".join(said))

    def well(self) -> bool:
        self.broken = self.run("status").returncode != 0
        return not self.broken

    def identities(self) -> dict[str, str]:
        """Which process each program is."""
        return identities(self.sandbox)

    def journal(self) -> list[tuple[str, str, str | None]]:
        """Verb, service and result of the acts since it was last asked."""
        with closing(open_state(self.sandbox.layout.path("state"))) as state:
            entries = state.entries(KIND)
        found, self.known = entries[self.known :], len(entries)
        return [(e.data["verb"], e.data["service"], e.result and e.result["result"]) for e in found]


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    sandbox = Sandbox.create()
    server = Server(sandbox)
    try:
        sandbox.up()
        yield server
    finally:
        server.end()
        sandbox.remove()


@pytest.fixture
def server(running: Server) -> Server:
    """A healthy one."""
    running.have()
    return running


@pytest.fixture
def one_fault(running: Server) -> Server:
    running.have("cozy-home")
    return running


@pytest.fixture
def two_faults(running: Server) -> Server:
    running.have("couchdb", "nginx")
    return running


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {program for program in {*before, *after} if before.get(program) != after.get(program)}


# --- what can be mended


def test_where_all_is_well_there_is_nothing_to_do(server: Server) -> None:
    before = server.identities()
    done = [server.run("fix"), server.restart()]
    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [(0, "There is nothing to repair.\n", "")] * 2
    assert (server.identities(), server.journal()) == (before, [])


@pytest.mark.parametrize(
    ("fault", "program", "verb"),
    [
        ("part-stopped", "cozy-home", "start"),
        ("couchdb-stopped", "couchdb", "start"),
        ("nginx-stopped", "nginx", "start"),
        ("part-hung", "cozy-home", "restart"),
        ("nginx-hung", "nginx", "restart"),
    ],
)
def test_one_fault_is_mended_by_one_act(server: Server, fault: str, program: str, verb: str) -> None:
    healthy = server.identities()
    server.break_(fault)
    done = server.restart()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert server.well()
    assert changed(healthy, server.identities()) == {program}
    assert server.journal() == [(verb, f"supervisord:{program}", "verified")]
    pid = server.identities()[program].partition("@")[0]
    assert f"✓ supervisord:{program}: it runs as a new process (PID {pid}) and keeps running (" in done.stdout
    assert "\nBack at " in done.stdout
    assert f", 1 restart ({program}), it had " in done.stdout


def test_two_faults_are_mended_in_the_order_of_dependences(two_faults: Server) -> None:
    server = two_faults
    done = server.restart()
    assert done.returncode == 0, done.stdout
    assert server.well()
    assert server.journal() == [
        ("start", "supervisord:couchdb", "verified"),
        ("start", "supervisord:nginx", "verified"),
    ]
    assert done.stdout.index(" start couchdb …") < done.stdout.index(" start nginx …")
    assert ", 2 restarts (couchdb, nginx).\n" in done.stdout


def test_what_comes_to_light_behind_it_is_told_and_no_login_is_spent_on_it(two_faults: Server) -> None:
    """CouchDB 3.4 and later lock an account after five wrong passwords."""
    server = two_faults
    server.break_("couchdb-401")
    tried = len(server.sandbox.logins("cozydiag"))
    done = server.restart()
    assert done.returncode == 2
    assert [result for *_, result in server.journal()] == ["verified", "verified"]
    assert "CouchDB refuses user admin" in done.stdout.partition("Something is still wrong")[2]
    assert len(server.sandbox.logins("cozydiag")) == tried + 1


# --- what cannot


@pytest.mark.parametrize(
    ("fault", "told", "step"),
    [
        ("port-taken", "✗ home cannot start: its port ", "End that program or give it another port"),
        ("part-fatal", "✗ home does not start", "[program:cozy-home] of supervisord's configuration"),
        ("couchdb-401", "✗ CouchDB refuses user admin", "Put the right one into that file"),
        ("nginx-config-down", "✗ nginx does not start because its configuration is broken", "test it, then start"),
        ("nginx-config-disk", "! nginx still serves, but its configuration", "before nginx is restarted"),
        ("supervisor-killed", "! supervisord is gone, but what it started", "first end what it left behind"),
    ],
)
def test_where_a_restart_cannot_help_it_is_refused_with_the_steps_that_would(
    server: Server, fault: str, told: str, step: str
) -> None:
    server.break_(fault)
    before = server.identities()
    plan, done = server.run("fix"), server.restart()
    codes = [0, 1] if told.startswith("!") else [2, 2]  # where all works there is no plan, and all still works after it
    assert [(one.returncode, one.stderr) for one in (plan, done)] == [(code, "") for code in codes]
    assert server.run("fix", "--format", "json").returncode == codes[0]
    assert done.stdout == plan.stdout
    assert told in done.stdout
    assert "No restart: the fault would still be there afterwards." in done.stdout
    assert step in done.stdout.partition("Instead: ")[2]
    assert (server.identities(), server.journal()) == (before, [])


def test_a_proxy_whose_configuration_fails_its_own_test_is_not_touched(server: Server) -> None:
    """It hangs, which a restart would mend, but it would not come back."""
    server.break_("nginx-hung")
    site = Path(server.sandbox.layout.path("sites-enabled", "cozy.conf"))
    site.write_text(site.read_text().replace("proxy_pass ", "proxy_pas ", 1))
    before = server.identities()
    done = server.restart()
    assert done.returncode == 2, done.stdout
    assert "✗ supervisord:nginx: its configuration does not pass its own test: " in done.stdout
    assert "[emerg]" in done.stdout
    assert (server.identities(), server.journal()) == (before, [])


def test_nothing_is_done_without_a_journal(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    config = Path(server.config)
    blocked = config.with_name("blocked.toml")
    blocked.write_text(config.read_text().replace("/state", "/fix.toml/state"))
    done = subprocess.run(
        [*COMMAND, "fix", "--restart", "--yes", "--config", blocked], env=environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "\nNothing is done without a journal: " in done.stdout
    assert server.identities() == before


# --- the plan alone, and consent


def test_the_plan_changes_nothing(one_fault: Server) -> None:
    server = one_fault
    before, state = server.identities(), os.stat(server.sandbox.layout.path("state")).st_mtime_ns
    done = server.run("fix")
    assert (done.returncode, done.stderr) == (2, "")
    line = f"-s unix://{server.sandbox.layout.socket} start cozy-home\n     home is stopped\n"
    assert line in done.stdout
    assert f"\nNothing was changed. To do it: {shlex.join(COMMAND)} fix --restart --config " in done.stdout
    assert (server.identities(), server.journal()) == (before, [])
    assert os.stat(server.sandbox.layout.path("state")).st_mtime_ns == state


def test_without_anybody_to_ask_it_names_the_line_that_needs_no_answer(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    done = server.run("fix", "--restart")
    assert (done.returncode, done.stdout) == (64, "")
    line = f"{shlex.join(COMMAND)} fix --restart --yes --config {server.config}"
    assert done.stderr == (f"cozydiag: nobody is here to be asked: to restart without a question, type `{line}`\n")
    assert (server.identities(), server.journal()) == (before, [])
    copied = subprocess.run(shlex.split(line), env=environment(), capture_output=True, timeout=60, check=False)
    assert copied.returncode == 0
    assert server.well()


def on_a_terminal(server: Server, *arguments: str) -> Terminal:
    terminal = Terminal([*COMMAND, *arguments, "--config", server.config], environment())
    server.children.append(terminal.child)
    return terminal


def test_on_a_terminal_it_asks_and_a_no_changes_nothing(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    for answer in ("n\n", "\n"):
        terminal = on_a_terminal(server, "fix", "--restart")
        terminal.until("Do it? (y = yes) ")
        terminal.type(answer)
        assert terminal.end() == 2
    assert (server.identities(), server.journal()) == (before, [])


def test_on_a_terminal_a_yes_mends_it(one_fault: Server) -> None:
    server = one_fault
    terminal = on_a_terminal(server, "fix", "--restart")
    terminal.until("Do it? (y = yes) ")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert server.well()
    assert server.journal() == [("start", "supervisord:cozy-home", "verified")]


def test_ctrl_c_at_the_question_changes_nothing(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    terminal = on_a_terminal(server, "fix", "--restart")
    terminal.until("Do it? (y = yes) ")
    assert terminal.end("\x03") == 130
    assert (server.identities(), server.journal()) == (before, [])


# --- interrupted, and in each other's way


def only_couchdb_is_mended(server: Server) -> None:
    assert server.journal() == [("start", "supervisord:couchdb", "verified")]
    states = server.sandbox.supervisor.states()
    assert (states["couchdb"], states["nginx"]) == ("RUNNING", "STOPPED")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_act_end_and_no_other_begin(two_faults: Server, number: signal.Signals) -> None:
    server = two_faults
    child = server.begin("couchdb")
    child.send_signal(number)
    said, complaints = child.communicate(timeout=60)
    assert (child.returncode, complaints) == (2, "")
    assert "✓ supervisord:couchdb: it runs as a new process" in said
    assert "Stopped by a signal: what had begun was finished, nothing else was started." in said
    assert "✗ nginx is stopped" in said
    assert "start nginx" not in said
    only_couchdb_is_mended(server)


def test_ctrl_c_on_a_terminal_lets_the_act_end(two_faults: Server) -> None:
    """It goes to the whole group of the terminal, programs that were asked to act among them."""
    server = two_faults
    terminal = on_a_terminal(server, "fix", "--restart", "--yes")
    terminal.until("start couchdb …")
    terminal.type("\x03")
    assert terminal.end() == 2
    assert "✓ supervisord:couchdb: it runs as a new process" in terminal.said
    only_couchdb_is_mended(server)


def test_a_terminal_that_is_lost_lets_the_act_end(two_faults: Server) -> None:
    server = two_faults
    terminal = on_a_terminal(server, "fix", "--restart", "--yes")
    terminal.until("start couchdb …")
    terminal.hang_up()
    assert terminal.end() == 2
    only_couchdb_is_mended(server)


def test_a_reader_that_goes_away_stops_nothing(two_faults: Server) -> None:
    server = two_faults
    child = server.begin("couchdb")
    assert child.stdout is not None
    child.stdout.close()
    assert wait(child) == 0
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()
    assert [result for *_, result in server.journal()] == ["verified", "verified"]
    assert server.well()


def test_a_second_repair_meanwhile_does_nothing(one_fault: Server) -> None:
    server = one_fault
    child = server.begin("cozy-home")
    second = server.restart()
    first, _ = child.communicate(timeout=60)
    assert (second.returncode, second.stdout) == (75, "")
    assert second.stderr == f"cozydiag: another cozydiag is at work here (PID {child.pid})\n"
    assert child.returncode == 0, first
    assert server.journal() == [("start", "supervisord:cozy-home", "verified")]


# --- a timer


def hurry(server: Server) -> str:
    """The terms of a timer that need not wait for minutes."""
    path = Path(server.sandbox.folder, "timer.toml")
    terms = "confirm_auto = 1\ngrace = 0.1\nboot_grace = 0.1\n"
    path.write_text(Path(server.config).read_text().replace("confirm = 0.1\n", f"confirm = 0.1\n{terms}"))
    return str(path)


def timer(server: Server, config: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, "fix", "--restart", "--auto", "--config", config, *arguments]
    return subprocess.run(
        line, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False
    )


def test_a_timer_is_silent_where_all_is_well(server: Server) -> None:
    done = timer(server, hurry(server))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_timer_mends_in_its_second_run_and_says_so(server: Server) -> None:
    server.break_("part-hung")
    config = hurry(server)
    first = timer(server, config)
    for _ in range(11):
        if "gets its time" not in first.stdout:  # supervisord's own patience with a start is over
            break
        server.run("fix", "--reset", "all")
        time.sleep(2)
        first = timer(server, config)
    assert (first.returncode, server.journal()) == (1, [])
    assert "put off: it was not seen broken by an earlier run" in first.stdout
    time.sleep(1)
    second = timer(server, config)
    assert second.returncode == 0, second.stdout
    assert ", 1 restart (cozy-home), it had stopped answering.\n" in second.stdout
    assert server.journal() == [("restart", "supervisord:cozy-home", "verified")]


def test_a_timer_leaves_what_was_stopped_and_says_so_once(one_fault: Server) -> None:
    server = one_fault
    config = hurry(server)
    first, second = timer(server, config), timer(server, config)
    assert (first.returncode, second.returncode, second.stdout) == (2, 2, "")
    assert "refused: it was stopped, perhaps on purpose: only a person starts it again" in first.stdout
    assert server.journal() == []


def test_a_timer_tells_once_what_no_restart_can_mend(server: Server) -> None:
    server.break_("couchdb-401")
    config = hurry(server)
    first, second = timer(server, config), timer(server, config)
    assert (first.returncode, second.returncode, second.stdout) == (2, 2, "")
    assert "CouchDB refuses user admin" in first.stdout


# --- terms


def test_in_a_maintenance_nothing_is_done(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    on = server.run("maintenance", "on", "--for", "1h30m", "--reason", "a new disk")
    assert (on.returncode, on.stderr) == (0, "")
    assert on.stdout.endswith(" nothing is repaired (1 h 30 min).\n")
    status = server.run("maintenance", "status")
    assert (status.returncode, status.stdout.endswith(", by ann: a new disk\n")) == (1, True)
    done = server.restart()
    assert done.returncode == 1
    assert "Not now: maintenance for another 1 h " in done.stdout
    assert (server.identities(), server.journal()) == (before, [])
    assert server.run("maintenance", "off").returncode == 0
    assert server.run("maintenance", "status").stdout == "No maintenance: nothing is held back from repair.\n"
    assert server.restart().returncode == 0


@pytest.mark.parametrize("time_", ["3", "2x", "0h", "31d", "-1h", ""])
def test_a_time_that_is_none_is_refused(server: Server, time_: str) -> None:
    done = server.run("maintenance", "on", f"--for={time_}")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--for takes a time such as 90m, 2h or 1d" in done.stderr


def test_a_service_that_fails_again_and_again_is_held_until_it_is_freed(one_fault: Server) -> None:
    server = one_fault
    with closing(open_state(server.sandbox.layout.path("state"))) as state:
        state.query("DELETE FROM journal")
        state.query("DELETE FROM services")  # the resets of earlier tests
    server.known = 0
    for _ in range(2):
        assert server.restart().returncode == 0
        server.sandbox.supervisor.stop("cozy-home")
        cooling = server.restart()
        assert cooling.returncode == 1
        assert "left alone for another" in cooling.stdout
        with closing(open_state(server.sandbox.layout.path("state"))) as state:  # an hour passes
            state.query(
                "UPDATE journal SET data = json_set(data, '$.moment[2]', json_extract(data, '$.moment[2]') - 3600)"
            )
    assert server.restart().returncode == 0
    server.sandbox.supervisor.stop("cozy-home")
    held = server.restart()
    assert held.returncode == 2
    assert "Not now: 3 restarts within 6 h did not last" in held.stdout
    free = server.run("fix", "--reset", "cozy-home")
    assert (free.returncode, free.stdout) == (0, "Nothing counts against supervisord:cozy-home any more.\n")
    assert server.restart().returncode == 0
    assert [result for *_, result in server.journal()] == ["verified"] * 4


def test_a_name_that_nobody_knows_cannot_be_freed(one_fault: Server) -> None:
    assert one_fault.restart().returncode == 0
    done = one_fault.run("fix", "--reset", "nobody")
    assert done.returncode == 64
    assert "nothing is remembered of nobody; known are: " in done.stderr
    assert "supervisord:cozy-home" in done.stderr


def test_only_what_is_named_and_only_so_much(two_faults: Server) -> None:
    server = two_faults
    assert server.restart("--only", "nginx").returncode == 2
    assert server.journal() == [("start", "supervisord:nginx", "verified")]
    server.sandbox.supervisor.stop("nginx")
    assert server.run("fix", "--reset", "all").returncode == 0
    assert server.restart("--max-actions", "1").returncode == 2
    assert server.journal() == [("start", "supervisord:couchdb", "verified")]


def test_a_name_of_nothing_broken_is_a_mistake(one_fault: Server) -> None:
    done = one_fault.restart("--only", "couchdb")
    assert (done.returncode, done.stdout) == (64, "")
    assert "nothing that is broken is called couchdb; a restart could mend: cozy-home" in done.stderr
    assert one_fault.journal() == []
    plan = one_fault.run("fix", "--only", "cozy.home")
    assert (plan.returncode, " start cozy-home\n" in plan.stdout) == (2, True)


def test_a_dry_run_does_nothing(one_fault: Server) -> None:
    server = one_fault
    before = server.identities()
    done = server.run("fix", "--restart", "--dry-run", "--auto")
    assert done.returncode == 2
    assert "Not now: it was stopped, perhaps on purpose" in done.stdout
    assert (server.identities(), server.journal()) == (before, [])


def test_the_plan_as_data(one_fault: Server) -> None:
    server = one_fault
    done = server.run("fix", "--format", "json")
    data = json.loads(done.stdout)
    [action] = data["actions"]
    assert (done.returncode, data["schema"], data["refusals"]) == (2, "cozydiag.plan/1", [])
    assert (action["service"], action["verb"], action["owner"]) == ("supervisord:cozy-home", "start", "supervisord")
    assert action["interrupts"] == "nobody, as it does not run now"
    assert (action["gate"], action["helped"]["tried"] >= 0) == (None, True)
    assert server.run("fix", "--restart", "--yes", "--format", "json").returncode == 64


def test_what_was_done_can_be_read_afterwards(one_fault: Server) -> None:
    server = one_fault
    assert server.restart().returncode == 0
    listed = server.run("journal", "-n", "1")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "  start supervisord:cozy-home: verified\n    by ann, because of service.stopped  [" in listed.stdout
    incident = listed.stdout.partition("[")[2].partition("]")[0]
    whole = server.run("journal", "--incident", incident)
    assert "\nBefore the act on supervisord:cozy-home: STOPPED, PID 0\n" in whole.stdout
    data = json.loads(server.run("journal", "--incident", incident, "--format", "json").stdout)
    assert [(one["kind"], one["outcome"]["result"]) for one in data] == [("act", "verified")]
    assert data[0]["evidence"][0]["state"] == "STOPPED"
    assert server.run("journal", "--incident", "none").returncode == 64
    assert "cozy-home" not in server.run("journal", "--service", "nginx").stdout


def test_what_helped_before_is_in_the_plan(one_fault: Server) -> None:
    server = one_fault
    assert server.restart().returncode == 0
    server.sandbox.supervisor.stop("cozy-home")
    told = [line for line in server.run("fix").stdout.splitlines() if "How sure: start of cozy-home: helped " in line]
    assert len(told) == 1


def test_a_line_for_sudo_is_only_given_where_nobody_else_can_change_the_program() -> None:
    done = subprocess.run(
        [*COMMAND, "fix", "--sudoers", "root"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert "run it as an installed command" in done.stderr


# --- without root


def python_for_nobody() -> str | None:
    """A Python that an ordinary user can run: ours may lie in a home of root's."""
    for path in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        probe = "import sys, typer; raise SystemExit(sys.version_info < (3, 10))"
        try:
            if (
                path
                and not subprocess.run(
                    [path, "-c", probe],
                    user=NOBODY,
                    group=NOBODY,
                    env=for_nobody(),
                    stderr=subprocess.DEVNULL,
                    check=False,
                ).returncode
            ):
                return path
        except OSError:
            continue
    return None


def for_nobody() -> dict[str, str]:
    places = [str(Path(cozydiag.__file__).parents[1]), *(place for place in sys.path if "site-packages" in place)]
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(places), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_it_shows_the_plan_and_the_line_to_copy(server: Server) -> None:
    python = python_for_nobody()
    if python is None:
        pytest.skip("nobody can run this Python here")
    server.break_("part-stopped")
    before = server.identities()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        config = Path(folder, "fix.toml")
        config.write_text(
            Path(server.config).read_text().replace(server.sandbox.layout.path("state"), f"{folder}/state")
        )
        done = subprocess.run(
            [python, "-m", "cozydiag", "fix", "--restart", "--yes", "--config", config], env=for_nobody(), cwd="/",
            user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert os.listdir(folder) == ["fix.toml"]
    assert (done.returncode, done.stderr) == (3, "")
    assert f"  1. sudo {shutil.which('supervisorctl', path=str(Path(sys.executable).parent))} -s " in done.stdout
    assert " start cozy-home\n" in done.stdout
    assert "     needs root\n" in done.stdout
    assert f"\nThis needs root:\n    sudo {python} -m cozydiag fix --restart --config {config}\n" in done.stdout
    assert (server.identities(), server.journal()) == (before, [])


def test_the_programs_of_the_sandbox_are_all_looked_at(server: Server) -> None:
    """Else nothing could be said of who was touched."""
    assert set(server.identities()) == {*REAL_PORTS, "supervisord"}
