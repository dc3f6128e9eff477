"""Crash loops, their causes, and the story of what happened, in the words of each manager."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest

from cozydiag.logs.analysis import Analysis, analyse
from cozydiag.report import logs as report
from cozydiag.report import logs_json
from cozydiag.rules import load
from cozydiag.text import Text
from cozydiag.text.catalogue import ENGLISH, render

RULES = load(None).rules
NOW = 1_795_250_000.0


def look(text: str | Sequence[str], *, whole: bool = False) -> Analysis:
    lines = text.splitlines() if isinstance(text, str) else text
    return analyse(lines, RULES, whole=whole, now=NOW)


def kinds(found: Analysis) -> list[str]:
    return [one.kind for one in found.story]


def said(text: Text) -> str:
    return render(text, ENGLISH)


SESSION = """\
   2018-06-07T13:56:40.10+0200 [API/0] OUT Updated app with guid a1b2 ({"state"=>"STARTED"})
   2018-06-07T13:56:41.10+0200 [CELL/0] OUT Creating container
   2018-06-07T13:56:52.10+0200 [APP/PROC/WEB/0] OUT Cloudant demo started
   2018-06-07T13:56:56.10+0200 [CELL/0] OUT Container became healthy
   2018-06-07T13:58:43.20+0200 [APP/PROC/WEB/0] ERR 10.1.1.1 - - [07/Jun/2018 11:58:43] "GET / HTTP/1.1" 200 -
   2018-06-07T13:58:43.10+0200 [RTR/4] OUT demo.test - [2018-06-07T11:58:43.004+0000] "GET / HTTP/1.1" 200 0 1135 "-"
   2018-06-07T14:13:46.10+0200 [API/1] OUT Updated app with guid a1b2 ({"state"=>"STOPPED"})
   2018-06-07T14:13:48.10+0200 [APP/PROC/WEB/0] OUT Exit status 143
   2018-06-07T14:13:48.50+0200 [CELL/0] OUT Destroying container
"""


def test_a_session_is_five_events_and_no_problem() -> None:
    found = look(SESSION)
    assert kinds(found) == ["started", "request", "answered", "stop_asked", "stopped"]
    assert found.loops == ()
    assert [one.hit.rule.role for one in found.problems] == ["normal"]


@pytest.mark.parametrize(
    "left_out", ["Container became healthy", "Exit status 143", 'Updated app with guid a1b2 ({"state"=>"STARTED"})']
)
def test_a_session_is_told_from_what_there_is(left_out: str) -> None:
    lines = [line for line in SESSION.splitlines() if left_out not in line]
    assert kinds(look(lines)) == ["started", "request", "answered", "stop_asked", "stopped"]


@pytest.mark.parametrize("order", [[4, 5], [5, 4]])
def test_a_request_stands_before_its_answer(order: list[int]) -> None:
    lines = SESSION.splitlines()
    found = look([*lines[:4], *(lines[number] for number in order)])
    assert [(one.kind, one.detail) for one in found.story[1:]] == [("request", "GET /"), ("answered", "GET /")]


def crash(number: int, second: int, *, late: bool = False) -> list[str]:
    """One crash as Cloud Foundry tells of it: three lines of the same, and one of the proxy's own end."""
    at = f"2026-11-21T08:{second // 60:02d}:{second % 60:02d}"
    payload = (
        '{"instance"=>"a", "index"=>0, "reason"=>"CRASHED", "exit_description"=>"APP/PROC/WEB: Exited with status 1", '
        f'"crash_count"=>{number}, "crash_timestamp"=>{number}584265691}}'
    )
    error = f"{at}.07+0000 [APP/PROC/WEB/0] ERR cloudant.error.CloudantException: Database databasedemo already exists"
    ended = f"{at}.37+0000 [APP/PROC/WEB/0] OUT Exit status 1"
    return [
        *([ended, error] if late else [error, ended]),
        f'{at}.58+0000 [API/0] OUT Process has crashed with type: "web"',
        f"{at}.58+0000 [API/0] OUT App instance exited with guid g payload: {payload}",
        f"{at}.60+0000 [PROXY/0] OUT Exit status 137",
        f"{at}.60+0000 [CELL/SSHD/0] OUT Exit status 0",
    ]


