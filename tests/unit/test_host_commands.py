"""Programs that hang, flood, fork and lie."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from cozydiag.host import commands, processes
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.commands import Completed
from cozydiag.host.failure import Failure


def run(*argv: str, seconds: float = 30.0, stdin: bytes = b"", max_output: int = 1 << 20) -> Completed | Failure:
    return commands.run(argv, deadline=Deadline(Clock(), seconds), stdin=stdin, max_output=max_output)


def kind(outcome: object) -> str:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind


def ended(pid: int) -> bool:
    """Whether the process ends within a while (its new parent may collect it late)."""
    for _ in range(500):
        seen = processes.process(pid)
        if seen is None or seen.state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_a_command() -> None:
    assert run("sh", "-c", "cat; echo no >&2; exit 3", stdin=b"yes") == (3, b"yes", b"no\n")
    assert run("sh", "-c", "kill -9 $$") == (-9, b"", b"")
    assert run("cat") == (0, b"", b"")


def test_a_clean_place_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_SECRET", "x")
    outcome = commands.run(["env"], deadline=Deadline(Clock(), 30), env={"HOME": "/root"})
    assert isinstance(outcome, Completed)
    assert set(outcome.stdout.decode().splitlines()) == {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL=C.UTF-8",
        "HOME=/root",
    }
    assert run("pwd") == (0, b"/\n", b"")
    # Field 5 of its own stat is the process group: its own, so that it can be ended whole.
    outcome = run("sh", "-c", 'echo $$; read -r a b c d group rest < /proc/$$/stat; echo "$group"')
    assert isinstance(outcome, Completed)
    pid, group = outcome.stdout.split()
    assert pid == group != str(os.getpgrp()).encode()


def test_who_ignores_sigterm_and_forks_is_ended_whole(tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    script = f'trap "" TERM; sleep 600 & echo $! > {notes}; echo $$ >> {notes}; wait'
    assert kind(run("sh", "-c", script, seconds=0.5)) == "timeout"
    pids = [int(word) for word in notes.read_text().split()]
    assert len(pids) == 2
    assert all(map(ended, pids))


def test_a_daemon_left_behind_does_not_hold_us(tmp_path: Path) -> None:
    outcome = run("sh", "-c", "sleep 600 & echo $!")
    assert isinstance(outcome, Completed)
    assert outcome.code == 0
    daemon = int(outcome.stdout)
    seen = processes.process(daemon)
    os.kill(daemon, signal.SIGKILL)
    assert seen is not None
    assert seen.name in ("sh", "sleep")  # the shell's child, before or after it became sleep
    assert ended(daemon)


def test_a_flood_is_drained_and_cut() -> None:
    assert run("sh", "-c", "head -c 9000000 /dev/zero; echo done >&2", max_output=10) == (0, bytes(10), b"done\n")
    assert kind(run("cat", "/dev/zero", seconds=0.3)) == "timeout"


def test_input_that_nobody_reads() -> None:
    assert run("true", stdin=b"x" * 1_000_000) == (0, b"", b"")
    assert kind(run("sleep", "600", seconds=0.3, stdin=b"x" * 1_000_000)) == "timeout"
    outcome = run("cat", stdin=b"x" * 1_000_000)
    assert isinstance(outcome, Completed)
    assert outcome.stdout == b"x" * 1_000_000


def test_outputs_closed_early() -> None:
    assert run("sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4") == (4, b"", b"")


def test_no_descriptor_is_left_open() -> None:
    run("true")
    before = os.listdir("/proc/self/fd")
    run("true", stdin=b"x")
    run("sleep", "600", seconds=0.05)
    assert os.listdir("/proc/self/fd") == before


def test_what_cannot_be_run(tmp_path: Path) -> None:
    assert run("no-such-program") == ("missing", "no no-such-program")
    assert kind(run("./sh")) == "missing"
    assert kind(run("")) == "missing"
    assert kind(run(str(tmp_path / "nowhere"))) == "missing"
    assert kind(run(str(tmp_path))) == "missing"
    assert kind(run("echo", "a\0b")) == "error"


def script(path: Path, mode: int, words: str = "#!/bin/sh\necho ran\n") -> str:
    path.write_text(words)
    path.chmod(mode)
    return str(path)


def test_programs_elsewhere_must_be_trusted(tmp_path: Path) -> None:
    assert run(script(tmp_path / "mine", 0o755)) == (0, b"ran\n", b"")
    assert kind(run(script(tmp_path / "group", 0o775))) == "permission"
    assert kind(run(script(tmp_path / "others", 0o757))) == "permission"
    (tmp_path / "link").symlink_to(tmp_path / "group")
    assert kind(run(str(tmp_path / "link"))) == "permission"
    assert kind(run(script(tmp_path / "plain", 0o644))) == "not_executable"
    assert kind(run(script(tmp_path / "garbage", 0o755, "\x7fELF"))) == "error"


def test_a_folder_where_anybody_could_swap_the_program(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    program = script(folder / "program", 0o755)
    folder.chmod(0o777)
    assert kind(run(program)) == "permission"
    folder.chmod(0o1777)
    assert run(program) == (0, b"ran\n", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_runs_nobody_elses_program(tmp_path: Path) -> None:
    program = script(tmp_path / "theirs", 0o755)
    os.chown(program, 65534, 65534)
    assert kind(run(program)) == "permission"


def test_path_is_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(commands, "PATH", ":".join(str(tmp_path / name) for name in ("first", "second", "third")))
    script(tmp_path / "first" / "tool", 0o644)
    assert kind(commands.locate("tool")) == "not_executable"
    second, _ = script(tmp_path / "second" / "tool", 0o755), script(tmp_path / "third" / "tool", 0o755)
    assert commands.locate("tool") == second
