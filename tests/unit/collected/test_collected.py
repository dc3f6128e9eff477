"""What was collected, cut into sections and made into a machine; what was not is unknown."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xmlrpc.client import dumps, loads

import pytest

from cozydiag.collected import grammar, supervisor
from cozydiag.collected.host import LOGIN, CollectedHost
from cozydiag.collected.reading import diagnose
from cozydiag.collected.script import script
from cozydiag.collected.tables import ABSENT, UNKNOWN, Tables, tables
from cozydiag.config.schema import build
from cozydiag.couchdb.credentials import from_login_file
from cozydiag.host import Answer, Failure, Unasked
from cozydiag.managers.systemd_units import KNOWN, PROPERTIES
from cozydiag.model import Finding, Report, Result, Status
from cozydiag.proxies import nginx
from cozydiag.report.words import KIND
from cozydiag.stack.words import ourselves
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, render

HEAD = "#cozydiag-collected 1\n== host\n= time 1795248737\n= zone +0000\n= user 0\n= name far\n= ticks 100\n"
TCP = "|  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENING = (
    f"== file /proc/net/tcp\n= is file\n{TCP}"
    "|   0: 0100007F:1760 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n"
    "= state whole\n== file /proc/net/tcp6\n= state absent\n"
)


def machine(text: str, end: str = "== end\n") -> Tables:
    return tables(grammar.read((HEAD + text + end).encode()))


def host(text: str) -> CollectedHost:
    return CollectedHost(machine(text))


# --- the grammar


def test_text_is_no_section_whatever_it_says() -> None:
    found = grammar.read(
        f"{HEAD}== file /a\n|== file /etc/passwd\n|= state absent\n|== end\n= state whole\n== end\n".encode()
    )
    assert [(one.kind, one.name) for one in found.sections] == [("host", ""), ("file", "/a")]
    assert found.sections[1].lines == (b"== file /etc/passwd", b"= state absent", b"== end")
    assert found.whole


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_the_last_section_of_half_a_file_is_left_out(cut: int) -> None:
    text = f"{HEAD}== file /a\n|one\n= state whole\n== file /b\n|two\n= state whole\n== end\n".encode()
    found = grammar.read(text[:-cut])
    assert not found.whole
    assert all(one.lines in ((), (b"one",), (b"two",)) for one in found.sections)


def test_it_may_come_through_a_windows() -> None:
    found = grammar.read((HEAD + "== file /a\n|one\n== end\n").replace("\n", "\r\n").encode())
    assert (found.whole, found.sections[1].lines) == (True, (b"one",))


@pytest.mark.parametrize(
    "text", [b"", b"== host\n", b"#cozydiag-collected 12\n", b"== cozydiag report ==\n", b"\xff\x00"]
)
def test_what_is_none(text: bytes) -> None:
    assert not grammar.is_collected(text)


def test_nothing_makes_it_raise() -> None:
    """Bytes that nobody has thought of: a machine of which little is known."""
    parts = [
        b"\xff\xfe\x00",
        b"== process 1\n|1 (x) S",
        b"== process 9\n|9 (" + b"(" * 99,
        b"= stat zz 1 2",
        b"== file \n",
        b"== command df space\n|a b c d e /\n|x 1 2 3 4% /\n= exit 0\n",
        b"== answer http://[::1/\n= exit 0\n= by curl\n|HTTP/1.1 999\n",
        b"= time nan\n= zone +9999\n= ticks inf\n",
        b"== file /proc/net/tcp\n|x\n|1: zz:zz 0 0A 1 1 1 1 1 q\n= is file\n",
        b"== login\n= file \n",
        b"== command supervisorctl status\n|a RUNNING pid 1, uptime 99999 days, 9:99:99\n= exit 0\n",
    ]
    for part in (*parts, b"".join(parts)):
        found = diagnose(HEAD.encode() + part + b"\n== end\n", build(None, {}))
        assert not {one.status for one in found.report.results} & {Status.ERROR, Status.TIMEOUT}


# --- what is not known


def test_a_port_that_was_not_asked_is_neither_refused_nor_well() -> None:
    with pytest.raises(Unasked):
        host("").get("http://127.0.0.1:9104/")
    with pytest.raises(Unasked):
        host("").connect("127.0.0.1", 9104)


def test_where_nothing_listens_a_connection_would_be_refused() -> None:
    seen = host(LISTENING).get("http://127.0.0.1:9104/")
    assert isinstance(seen, Failure)
    assert seen.kind == "refused"
    with pytest.raises(Unasked):
        host(LISTENING).get("http://127.0.0.1:5984/")  # something listens there, and was not asked
    with pytest.raises(Unasked):
        host(LISTENING).get("http://93.184.216.34:9104/")  # of another machine this says nothing
    assert host(LISTENING).connect("127.0.0.1", 5984) is None


def test_half_of_the_kernels_tables_is_none() -> None:
    only = LISTENING.replace("== file /proc/net/tcp6\n= state absent\n", "")
    with pytest.raises(Unasked):
        host(only).get("http://127.0.0.1:9104/")


def test_files() -> None:
    found = machine(
        "== file /a/b\n= stat 81a4 0 0 3 1795248000\n= is file\n|x\n= state whole\n== file /c\n= state absent\n"
        "== file /d\n= stat 41ed 0 0 0 0\n= is folder\n|e\n= state whole\n== file /f\n= stat 8180 7 7 9 9\n= is file\n"
    )
    one = found.file("/a/b")
    assert not isinstance(one, Failure)
    assert (one.content, one.stat.st_mode, one.stat.st_mtime) == (b"x\n", 0o100644, 1795248000)
    assert found.file("/c/deep") == ABSENT
    assert found.file("/d/other") == ABSENT
    assert found.file("/d/e") == UNKNOWN
    assert found.file("/elsewhere") == UNKNOWN
    secret = found.file("/f")
    assert not isinstance(secret, Failure)
    assert (secret.content, secret.stat.st_uid) == (UNKNOWN, 7)


def test_nothing_of_the_reading_machine_is_seen() -> None:
    found = diagnose((HEAD + "== end\n").encode(), build(None, {}))
    assert (found.report.host, found.report.verdict, found.report.causes) == ("far", Status.UNKNOWN, ())
    assert {one.status for one in found.report.results} <= {Status.UNKNOWN, Status.SKIP, Status.BLOCKED}


def test_no_command_is_offered_that_would_look_at_the_machine_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = ourselves("status", None), "sudo dmesg"
    unseen = [Finding(Status.UNKNOWN, "x", t("unseen"), unlock=line) for line in (ours, theirs, None)]
    made = Report(Status.UNKNOWN, (), (Result(KIND, None, t("Kind"), Status.UNKNOWN, tuple(unseen)),
                  Result("x", None, t("X"), Status.UNKNOWN, tuple(unseen))), (), "here", 0.0, 0.0, True)  # fmt: skip
    monkeypatch.setattr("cozydiag.collected.reading.look", lambda *_, **__: (made, None))
    kind, other = diagnose((HEAD + "== end\n").encode(), build(None, {})).report.results
    assert [one.unlock for one in kind.findings] == [theirs, None]
    assert [one.unlock for one in other.findings] == [None, theirs, None]


def test_no_word_of_a_collected_file_opens_one_here(tmp_path: Path) -> None:
    """nginx's parser would follow an include to any file of the machine that reads."""
    private = tmp_path / "private.conf"
    private.write_text("server { server_name canary.example; listen 80; }\n")
    conf = (
        "events {}\nhttp {\n"
        + "".join(
            f"include {word};\n"
            for word in (private, f"/etc/nginx/../..{private}", f'"{tmp_path}/*.conf"', "ours/*.conf")
        )
        + "}\n"
    )
    contents = {
        "/etc/nginx/nginx.conf": conf.encode(),
        "/etc/nginx/ours/a.conf": b"server { server_name far.example; }\n",
    }
    read = nginx.parse("/etc/nginx/nginx.conf", contents=contents)
    assert [server.names for server in read.servers] == [("far.example",)]
    assert read.unreadable
    assert not read.mistakes