@pytest.mark.parametrize("late", [False, True])
def test_lines_about_one_crash_are_one_crash(*, late: bool) -> None:
    (loop,) = look([line for number in (1, 2, 3) for line in crash(number, 6 * number, late=late)]).loops
    assert loop.crashes == 3
    assert loop.gap == pytest.approx(6.0)
    assert loop.cause is not None
    assert (loop.cause.rule.id, loop.certainty) == ("db-already-exists", "certain")
    assert said(loop.cause.meaning).startswith("the database databasedemo already exists")


def test_two_crashes_are_no_loop_and_a_count_of_the_platform_is_believed() -> None:
    assert look([*crash(1, 6), *crash(2, 12)]).loops == ()
    (loop,) = look(crash(7, 6)).loops
    assert loop.crashes == 7


def test_crashes_far_apart_are_no_loop() -> None:
    lines = [line for number in (1, 2, 3) for line in crash(1, 900 * number) if "payload" not in line]
    assert look([line for line in lines if "Process has" not in line]).loops == ()


SUPERVISORD = """\
2026-11-21 08:28:50,736 INFO spawned: 'demo' with pid 11
2026-11-21 08:28:51,736 INFO success: demo entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
2026-11-21 08:28:52,736 WARN exited: demo (exit status 1; not expected)
2026-11-21 08:28:53,736 INFO spawned: 'demo' with pid 12
2026-11-21 08:28:54,736 WARN exited: demo (exit status 1; not expected)
2026-11-21 08:28:55,736 INFO spawned: 'demo' with pid 13
2026-11-21 08:28:56,736 WARN exited: demo (exit status 1; not expected)
2026-11-21 08:28:57,736 INFO gave up: demo entered FATAL state, too many start retries too quickly
"""
SYSTEMD = "\n".join(
    f"Nov 21 08:2{n}:00 host systemd[1]: demo.service: Main process exited, code=exited, status=1/FAILURE\n"
    f"Nov 21 08:2{n}:00 host systemd[1]: demo.service: Failed with result 'exit-code'.\n"
    f"Nov 21 08:2{n}:01 host systemd[1]: demo.service: Scheduled restart job, restart counter is at {n}."
    for n in range(1, 5)
)
PM2 = "\n".join(
    f"2026-11-21T08:29:1{n}: PM2 log: App [demo:0] starting in -fork mode-\n"
    f"2026-11-21T08:29:1{n}: PM2 log: App [demo:0] online\n"
    f"2026-11-21T08:29:1{n}: PM2 log: App [demo:0] exited with code [1] via signal [SIGINT]"
    for n in range(4)
)
FOREVER = "\n".join(
    '{"level":"error","message":"Forever detected script exited with code: 1"}\n'
    f'{{"level":"error","message":"Script restart attempt #{n}"}}'
    for n in range(1, 4)
)
COMPOSE = "\n".join("demo-1  | panic: no settings\ndemo-1 exited with code 2" for _ in range(3))


@pytest.mark.parametrize(
    ("text", "service", "crashes", "given_up"),
    [
        (SUPERVISORD, "demo", 3, True), (SYSTEMD, "demo.service", 4, False), (PM2, "demo", 4, False),
        (FOREVER, "forever", 3, False), (COMPOSE, "demo-1", 3, False),
    ],
    ids=["supervisord", "systemd", "pm2", "forever", "compose"],
)  # fmt: skip
def test_each_managers_loops(text: str, service: str, crashes: int, *, given_up: bool) -> None:
    (loop,) = look(text).loops
    assert (loop.service, loop.crashes, loop.given_up) == (service, crashes, given_up)


def test_a_stop_that_was_asked_for_is_no_crash() -> None:
    text = """\
2026-11-21 08:28:50,736 INFO waiting for demo to stop
2026-11-21 08:28:51,736 WARN exited: demo (terminated by SIGKILL; not expected)
2026-11-21T08:29:11: PM2 log: Stopping app:other id:0
2026-11-21T08:29:11: PM2 log: App [other:0] exited with code [1] via signal [SIGINT]
2026-11-21T08:22:57.37+0000 [APP/PROC/WEB/0] OUT Exit status 143"""
    assert "crashed" not in kinds(look(text))


