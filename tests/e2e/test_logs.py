"""`cozydiag logs` and `cozydiag rules` as people type them, on a machine with no stack at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[1] / "recordings"
LOOP = "".join(
    f"   2026-11-21T08:23:{n:02d}.07+0000 [APP/PROC/WEB/0] ERR CloudantException: Database databasedemo already "
    "exists\n"
    f"   2026-11-21T08:23:{n:02d}.37+0000 [APP/PROC/WEB/0] OUT Exit status 1\n"
    for n in (3, 9, 15)
)


class Shell:
    """A prompt; the settings say that nothing is to be looked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "cozydiag.toml").write_text(f'discover = false\n[paths]\nstate = "{folder}/state"\n')
        (folder / "cozydiag.toml").chmod(0o600)

    def run(self, *words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cozydiag", *words, "--config", str(self.folder / "cozydiag.toml")],
            env={"PATH": os.defpath, "TZ": "UTC"}, capture_output=True, timeout=60, check=False,
            input=given.encode() if isinstance(given, str) else given,
        )  # fmt: skip
        text = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback (most recent" not in text.stderr, text.stderr
        return text


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_log_from_a_pipe(shell: Shell) -> None:
    done = shell.run("logs", "-", given=LOOP)
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "Crash loop of app: it crashed 3 times, every 6 s, until 08:23:15." in text
    assert "[db-already-exists]" in text
    assert "Seen 3 times: CloudantException: Database databasedemo already exists" in text


def test_the_same_in_french(shell: Shell) -> None:
    text = " ".join(shell.run("logs", "-", "--lang", "fr", given=LOOP).stdout.split())
    assert "la base databasedemo existe déjà" in text
    assert "Un redémarrage n'y fait rien." in text


def test_a_file_and_json(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(LOOP)
    data = json.loads(shell.run("logs", str(log), "--format", "json").stdout)
    assert data["problems"][0]["rule"] == "db-already-exists"
    assert data["loops"][0]["count"] == 3
    assert data["exceptions"] == [] or data["exceptions"][0]["language"] == "python"


def test_the_journal_as_json(shell: Shell) -> None:
    entry = {"__REALTIME_TIMESTAMP": "1795249377000000", "SYSLOG_IDENTIFIER": "node", "PRIORITY": "3", "_PID": "7"}
    message = list(b"\x1b[31mError: listen EADDRINUSE: address already in use :::3000\x1b[0m")
    lines = json.dumps({**entry, "MESSAGE": message}) + "\n" + json.dumps({**entry, "MESSAGE": None}) + "\n"
    found = json.loads(shell.run("logs", "-", "--format", "json", given=lines).stdout)["problems"][0]
    assert (found["rule"], found["last"]) == ("node-eaddrinuse", "2026-11-21T08:22:57.000Z")
    assert found["line"] == "Error: listen EADDRINUSE: address already in use :::3000"


def test_raw_lines_are_clean_and_hold_no_secret(shell: Shell) -> None:
    given = b'{"MESSAGE":"zero","SYSLOG_IDENTIFIER":"app","__REALTIME_TIMESTAMP":"1000000"}\n'
    given += (
        b"a | \x1b]0;gone\x07one\na | \x1b[31mtwo\x1b[0m\na | GET http://admin:hunter22@127.0.0.1:5984/ 401\n\xff\n"
    )
    done = shell.run("logs", "-", "--raw", given=given)
    assert done.stdout.splitlines()[:3] == ["1970-01-01T00:00:01Z app: zero", "a | one", "a | two"]
    assert "hunter22" not in done.stdout
    assert "\x1b" not in done.stdout


def test_only_what_is_new(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("ModuleNotFoundError: No module named 'flask'\n")
    assert "flask" in shell.run("logs", str(log), "--new").stdout
    assert "flask" not in shell.run("logs", str(log), "--new").stdout
    with log.open("a") as file:
        file.write("OSError: [Errno 28] No space left on device\n")
    again = shell.run("logs", str(log), "--new").stdout
    assert "disk-full" in again
    assert "flask" not in again


def test_what_is_not_there_is_said(shell: Shell, tmp_path: Path) -> None:
    gone = shell.run("logs", str(tmp_path / "nope.log"))
    assert gone.returncode == 64
    assert "nope.log cannot be read" in gone.stderr
    assert "say which log" in shell.run("logs").stderr
    unknown = shell.run("logs", "nosuch")
    assert unknown.returncode == 64
    assert "no service is called nosuch" in unknown.stderr


@pytest.mark.parametrize("given", [b"", b"\n\n\n", b"\x00" * 5000, b"\xff" * 5000, b"{" * 5000, b'{"envelopes":1}\n'])
def test_no_input_breaks_it(shell: Shell, given: bytes) -> None:
    assert shell.run("logs", "-", given=given).returncode == 0
    assert json.loads(shell.run("logs", "-", "--format", "json", given=given).stdout)["loops"] == []


def test_a_drop_in_rule_is_used_and_shown(shell: Shell) -> None:
    folder = shell.folder / "rules.d"
    folder.mkdir(0o700)
    (folder / "own.toml").write_text(
        '[[rule]]\nid = "backup-late"\nrole = "cause"\nrank = 50\ncomponent = "backup"\n'
        'patterns = [{ literal = \'no backup since\' }]\nmeaning = "there is no backup"\nremedy = "Run it."\n'
        'match = ["no backup since May"]\nno_match = ["backup made"]\nsource = "here"\n'
    )
    (folder / "own.toml").chmod(0o600)
    assert "There is no backup. [backup-late]" in shell.run("logs", "-", given="ERROR no backup since May\n").stdout
    assert "backup-late" in shell.run("rules", "list").stdout
    (folder / "own.toml").chmod(0o666)
    refused = shell.run("rules", "test")
    assert refused.returncode == 2
    assert "others can write it" in refused.stdout


def test_the_rules_are_listed_shown_and_tested(shell: Shell) -> None:
    listed = shell.run("rules", "list")
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) > 160
    shown = shell.run("rules", "show", "db-already-exists").stdout
    assert "A restart helps: no" in shown
    assert "+ cloudant.error.CloudantException: Database databasedemo already exists" in shown
    missing = shell.run("rules", "show", "db-alredy-exists")
    assert missing.returncode == 64
    assert "did you mean db-already-exists?" in missing.stderr
    tested = shell.run("rules", "test")
    assert tested.returncode == 0, tested.stdout
    assert "rules," in tested.stdout
