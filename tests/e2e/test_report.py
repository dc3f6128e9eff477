"""`cozydiag report` on a real small stack, and that no command ever shows a secret in any form."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from cozydiag.sandbox import Sandbox
from cozydiag.sandbox.files import LOGIN
from tests.e2e.terminal import Terminal

IN_FILE = 'Kanari-in/the+file%"é\\Z'
IN_URL = 'Kanari@in:the/URL+%"é\\ Q'
RIGHT = LOGIN[1]

TALKER = """
import base64, json, sys, time
from urllib.parse import quote, quote_plus
for user, secret in json.load(open(sys.argv[1])):
    raw = secret.encode()
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    print(f"bare {secret} here")
    print(f"GET http://{user}:{quote(secret, safe='')}@127.0.0.1:5984/_up and http://{user}:{secret}@127.0.0.1/x")
    print(f"Authorization: Basic {basic}")
    print(f"sent Basic {basic} again, {basic.rstrip('=')}")
    print(json.dumps({"headers": {"authorization": f"Basic {basic}"}, "password": secret}))
    print(json.dumps(json.dumps({"password": secret}, ensure_ascii=False)))
    print(base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    for before in range(3):
        print(base64.b64encode(b"x" * before + raw + b"y").decode())
    print(raw.hex(), raw.hex().upper())
    print(f"?password={quote_plus(secret)}&password={quote(secret)}")
print("the end", flush=True)
time.sleep(1000)
"""


def forms(secret: str) -> set[str]:
    """``secret`` plain, URL-encoded, JSON-escaped, in Base64 at each place and in hex."""
    raw = secret.encode()
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), raw.hex(), raw.hex().upper()}
    found |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw).decode()
        inside = whole[4 * (before > 0) : len(whole) - 4 * bool((before + len(raw)) % 3)]
        found |= {inside, inside.translate(str.maketrans("+/", "-_"))}
    return found


class Seen(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    kept = ("PATH", "HOME", "PYTHONPATH")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "LANG": "C.UTF-8", **changes}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A real stack with one program more, which says all secrets in all forms."""
    stack = Sandbox.create()
    try:
        stack.up()
        talker, secrets = Path(stack.folder, "talker.py"), Path(stack.folder, "secrets.json")
        talker.write_text(TALKER)
        secrets.write_text(json.dumps([list(LOGIN), ["admin", IN_URL], ["admin", IN_FILE]]))
        Path(stack.folder, "programs", "talker.conf").write_text(
            f"[program:talker]\ncommand={sys.executable} {talker} {secrets}\nstartsecs=0\n"
            f'environment=PYTHONIOENCODING="utf-8"\nstdout_logfile={stack.folder}/logs/talker.log\n'
        )
        stack.supervisor.update()
        wait_for(Path(stack.folder, "logs", "talker.log"), "the end")
        yield stack
    finally:
        stack.remove()


def wait_for(log: Path, words: str) -> None:
    deadline = time.monotonic() + 20
    while not (log.exists() and words in log.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)


def run(sandbox: Sandbox, *arguments: str, **variables: str) -> Seen:
    line = [sys.executable, "-m", "cozydiag", *arguments, "--config", sandbox.config]
    done = subprocess.run(
        line, env=environment(**variables), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    return Seen(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_a_terminal(sandbox: Sandbox, *arguments: str, **variables: str) -> Seen:
    line = [sys.executable, "-m", "cozydiag", *arguments, "--config", sandbox.config]
    shown = environment(TERM="xterm", COLUMNS="200", NO_COLOR="1", **variables)
    terminal = Terminal(line, shown, typing=False)
    code = terminal.end()
    return Seen(code, terminal.said, "")


# --- secrets

COMMANDS = (
    ("status", "--format", "text"),
    ("status", "--format", "text", "-v"),
    ("status", "--format", "json"),
    ("status", "--format", "terminal", "-v"),
    ("report",),
    ("report", "--full"),
    ("report", "--lang", "fr"),
    ("report", "--format", "markdown"),
    ("report", "--format", "html"),
    ("report", "--format", "json"),
    ("report", "--post"),
    ("config",),
    ("checks",),
    ("fix",),
    ("status", "--debug", "--only", "couchdb.*"),
)


class Case(NamedTuple):
    """A way in which cozydiag comes to a secret."""

    secret: str
    login: str
    url: str | None
    status: str


CASES = {
    "wrong password in the file": Case(IN_FILE, IN_FILE, None, "fail"),
    "right password in the file": Case(RIGHT, RIGHT, None, "ok"),
    "wrong password in the environment": Case(IN_URL, RIGHT, IN_URL, "fail"),
    "right password in the environment": Case(RIGHT, "unused", RIGHT, "ok"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, sandbox: Sandbox) -> tuple[Case, dict[str, str]]:
    found = CASES[request.param]
    Path(sandbox.folder, "couchdb.login").write_text(f"admin\n{found.login}\n", encoding="utf-8")
    if found.url is None:
        return found, {}
    place = f"127.0.0.1:{sandbox.layout.port('couchdb')}"
    return found, {"COZYDIAG_COUCHDB_URL": f"http://admin:{quote(found.url, safe='')}@{place}"}


def test_no_command_shows_a_secret(sandbox: Sandbox, case: tuple[Case, dict[str, str]]) -> None:
    one, variables = case
    report = json.loads(run(sandbox, "status", "--format", "json", **variables).out)
    assert {r["id"]: r["status"] for r in report["results"]}["couchdb.login"] == one.status  # it was read and used
    for command in COMMANDS:
        seen = run(sandbox, *command, **variables)
        assert seen.code in (0, 2), seen
        assert seen.out
        assert [form for form in forms(one.secret) if form in seen.out + seen.err] == [], command
    for command in (("status",), ("status", "-v"), ("report",), ("report", "--full")):
        seen = on_a_terminal(sandbox, *command, **variables)
        assert seen.out
        assert [form for form in forms(one.secret) if form in seen.out] == [], command


def test_the_rest_of_what_was_logged_stays(sandbox: Sandbox) -> None:
    Path(sandbox.folder, "couchdb.login").write_text(f"admin\n{IN_FILE}\n", encoding="utf-8")
    log = run(sandbox, "report").out.partition("== Log of talker (stdout) ==\n")[2].splitlines()
    log = [re.sub(r"<secret#\d+>", "<S>", line) for line in log]
    start = max(number for number, line in enumerate(log) if line == "bare <S> here")
    assert log[start : start + 7] == [
        "bare <S> here",
        "GET http://admin:<S>@127.0.0.1:5984/_up and http://<S>@127.0.0.1/x",
        "Authorization: Basic <S>",
        "sent Basic <S> again, <S>",
        '{"headers": {"authorization": "Basic <S>"}, "password": "<S>"}',
        '"{\\"password\\": \\"<S>\\"}"',
        "<S> <S>",
    ]
    assert log[start + 10 : start + 13] == ["<S> <S>", "?password=<S>&password=<S>", "the end"]


def test_a_check_that_leaks_what_it_reads_leaks_nothing(sandbox: Sandbox) -> None:
    """Somebody's own check says the secret in every place it has, and breaks with it."""
    folder = Path(sandbox.folder, "checks.d")
    folder.mkdir(mode=0o755)
    leaky = folder / "leaky.py"
    leaky.write_text(
        "from cozydiag.api import *\n"
        '@check("leaky.all", t("Leaks"))\n'
        "def leaks(host: Host, stack: Stack) -> Iterator[Finding]:\n"
        "    word = stack.config.couchdb.password.reveal()\n"
        "    host.see(word, word)\n"
        '    yield fail("leaky.all", t("said " + word), t("do {word}", word=word), commands=(word,), by_hand=word)\n'
        "    raise ValueError(word)\n"
    )
    leaky.chmod(0o644)
    place = f"127.0.0.1:{sandbox.layout.port('couchdb')}"
    url = f"http://admin:{quote(IN_URL, safe='')}@{place}"
    try:
        for command in COMMANDS:
            seen = run(sandbox, *command, COZYDIAG_COUCHDB_URL=url)
            assert [form for form in forms(IN_URL) if form in seen.out + seen.err] == [], command
        assert "leaky.all" in run(sandbox, "status", COZYDIAG_COUCHDB_URL=url).out
    finally:
        leaky.unlink()
        folder.rmdir()


# --- the report


@pytest.fixture
def well(sandbox: Sandbox) -> Sandbox:
    Path(sandbox.folder, "couchdb.login").write_text("\n".join(LOGIN) + "\n")
    return sandbox


def headings(text: str) -> list[str]:
    return [line.strip("= ") for line in text.splitlines() if line.startswith("== ")]


def test_it_is_written_whatever_the_verdict(well: Sandbox) -> None:
    seen = run(well, "report")
    assert (seen.code, seen.err) == (0, "")
    assert headings(seen.out)[:6] == ["cozydiag report", "Verdict", "What was done", "Versions", "Machine", "Results"]
    assert "All is well" in seen.out
    well.couchdb("wrong-password")
    try:
        seen = run(well, "report")
    finally:
        well.couchdb("healthy")
    assert seen.code == 0
    assert "[couchdb.credentials_refused #" in seen.out
    assert f"Log of {well.folder}/logs/nginx-error.log" in headings(seen.out)
    assert "INFO supervisord started with pid" in seen.out
    for words in ("nginx: nginx/", "supervisord: 4.", "CouchDB: 3.5.0", "kernel: Linux ", "cozy-home [cozy.home]: RUN"):
        assert f"\n{words}" in seen.out


def test_a_dead_stack_is_reported_too(tmp_path: Path) -> None:
    sandbox = Sandbox.create(str(tmp_path / "s"))  # never started
    seen = run(sandbox, "report")
    assert seen.code == 0
    assert "supervisord: could not be collected: " in seen.out
    assert "CouchDB: could not be collected: connection refused" in seen.out


def test_on_a_terminal_it_is_one_screen_and_the_line_to_type(well: Sandbox) -> None:
    seen = on_a_terminal(well, "report")
    assert seen.code == 0
    assert seen.out.startswith("internet → nginx ✓")
    assert headings(seen.out) == []
    assert len(seen.out.splitlines()) < 24
    assert seen.out.rstrip().endswith(f"report --config {well.config} > diag.txt")
    assert ("sudo " in seen.out) is (os.geteuid() != 0)


def test_on_a_terminal_all_of_it_is_asked_for(well: Sandbox) -> None:
    seen = on_a_terminal(well, "report", "--full")
    assert seen.code == 0
    assert headings(seen.out) == headings(run(well, "report").out)


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_into_a_file(well: Sandbox, tmp_path: Path, mask: int) -> None:
    path = tmp_path / "diag.txt"
    line = f"umask {mask:o}; exec '{sys.executable}' -m cozydiag report --config '{well.config}' > '{path}'"
    done = subprocess.run(["/bin/sh", "-c", line], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert headings(path.read_text(encoding="utf-8"))[0] == "cozydiag report"
    told = f"cozydiag: other users can read {path}. To keep it to yourself: chmod 600 {path}\n"
    assert done.stderr == (told if mask == 0o022 else "")


def test_into_a_file_for_its_owner(well: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "diag.txt"
    seen = run(well, "report", "-o", str(path))
    assert (seen.code, seen.out, seen.err) == (0, "", "")
    assert headings(path.read_text(encoding="utf-8"))[0] == "cozydiag report"
    assert path.stat().st_mode & 0o777 == 0o600
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    seen = run(well, "report", "-o", str(link))
    assert (seen.code, victim.read_text()) == (74, "precious")


def test_a_preview_shows_sizes_and_nothing_of_the_text(well: Sandbox) -> None:
    seen = run(well, "report", "--preview")
    assert (seen.code, seen.err) == (0, "")
    assert re.search(r"^\d+ sections, \d+", seen.out)
    assert re.search(r"^    Verdict: \d+ lines, [\d.]+ k?B$", seen.out, re.MULTILINE)
    assert re.search(r"^    \d+ secrets$", seen.out, re.MULTILINE)
    assert "CouchDB 3" not in seen.out


def test_the_list_says_what_is_read_and_reads_nothing(well: Sandbox) -> None:
    before = snapshot(well)
    seen = run(well, "report", "--list")
    assert (seen.code, seen.err) == (0, "")
    for path in ("couchdb.login", "supervisord.conf", "supervisor.sock"):
        assert f"    {well.folder}/{path}\n" in seen.out
    line = [
        "strace",
        "-f",
        "-e",
        "trace=openat,connect",
        sys.executable,
        "-m",
        "cozydiag",
        "report",
        "--list",
        "--config",
        well.config,
    ]
    if shutil.which("strace"):
        traced = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=60, check=False).stderr
        logs = re.escape(f"{well.folder}/logs/")
        assert not re.search(rf'connect\(.*(?:sun_path="/tmp|sin_port)|couchdb\.login|{logs}', traced)
    assert snapshot(well) == before


def test_without_redaction_it_says_so_at_the_top(well: Sandbox) -> None:
    seen = run(well, "report", "--no-redact")
    assert "Redaction: NONE." in seen.out.partition("\n\n")[0]
    assert run(well, "report", "--no-red").code == 64
    assert run(well, "report", "--no-redact", "--lang", "fr").out.count("AUCUN") == 1


def test_stand_ins_are_kept_where_that_is_asked_for(well: Sandbox) -> None:
    kept = Path(well.folder, "state", "pseudonyms.json")
    try:
        run(well, "report")
        assert not kept.exists()
        run(well, "report", "--keep-map")
        assert kept.stat().st_mode & 0o777 == 0o600
        assert not [form for form in forms(RIGHT) if form in kept.read_text()]
    finally:
        kept.unlink(missing_ok=True)


def test_a_full_disk_is_told(well: Sandbox) -> None:
    line = [sys.executable, "-m", "cozydiag", "report", "--config", well.config]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 74
    assert done.stderr == "cozydiag: the report could not be written whole: No space left on device\n"


def test_a_reader_who_has_seen_enough(well: Sandbox) -> None:
    line = f"'{sys.executable}' -m cozydiag report --config '{well.config}' | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", line], env=environment(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("== cozydiag report ==\n", "")


def test_mistakes(well: Sandbox, tmp_path: Path) -> None:
    assert run(well, "report", "--fulll").code == 64
    bad = tmp_path / "bad.toml"
    bad.write_text("discover = 3\n")
    line = [sys.executable, "-m", "cozydiag", "report", "--config", str(bad)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")


def test_it_looks_and_changes_nothing(well: Sandbox) -> None:
    before = (well.supervisor.states(), snapshot(well))
    run(well, "report")
    assert (well.supervisor.states(), snapshot(well)) == before


def snapshot(sandbox: Sandbox) -> dict[str, float]:
    """The files of the sandbox that only somebody who acts would change."""
    still = ("logs", "nginx", "logins.jsonl", "state")
    return {
        str(path): path.stat().st_mtime
        for path in Path(sandbox.folder).rglob("*")
        if path.is_file() and path.relative_to(sandbox.folder).parts[0] not in still
    }