def test_what_was_before_the_present_start_is_past() -> None:
    """Mended: after three crashes it is healthy, and stays."""
    lines = [line for number in (1, 2, 3) for line in crash(number, 6 * number)]
    lines += [
        '2026-11-21T08:10:00.00+0000 [API/0] OUT Updated app with guid g ({"state"=>"STARTED"})',
        "2026-11-21T08:10:05.00+0000 [CELL/0] OUT Container became healthy",
    ]
    found = look(lines)
    assert found.loops == ()
    assert found.problems == ()
    assert kinds(found)[-1] == "started"
    assert len(look(lines, whole=True).loops) == 1


def test_a_loop_whose_cause_nobody_knows_shows_its_last_words() -> None:
    lines = [
        f"2026-11-21T08:0{n}:00.00+0000 [APP/PROC/WEB/0] {text}"
        for n in (1, 2, 3) for text in ("ERR the moon is not full", "OUT Exit status 9")
    ]  # fmt: skip
    found = look(lines)
    assert found.loops[0].cause is None
    page = "\n".join(report.page(found, said, 80))
    assert "No cause is known" in page
    assert "the moon is not full" in page


def test_the_page_tells_a_loop_in_80_columns() -> None:
    page = report.page(look([line for n in range(1, 9) for line in crash(n, 6 * n)]), said, 80)
    assert max(map(len, page)) <= 80
    text = " ".join(" ".join(page).split())
    assert "Crash loop of app: it crashed 8 times" in text
    assert "The database databasedemo already exists" in text
    assert "A restart does not help." in text
    assert len(page) < 25, "one page"


def test_many_requests_are_one_line() -> None:
    line = '2026-11-21T08:22:57.00+0000 [RTR/0] OUT a - [2026-11-21T08:22:57Z] "GET /{n} HTTP/1.1" 200 0 1'
    found = look([line.replace("{n}", str(n)) for n in range(50)])
    assert [(one.kind, one.times) for one in found.story] == [("requests", 50)]


def test_the_json_has_what_was_promised() -> None:
    data = logs_json.as_data(look([line for number in (1, 2, 3) for line in crash(number, 6 * number)]))
    problem = data["problems"][0]
    promised = {"rule", "role", "component", "count", "first", "last", "line", "remedy", "restart_helps"}
    assert promised <= problem.keys()
    assert (problem["rule"], problem["count"], problem["restart_helps"]) == ("db-already-exists", 3, False)
    assert (problem["first"], problem["last"]) == ("2026-11-21T08:00:06.070Z", "2026-11-21T08:00:18.070Z")
    assert data["exceptions"][0]["type"] == "cloudant.error.CloudantException"
    assert data["loops"][0]["cause"] == "db-already-exists"


def test_nothing_is_nothing() -> None:
    assert report.page(look(""), said, 80) == ["There is nothing in it."]
    assert report.page(look("all is well"), said, 80) == ["Nothing in this 1 line is known to be a problem."]


def test_the_table_of_cf_events_has_the_newest_first() -> None:
    row = (
        "2026-11-21T08:2{n}:00.00+0000   {what}   {who}   index: 0, reason: CRASHED, cell_id: 8bf6, instance: 344e, "
        "exit_description: APP/PROC/WEB: Exited with status 1"
    )
    crashes = [
        row.format(n=n, what=what, who=who)
        for n in (3, 2, 1) for what, who in (("app.crash", "demo"), ("audit.app.process.crash", "web"))
    ]  # fmt: skip
    head = ["Getting events for app demo in org o / space s as admin...", "time   event   actor   description"]
    found = look([*head, *crashes, "2026-11-21T08:20:56.00+0000   audit.app.start   admin   "])
    assert [one.kind for one in found.story] == ["start_asked", "crashed"]
    (loop,) = found.loops
    assert (loop.crashes, loop.gap) == (3, 60.0)


def test_what_stands_before_the_process_that_runs_is_no_problem_of_its_own() -> None:
    lines = ["2026-11-21T10:00:00Z Error: connect ECONNREFUSED 127.0.0.1:5984", "2026-11-21T11:00:00Z listening"]
    began = datetime(2026, 11, 21, 10, 30, tzinfo=timezone.utc).timestamp()
    for started, problems in ((None, 1), (began, 0), (began - 3600, 1)):
        found = analyse(lines, RULES, now=NOW, started=started)
        assert len(found.problems) == problems, started
    assert analyse(lines[:1], RULES, now=NOW, started=began).problems == ()
    assert len(analyse(["Error: connect ECONNREFUSED 127.0.0.1:5984"], RULES, now=NOW, started=began).problems) == 1
