"""Marks of platforms taken off, times read, lines put together."""

from __future__ import annotations

import time

import pytest

from cozydiag.logs import times
from cozydiag.logs.records import Record, records

NOW = 1_795_250_000.0  # 2026-11-21, 08:33 UTC


def only(*lines: str) -> Record:
    (found,) = records(lines, NOW)
    return found


@pytest.mark.parametrize(
    ("line", "origin", "instance", "channel", "text"),
    [
        ("   2026-11-21T08:22:57.07+0000 [APP/PROC/WEB/0] ERR boom", "APP/PROC/WEB", "0", "ERR", "boom"),
        ("2018-06-07T14:31:17.10+0200 [APP/0]      OUT hello", "APP", "0", "OUT", "hello"),
        ("2018-06-07T14:31:17.10+0200 [APP/PROC/WEB/0]OUT hello", "APP/PROC/WEB", "0", "OUT", "hello"),
        ("2018-06-07T14:31:17.10+00:00 [APP/REV/2/PROC/WEB/1] ERR x", "APP/REV/2/PROC/WEB", "1", "ERR", "x"),
        ("2018-06-07T14:31:17.10+0100 [CELL/SSHD/0] OUT Exit status 0", "CELL/SSHD", "0", "OUT", "Exit status 0"),
        ("2018-06-07T14:31:17.10+0100 [RTR] OUT a - [b]", "RTR", "", "OUT", "a - [b]"),
        ("2015-06-07T14:31:17.10+0100 [DEA/6] OUT Starting app", "DEA", "6", "OUT", "Starting app"),
        ("[APP/PROC/WEB/0] KeyError: 'X'", "APP/PROC/WEB", "0", "", "KeyError: 'X'"),
        ("cozy-stack-1  | panic: no settings", "cozy-stack-1", "", "", "panic: no settings"),
        ("0|api      | Error: boom", "api", "0", "", "Error: boom"),
        ("PM2       | App [x:0] online", "PM2", "", "", "App [x:0] online"),
        ("2026-11-21T08:29:11: PM2 log: App [crashy:0] online", "PM2", "", "", "App [crashy:0] online"),
        ("2026-11-21 08:28:55,736 INFO gave up: x", "supervisord", "", "", "gave up: x"),
        ("Nov 21 08:22:57 host systemd[1]: Started app.", "systemd", "1", "", "Started app."),
        ("2026-11-21T08:22:57.123456+00:00 host app[77]: hi", "app", "77", "", "hi"),
        ("Sat 2026-11-21 08:22:57 UTC host app[77]: hi", "app", "77", "", "hi"),
        ("0|api  | 2026-11-21T08:29:11: hi", "api", "0", "", "hi"),
        ("2026-11-21T08:22:57.123456789Z hi", "", "", "", "hi"),
        ("2026-11-21T08:22:57.123456789Z stderr F hi", "", "", "ERR", "hi"),
        ('{"log":"hi\\n","stream":"stderr","time":"2026-11-21T08:22:57.1Z"}', "", "", "ERR", "hi"),
        ('{"MESSAGE":[27,91,51,49,109,104,105],"SYSLOG_IDENTIFIER":"node","_PID":"7"}', "node", "7", "", "hi"),
        ('{"MESSAGE":null,"SYSLOG_IDENTIFIER":"node"}', "node", "", "", ""),
        ('{"level":"error","message":"Forever detected script exited with code: 1"}', "forever", "", "",
         "Forever detected script exited with code: 1"),
        ("couchdb | 2026-11-21 08:28:55,736 INFO exited: x (exit status 1; not expected)", "supervisord", "", "",
         "exited: x (exit status 1; not expected)"),
        ('{"level":50,"msg":"own words"}', "", "", "", '{"level":50,"msg":"own words"}'),
        ("Error: nothing before it", "", "", "", "Error: nothing before it"),
    ],
)  # fmt: skip
def test_the_marks_are_taken_off(line: str, origin: str, instance: str, channel: str, text: str) -> None:
    found = only(line)
    assert (found.origin, found.instance, found.channel, found.text) == (origin, instance, channel, text)


def test_a_message_of_log_cache() -> None:
    line = (
        '{"timestamp":"1795249377071234567","instance_id":"0","tags":{"source_type":"APP/PROC/WEB"},'
        '"log":{"payload":"Ym9vbQ==","type":"ERR"}}'
    )
    found = only(line)
    assert (found.origin, found.channel, found.text) == ("APP/PROC/WEB", "ERR", "boom")
    assert found.at == pytest.approx(1795249377.07, abs=0.01)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T08:22:57Z x", "2026-11-21T09:22:57+0100 x", "[21/Nov/2026:08:22:57 +0000] GET",
        "[Sat, 21 Nov 2026 08:22:57 GMT] [error] x", "2026-11-21 08:22:57.000 UTC [3622] FATAL",
        "[2026-11-21 08:22:57 +0000] x",
    ],
)  # fmt: skip
def test_times_with_a_zone(line: str) -> None:
    assert times.of(line, NOW) == 1_795_249_377.0


@pytest.mark.parametrize(
    "line",
    ["2026/11/21 08:22:57 [error] x", "Nov 21 08:22:57 host x", "[Sat Nov 21 08:22:57.000000 2026] [proxy:error]"],
)
def test_times_without_one_are_local(line: str) -> None:
    assert times.of(line, NOW) == time.mktime((2026, 11, 21, 8, 22, 57, 0, 0, -1))


def test_syslog_of_december_was_last_year() -> None:
    assert time.localtime(times.of("Dec 31 23:59:59 host x", NOW) or 0).tm_year == 2025


@pytest.mark.parametrize("line", ["", "no time", "2026-13-45T99:99:99Z", "version 2026-11-21", "Foo 21 08:22:57 x"])
def test_what_is_no_time(line: str) -> None:
    assert times.of(line, NOW) is None


def test_what_goes_on_is_part_of_its_record() -> None:
    found = list(records([
        "2026-11-21T08:22:57Z first", "2026-11-21T08:22:57Z   frame", "without a mark", "2026-11-21T08:22:58Z second",
    ]))  # fmt: skip
    assert [one.text for one in found] == ["first\n  frame\nwithout a mark", "second"]


def test_lines_of_two_programs_stay_apart() -> None:
    found = list(records(["a | first", "b |   frame", "a |   frame"]))
    assert [(one.origin, one.text) for one in found] == [("a", "first"), ("b", "  frame"), ("a", "  frame")]
