"""A run for a timer: what is remembered, what is told, and what becomes of it when things go wrong."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Notify, Paths
from cozydiag.host.failure import Failure
from cozydiag.model import Cause, Report, Status
from cozydiag.repair import maintenance
from cozydiag.state import State, open_state
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, render
from cozydiag.watch import channels, cron, history, ignored
from cozydiag.watch.channels import Heartbeat, Message
from cozydiag.watch.cron import Heard
from tests.unit.watch.conftest import FalseClock, cause

Reports = Callable[..., Report]


def hear(state: State, clock: FalseClock, report: Report, notify: Notify = Notify()) -> Heard:  # noqa: B008
    config = Config(discover=False, paths=Paths(state.folder), notify=notify)
    return cron.heard(config, state, clock, report, lambda text: render(text, ENGLISH), Heartbeat(notify, clock))


def messages(state: State, clock: FalseClock, reports: Sequence[Callable[[], Report]], every: float = 300) -> list[str]:
    said = []
    for make in reports:
        message = hear(state, clock, make()).message
        said.append(message.subject if message else "")
        clock.sleep(every)
    return said


def test_silent_when_well_and_told_once_when_not(state: State, clock: FalseClock, report: Reports) -> None:
    well, bad = report, lambda: report(cause())
    said = messages(state, clock, [well, well, bad, bad, bad, well, well, well])
    host = os.uname().nodename
    assert said == [
        "",
        "",
        "",
        f"[cozydiag] CRITICAL: couchdb on {host}",
        "",
        "",
        f"[cozydiag] OK: couchdb on {host}",
        "",
    ]


def test_who_could_not_look_says_so(state: State, clock: FalseClock, report: Reports) -> None:
    warned = cause("host.disk_nearly_full", "host", "host.disk:/", Status.WARN, text=t("the disk is nearly full"))
    host = os.uname().nodename

    def dark(*causes: Cause) -> Report:
        return report(*causes)._replace(verdict=Status.UNKNOWN)

    both = partial(dark, warned)
    said = messages(state, clock, [report, dark, dark, report, report, both, both])
    assert said == [
        "", "", f"[cozydiag] UNKNOWN: could not tell whether all is well on {host}", "",
        f"[cozydiag] OK: everything can be looked at again on {host}", "",
        f"[cozydiag] UNKNOWN: host.disk:/; could not tell whether all is well on {host}",
    ]  # fmt: skip


def test_a_message_says_what_to_do(state: State, clock: FalseClock, report: Reports) -> None:
    message = hear(state, clock, report(cause())).message  # the first run speaks
    assert message is not None
    assert "CouchDB is down" in message.body
    assert "    Start it.\n        sudo systemctl start couchdb\n" in message.body
    assert message.level == 2


def test_two_problems_are_one_message(state: State, clock: FalseClock, report: Reports) -> None:
    both = report(cause(), cause("host.disk_full", "host", "host.disk:/", text=t("the disk is full")))
    message = hear(state, clock, both).message
    assert message is not None
    assert ("CouchDB is down" in message.body, "the disk is full" in message.body) == (True, True)


def test_a_repair_is_told_once(state: State, clock: FalseClock, report: Reports) -> None:
    hear(state, clock, report())
    entry = state.append("act", {"service": "supervisord:couchdb", "verb": "restart"}, at=clock.now())
    assert entry is not None
    assert hear(state, clock, report()).message is None  # it has not ended
    state.update(entry, {"result": "verified"})
    message = hear(state, clock, report()).message
    assert message is not None
    assert "restart supervisord:couchdb: verified" in message.body
    assert hear(state, clock, report()).message is None


def test_a_service_that_is_given_up_is_told_once(state: State, clock: FalseClock, report: Reports) -> None:
    hear(state, clock, report())
    for result in ("deferred", "held"):
        entry = state.append("gate", {"service": "supervisord:couchdb", "verb": "restart"}, at=clock.now())
        assert entry is not None
        state.update(entry, {"result": result})
    message = hear(state, clock, report()).message
    assert message is not None
    assert "restart supervisord:couchdb: held" in message.body
    assert "put off" not in message.body
    assert hear(state, clock, report()).message is None


def test_nothing_is_told_in_maintenance_and_what_is_left_is_told_after_it(
    state: State, clock: FalseClock, report: Reports
) -> None:
    hear(state, clock, report())
    maintenance.declare(state, clock, 3600, "ann", "new disk")
    bad = lambda: report(cause())  # noqa: E731
    assert messages(state, clock, [bad] * 4) == [""] * 4
    maintenance.end(state)
    assert "CRITICAL" in messages(state, clock, [bad])[0]


def test_what_is_ignored_alarms_nobody(state: State, clock: FalseClock, report: Reports) -> None:
    ignored.save(state, [ignored.Ignored("couchdb.*", "forever", "it is old", "ann", 0.0, {})])
    heard = hear(state, clock, report(cause()))
    assert (heard.message, heard.report.verdict, len(heard.report.known)) == (None, Status.OK, 1)


def test_what_is_ignored_until_it_changes_alarms_when_it_does(state: State, clock: FalseClock, report: Reports) -> None:
    ignored.save(state, [ignored.Ignored("couchdb.reach", "change", "", "ann", 0.0, {})])
    first = cause(text=t("{name} is down", name="couchdb"))
    for _ in range(3):
        assert hear(state, clock, report(first)).report.verdict is Status.OK
    other = cause(code="couchdb.other", text=t("{name} is down", name="couchdb"))
    assert hear(state, clock, report(other)).report.verdict is Status.FAIL


def test_ignoring_ends_on_its_day(state: State, clock: FalseClock, report: Reports) -> None:
    ignored.save(state, [ignored.Ignored("couchdb.reach", clock.now() + 60, "", "ann", 0.0, {})])
    assert hear(state, clock, report(cause())).report.verdict is Status.OK
    clock.sleep(61)
    assert hear(state, clock, report(cause())).report.verdict is Status.FAIL


# --- channels


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes | None]]:
    """What goes out, and an outcome for each address: those with `bad` in it fail."""
    out: list[tuple[str, bytes | None]] = []

    def send(url: str, body: bytes | None, clock: Any, **_: Any) -> Failure | None:
        out.append((url, body))
        return Failure("refused", "connection refused") if "bad" in url else None

    monkeypatch.setattr(channels, "_send", send)
    return out


def test_a_heartbeat_beats_in_every_run_and_a_warning_wakes_nobody(
    state: State, clock: FalseClock, report: Reports, sent: list[tuple[str, bytes | None]]
) -> None:
    notify = Notify(ping="http://hc/uuid", kuma="http://kuma/api/push/token?old=1")
    warned = report(cause(severity=Status.WARN))
    for seen in (report(), warned, report(cause()), report(cause())):
        hear(state, clock, seen, notify)
    paths = [url.partition("?")[0] for url, _ in sent]
    pings = [path for path in paths if path.startswith("http://hc")]
    assert pings == ["http://hc/uuid"] * 2 + ["http://hc/uuid/fail"] * 2
    kuma = [url for url, body in sent if url.startswith("http://kuma") and body is None]
    assert [url.partition("status=")[2].partition("&")[0] for url in kuma] == ["up", "up", "down", "down"]


def test_a_channel_that_fails_is_told_and_what_it_should_have_said_is_tried_again(
    state: State, clock: FalseClock, report: Reports, sent: list[tuple[str, bytes | None]]
) -> None:
    notify = Notify(webhook="http://bad/hook")
    said = [hear(state, clock, report(cause()), notify).message for _ in range(4)]
    assert all(said)  # nobody has heard of it
    assert "nothing can be sent by notify.webhook: connection refused" in (said[-1] or Message("", "", 0)).body
    assert "http://bad" not in str(said)
    good = Notify(webhook="http://good/hook")
    assert hear(state, clock, report(cause()), good).message is not None
    assert hear(state, clock, report(cause()), good).message is None or "channel:webhook" in said[-1].subject  # type: ignore[union-attr]


def test_the_file_for_prometheus_is_whole_and_readable_by_all(
    state: State, clock: FalseClock, report: Reports, tmp_path: Path
) -> None:
    path = tmp_path / "cozydiag.prom"
    before = os.umask(0o077)
    try:
        hear(state, clock, report(), Notify(prometheus=str(path)))
    finally:
        os.umask(before)
    assert path.read_text().startswith("# HELP")
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["cozydiag.prom"]
    hear(state, clock, report(), Notify(prometheus=str(tmp_path / "nowhere/x.prom")))
    assert state.get("notify.failing") == {"prometheus": ["missing", "no such file or directory"]}


# --- what goes wrong with the state


def test_a_full_disk_makes_no_storm(
    state: State, clock: FalseClock, report: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(state, clock, report())
    query = State.query

    def full(self: State, sql: str, *params: Any) -> Any:
        return query(self, sql, *params) if sql.startswith("SELECT") else None

    monkeypatch.setattr(State, "query", full)
    said = [hear(state, clock, report(cause())).message for _ in range(6)]
    assert [one is not None for one in said] == [False, True, False, False, False, False]
    monkeypatch.setattr(State, "query", query)
    assert hear(state, clock, report(cause())).message is None


def test_a_damaged_file_is_set_aside_said_once_and_history_begins_anew(
    folder: Path, clock: FalseClock, report: Reports
) -> None:
    state = open_state(str(folder))
    hear(state, clock, report())
    state.close()
    (folder / "state.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    state = open_state(str(folder))
    message = hear(state, clock, report(cause())).message
    assert message is not None
    assert "nothing from before is remembered" in message.body
    assert len(history.runs(state)) == 1
    state.close()
    state = open_state(str(folder))
    assert not state.notes
    assert hear(state, clock, report(cause())).message is None
    state.close()


def test_a_journal_that_is_cut_anywhere_loses_the_run_at_most(folder: Path, clock: FalseClock, report: Reports) -> None:
    state = open_state(str(folder))
    for _ in range(3):
        hear(state, clock, report(cause()))
        clock.sleep(60)
    state.close()
    file, journal = folder / "state.db", folder / "state.db-journal"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=PERSIST")  # the journal stays, as after a power cut
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO runs SELECT NULL, at, until, n, seconds, slow, picture, surroundings, boot FROM runs"
    )
    old = journal.read_bytes()
    connection.execute("COMMIT")
    connection.close()
    whole = file.read_bytes()
    for cut in sorted({*range(min(700, len(old))), *range(700, len(old), 131), len(old)}):
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        file.write_bytes(whole)
        journal.write_bytes(old[:cut])
        for path in (file, journal):
            path.chmod(0o600)
        state = open_state(str(folder))
        assert len(history.runs(state)) in (0, 3, 6), cut
        before = hear(state, clock, report(cause())).message
        after = hear(state, clock, report(cause())).message
        assert (before is None or bool(state.notes), after) == (True, None), cut
        state.close()


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_clock_that_jumps_a_day_loses_nothing(state: State, clock: FalseClock, report: Reports, jump: float) -> None:
    messages(state, clock, [report, lambda: report(cause()), lambda: report(cause())])
    clock.moment += jump
    said = messages(state, clock, [lambda: report(cause())] * 20)
    assert len([one for one in said if one]) <= 1
    said = messages(state, clock, [report] * 3)
    assert [bool(one) for one in said] == [False, True, False]
    assert len(history.runs(state)) == 26


def test_many_runs_leave_nothing_open(state: State, clock: FalseClock, report: Reports, folder: Path) -> None:
    def held() -> tuple[int, list[str]]:
        return len(os.listdir("/proc/self/fd")), sorted(os.listdir(folder))

    hear(state, clock, report())
    before = held()
    for number in range(2000):
        hear(state, clock, report(cause()) if number % 7 < 2 else report())
        clock.sleep(60)
    assert held() == before
