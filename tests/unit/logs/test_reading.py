"""Logs from their end, through what was put aside, and from where one left off."""

from __future__ import annotations

import gzip
import os
from io import BytesIO
from pathlib import Path

from cozydiag.host.failure import Failure
from cozydiag.logs import reading
from cozydiag.logs.reading import Place


def lines(found: list[str] | Failure) -> list[str]:
    assert not isinstance(found, Failure)
    return found


def new(path: Path, place: Place | None) -> tuple[list[str], Place]:
    found = reading.since(str(path), place, 100)
    assert not isinstance(found, Failure)
    return found


def test_the_last_lines_of_a_large_file(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(100_000)))
    assert lines(reading.last(str(log), 3)) == ["line 99997", "line 99998", "line 99999"]
    assert len(lines(reading.last(str(log), 50_000))) == 50_000
    assert lines(reading.last(str(log), 200_000))[0] == "line 0"


def test_what_was_put_aside_comes_before(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("d\n")
    (tmp_path / "app.log.1").write_text("b\nc\n")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"y\nz\na\n"))
    (tmp_path / "app.log.old").write_text("not of them\n")
    assert lines(reading.last(str(log), 5)) == ["z", "a", "b", "c", "d"]
    assert lines(reading.last(str(log), 2)) == ["c", "d"]
    assert [os.path.basename(one) for one in reading.rotated(str(log))] == ["app.log.1", "app.log.2.gz"]


def test_dates_in_the_names(tmp_path: Path) -> None:
    for day in ("20261119", "20261120"):
        (tmp_path / f"app.log-{day}").write_text(day + "\n")
    (tmp_path / "app.log").write_text("now\n")
    assert lines(reading.last(str(tmp_path / "app.log"), 9)) == ["20261119", "20261120", "now"]


def test_a_packed_file_alone_and_a_broken_one(tmp_path: Path) -> None:
    packed = tmp_path / "app.log.3.gz"
    packed.write_bytes(gzip.compress(b"a\nb\nc\n"))
    assert lines(reading.last(str(packed), 2)) == ["b", "c"]
    packed.write_bytes(b"this is not gzip")
    assert isinstance(reading.last(str(packed), 2), Failure)


def test_a_file_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    assert isinstance(reading.last(str(tmp_path / "nope"), 2), Failure)
    assert isinstance(reading.last(str(tmp_path), 2), Failure)


def test_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("a\nb\n")
    first, place = new(log, None)
    assert first == ["a", "b"]
    with log.open("a") as file:
        file.write("c\nhal")
    second, place = new(log, place)
    assert second == ["c"]
    with log.open("a") as file:
        file.write("f\n")
    third, place = new(log, place)
    assert third == ["half"]
    assert new(log, place)[0] == []


def test_a_rotation_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("a\n")
    _, place = new(log, None)
    with log.open("a") as file:
        file.write("b\n")
    log.rename(tmp_path / "app.log.1")
    log.write_text("c\n")
    assert new(log, place)[0] == ["b", "c"]


def test_a_file_that_became_shorter_is_new(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("a\nb\nc\n")
    _, place = new(log, None)
    log.write_text("d\n")
    assert new(log, place)[0] == ["d"]


def test_lines_are_made_harmless_and_cut() -> None:
    found = list(reading.cleaned([b"\x1b[31mred\x1b[0m", b"x" * 10_000, b"caf\xe9", b"a\r", "\ufeffbom".encode()]))
    assert found[0] == "red"
    assert len(found[1]) == 4096
    assert found[2] == "caf\ufffd"
    assert found[3] == "a"


def test_no_line_of_a_stream_is_kept_whole() -> None:
    found = list(reading.pieces(BytesIO(b"x" * 5_000_000 + b"\nshort\n{" + b"y" * 5_000_000 + b"\n")))
    assert [len(one) for one in found] == [16384, 5, 65536]


def test_an_answer_of_log_cache_is_taken_apart() -> None:
    envelope = b'{"timestamp":"%d","log":{"payload":"YQ=="}}'
    answer = b'{"envelopes":{"batch":[' + envelope % 2 + b"," + envelope % 1 + b"]}}\n"
    found = list(reading.pieces(BytesIO(answer)))
    assert [b'"1"' in one for one in found] == [True, False]