def test_a_mistake_in_an_included_file_is_one() -> None:
    """What is included into a table has values in it, whatever they look like."""
    contents = {
        "/etc/nginx/nginx.conf": b"events {}\nhttp { include sites/*; map $a $b { include values; } }\n",
        "/etc/nginx/sites/a": b"server { listen; }\n",
        "/etc/nginx/values": b"root a b c;\n",
        "/etc/nginx/sites/circle": b"include /etc/nginx/sites/circle;\ninclude /etc/nginx/nginx.conf;\n",
    }
    read = nginx.parse("/etc/nginx/nginx.conf", contents=contents)
    assert [(one.path, one.line) for one in read.mistakes] == [("/etc/nginx/sites/a", 1)]


# --- servers


def answered(body: str, code: int = 0, by: str = "curl", url: str = "http://127.0.0.1:9104/status") -> str:
    return f"== answer {url}\n= by {by}\n{body}= exit {code}\n"


def test_an_answer_by_curl() -> None:
    seen = host(answered("|HTTP/1.1 200 OK\n|Content-Type: application/json\n|\n|{}\n")).get(
        "http://localhost:9104/status"
    )
    assert isinstance(seen, Answer)
    assert (seen.status, seen.reason, seen.body, seen.header("content-type")) == (200, "OK", b"{}", "application/json")


