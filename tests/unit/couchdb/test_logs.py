"""What a log says of the present start."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.couchdb import logs

RECORDINGS = Path(__file__).parents[2] / "recordings" / "couchdb"
STAMP = "2026-11-21T08:15:05.937378Z couchdb@127.0.0.1 <0.287.0> --------"


def line(level: str, text: str) -> bytes:
    return f"[{level}] {STAMP} {text}\n".encode()


START = (
    line("info", "Preflight check: Checking For Monsters")
    + line("info", "Apache CouchDB 3.5.0 is starting.")
    + line("info", "Apache CouchDB has started. Time to relax.")
)
UP = line("info", "Apache CouchDB has started on http://127.0.0.1:5984/")
FULL = line("error", "db died with reason {{badmatch,{error,enospc}}")


def kinds(content: bytes) -> list[str]:
    return [trouble.what for trouble in logs.faults(logs.since_start(content))]


def test_what_was_before_the_last_start_does_not_count() -> None:
    assert kinds(START + UP + FULL) == ["disk_full"]
    assert kinds(START + UP + FULL + START + UP) == []
    assert logs.since_start(START + UP + FULL + START + UP) == START + UP


def test_a_log_without_a_start_counts_whole() -> None:
    assert kinds(FULL * 3) == ["disk_full"]
    assert kinds(b"") == []


def test_what_people_ask_for_is_no_sign() -> None:
    """Anybody may put words into the line of a request."""
    evil = line("notice", "127.0.0.1:5984 1.2.3.4 undefined GET /x?{error,enospc} 404 ok 1")
    assert kinds(START + UP + evil + line("notice", "GET /creating missing database: shards/x")) == []


def line_1x(day: str, level: str, text: str) -> bytes:
    return f"[{day}, 01:09:42 GMT] [{level}] [<0.98.0>] {text}\n".replace(", 01", " 01").encode()


def test_lines_of_1x_have_their_own_time() -> None:
    bad = line_1x("Wed, 04 Oct 2017", "error", "Could not open file /var/lib/couchdb/a.couch: permission denied")
    (found,) = logs.faults(bad)
    assert (found.what, found.at) == ("file_unreadable", 1507079382.0)
    assert not logs.is_fresh(found, found.at + 601)
    later = line_1x("Thu, 05 Oct 2017", "info", "Starting")
    assert logs.is_last(found, bad)
    assert not logs.is_last(found, bad + later)


def test_what_people_ask_1x_for_is_no_sign_either() -> None:
    evil = line_1x("Wed, 04 Oct 2017", "info", "1.2.3.4 - - GET /x?{error,enospc} 404")
    assert logs.faults(evil) == []


def test_lines_without_any_time_are_the_last() -> None:
    bad = b"[error] couchdb@127.0.0.1 <0.1.0> -------- {error,enospc}\n"
    (found,) = logs.faults(bad)
    assert (logs.is_fresh(found, 1e9), logs.is_last(found, bad)) == (False, True)


def test_relaxing_proves_no_listener() -> None:
    assert not logs.has_listened(START)
    assert logs.has_listened(START + UP)


def test_the_time_and_the_file_of_a_trouble() -> None:
    text = line("error", "Could not open file /data/shards/a/b.1.couch: permission denied")
    (trouble,) = logs.faults(START + text)
    assert (trouble.detail, trouble.at) == ("/data/shards/a/b.1.couch", 1_795_248_905.0)
    assert logs.is_fresh(trouble, trouble.at + 599)
    assert not logs.is_fresh(trouble, trouble.at + 601)


def test_who_gave_a_wrong_password() -> None:
    text = line("warning", "couch_httpd_auth: Authentication failed for user app from 127.0.0.1")
    assert "from 127.0.0.1" in logs.warnings_of(text, "app")
    assert logs.warnings_of(text, "ap") == ""


def test_noise_of_a_first_start_is_none() -> None:
    noise = (
        line("warning", "creating missing database: _nodes")
        + line("info", "open_result error {not_found,no_db_file} for _dbs")
        + line("error", 'rexi_server: from: a mfa: fabric_rpc:open_shard/2 throw:{unauthorized,<<"no">>}')
    )
    assert kinds(START + noise + UP) == []


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*/stdout.log")), ids=lambda path: path.parent.name)
def test_every_failed_start_has_a_reason(path: Path) -> None:
    found = logs.boot_failures(path.read_bytes())
    assert found
    assert found[0].what != "other"


def test_a_control_sequence_in_a_log_reaches_nobody() -> None:
    (trouble,) = logs.faults(line("error", "\x1b]0;title\x07 {error,enospc} \x9b2J"))
    assert trouble.line.isprintable()
