"""Rows of runs, what they say of a failure, and that they stay few."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from cozydiag.host import Host, World
from cozydiag.model import Report, Status
from cozydiag.state import State
from cozydiag.text import Bytes, Text
from cozydiag.text.catalogue import ENGLISH, render
from cozydiag.watch import changes, history, story, trends
from tests.unit.watch.conftest import START, FalseClock, cause

Reports = Callable[..., Report]
DAY = 86400.0


def record(state: State, report: Report, boot: str = "boot-1", /, **around: object) -> None:
    assert history.record(state, report, around, boot) is not None


def words(texts: tuple[Text, ...] | list[Text]) -> list[str]:
    return [render(text, ENGLISH, now=START) for text in texts]


def test_a_run_is_a_row_with_all_that_was_seen(state: State, clock: FalseClock, report: Reports) -> None:
    record(state, report(cause()), files={"/etc/nginx/nginx.conf": [1, 2]})
    (run,) = history.runs(state)
    assert (run.at, run.n, run.verdict, run.boot, run.bad) == (START, 1, "critical", "boot-1", True)
    assert run.statuses == {"host.disk:/": "ok", "couchdb.reach": "fail"}
    assert run.causes == (("couchdb.down", "couchdb", "couchdb.reach", "critical"),)
    assert run.surroundings["files"] == {"/etc/nginx/nginx.conf": [1, 2]}


def test_old_rows_that_saw_the_same_are_joined_and_very_old_ones_go(
    state: State, clock: FalseClock, report: Reports
) -> None:
    record(state, report())
    clock.sleep(401 * DAY)
    for seen in (report(), report(), report(cause()), report()):
        record(state, seen._replace(started_at=clock.now()))
        clock.sleep(60)
    clock.sleep(3 * DAY)
    record(state, report())
    history.tidy(state, clock.now())
    assert [(run.n, run.verdict) for run in history.runs(state)] == [(2, "ok"), (1, "critical"), (1, "ok"), (1, "ok")]
    history.tidy(state, clock.now())  # once a day


def test_ten_days_at_one_run_a_minute_stay_a_small_file(
    state: State, clock: FalseClock, report: Reports, folder: Path
) -> None:
    lots = random.Random(1)  # noqa: S311  repeatable, not secret
    for minute in range(10 * 1440):
        bad = minute % 1440 < 5 or lots.random() < 0.002
        seen = report(cause()) if bad else report(free=10**10 - minute * 10**5)
        history.record(state, seen, {"files": {}}, "boot-1")
        trends.sample(state, seen)
        history.tidy(state, clock.now())
        clock.sleep(60)
    rows = state.query("SELECT count(*), sum(n) FROM runs")
    assert rows is not None
    assert rows[0][1] == 14400
    assert rows[0][0] < 3 * 1440 + 200
    assert state.query("SELECT count(*) FROM pictures")[0][0] <= 4  # type: ignore[index]
    assert (folder / "state.db").stat().st_size < 1_000_000


# --- the story


def past(state: State, clock: FalseClock, *seen: Report, every: float = 300, **around: object) -> None:
    for one in seen:
        record(state, one._replace(started_at=clock.now()), "boot-1", **around)
        clock.sleep(every)


def test_since_when_how_often_and_what_changed(state: State, clock: FalseClock, report: Reports) -> None:
    before, after = {"/etc/a": [1, 1], "/etc/b": [1, 1]}, {"/etc/a": [2, 1], "/etc/c": [1, 1]}
    bad = report(cause())
    past(state, clock, report(), bad, report(), bad, bad, report(), files=before)
    past(state, clock, bad, bad, files=after)
    found = words(story.story(Host(World()), state, report(cause())))
    assert found[0].endswith("(10 min).")
    assert found[1] == "It was so 2 times before, within a month."
    assert "changed: /etc/a" in found
    assert "new: /etc/c" in found
    assert "gone: /etc/b" in found


def test_nothing_that_changed_is_said_too(state: State, clock: FalseClock, report: Reports) -> None:
    past(state, clock, report(), report(cause()), report(cause()))
    assert any(
        line.startswith("Nothing that is watched changed")
        for line in words(story.story(Host(World()), state, report(cause())))
    )


def test_a_boot_and_our_own_upgrade_are_changes(state: State, clock: FalseClock, report: Reports) -> None:
    record(state, report(), "boot-1")
    record(state, report(cause()), "boot-2")
    well, bad = history.runs(state)
    assert words(changes.changed(Host(World()), well, bad)) == ["the machine was started anew"]
    older = well._replace(surroundings={"cozydiag": "0.0.9"})
    assert words(changes.changed(Host(World()), older, bad))[1].startswith("cozydiag itself: 0.0.9, now ")


def test_packages_are_named_from_dpkgs_log(
    state: State, clock: FalseClock, report: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    log = tmp_path / "dpkg.log"
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(START + 100))
    old = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(START - 9999))
    log.write_text(f"{old} upgrade nginx:amd64 1.18 1.22\n{stamp} startup archives unpack\n"
                   f"{stamp} upgrade nodejs:armhf 18.19.0 18.20.4\n{stamp} status unpacked nodejs:armhf 18.20.4\n"
                   f"{stamp} install libc:armhf <none> 2.36\n")  # fmt: skip
    monkeypatch.setattr(changes, "DPKG_LOG", str(log))
    past(state, clock, report(), packages=1)
    past(state, clock, report(cause()), packages=2)
    well, bad = history.runs(state)
    assert words(changes.changed(Host(World()), well, bad)) == ["packages: nodejs 18.19.0 → 18.20.4, install libc"]


def test_no_history_no_story(state: State, report: Reports) -> None:
    assert story.story(Host(World()), state, report(cause())) == ()


# --- trends


def test_a_disk_that_fills_steadily_is_foreseen(state: State, clock: FalseClock, report: Reports) -> None:
    for hour in range(10 * 24):
        trends.sample(state, report(free=10**10 - hour * 2 * 10**7))
        clock.sleep(3600)
    (one,) = trends.trends(state, clock.now())
    assert one.name == "/"
    assert one.left / DAY == pytest.approx((10**10 - 240 * 2 * 10**7) / (24 * 2 * 10**7), rel=0.02)
    assert words(story.coming(state, clock.now())) == ["/ will be full in about 11 d, if it goes on like this"]


@pytest.mark.parametrize("kind", ["noise", "growing", "short", "far"])
def test_what_is_not_steady_is_not_foreseen(state: State, clock: FalseClock, report: Reports, kind: str) -> None:
    lots = random.Random(3)  # noqa: S311  repeatable, not secret
    for hour in range(48 if kind == "short" else 240):
        free = {"noise": lots.randint(4 * 10**9, 10**10), "growing": 10**9 + hour * 10**7,
                "short": 10**10 - hour * 10**7, "far": 10**12 - hour * 10**6}[kind]  # fmt: skip
        trends.sample(state, report(free=free))
        clock.sleep(3600)
    assert trends.trends(state, clock.now()) == []


def test_how_much_a_disk_has_filled() -> None:
    points = [(1.0, 1000.0), (2.0, 990.0), (3.0, 500.0)]
    assert changes.shrunk(points, 2.0, 3.0) == Bytes(490)
    assert changes.shrunk(points, 1.0, 2.0) is None


def test_how_often_a_check_was_well(state: State, clock: FalseClock, report: Reports) -> None:
    past(state, clock, report(), report(), report(), report(cause()))
    runs = history.runs(state)
    assert float(story.availability(runs, "couchdb.reach") or 0) == 75
    assert story.availability(runs, "no.such") is None
    assert report().verdict is Status.OK
