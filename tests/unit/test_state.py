"""The state: what is written is there later, whoever dies; what cannot be used is said and does no harm."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.config.places import state_folder
from cozydiag.state import DAMAGED, Lock, LockBusy, NoState, State, open_state, texts
from cozydiag.state.schema import MIGRATIONS
from cozydiag.text import Bytes, Percent, Seconds, Text, When, plural, t
from cozydiag.text.catalogue import ENGLISH, render

ROOT = Path(__file__).parents[2]
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "cozydiag")


@pytest.fixture
def state(folder: str) -> Iterator[State]:
    with closing(open_state(folder)) as state:
        yield state


def notes(state: State) -> list[str]:
    return [render(note, ENGLISH) for note in state.notes]


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A second process that has opened the state in its first argument."""
    prelude = "import sys; from cozydiag.state import *; state = open_state(sys.argv[1])\n"
    command = [sys.executable, "-c", prelude + script, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_values_are_there_in_the_next_run(folder: str) -> None:
    with closing(open_state(folder)) as state:
        assert state.get("sites") is None
        assert state.get("sites", "nothing") == "nothing"
        assert state.set("sites", {"a": [1, 2.5, None, "é\udc80"]})
        assert state.set("sites", [1])
        assert state.set("/odd\udcff", True)
    with closing(open_state(folder)) as state:
        assert state.get("sites") == [1]
        assert state.get("/odd\udcff") is True
        assert state.notes == ()


def test_the_journal_keeps_its_order_and_what_came_of_it(state: State) -> None:
    first = state.append("act", {"unit": "a"}, at=100.0)
    second = state.append("look", None, at=200.0)
    third = state.append("act", {"unit": "b"}, at=300.0)
    assert first is not None
    assert state.update(first, "proved")
    assert state.entries() == [
        (first, 100.0, "act", {"unit": "a"}, "proved"),
        (second, 200.0, "look", None, None),
        (third, 300.0, "act", {"unit": "b"}, None),
    ]
    assert [entry.id for entry in state.entries("act")] == [first, third]
    assert [entry.id for entry in state.entries("act", since=300.0)] == [third]


def test_threads_share_a_state(state: State) -> None:
    found: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: found.extend(state.append("x", None) for _ in range(20))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(filter(None, found)) == [entry.id for entry in state.entries()]
    assert len(set(found)) == 80


def test_a_value_that_is_no_json_is_absent(state: State) -> None:
    state.query("INSERT INTO pairs VALUES ('odd', '{')")
    assert state.get("odd") is None


def test_what_was_confirmed_outlives_a_kill(folder: str) -> None:
    writer = python("while True: print(state.append('act', {'some': 'data' * 100}), flush=True)", folder)
    assert writer.stdout is not None
    confirmed = [int(writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    confirmed += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    writer.communicate()
    with closing(open_state(folder)) as state:
        assert set(confirmed) <= {entry.id for entry in state.entries()}
        assert state.notes == ()


def test_processes_that_begin_together_agree(folder: str) -> None:
    writers = [python("print(state.append('begin', sys.argv[2]), state.notes)", folder, str(n)) for n in range(4)]
    answers = [writer.communicate()[0] for writer in writers]
    with closing(open_state(folder)) as state:
        assert len(state.entries("begin")) == 4, answers


def test_two_processes_do_not_hold_one_lock(folder: str, state: State) -> None:
    holder = python("with state.lock('fix'): print('held', flush=True); sys.stdin.read()", folder)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    busy = state.lock("fix")
    assert isinstance(busy, LockBusy)
    assert busy.pid == holder.pid
    assert render(busy.why, ENGLISH) == f"another cozydiag is at work here (PID {holder.pid})"
    other = state.lock("other")
    assert isinstance(other, Lock)
    with other:
        assert isinstance(state.lock("other"), LockBusy)
    holder.communicate()
    freed = state.lock("fix")
    assert isinstance(freed, Lock)
    with freed:
        pass


def test_a_lock_whose_holder_is_not_written_down_is_busy_all_the_same(folder: str, state: State) -> None:
    lock = state.lock("fix")
    assert isinstance(lock, Lock)
    with lock:
        Path(folder, "fix.lock").write_text("", "utf-8")
        busy = state.lock("fix")
    assert isinstance(busy, LockBusy)
    assert busy.pid is None


def test_a_killed_holder_holds_nothing(folder: str, state: State) -> None:
    holder = python("with state.lock('fix'): print('held', flush=True); sys.stdin.read()", folder)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    lock = state.lock("fix")
    assert isinstance(lock, Lock)
    with lock:
        pass


def test_a_lock_is_let_go_when_what_it_guards_fails(state: State) -> None:
    lock = state.lock("fix")
    assert isinstance(lock, Lock)
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    again = state.lock("fix")
    assert isinstance(again, Lock)
    with again:
        pass


def test_a_lock_that_is_a_link_is_not_taken(folder: str, state: State, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("text", "utf-8")
    Path(folder, "fix.lock").symlink_to(precious)
    assert isinstance(state.lock("fix"), LockBusy)
    assert precious.read_text("utf-8") == "text"


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one " * 50, b"\0" * 5000])
def test_a_damaged_file_is_set_aside_and_said_once(folder: str, content: bytes) -> None:
    Path(folder).mkdir(parents=True, mode=0o700)
    Path(folder, "state.db").write_bytes(content)
    os.chmod(Path(folder, "state.db"), 0o600)
    with closing(open_state(folder)) as state:
        (note,) = notes(state)
        aside = state.get(DAMAGED)["aside"]
        assert "is damaged" in note
        assert aside in note
        assert Path(aside).read_bytes() == content
        assert state.append("act", None) is not None
    with closing(open_state(folder)) as state:
        assert state.notes == ()
        assert state.get(DAMAGED)["aside"] == aside


def test_a_file_with_a_page_overwritten_is_damaged(folder: str) -> None:
    with closing(open_state(folder)) as state:
        for number in range(300):
            state.set(f"key {number}", "value" * 50)
    path = Path(folder, "state.db")
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    path.write_bytes(content)
    with closing(open_state(folder)) as state:
        assert len(state.notes) == 1
        assert state.get("key 1") is None


def test_damage_during_a_run_is_a_note_and_not_an_exception(folder: str, state: State) -> None:
    for number in range(300):
        state.set(f"key {number}", "value" * 50)
    path = Path(folder, "state.db")
    size, header = path.stat().st_size, path.read_bytes()[:4096]
    changed = header[:24] + b"\xff" * 4 + header[28:]  # the file's change counter, so that no cache is believed
    path.write_bytes(changed + b"\xa5" * (size - 4096))
    assert state.get("key 1", "absent") == "absent"
    assert state.append("act", None) is None
    assert any("could not be used" in note for note in notes(state))


def test_a_file_of_a_newer_version_is_left_alone(folder: str) -> None:
    open_state(folder).close()
    path = Path(folder, "state.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    state = open_state(folder)
    assert isinstance(state, NoState)
    assert "newer cozydiag" in notes(state)[0]
    assert path.read_bytes() == before


def test_a_file_of_an_older_version_is_brought_up_to_date(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_state(folder)) as state:
        state.set("kept", 1)
    more = (*MIGRATIONS, ("CREATE TABLE later (x)",))
    monkeypatch.setattr("cozydiag.state.opening.MIGRATIONS", more)
    with closing(open_state(folder)) as state:
        assert state.get("kept") == 1
        assert state.query("SELECT * FROM later") == []
        assert state.query("PRAGMA user_version") == [(len(more),)]
        assert state.query("PRAGMA journal_mode") == [("delete",)]


def test_a_write_that_another_process_prevents_is_answered(
    folder: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.query("PRAGMA busy_timeout=1")
    with closing(sqlite3.connect(Path(folder, "state.db"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert state.set("key", 1) is False
        assert state.append("act", None) is None
        assert state.update(1, None) is False
        other.execute("ROLLBACK")
    assert notes(state) == [f"the state in {folder} could not be used: database is locked"]
    assert state.set("key", 1) is True


def assert_empty(state: State) -> None:
    assert isinstance(state, NoState)
    assert state.get("key", 7) == 7
    assert state.set("key", 1) is False
    assert state.append("act", None) is None
    assert state.update(1, None) is False
    assert state.entries() == []
    busy = state.lock("fix")
    assert isinstance(busy, LockBusy)
    assert busy.pid is None


def test_a_linked_file_is_refused(folder: str, tmp_path: Path) -> None:
    Path(folder).mkdir(parents=True, mode=0o700)
    precious = tmp_path / "precious"
    precious.write_bytes(b"")
    Path(folder, "state.db").symlink_to(precious)
    state = open_state(folder)
    assert_empty(state)
    assert notes(state) == [
        f"nothing is remembered from run to run: {folder}/state.db is a link, and links are not followed here"
    ]
    assert precious.read_bytes() == b""


def test_a_linked_folder_is_refused(folder: str, tmp_path: Path) -> None:
    Path(folder).parent.mkdir()
    Path(folder).symlink_to(tmp_path)
    assert_empty(open_state(folder))
    assert not (tmp_path / "state.db").exists()


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_can_write_is_refused(folder: str, mode: int) -> None:
    Path(folder).mkdir(parents=True)
    os.chmod(folder, mode)
    state = open_state(folder)
    assert_empty(state)
    assert f"(chmod go-w {folder})" in notes(state)[0]


def test_a_folder_that_is_none_is_refused(folder: str) -> None:
    Path(folder).parent.mkdir()
    Path(folder).touch()
    assert_empty(open_state(folder))
    assert_empty(open_state(f"{folder}/below"))
    assert_empty(open_state(f"{folder}/further/below"))
    assert_empty(open_state("not/absolute"))
    assert not Path("not").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_folder_is_refused(folder: str) -> None:
    Path(folder).mkdir(parents=True, mode=0o700)
    os.chown(folder, NOBODY, -1)
    assert_empty(open_state(folder))


def test_a_folder_that_cannot_be_written_is_no_obstacle(folder: str) -> None:
    """In another process, that gives up being root once everything is imported."""
    script = """
import grp, json, os, sqlite3, sys
from cozydiag.state import *
from cozydiag.text.catalogue import ENGLISH, render
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for folder in (sys.argv[1], os.path.join(sys.argv[1], "below")):
    state = open_state(folder)
    print(type(state).__name__, state.get("key"), state.set("key", 2), type(state.lock("fix")).__name__)
    print(*[render(note, ENGLISH) for note in state.notes])
"""
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        os.chmod(base, 0o755)  # noqa: S103 - another user must get there
        empty, full = os.path.join(base, "empty"), os.path.join(base, "full")
        for path in (empty, full):
            os.mkdir(path)
        with closing(open_state(full)) as state:
            state.set("key", 1)
        os.chmod(os.path.join(full, "state.db"), 0o644)
        for path in (empty, full):
            os.chmod(path, 0o555)  # noqa: S103
        command = [sys.executable, "-c", script]
        results = [
            subprocess.run([*command, path], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
            for path in (empty, full)
        ]
        for path in (empty, full):
            os.chmod(path, 0o700)
    nothing = "nothing is remembered from run to run: {} cannot be used: {}"
    assert results[0].splitlines() == [
        "NoState None False LockBusy",
        nothing.format(empty, "No such file or directory"),
        "NoState None False LockBusy",
        nothing.format(f"{empty}/below", "Permission denied"),
    ]
    assert results[1].splitlines()[:2] == [
        "State 1 False LockBusy",
        f"the state in {full} could not be used: attempt to write a readonly database",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root's state may be read by the group adm")
def test_a_users_state_is_the_users_alone(folder: str, state: State) -> None:
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(os.path.join(folder, "state.db")).st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="a user's state is the user's alone")
def test_the_machines_state_may_be_read_by_the_group_adm(folder: str, state: State) -> None:
    grp = pytest.importorskip("grp")
    folder_status, file_status = os.stat(folder), os.stat(os.path.join(folder, "state.db"))
    assert (folder_status.st_uid, file_status.st_uid) == (0, 0)
    assert grp.getgrgid(folder_status.st_gid).gr_name == "adm"
    assert stat.S_IMODE(folder_status.st_mode) == 0o750
    assert grp.getgrgid(file_status.st_gid).gr_name == "adm"
    assert stat.S_IMODE(file_status.st_mode) == 0o640


def test_the_place_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder(None, {"HOME": "/root"}) == "/var/lib/cozydiag"
    assert state_folder("/srv/state", {}) == "/srv/state"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state_folder(None, {"HOME": "/home/a"}) == "/home/a/.local/state/cozydiag"
    assert state_folder(None, {"HOME": "/home/a", "XDG_STATE_HOME": "/s"}) == "/s/cozydiag"
    assert state_folder(None, {"HOME": "/home/a", "XDG_STATE_HOME": "s"}) == "/home/a/.local/state/cozydiag"
    assert state_folder("/srv/state", {}) == "/srv/state"


def test_nobody_pays_for_a_state_that_is_not_opened() -> None:
    script = "import sys, cozydiag.state; print('sqlite3' in sys.modules)"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it imports much
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    assert result.stdout == "False\n"


def test_a_text_is_kept_for_every_language() -> None:
    inner = plural("{n} restart", "{n} restarts", n=3)
    text = t("{a} {b} {c} {d} {e} {f} {g}", a="x", b=1, c=Percent(2.5), d=Bytes(3), e=Seconds(4), f=When(5.0), g=inner)
    kept = texts.from_data(json.loads(json.dumps(texts.as_data(text))))
    assert kept is not None
    assert kept == text
    assert [type(value) for _, value in kept.params] == [str, int, Percent, Bytes, Seconds, When, Text]


@pytest.mark.parametrize("data", [None, {}, [], "x", {"template": "x", "params": [1], "many": None, "n": 0},
                                  {"template": "x", "params": [["a", "Text", 1]], "many": None, "n": 0}])  # fmt: skip
def test_what_is_no_text_is_none(data: object) -> None:
    assert texts.from_data(data) is None


def test_of_a_kind_the_last_lines_are_kept_and_read_in_order(state: State) -> None:
    ids = [state.append("act", number) for number in range(5)]
    state.append("look", None)
    assert [entry.data for entry in state.latest("act", 3)] == [2, 3, 4]
    state.forget("act", 2)
    assert [entry.id for entry in state.entries("act")] == ids[-2:]
    assert len(state.entries("look")) == 1
    assert state.entry(ids[0] or 0) is None
    last = state.entry(ids[-1] or 0)
    assert last is not None
    assert last.data == 4


def test_services_are_remembered(folder: str) -> None:
    with closing(open_state(folder)) as state:
        assert (state.service("a:b"), state.services()) == ({}, {})
        assert state.keep_service("a:b", {"held": None})
        assert state.keep_service("a:\udcff", {"well": 1})
        state.query("INSERT INTO services VALUES ('odd', '[')")
    with closing(open_state(folder)) as state:
        assert state.service("a:b") == {"held": None}
        assert state.services() == {"a:b": {"held": None}, "a:\\udcff": {"well": 1}}
