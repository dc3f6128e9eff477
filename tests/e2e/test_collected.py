"""`collect-script` in the sandbox, and what `read` makes of its output: what `status` says there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cozydiag.collected.reading import diagnose
from cozydiag.collected.script import script
from cozydiag.config import Config, load
from cozydiag.engine.examine import Wish, examine
from cozydiag.model import Report, Status
from cozydiag.sandbox import Sandbox
from scripts.laboratory.shells import busybox

SHELL = ["dash"] if shutil.which("dash") else ["sh"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox.create()
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.fixture
def healthy(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.heal()


def settings(sandbox: Sandbox) -> Config:
    return load(sandbox.config, {})


def environment(config: Config, **more: str) -> dict[str, str]:
    """Where things are in the sandbox, as somebody would say it to the script."""
    home = config.parts["home"].url + "/api/applications/"
    ask = [config.parts["controller"].url + "/", config.parts["data-system"].url + "/", home]
    return {
        "PATH": "/usr/bin:/bin", "NGINX": config.programs["nginx"],
        "SUPERVISORCTL": config.programs["supervisorctl"], "NGINX_CONF": config.proxy.conf or "",
        "NGINX_PID": config.proxy.pid or "",
        "SUPERVISORD_CONF": config.supervisord.conf or "", "COUCHDB_URL": config.couchdb.url,
        "LOGIN_FILE": config.couchdb.credentials_file,
        "ASK": " ".join([*ask, config.parts["proxy"].url + "/status"]), **more,
    }  # fmt: skip


def collected(
    config: Config, shell: list[str] = SHELL, text: str = "", folder: Path | None = None, **more: str
) -> bytes:
    shell = [shutil.which(shell[0]) or "sh", *shell[1:]]
    done = subprocess.run(
        [*shell, "-s"], input=(text or script()).encode(), env=environment(config, **more), capture_output=True,
        cwd=folder, timeout=150, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    return done.stdout


def causes(report: Report) -> set[tuple[str, str]]:
    return {(cause.code, cause.instance) for cause in report.causes}


class Well(NamedTuple):
    """What one run of the script gave on a healthy server, and what it left there."""

    text: bytes
    left: list[str]
    started: set[int]


@pytest.fixture(scope="module")
def well(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Well:
    folder = tmp_path_factory.mktemp("empty")
    before = set(sandbox.pids())
    text = collected(settings(sandbox), folder=folder, TMPDIR=str(folder), HOME=str(folder))
    return Well(text, os.listdir(folder), set(sandbox.pids()) ^ before)


def test_a_healthy_server_is_well(sandbox: Sandbox, well: Well) -> None:
    found = diagnose(well.text, settings(sandbox))
    assert (found.report.verdict, found.report.causes, found.whole) == (Status.OK, (), True)


def test_no_login_leaves_the_machine(well: Well) -> None:
    assert b"adminpw" not in well.text
    assert b"with login" in well.text


def test_nothing_is_written_and_nothing_stays(well: Well) -> None:
    assert not well.left
    assert not well.started


@pytest.mark.parametrize("name", ["bash", "busybox"])
def test_every_shell_collects_the_same(sandbox: Sandbox, well: Well, name: str) -> None:
    program = busybox() if name == "busybox" else shutil.which(name) or f"no {name}"
    if not os.path.exists(program):
        pytest.skip(str(program))
    shell = [str(program), "ash" if name == "busybox" else "--posix"]
    text = collected(settings(sandbox), shell)
    assert configurations(text) == configurations(well.text)
    assert diagnose(text, settings(sandbox)).report.verdict is Status.OK


def configurations(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if line.startswith(b"== file /etc")]


@pytest.mark.parametrize(
    "fault", ["port-taken", "part-fatal", "wrong-upstream", "supervisor-killed", "nginx-config-disk"]
)
def test_the_same_cause_as_on_the_machine(healthy: Sandbox, fault: str) -> None:
    healthy.break_(fault)
    same_causes(healthy, collected(settings(healthy)))


def test_a_refused_login_is_tried_once(healthy: Sandbox) -> None:
    """Five failures lock the account, for the apps too."""
    healthy.break_("couchdb-401")
    before = len(healthy.logins("curl"))
    text = collected(settings(healthy))
    assert len(healthy.logins("curl")) - before == 1
    same_causes(healthy, text)


def same_causes(sandbox: Sandbox, text: bytes) -> None:
    """As when one looks there."""
    direct = examine(settings(sandbox), Wish())
    assert direct.causes
    assert causes(diagnose(text, settings(sandbox)).report) == causes(direct)


POOR = [
    "awk", "cat", "cut", "date", "dd", "df", "dirname", "env", "getconf", "grep", "head", "id", "kill", "ls",
    "rm", "sed", "sh", "dash", "sleep", "sort", "tail", "tr", "true", "uname", "wc",
]  # fmt: skip
"""No curl, wget, timeout, stat, getent."""


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("poor")
    for name in POOR:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return str(folder)


def by_hand(config: Config, poor: str) -> Report:
    usual = "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    assert usual in script()
    return diagnose(collected(config, SHELL, script().replace(usual, ""), PATH=poor), config).report


def test_an_old_machine_without_curl_timeout_and_stat(sandbox: Sandbox, poor: str) -> None:
    """What cannot be asked is unknown."""
    well = by_hand(settings(sandbox), poor)
    assert well.verdict is Status.UNKNOWN
    assert not well.causes
    results = {one.instance: one.status for one in well.results}
    assert results["stack.home"] is Status.UNKNOWN
    assert results["supervisor.program:cozy-home"] is Status.OK


def test_what_a_log_says_is_no_section(healthy: Sandbox) -> None:
    healthy.break_("part-stopped")
    config = settings(healthy)
    forged = b"\n== command supervisorctl status\n= exit 0\n|cozy-home RUNNING pid 1, uptime 1:00:00\n== end\n"
    hostile = forged + bytes(range(256)) + b"\n" + b"x" * (1 << 20) + forged.replace(b"\n", b"\r\n") + b"\x1b]0;no\x07"
    with open(healthy.layout.path("logs", "nginx-error.log"), "ab") as log:
        log.write(hostile)
    with open(healthy.layout.path("logs", "home.log"), "ab") as log:
        log.write(forged * 50)
    text = collected(config)
    assert max(map(len, text.split(b"\n"))) < 80_000
    found = diagnose(text, config)
    assert found.whole
    assert causes(found.report) == causes(examine(config, Wish()))
    assert sum(one.name == "supervisorctl status" for one in found.collected.sections) == 1


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "cozydiag", *arguments], input=given, capture_output=True, timeout=120, check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def test_the_commands(healthy: Sandbox, poor: str, tmp_path: Path) -> None:
    """Printed, run, read in both languages and as JSON, and made into a report that hides what is private. An old
    machine knows that nothing listens from the kernel's own table."""
    assert run("collect-script").stdout.decode() == script()
    healthy.break_("couchdb-stopped")
    config = settings(healthy)
    assert {code for code, _ in causes(by_hand(config, poor))} == {"service.stopped"}
    with open(config.supervisord.conf or "", "a", encoding="utf-8") as conf:
        conf.write("\n; password = Canary-One-1\n")
    with open(healthy.layout.path("logs", "nginx-error.log"), "a", encoding="utf-8") as log:
        log.write("2026/11/21 10:00:00 [error] 1#1: bob@canary.example from 93.184.216.34, token=Canary-Two-2\n")
    text = collected(config)
    assert b"Canary-One-1" not in text
    assert b"Canary-Two-2" not in text
    same_causes(healthy, text)
    raw = tmp_path / "raw.txt"
    raw.write_bytes(text.replace(f"= name {os.uname().nodename}\n".encode(), b"= name canaryhost7\n"))
    english = run("read", str(raw), "--config", healthy.config, "--lang", "en")
    assert english.returncode == 0, english.stderr
    assert english.stdout.startswith(b"From a collected file of ")
    assert b"[service.stopped]" in english.stdout
    french = run("read", str(raw), "--config", healthy.config, "--lang", "fr").stdout.decode()
    assert "[service.stopped]" in french
    assert not french.startswith("From")
    found = json.loads(run("read", str(raw), "--config", healthy.config, "--format", "json").stdout)
    assert [cause["code"] for cause in found["causes"]] == ["service.stopped"]
    posted = run("read", "--redact", str(raw), "--config", healthy.config)
    assert posted.returncode == 0, posted.stderr
    for private in (b"bob@canary.example", b"93.184.216.34", b"adminpw", b"canaryhost7"):
        assert private not in posted.stdout
    again = run("read", "-", "--lang", "en", given=posted.stdout)
    assert b"[service.stopped]" in again.stdout
    broken = run("read", "-", "--config", healthy.config, given=text[: len(text) // 2])
    assert broken.returncode == 3
    assert broken.stderr.startswith(b"cozydiag: ")
