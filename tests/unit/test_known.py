"""What a dead service's last words are taken to mean, and when they are not believed."""

from __future__ import annotations

import pytest

from cozydiag.config import Config
from cozydiag.host.files import Disk
from cozydiag.stack import Stack
from cozydiag.stack.known import Known, cause, final
from cozydiag.testing import FakeHost, Machine
from cozydiag.text.catalogue import ENGLISH, render

FULL = Disk("/", 1000, 999, 1, 100, 50, read_only=False, device=1, mount="/")
ROOM = FULL._replace(used=100, available=900)


def look(*lines: str, role: str | None = None, **machine: object) -> Known | None:
    host = FakeHost(Machine(**machine))  # type: ignore[arg-type]
    return cause(host, Stack(Config()), lines, role)


def meaning(found: Known | None) -> str:
    return render(found.meaning, ENGLISH) if found else ""


def test_the_cause_is_named_with_its_line_and_what_to_do() -> None:
    found = look("started", "Traceback (most recent call last):", '  File "a.py", line 1, in <module>',
                 "ModuleNotFoundError: No module named 'flask'")  # fmt: skip
    assert found is not None
    assert meaning(found) == "the Python package flask is not installed where the service runs"
    assert found.line == "ModuleNotFoundError: No module named 'flask'"
    assert (found.restart_helps, found.certainty) == (False, "certain")


def test_one_line_that_anybody_can_have_written_is_likely_only() -> None:
    line = "GET /?q=OSError: [Errno 28] No space left on device"
    found = look("started", line, disks={"/": FULL})
    assert found is not None
    assert found.certainty == "likely"
    again = look(*["OSError: [Errno 28] No space left on device"] * 3, disks={"/": FULL})
    assert again is not None
    assert again.certainty == "certain"


def test_a_disk_that_has_room_again_is_no_cause() -> None:
    assert look("OSError: [Errno 28] No space left on device", disks={"/": ROOM}) is None


@pytest.mark.parametrize("line", ["Error: listen EADDRINUSE: address already in use 127.0.0.1:3000"])
def test_a_port_that_is_free_again_is_no_cause(line: str) -> None:
    assert look(line) is None
    assert meaning(look(line, listening={3000: 7})).startswith("another process has the port")


def test_a_refusal_counts_while_nobody_listens_there() -> None:
    line = "Error: connect ECONNREFUSED 127.0.0.1:5984"
    assert meaning(look(line)) == "nothing listens at 127.0.0.1:5984, which the program needs"
    assert look(line, listening={5984: 7}) is None
    assert look("Error: connect ECONNREFUSED 10.0.0.9:5984", listening={5984: 7}) is not None


def test_the_last_words_count_before_those_of_an_earlier_fault() -> None:
    old = ["OSError: [Errno 30] Read-only file system: '/srv/x'"]
    new = [f"line {number}" for number in range(30)] + ["KeyError: 'COUCH_URL'"]
    assert meaning(look(*old, *new)).startswith("an environment variable")
    assert meaning(look(*old, *new[:-1])).startswith("the file system cannot be written")


def test_marks_of_a_platform_are_taken_off_and_routers_do_not_count() -> None:
    found = look("[APP/PROC/WEB/0] CloudantException: Database databasedemo already exists",
                 '[RTR/0] a - [b] "GET /?no space left on device HTTP/1.1" 502')  # fmt: skip
    assert meaning(found).startswith("the database databasedemo already exists")


def test_nothing_known_is_nothing() -> None:
    assert look() is None
    assert look("all is well", "GET / 200") is None
    assert look("exited: x (exit status 1; not expected)") is None, "a symptom is no cause"


def test_what_has_no_rule_still_has_a_last_exception() -> None:
    frames = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>']
    lines = [*frames, "acme.MoonError: it is not full", "error: the job ended"]
    assert look(*lines) is None
    assert final(lines) == "acme.MoonError: it is not full"
    assert final(["all is well"]) == ""