def test_an_answer_by_wget() -> None:
    text = answered("|  HTTP/1.1 404 Not Found\n|  Server: x\n|wget: server returned error: HTTP/1.1 404\n", 8, "wget")
    seen = host(text).get("http://127.0.0.1:9104/status")
    assert isinstance(seen, Answer)
    assert (seen.status, seen.header("Server")) == (404, "x")


@pytest.mark.parametrize(
    ("code", "by", "words", "kind"),
    [
        (7, "curl", "curl: (7)", "refused"),
        (28, "curl", "curl: (28)", "timeout"),
        (52, "curl", "curl: (52)", "closed"),
        (4, "wget", "failed: Connection refused.", "refused"),
        (1, "wget", "wget: can't connect: Connection refused", "refused"),
    ],
)
def test_what_failed_there_fails_here(code: int, by: str, words: str, kind: str) -> None:
    seen = host(answered(f"|{words}\n", code, by)).get("http://127.0.0.1:9104/status")
    assert isinstance(seen, Failure)
    assert seen.kind == kind


def test_half_an_answer_in_json_is_none() -> None:
    text = answered('|HTTP/1.1 200 OK\n|Content-Type: application/json\n|\n|{"rows": [\n= state cut\n')
    with pytest.raises(Unasked):
        host(text).get("http://127.0.0.1:9104/status")


def test_requests_with_a_login_are_those_with_the_true_one() -> None:
    text = (
        answered("|HTTP/1.1 401 No\n|\n", url="http://127.0.0.1:5984/cozy")
        + "== answer http://127.0.0.1:5984/cozy with login\n= by curl\n|HTTP/1.1 200 OK\n|\n|{}\n= exit 0\n"
        + "== login\n= file /etc/cozy/couchdb.login\n"
        + "== file /etc/cozy/couchdb.login\n= stat 81a0 107 107 9 9\n= is file\n"
    )
    seen = host(text)
    login = seen.read("/etc/cozy/couchdb.login")
    assert login == LOGIN
    known = from_login_file(LOGIN)
    assert known is not None
    with_login = seen.get("http://127.0.0.1:5984/cozy", headers=[known.header])
    without = seen.get("http://127.0.0.1:5984/cozy")
    assert [one.status for one in (with_login, without) if isinstance(one, Answer)] == [200, 401]


# --- supervisord


def status(*lines: str, code: int = 0) -> str:
    return "== command supervisorctl status\n" + "".join(f"|{line}\n" for line in lines) + f"= exit {code}\n"


def called(found: Tables, method: str, *params: Any) -> Any:
    said = supervisor.answer(found, "/run/supervisor.sock", dumps(params, f"supervisor.{method}").encode())
    assert isinstance(said, Answer)
    return loads(said.body.decode())[0][0]


def test_the_states_of_programs() -> None:
    found = machine(
        status(
            "cozy-home   RUNNING   pid 9, uptime 1 day, 0:00:04",
            "web:a   FATAL   Exited too quickly",
            "b  STOPPED  Not started",
            "c  EXITED  Nov 21 08:20 AM",
        )
    )
    home, web, never, ended = called(found, "getAllProcessInfo")
    assert (home["name"], home["statename"], home["pid"], home["now"] - home["start"]) == (
        "cozy-home",
        "RUNNING",
        9,
        86404,
    )
    assert (web["group"], web["name"], web["state"], web["spawnerr"]) == ("web", "a", 200, "Exited too quickly")
    assert (never["start"], never["stop"]) == (0, 0)
    assert ended["stop"] > 0


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("unix:///run/supervisor.sock no such file", "missing"),
        ("unix:///run/supervisor.sock refused connection", "refused"),
        ("error: <class 'PermissionError'>, [Errno 13] Permission denied: file: socket.py", "permission"),
        ("Server requires authentication", "login"),
        ("Traceback (most recent call last):", "permission"),
    ],
)
def test_why_supervisord_could_not_be_asked(line: str, kind: str) -> None:
    seen = supervisor.answer(machine(status(line, code=4)), "/run/supervisor.sock", dumps((), "x").encode())
    assert isinstance(seen, Failure)
    assert seen.kind == kind


