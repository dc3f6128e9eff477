"""`cozydiag redact`, as it is run: any text, in little memory, and nothing that a service's user has planted."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cozydiag.redaction import WITHHELD

TEXT = "from 93.184.216.34 to bob@example.org\nthen S3cret-99 again\npassword=S3cret-99\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f'discover = false\n[paths]\nstate = "{tmp_path}/state"\n[couchdb]\ncredentials_file = "{tmp_path}/login"\n'
    )
    (tmp_path / "login").write_text("anna\nFrom-Own-File-1\n")
    path.chmod(0o600)
    return path


def run(config: Path, *arguments: str, given: bytes = b"", limit: int = 0) -> subprocess.CompletedProcess[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def bounded() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "cozydiag", "redact", *arguments, "--config", str(config)],
        input=given, capture_output=True, timeout=120, check=False, env={**kept, "LANG": "C.UTF-8"}, preexec_fn=bounded,
    )  # fmt: skip


def test_a_pipe_is_redacted_as_it_comes(config: Path) -> None:
    done = run(config, "-", given=TEXT.encode() + b"From-Own-File-1\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "from <ip4-net1-host1> to mail1@maildom1.example", "then <secret#1> again", "password=<secret#1>", "<secret#2>",
    ]  # fmt: skip


def test_a_file_is_read_twice(config: Path, tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("S3cret-99 first\n" + "x\n" * 200_000 + "password=S3cret-99\n")
    shown = run(config, str(log)).stdout.decode().splitlines()
    assert (shown[0], shown[-1], len(shown)) == ("<secret#1> first", "password=<secret#1>", 200_002)


def test_identities_may_stay(config: Path) -> None:
    done = run(config, "--keep-identities", given=TEXT.encode())
    assert done.stdout.decode().splitlines()[0] == "from 93.184.216.34 to bob@example.org"
    assert b"S3cret" not in done.stdout


def test_redacting_twice_is_redacting_once(config: Path) -> None:
    once = run(config, given=TEXT.encode()).stdout
    assert run(config, given=once).stdout == once


def test_what_a_terminal_obeys_goes(config: Path) -> None:
    given = b"a\x1b[2Jb \x1b]0;title\x07c pass\x1b[0mword=Hidd\xe2\x80\x8ben-12 \xe2\x80\xaed\x00e\r\n\xff\xfe\n"
    given += b"<script>alert(1)</script> # `x` [b]\n"
    shown = run(config, given=given).stdout
    assert b"\x1b" not in shown
    assert b"\x00" not in shown
    assert b"den-12" not in shown
    assert shown.splitlines()[-1] == b"<script>alert(1)</script> # `x` [b]"


def test_a_line_without_end_takes_little_memory(config: Path, tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    with log.open("wb") as file:
        file.write(b"begin ")
        for _ in range(300):
            file.write(b"x" * (1 << 20))
        file.write(b"\nafter\n")
    done = run(config, str(log), limit=160 << 20)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(b"begin xxx")
    assert first.endswith(b" [the rest of this line is left out]")
    assert last == b"after"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "none", "compressed", "device"])
def test_what_is_no_plain_text_is_refused(config: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    secret = tmp_path / "other"
    secret.write_text("precious\n")
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "compressed":
        path.write_bytes(gzip.compress(b"precious\n" * 1000))
    elif kind == "device":
        path = Path("/dev/zero")
    done = run(config, str(path))
    assert (done.returncode, done.stdout) == (64, b"")
    assert str(path).encode() in done.stderr
    if kind == "compressed":
        assert b"zcat" in done.stderr


def test_into_a_file_for_its_owner(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    assert run(config, "-o", str(out), given=TEXT.encode()).stdout == b""
    assert "S3cret" not in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    done = run(config, "-o", str(link), given=TEXT.encode())
    assert (done.returncode, victim.read_text()) == (74, "precious")


def test_a_reader_who_has_seen_enough(config: Path) -> None:
    line = f"yes 'password=S3cret-99' | '{sys.executable}' -m cozydiag redact --config '{config}' | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b"password=<secret#1>\n", b"")


def test_a_full_disk_is_told(config: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cozydiag", "redact", "--config", str(config), "--lang", "en"],
            input=TEXT.encode(), stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 74
    assert done.stderr == b"cozydiag: the text could not be written whole: No space left on device\n"


def test_a_redactor_that_breaks_shows_nothing_of_it(config: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from cozydiag.redaction import redactor
whole = redactor.Redactor._secrets
def broken(self, line, *rest):
    if "BREAK" in line:
        raise RuntimeError(line)
    return whole(self, line, *rest)
redactor.Redactor._secrets = broken
from cozydiag.cli import app
sys.exit(app.run(["redact", "--config", {str(config)!r}]))
"""
    given = b"before\n" * 20_000 + b"BREAK precious\n" + b"after\n" * 20_000
    done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 70
    assert WITHHELD.encode() in done.stdout
    assert b"precious" not in done.stdout + done.stderr
    assert done.stdout.endswith(b"after\n")
