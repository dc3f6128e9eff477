"""A program that runs while its log names a known problem: a warning while it goes on, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config import Config
from cozydiag.host import Answer, Failure, Host
from cozydiag.host.logs import TIMES, is_loud
from cozydiag.managers.service import Condition, Service, State
from cozydiag.model import Finding, Status
from cozydiag.report.services import complaint
from cozydiag.rules import load
from cozydiag.stack import Stack
from cozydiag.stack.complaints import GRAVE, of_service
from cozydiag.testing import FakeHost, FakeSupervisord, Machine, answer, process_info
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

NOW, STARTED = 1_795_248_737, 1_795_245_137
LOG = "/var/log/supervisor/web-stderr.log"
BUSY = "sqlite3.OperationalError: database is locked"
REFUSED = "Error: connect ECONNREFUSED 127.0.0.1:6379"


def stamped(*lines: str, ago: float = 60.0) -> tuple[str, ...]:
    """Each with a time, a second after the one before."""
    times = (NOW - ago + number for number, _ in enumerate(lines))
    return tuple(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))} {line}"
                 for at, line in zip(times, lines, strict=True))  # fmt: skip


def machine(cozy: Cozy, *lines: str, written: float = 5.0, name: str = "web", **more: Any) -> Machine:
    """The healthy one with another program, whose log ends with ``lines``, the last of them so many seconds ago."""
    info = process_info(name, stderr_logfile=LOG, stdout_logfile="/var/log/supervisor/web-stdout.log",
                        **more.pop("info", {}))  # fmt: skip
    content = "".join(f"{line}\n" for line in lines).encode()
    files = {LOG: content, **more.pop("files", {})}
    modes = {LOG: (0o644, 0, NOW - written), "/etc/cozy/couchdb.login": (0o640, 107, 0.0)}
    return cozy.machine(supervisord=cozy.supervisord(info), files=files, modes=modes, **more)


def look(cozy: Cozy, *lines: str, **more: Any) -> Finding:
    (finding,) = cozy.look("manager.log", machine(cozy, *lines, **more))
    return finding


def test_a_program_that_runs_and_complains_is_a_warning_with_its_line(cozy: Cozy) -> None:
    found = look(cozy, *stamped(BUSY, BUSY, BUSY))
    assert (str(found.status), found.code, found.service) == ("warn", "service.complains", "supervisord:web")
    assert render(found.text, ENGLISH) == (
        "web runs, but its log complains (3 times, the last 58 s ago): two processes write into the same SQLite file"
    )
    assert found.proof is not None
    assert found.proof.source == LOG
    assert found.proof.line.endswith(BUSY)
    assert found.advice is not None
    assert (found.restart_helps, found.commands, found.certainty) == (None, (), "likely")


CALM: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "empty": ((), {}),
    "said twice only": (stamped(BUSY, BUSY), {}),
    "too long ago": (stamped(BUSY, BUSY, BUSY, ago=400), {"written": 5.0}),
    "nothing written lately": (stamped(BUSY, BUSY, BUSY), {"written": 301.0}),
    "before its start": (stamped(BUSY, BUSY, BUSY, ago=50), {"info": {"start": NOW - 45}}),
    "on its way up": (stamped(BUSY, BUSY, BUSY, ago=50), {"info": {"start": NOW - 52}}),
    "what a request says": (stamped(*['"GET /?q=database is locked HTTP/1.1" 200'] * 3), {}),
    "what a request to a Cozy says": (stamped(*["- GET /?q=SQLITE_BUSY: database is locked - 200"] * 3), {}),
    "by a clock of its own": (stamped(BUSY, BUSY, BUSY, ago=-3600), {}),
    "what is of no weight": (stamped(*["UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff"] * 3), {}),
    "innocent": (stamped("error log opened", "0 errors", "no error, all is well"), {}),
    "no times, and more came after": ((BUSY, BUSY, BUSY, "listening on 8000"), {}),
    "refused by one who listens again": (stamped(REFUSED, REFUSED, REFUSED), {"listening": {6379: 9}}),
}


@pytest.mark.parametrize(("lines", "more"), CALM.values(), ids=CALM)
def test_what_does_not_go_on_is_nothing(cozy: Cozy, lines: tuple[str, ...], more: dict[str, Any]) -> None:
    found = look(cozy, *lines, **more)
    assert (found.status, found.code) == (Status.OK, "")


def test_without_times_it_counts_where_it_is_the_last_that_was_written(cozy: Cozy) -> None:
    found = look(cozy, "listening on 8000", BUSY, BUSY, BUSY, written=20.0)
    assert "3 times, the last 20 s ago" in render(found.text, ENGLISH)


def test_one_traceback_is_one_complaint(cozy: Cozy) -> None:
    trace = ("Traceback (most recent call last):", '  File "a.py", line 1, in <module>',
             "    raise OSError('database is locked')", BUSY)  # fmt: skip
    assert look(cozy, *trace, *trace).status is Status.OK
    assert look(cozy, *trace, *trace, *trace).code == "service.complains"


@pytest.mark.parametrize("why", [Failure("permission", "permission denied"), Failure("missing", "no such file")])
def test_a_log_that_cannot_be_read_is_not_called_calm(cozy: Cozy, why: Failure) -> None:
    found = look(cozy, BUSY, files={LOG: why})
    assert found.status is Status.SKIP


def test_it_is_no_cause_beside_the_one_that_it_speaks_of(cozy: Cozy) -> None:
    """CouchDB is down, and whoever asks it says so."""
    lines = stamped(*["Error: connect ECONNREFUSED 127.0.0.1:5984"] * 4)
    without = {80: 700, 9002: 600, 9101: 601, 9103: 602, 9104: 603}
    refused = Failure("refused", "connection refused")
    seen = cozy.examine(machine(cozy, *lines, web={"127.0.0.1:5984": refused}, listening=without))
    assert "service.complains" not in {cause.code for cause in seen.causes}
    assert "couchdb.reach" in next(one.explained_by for one in seen.results if one.id == "manager.log")


def test_alone_it_makes_a_warning_and_no_failure(cozy: Cozy) -> None:
    seen = cozy.examine(machine(cozy, *stamped(BUSY, BUSY, BUSY)))
    assert [(cause.code, str(cause.severity)) for cause in seen.causes] == [("service.complains", "warn")]


def test_couchdb_s_own_log_has_its_own_check(cozy: Cozy) -> None:
    lines = stamped(*["[error] eacces: database is locked"] * 3)
    supervisord = FakeSupervisord([process_info("couchdb", stderr_logfile=LOG)])
    quiet = cozy.machine(supervisord=supervisord, files={LOG: "\n".join(lines).encode()})
    (found,) = cozy.look("manager.log", quiet)
    assert found.status is Status.SKIP


# --- a failure is told with what its log names


def failing(cozy: Cozy, *lines: str, written: float = 5.0, reply: Answer | Failure | None = None) -> Finding:
    """Home runs and answers with a 500, or as told."""
    wrong = reply or answer(500, '{"error":"cannot read the applications"}')
    web = {"127.0.0.1:9103/api/applications/": wrong}
    (finding,) = cozy.look("stack.home", machine(cozy, *lines, written=written, name="cozy-home", web=web))
    return finding


def test_a_part_that_answers_with_an_error_is_told_with_the_reason_in_its_log(cozy: Cozy) -> None:
    found = failing(cozy, "listening on 9103", BUSY)
    assert (str(found.status), found.code, found.certainty) == ("fail", "service.error", "likely")
    assert render(found.text, ENGLISH) == (
        'home answers with an error: HTTP 500 {"error":"cannot read the applications"}: two processes write into the '
        "same SQLite file"
    )
    assert found.proof is not None
    assert (found.proof.source, found.proof.line) == (LOG, BUSY)
    assert found.restart_helps is None, "state decides, not a line that anybody can have written"
    closed = failing(cozy, BUSY, reply=Failure("closed", "closed without an answer"))
    assert (closed.code, closed.proof and closed.proof.line) == ("service.breaks_off", BUSY)


@pytest.mark.parametrize(
    ("lines", "written"),
    [((), 5.0), (("nothing",), 5.0), ((BUSY, "and more"), 5.0), ((BUSY,), 400.0), (stamped(BUSY, ago=400), 5.0)],
)
def test_what_it_does_not_name_now_is_left_out(cozy: Cozy, lines: tuple[str, ...], written: float) -> None:
    found = failing(cozy, *lines, written=written)
    assert (
        render(found.text, ENGLISH) == 'home answers with an error: HTTP 500 {"error":"cannot read the applications"}'
    )
    assert found.proof is not None
    assert "HTTP 500" in found.proof.line


# --- where somebody asks for one service


class Journal:
    """A manager that keeps the times of what it was told."""

    name, place, user = "docker", "", None

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def log(self, host: Host, service: Service, lines: int) -> list[str]:
        assert lines >= TIMES
        return self.lines


def asked(*lines: str, state: State = State.RUNNING, since: float | None = STARTED) -> Finding | None:
    condition = Condition(Service("docker", "web"), state, since=since)
    host, stack = FakeHost(Machine()), Stack(Config(discover=False))
    return of_service(host, stack, Journal(*lines), condition)  # type: ignore[arg-type]


def test_a_service_of_another_manager_says_so_when_it_is_asked_for_alone() -> None:
    found = asked(*stamped(BUSY, BUSY, BUSY))
    assert found is not None
    assert (found.code, found.service, found.by_hand) == ("service.complains", "docker:web", "cozydiag logs docker:web")
    told = complaint(found, lambda text: render(text, ENGLISH))
    assert told is not None
    assert (told["text"].startswith("web runs, but"), told["line"].endswith(BUSY)) == (True, True)
    assert complaint(None, lambda text: render(text, ENGLISH)) is None
    assert asked(BUSY, BUSY, BUSY) is None, "nobody knows when"
    assert asked(*stamped(BUSY, BUSY, BUSY), state=State.FAILED) is None, "its state says more"
    assert asked(*stamped(BUSY, BUSY, BUSY), since=None) is None


def test_the_cheap_first_look_lets_nearly_every_grave_rule_through() -> None:
    """What it holds back is said by kernels, managers and programs that do not start."""
    grave = [rule for rule in load(None).rules.values() if rule.role == "cause" and rule.rank >= GRAVE]
    heard = [is_loud("\n".join([line] * 3).encode()) for rule in grave for line in rule.match]
    assert sum(heard) / len(heard) > 0.8
