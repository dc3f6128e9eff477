"""A state in memory-backed storage where there is one, a clock that is moved by hand, and reports as they come."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cozydiag.host.clock import Clock
from cozydiag.model import Cause, Finding, Report, Result, Status
from cozydiag.state import State, open_state
from cozydiag.text import Bytes, Text, t

START = 1_795_000_000.0


class FalseClock(Clock):
    """Time passes when somebody says so."""

    def __init__(self) -> None:
        self.moment, self.ticks, self.boot = START, 1000.0, "boot-1"

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return self.ticks

    def boot_id(self) -> str:
        return self.boot

    def sleep(self, seconds: float) -> None:
        self.moment += seconds
        self.ticks += seconds


@pytest.fixture
def clock() -> FalseClock:
    return FalseClock()


@pytest.fixture
def folder() -> Iterator[Path]:
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="cozydiag-", dir=base))
    folder.chmod(0o700)
    yield folder / "state"
    shutil.rmtree(folder)


@pytest.fixture
def state(folder: Path) -> Iterator[State]:
    state = open_state(str(folder))
    assert not state.notes
    yield state
    state.close()


@pytest.fixture(autouse=True)
def _no_spare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is kept where nothing is full is kept in a place of the test's own."""
    monkeypatch.setattr("cozydiag.watch.spare._path", lambda folder: str(tmp_path / "spare" / "told.json"))


def result(instance: str, status: Status, text: Text | None = None, role: str | None = None) -> Result:
    check, _, subject = instance.partition(":")
    finding = Finding(status, f"{check}.{status}", text or t("it is so"), role)
    return Result(check, subject or None, t("A check"), status, (finding,), role=role, essential=True)


def cause(code: str = "couchdb.down", role: str = "couchdb", instance: str = "couchdb.reach",
          severity: Status = Status.FAIL, text: Text | None = None) -> Cause:  # fmt: skip
    words = text or t("CouchDB is down")
    return Cause(code, role, instance.partition(":")[2] or None, instance, severity, words, (), t("Start it."),
                 ("sudo systemctl start couchdb",), (), "certain", True, None, None)  # fmt: skip


@pytest.fixture
def report(clock: FalseClock) -> Callable[..., Report]:
    """A report of now: of what is wrong, else that all is well; `free` bytes on the disk."""

    def made(*causes: Cause, free: int = 10**10) -> Report:
        disk = result("host.disk:/", Status.OK, t("{mount}: {free} left", mount="/", free=Bytes(free)), "host")
        results = [disk, *(result(one.instance, one.severity, role=one.role) for one in causes)]
        if not any(one.instance == "couchdb.reach" for one in causes):
            results.append(result("couchdb.reach", Status.OK, role="couchdb"))
        verdict = (
            Status.FAIL if any(one.severity is Status.FAIL for one in causes) else Status.WARN if causes else Status.OK
        )
        return Report(verdict, causes, tuple(results), (), "host1", clock.now(), 0.1, True)

    return made
