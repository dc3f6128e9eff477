"""The report for those who help: what is collected, how it is put into sections, and that it never leaks or fails."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.cli import app
from cozydiag.config import Config
from cozydiag.host import Disk, Failure, Host, Memory
from cozydiag.host.commands import Completed
from cozydiag.masking import Masks
from cozydiag.model import Cause, Evidence, Finding, Report, Result, Status
from cozydiag.proxies import nginx
from cozydiag.redaction import Redactor
from cozydiag.report import collect as collecting
from cozydiag.report import tags
from cozydiag.report.collect import Collected, Log, collect
from cozydiag.report.full import full, heading_lines
from cozydiag.report.guard import Guard, LeakError
from cozydiag.report.seal import END
from cozydiag.report.sections import Section, fitted
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, FakeHost, FakeSupervisord, Machine, answer, process_info
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, catalogue

SOCKET = "/run/supervisor.sock"
DISK = Disk("/", 1000, 400, 600, 100, 50, False, 1, "/")
MEMORY = Memory(4 << 30, 1 << 30, 0, 0)


def machine(**changes: Any) -> Machine:
    daemon = FakeSupervisord(
        [process_info("cozy-home"), process_info("cozy-proxy", "FATAL", spawnerr="no such file", exitstatus=127)],
        errors={"cozy-home": "one\n\x1b[31mtwo\x1b[0m\n\n"},
        outputs={"cozy-home": "out\n", "cozy-proxy": "\n"},
        log="2026-11-21 08:10:12,123 INFO spawned\n",
    )
    usual: dict[str, Any] = {
        "sockets": {SOCKET: daemon},
        "web": {"127.0.0.1:5984": answer(200, '{"couchdb":"Welcome","version":"3.5.0"}')},
        "files": {
            SOCKET: b"",
            "/etc/os-release": b'NAME=x\nPRETTY_NAME="Debian 12"\n',
            "/proc/loadavg": b"0.10 0.20 0.30 1/200 4711\n",
            "/proc/uptime": b"3600.5 7000.1\n",
        },
        "commands": {"nginx": Completed(0, b"", b"nginx version: nginx/1.22.1\n")},
        "memory": MEMORY,
        "other_disks": DISK,
    }
    return Machine(**{**usual, **changes})


def collected(one: Machine | None = None, **settings: Any) -> Collected:
    return collect(FakeHost(one or machine(), 60.0), Stack(Config(**settings)))


def versions(what: Collected) -> dict[str, str | Failure]:
    return dict(what.versions)


# --- what is collected


def test_all_is_collected() -> None:
    what = collected()
    assert not isinstance(what.programs, Failure)
    assert [program.name for program in what.programs] == ["cozy-home", "cozy-proxy"]
    found = versions(what)
    assert [found[name] for name in ("system", "nginx", "supervisord", "CouchDB")] == [
        "Debian 12", "nginx/1.22.1", "UNKNOWN_METHOD", "3.5.0",
    ]  # fmt: skip
    assert found["kernel"] == f"Linux {os.uname().release} {os.uname().machine}"
    assert (what.memory, what.load, what.up, what.unread) == (MEMORY, "0.10 0.20 0.30", 3600.5, 0)
    assert what.disks == (("/", DISK),)
    assert what.logs == (
        Log("cozy-proxy (stderr)", ()),  # those in trouble come first
        Log("cozy-home (stderr)", ("one", "two")),
        Log("cozy-home (stdout)", ("out",)),
        Log("supervisord", ("2026-11-21 08:10:12,123 INFO spawned",)),
    )


def test_a_dead_machine_costs_nothing_but_its_answers() -> None:
    what = collected(Machine())
    assert all(isinstance(part, Failure) for part in (what.programs, what.memory, what.load, what.up))
    found = versions(what)
    assert all(isinstance(found[name], Failure) for name in ("system", "nginx", "supervisord", "CouchDB"))
    assert what.logs == (Log("supervisord", Failure("refused", "connection refused")),)


NOT_AGAIN = Failure("given_up", "not asked: it gave no answer before")


def test_what_hangs_is_not_asked_again_and_again() -> None:
    what = collected(machine(sockets={SOCKET: HANGS}))
    assert what.programs == HANGS
    assert versions(what)["supervisord"] in (HANGS, NOT_AGAIN)
    assert what.logs[-1].lines == NOT_AGAIN
    assert versions(what)["CouchDB"] == "3.5.0"


def test_a_question_that_breaks_off_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(host: Host, stack: Stack) -> str:
        raise SystemExit("no more")

    monkeypatch.setattr(collecting, "_nginx", broken)
    found = versions(collected())
    assert found["nginx"] == Failure("error", "SystemExit: no more")
    assert found["CouchDB"] == "3.5.0"


def test_a_question_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for_ever = threading.Event()

    def hangs(host: Host, stack: Stack) -> str:
        for_ever.wait(60)
        return "late"

    monkeypatch.setattr(collecting, "_nginx", hangs)
    monkeypatch.setattr(collecting, "GRACE", -collecting.SECONDS + 0.05)
    try:
        assert versions(collected())["nginx"] == Failure("timeout", "it did not end in time")
    finally:
        for_ever.set()


def test_something_else_at_the_address_of_couchdb_has_no_version() -> None:
    what = collected(machine(web={"127.0.0.1:5984": answer(404, "no", Server="Caddy")}))
    assert versions(what)["CouchDB"] == Failure("protocol", "HTTP 404 of something else")


def test_of_many_programs_some_logs_are_left_out() -> None:
    programs = [process_info(f"p{number}") for number in range(60)] + [process_info("bad", "FATAL")]
    outputs = {program["name"]: "line\n" for program in programs}
    what = collected(machine(sockets={SOCKET: FakeSupervisord(programs, outputs=outputs)}))
    assert (len(what.logs), what.unread) == (collecting.PROGRAMS + 1, 21)
    assert what.logs[0].name == "bad (stdout)"


def test_a_log_is_read_from_its_end_without_half_a_line() -> None:
    text = "".join(f"line {number} {'x' * 100}\n" for number in range(2000))[-collecting.LOG_BYTES :]
    programs = [process_info("home")]
    what = collected(machine(sockets={SOCKET: FakeSupervisord(programs, outputs={"home": text})}))
    lines = what.logs[0].lines
    assert not isinstance(lines, Failure)
    assert [line.split()[1] for line in lines] == [str(number) for number in range(1970, 2000)]
    one_line = "y" * collecting.LOG_BYTES
    what = collected(machine(sockets={SOCKET: FakeSupervisord(programs, outputs={"home": one_line})}))
    assert what.logs[0].lines == ()


def test_the_logs_of_nginx_are_those_of_its_configuration(tmp_path: Path) -> None:
    conf, log = tmp_path / "nginx.conf", tmp_path / "error.log"
    (tmp_path / "site.conf").write_text(f"server {{ error_log {log} warn; error_log {tmp_path}/none.log; }}")
    conf.write_text(
        f"error_log stderr; events {{}} error_log relative.log; http {{ error_log {log}; include {tmp_path}/site.conf;"
        " server { error_log syslog:server=x; } }"
    )
    log.write_text("".join(f"{number}\n" for number in range(50)))
    assert nginx.parse(str(conf)).logs == (str(log), f"{tmp_path}/none.log")
    from cozydiag.config import Proxy

    what = collected(machine(real=str(tmp_path)), proxy=Proxy(str(conf)))
    logs = {one.name: one.lines for one in what.logs}
    assert logs[str(log)] == tuple(map(str, range(20, 50)))
    assert logs[f"{tmp_path}/none.log"] == Failure("missing", "no such file or directory")


# --- how it is shown

CANARY = "K4nari/+%é vogel"


def report() -> Report:
    evidence = (Evidence("GET http://127.0.0.1:5984/", "connection refused"),)
    finding = Finding(
        Status.FAIL, "service.down", t("nothing answers"), advice=t("Start it."), proof=evidence[0], role="couchdb"
    )
    second = Finding(Status.OK, "", t("but its port is free"))
    result = Result("couchdb.reach", None, t("CouchDB answers"), Status.FAIL, (finding, second), evidence)
    blind = Result(
        "couchdb.login", None, t("login"), Status.UNKNOWN,
        (Finding(Status.UNKNOWN, "couchdb.credentials_unreadable", t("closed"), unlock="sudo cozydiag status"),),
    )  # fmt: skip
    cause = Cause(
        "service.down", "couchdb", None, "couchdb.reach", Status.FAIL, finding.text, (), finding.advice, ("start it",),
        evidence, "certain", None, None, None,
    )  # fmt: skip
    return Report(
        Status.FAIL, (cause,), (result, blind), (("couchdb", "broken"),), "host", 1.0, 2.0, False, second_look=True
    )


def guard(masks: Masks | None = None) -> Guard:
    redactor = Redactor()
    redactor.know([CANARY])
    return Guard(masks or Masks([CANARY]), redactor)


def shown(what: Collected, language: str = "en", kept: Guard | None = None) -> str:
    head = heading_lines(report(), "1.0", "cozydiag report", "somebody", "sudo cozydiag report > diag.txt")
    return full(report(), what, head, catalogue(language), kept or guard())


def sections(text: str) -> dict[str, list[str]]:
    """By heading, without the marks that tell whether they came through whole."""
    current: list[str] = []
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("== "):
            current = found.setdefault(line.strip("= "), [])
        elif line and not END.match(line):
            current.append(line)
    return found


def words_of(line: str) -> str:
    """A line with no more of its tag than the code."""
    found = tags.split(line)
    return line if found is None else f"{found[0]} [{found[1].code or '-'}]"


def test_the_sections_and_their_order() -> None:
    found = sections(shown(collected()))
    assert list(found) == [
        "cozydiag report", "Verdict", "What was done", "Versions", "Machine", "Results", "Services", "Sites",
        "Log of cozy-proxy (stderr)", "Log of cozy-home (stderr)", "Log of cozy-home (stdout)", "Log of supervisord",
        "Hidden",
    ]  # fmt: skip
    assert found["cozydiag report"][1:] == [
        "Called as cozydiag report, by somebody",
        "The checks took 2 s.",
        "Redaction: secrets, names and addresses have stand-ins. Read this before you pass it on all the same.",
        "Looked twice at what had just started.",
        "Without root not everything can be seen. More: sudo cozydiag report > diag.txt",
    ]
    assert [words_of(line) for line in found["Verdict"][:3]] == [
        "internet -> CouchDB X", "1 cause, 0 consequences [verdict]", "X nothing answers [service.down]",
    ]  # fmt: skip
    assert [words_of(line) for line in found["Results"]] == [
        "FAILS: couchdb.reach: nothing answers [service.down]",
        "    Start it. [advice]",
        "    ok: but its port is free [-]",
        "        GET http://127.0.0.1:5984/: connection refused",
        "unknown: couchdb.login: closed [couchdb.credentials_unreadable]",
        "Looked at 1 of 2; sudo shows the rest",
        "    couchdb.login: closed: sudo cozydiag status",
    ]
    assert found["Services"] == [
        "cozy-home [cozy.home]: RUNNING, PID 4000, for 1 h",
        "cozy-proxy [cozy.proxy]: FATAL no such file, last exit status 127",
    ]
    assert found["Machine"] == [
        "memory: 1.1 GB of 4.3 GB available, swap: 0 B of 0 B free", "load: 0.10 0.20 0.30", "up for 1 h",
        "/: 400 B of 1 kB used, 40%; inodes: 50%",
    ]  # fmt: skip
    assert found["Log of cozy-proxy (stderr)"] == ["Nothing is in it."]
    assert found["Log of cozy-home (stderr)"] == ["one", "two"]


def test_what_could_not_be_collected_says_why() -> None:
    found = sections(shown(collected(Machine())))
    assert found["Services"] == ["supervisord: could not be collected: connection refused"]
    assert "nginx: could not be collected: no nginx" in found["Versions"]
    assert found["Machine"][:3] == [
        "memory: could not be collected: no such file or directory",
        "load: could not be collected: no such file or directory",
        "uptime: could not be collected: no such file or directory",
    ]
    assert found["Log of supervisord"] == ["supervisord: could not be collected: connection refused"]


def test_failures_of_disks_are_told() -> None:
    what = collected()
    gone, closed = Failure("timeout", "it did not end in time"), Failure("permission", "permission denied")
    assert "disks: could not be collected: it did not end in time" in shown(what._replace(disks=gone))
    assert "/x: could not be collected: permission denied" in shown(what._replace(disks=(("/x", closed),)))


def test_it_speaks_french() -> None:
    found = sections(shown(collected(), "fr"))
    assert list(found)[1:4] == ["Verdict", "Ce qui a été fait", "Versions"]
    assert found["Machine"][2] == "en marche depuis 1\u00a0h"


def test_left_out_programs_are_counted() -> None:
    found = sections(shown(collected()._replace(unread=3)))["What could not be collected"]
    assert found[-1] == "The logs of 3 programs were left out."


def test_logs_are_redacted_and_harmless() -> None:
    log = Log(
        f"a {CANARY}", (f"pw {CANARY}\x1b[2J", "Authorization: Basic abc", "K4nari/+%é\x00 vo\u200bgel", "x " * 2500)
    )
    found = sections(shown(collected()._replace(logs=(log,))))
    lines = found["Log of a <secret#1>"]
    assert lines[:3] == ["pw <secret#1>", "Authorization: Basic <secret#2>", "<secret#1>"]
    assert lines[3].endswith(" [+944]")
    assert len(lines[3]) < 4097
    assert found["Hidden"] == ["2 secrets"]


def test_what_is_found_out_late_is_hidden_from_the_beginning() -> None:
    logs = (Log("one", ("said Wh0Knows-7 once",)), Log("two", ("password=Wh0Knows-7",)))
    found = sections(shown(collected()._replace(logs=logs)))
    assert found["Log of one"] == ["said <secret#1> once"]


def test_without_redaction_it_is_harmless_alone() -> None:
    log = Log("log", (f"pw {CANARY}\x1b[2J",))
    text = full(report(), collected()._replace(logs=(log,)), [], catalogue("en"), None)
    assert sections(text)["Log of log"] == [f"pw {CANARY}"]


def test_a_secret_is_not_cut_in_half() -> None:
    log = Log("log", ("x" * 4090 + CANARY + " and more",))
    text = shown(collected()._replace(logs=(log,)))
    assert "K4n" not in text


# --- never a leak


class Blind(Redactor):
    """One that hides nothing and still finds."""

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        yield from lines

    def again(self, lines: Iterable[str]) -> list[str]:
        return list(lines)


def blind() -> Guard:
    redactor = Blind()
    redactor.know([CANARY])
    return Guard(Masks(), redactor)


@pytest.mark.parametrize(("place", "line"), [("logs", 2), ("versions", 1)])
def test_a_secret_that_is_left_stops_everything(place: str, line: int) -> None:
    parts: dict[str, Any] = {"logs": (Log("one", ("", f"pw {CANARY}")),), "versions": (("x", CANARY),)}
    with pytest.raises(LeakError) as leak:
        shown(collected()._replace(**{place: parts[place]}), kept=blind())
    assert (leak.value.heading, leak.value.line) == ({"logs": "Log of one", "versions": "Versions"}[place], line)


def test_a_heading_that_leaks_is_not_named() -> None:
    with pytest.raises(LeakError) as leak:
        blind().check([Section(CANARY, [])])
    assert (leak.value.heading, leak.value.line) == ("?", 0)


class Broken(Redactor):
    """One that breaks on what a log says."""

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if "BREAK" in line:
                raise RuntimeError(line)
            yield line


def test_a_section_that_cannot_be_redacted_is_withheld() -> None:
    logs = (Log("one", ("x", "BREAK y", "z")), Log("two", ("fine",)))
    found = sections(shown(collected()._replace(logs=logs), kept=Guard(Masks(), Broken())))
    assert found["?"] == ["Withheld: this section could not be redacted. Please report this."]
    assert found["Log of two"] == ["fine"]
    assert "BREAK" not in str(found)


def test_nothing_is_written_where_a_secret_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("discover = false\n")
    monkeypatch.setenv("COZYDIAG_COUCHDB_URL", "http://user:Z1ckzack-Kanari@127.0.0.1:1")
    monkeypatch.setattr(sys, "argv", ["cozydiag", "report", "--config", str(path), "Z1ckzack-Kanari"])
    monkeypatch.setattr(Masks, "hide", lambda self, text: text)
    monkeypatch.setattr(Redactor, "lines", lambda self, lines: iter(lines))
    monkeypatch.setattr(Redactor, "again", lambda self, lines: list(lines))
    assert app.run(["report", "--config", str(path), "--lang", "en"]) == 70
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "cozydiag: nothing was written: a secret was left in the section cozydiag report, line 2. Please report this.\n"
    )


def test_an_error_of_its_own_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("discover = false\n")
    monkeypatch.setenv("COZYDIAG_COUCHDB_URL", "http://user:Z1ckzack-Kanari@127.0.0.1:1")

    def broken(*_: object) -> None:
        raise RuntimeError("it was Z1ckzack-Kanari")

    monkeypatch.setattr(collecting, "collect", broken)
    assert app.run(["report", "--config", str(path)]) == 70
    said = capsys.readouterr()
    assert (said.out, "it was ***" in said.err, "Z1ckzack" in said.err) == ("", True, False)
    assert app.run(["report", "--config", str(path), "--debug"]) == 70
    said = capsys.readouterr()
    assert (said.out, "RuntimeError: it was ***" in said.err, "Z1ckzack" in said.err) == ("", True, False)
    assert said.err.startswith("Traceback")


# --- never too large


def size(found: list[Section]) -> int:
    return sum(section.size for section in found)


def test_what_fits_stays_as_it_is() -> None:
    given = [Section("a", ["1", "2"]), Section("b", ["x" * 50] * 100, log=True)]
    assert fitted(given, str, size(given)) == given


def say(text: Any) -> str:
    from cozydiag.text.catalogue import render

    return render(text, ENGLISH)


def test_logs_give_way_first_and_keep_their_newest_lines() -> None:
    lines = [f"line {number} é" for number in range(1000)]
    given = [
        Section("a", ["1"]),
        Section("long", lines, log=True),
        Section("short", ["s"], log=True),
        Section("z", ["9"]),
    ]
    found = fitted(given, say, 4000)
    assert size(found) <= 4000
    assert (found[0], found[2], found[3]) == (given[0], given[2], given[3])
    kept = found[1].lines[1:]
    assert kept == lines[-len(kept) :]
    assert len(kept) > 50
    assert found[1].lines[0] == f"({1000 - len(kept)} older lines left out: the report would be too large)"


def test_what_is_too_large_without_logs_ends_with_a_word() -> None:
    given = [Section("a", ["1"]), Section("b", [f"line {number}" for number in range(1000)]), Section("c", ["9"])]
    found = fitted(given, say, 2000)
    assert size(found) <= 2000
    assert [section.heading for section in found] == ["a", "b"]
    assert found[1].lines[:2] == ["line 0", "line 1"]
    assert found[1].lines[-1] == "The report ends here: it would be too large."


@pytest.mark.parametrize("limit", range(400, 6000, 371))
def test_the_limit_holds(limit: int) -> None:
    given = [Section("a", ["a" * 30] * 20), *(Section(f"l{n}", ["l" * 40] * 40, log=True) for n in range(9))]
    assert size(fitted(given, say, limit)) <= limit


# --- a file that others can read


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, mode: int, *, told: bool
) -> None:
    from cozydiag.cli import handing_over as command

    path = tmp_path / "diag.txt"
    with path.open("w") as file:
        path.chmod(mode)
        monkeypatch.setattr(sys, "stdout", file)
        command._warn_of_readers()
    said = capsys.readouterr().err
    assert (f"chmod 600 {path}" in said) is told
    assert stat.S_IMODE(path.stat().st_mode) == mode