def test_its_configuration_and_logs() -> None:
    home = "|[program:home]\n|autostart=false\n|stderr_logfile=/var/log/home-err.log\n"
    conf = f"{home}|[supervisord]\n|logfile=/var/log/s.log\n"
    found = machine(
        status("home  EXITED  Nov 21 08:20 AM") + f"== file /etc/supervisord.conf\n= is file\n{conf}= state whole\n"
        "== file /var/log/home-err.log\n= is file\n|boom\n= state end\n"
        "== file /var/log/s.log\n= is file\n"
        "|2026-11-21 08:20:00,1 INFO exited: home (exit status 3; not expected)\n= state end\n"
    )
    assert called(found, "readProcessStderrLog", "home", -4000, 0) == "boom\n"
    assert called(found, "getAllConfigInfo")[0]["autostart"] is False
    assert called(found, "getAllProcessInfo")[0]["exitstatus"] == 3


# --- the script


def test_it_asks_systemd_what_the_checks_ask() -> None:
    text = script()
    assert f"properties={','.join(PROPERTIES)}\n" in text
    asked = (
        text[text.index("systemctl show --no-pager") :].split("\nfi\n")[0].replace("\\\n", " ").replace("'", "").split()
    )
    assert set(KNOWN) <= set(asked)


def test_it_begins_with_what_it_promises() -> None:
    top = script().split("\n\n")[0]
    assert "It changes nothing" in top
    assert "cozydiag read raw.txt" in top


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", "-s", "sh", "-"], input=script().encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


SECRETS = """password = Canary-1
db_password: "Canary-2 with blanks"
environment=A="b",TOKEN="Canary-3",C="d"
url = http://app:Canary-4@127.0.0.1:5984/
{"user":"bob","password":"Canary-5","port":9120}
command=node x.js --password=Canary-6 --port=1
proxy_set_header Authorization "Basic Canary-7";
Set-Cookie: AuthSession=Canary-8; Path=/
[admins]
bob = Canary-9
[log]
api_key='Canary-10'
fastcgi_param DB_PASSWORD "Canary-11";
  passphrase: Canary-12
"""


def test_what_looks_like_a_password_is_replaced() -> None:
    """By the script's own function, in the shell of this machine."""
    text = script()
    functions = text[text.index("# Text as lines") : text.index("# --- limits")]
    done = subprocess.run(
        ["sh", "-s"], input=f"{functions}\nbody <<'END'\n{SECRETS}END\n".encode(), capture_output=True, check=True
    )
    said = done.stdout.decode()
    assert not re.findall(r"Canary-\d+", said)
    for kept in ('|environment=A="b",', ',C="d"', "--port=1", '"port":9120', "127.0.0.1:5984/", "[log]", "Path=/"):
        assert kept in said
    assert said.count("\n") == SECRETS.count("\n")


def test_innocent_lines_stay() -> None:
    text = script()
    functions = text[text.index("# Text as lines") : text.index("# --- limits")]
    lines = "server_tokens off;\nproxy_pass http://127.0.0.1:9104;\nlisten 80;\npasswd: files\nport = 5984\n"
    done = subprocess.run(
        ["sh", "-s"], input=f"{functions}\nbody <<'END'\n{lines}END\n".encode(), capture_output=True, check=True
    )
    said = done.stdout.decode().splitlines()
    assert [said[number][1:] for number in (0, 1, 2, 4)] == [lines.splitlines()[number] for number in (0, 1, 2, 4)]


def test_the_words_of_the_engine() -> None:
    found = diagnose((HEAD + "== end\n").encode(), build(None, {}))
    words = {render(one.text, ENGLISH) for result in found.report.results for one in result.findings}
    assert "this was not collected" in words
