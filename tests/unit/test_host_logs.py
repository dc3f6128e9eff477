"""Text from outside: what must not reach a terminal, and the ends of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean, one_line, tail


@pytest.mark.parametrize(
    ("nasty", "harmless"),
    [
        ("plain", "plain"),
        ("a\tb\nc\r\n", "a b\nc\n"),
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b[?25lx\x1b[>4;2my", "xy"),
        ("\x9b31mred", "red"),
        ("\x1b]52;c;ZXZpbA==\x07x", "x"),
        ("\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9cx", "x"),
        ("\x1bPq#0;2;0\x1b\\x", "x"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\x", "x"),
        ("\x1bc\x1b(B\x1b=x", "x"),
        ("a\x08\x7f\x00\x0e\x85b", "ab"),
        ("file\u202egnp.exe\u2066x\u2069\u200f", "filegnp.exex"),
        ("cut\x1b", "cut"),
        ("cut\x1b[31", "cut"),
        ("\x1b]never ended\nnext line", "never ended\nnext line"),
        ("\x1b\x1b[[31mx", "31mx"),
        ("a\u2028b", "a\nb"),
        ("\udcff", "?"),
        (b"caf\xe9 \xc3\xa9", "caf\ufffd é"),
        (b"\xc2\x9b31mred", "red"),
    ],
)
def test_clean(nasty: str | bytes, harmless: str) -> None:
    assert clean(nasty) == harmless


def test_nothing_that_obeys_is_left_whatever_comes() -> None:
    alphabet = ["\x1b", "\x9b", "[", "]", "3", "m", "\x07", "\x9c", "\\", "P", "\u202e", "\n"]
    for first in alphabet:
        for second in alphabet:
            for third in alphabet:
                for fourth in alphabet:
                    left = clean(first + second + third + fourth)
                    assert not set(left) & {"\x1b", "\x9b", "\x07", "\x9c", "\u202e"}


@pytest.mark.parametrize("unit", ["\x1b", "\x1b[", "\x1b]", "\x9b1;", "\x1bP\x1b", "\x1b]x\x9d", "\u202e", "1;"])
def test_a_megabyte_of_nonsense(unit: str) -> None:
    # Were it quadratic, this would take hours.
    nasty = "\x1b[" + unit * ((1 << 20) // len(unit)) + "end"
    assert not set(clean(nasty, 1 << 21)) & {"\x1b", "\x9b", "\x9d", "\u202e"}


def test_cut_at_the_limit_after_cleaning() -> None:
    assert clean("\x1b[31mabcdef", 3) == "abc"
    assert len(clean("é" * 9999)) == 4096


def test_one_line() -> None:
    assert one_line(b"a\nb\x1b[0m\nc") == "a b c"


def test_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\n\x1b[31mth\xffree\n\nfive")
    assert tail(str(log)) == ["one", "two", "th\ufffdree", "", "five"]
    assert tail(str(log), 2) == ["", "five"]
    assert tail(str(log), 0) == []
    log.write_bytes(b"one\n")
    assert tail(str(log), 5) == ["one"]
    log.write_bytes(b"")
    assert tail(str(log)) == []


def test_tail_over_many_blocks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [f"line {number}" for number in range(40_000)]
    log.write_text("\n".join(lines) + "\n")
    for count in (1, 100, 20_000, 40_000, 50_000):
        assert tail(str(log), count) == lines[-count:]


def test_tail_reads_no_more_than_it_may(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(1 << 32)  # 4 GiB of nothing
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast but one\nlast\n")
    assert tail(str(log), 2) == ["last but one", "last"]
    # What the cap cuts is no line; here three are asked for and two are whole.
    assert tail(str(log), 3, max_bytes=1000) == ["last but one", "last"]


def test_one_endless_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 300_000)
    assert tail(str(log), 5, max_bytes=200_000) == ["x" * 4096]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "log").symlink_to(tmp_path / "secret")
    refused = tail(str(tmp_path / "log"))
    assert isinstance(refused, Failure)
    assert tail(str(tmp_path / "log"), follow=True) == ["secret"]


def test_no_log(tmp_path: Path) -> None:
    missing = tail(str(tmp_path / "log"))
    assert isinstance(missing, Failure)
    assert missing.kind == "missing"
