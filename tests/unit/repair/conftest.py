"""A machine that is repaired in no time: a false clock, a manager that does as it is told to, a real journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.host import Failure, Host
from cozydiag.managers.service import VERBS, Condition, Life, Manager, Service, Verb
from cozydiag.model import Cause, Report, Result, Status
from cozydiag.repair import owners
from cozydiag.repair.act import KIND, Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import Lock, State, open_state
from cozydiag.testing import FakeHost, Machine
from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, render

DOWN = Life(False, 0, "STOPPED")
HOME = Service("fake", "home")
OLD, NEW = Life(True, 70, "RUNNING"), Life(True, 71, "RUNNING")
COMING = Life(False, 71, "STARTING", busy=True)


class FakeManager:
    """``before`` it is asked; ``after`` that, from so many seconds on."""

    name, user, place = "fake", None, ""
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, before: Life | Failure = OLD, *after: tuple[float, Life | Failure]) -> None:
        self.before = before
        self.after: Sequence[tuple[float, Life | Failure]] = after or ((0, NEW),)
        self.asked: list[tuple[str, str]] = []
        self.answer: Failure | None = None
        self.then: Callable[[], object] = lambda: None
        self.since = 0.0

    def services(self, host: Host) -> tuple[Condition, ...]:
        return ()

    def log(self, host: Host, service: Service, lines: int) -> list[str]:
        return []

    def allowed(self, host: Host) -> bool:
        return host.euid() == 0

    def exposed(self, host: Host) -> None:
        return None

    def life(self, host: Host, service: Service) -> Life | Failure:
        life = self.before
        if self.asked:
            life = [life for start, life in self.after if host.clock.monotonic() >= self.since + start][-1]
        self._wait(host, life)
        return life

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("fakectl", verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        self.asked.append((verb, service.unit))
        self.then()
        self._wait(host, self.answer)
        self.since = host.clock.monotonic()
        return self.answer

    def patience(self, host: Host, service: Service) -> float:
        return 10.0

    def _wait(self, host: Host, answer: object) -> None:
        if isinstance(answer, Failure) and answer.kind == "timeout":
            host.clock.sleep(host.deadline.remaining())


class Bench:
    """What is needed for a repair, and what came of it."""

    def __init__(self, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = state
        self.machine = Machine()
        self.host = FakeHost(self.machine, 3600.0)
        self.stack = Stack(Config())
        self.manager = FakeManager()
        monkeypatch.setattr(owners, "manager_of", self._manager_of)

    def _manager_of(self, host: Host, stack: Stack, service: Service) -> Manager | None:
        return self.manager if service.manager == self.manager.name else None

    def act(self, verb: str = "restart", service: Service = HOME, lock: Lock | None = None) -> Outcome:
        return act(self.host, self.stack, self.state, service, verb, why="service.hung", by="ann", lock=lock)

    def journal(self) -> list[tuple[str, str, str | None]]:
        """Verb, service and result of each act; None while it is not known."""
        found = self.state.entries(KIND)
        return [(e.data["verb"], e.data["service"], e.result and e.result["result"]) for e in found]

    def cause(
        self,
        code: str = "service.hung",
        role: str | None = "cozy.home",
        *,
        instance: str = "",
        severity: Status = Status.FAIL,
        explains: tuple[str, ...] = (),
        restart_helps: bool | None = True,
        service: str | None = "fake:home",
    ) -> Cause:
        subject = f"{role or code}"
        return Cause(
            code, role, subject, instance or f"test.{subject}", severity, t("{what} is broken", what=subject), explains,
            t("Mend it."), (), (), "certain", restart_helps, None, service,
        )  # fmt: skip

    def report(self, *causes: Cause, results: Sequence[Result] = ()) -> Report:
        """With a failing instance for each failing cause, and what it explains."""
        seen = [self.result(cause.instance, cause.severity) for cause in causes]
        seen += [self.result(name, Status.FAIL, (cause.instance,)) for cause in causes for name in cause.explains]
        broken = any(cause.severity is Status.FAIL for cause in causes)
        verdict = Status.FAIL if broken else Status.WARN if causes else Status.OK
        return Report(verdict, causes, (*seen, *results), (), "host", 0.0, 0.1, privileged=True)

    def result(self, instance: str, status: Status, explained_by: tuple[str, ...] = ()) -> Result:
        check, _, subject = instance.partition(":")
        return Result(check, subject or None, t("A test"), status, explained_by=explained_by)

    def words(self, text: Text) -> str:
        return render(text, ENGLISH)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with closing(open_state(str(tmp_path / "state"))) as state:
        yield Bench(state, monkeypatch)
