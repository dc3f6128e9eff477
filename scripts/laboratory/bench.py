"""One case after another: a fresh sandbox, the faults, the command, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from cozydiag.sandbox import Sandbox, SandboxError
from cozydiag.sandbox.faults import FAULTS
from scripts.laboratory import command
from scripts.laboratory.canaries import run as canaries
from scripts.laboratory.cases import Case
from scripts.laboratory.faults import MORE
from scripts.laboratory.formats import Taken, taken
from scripts.laboratory.hosts.run import Servers
from scripts.laboratory.judge import Judgement, judge
from scripts.laboratory.managers.run import Scenes
from scripts.laboratory.proxies import run as proxies
from scripts.laboratory.repair import Repair, repair

AT_ONCE = 2
"""Sandboxes that run side by side. With more, two cores are so busy that healthy parts look slow."""


class Outcome(NamedTuple):
    """``judgement`` is None when the case was skipped, ``repair`` when nothing was repaired.
    ``taken``: what came of the outputs of this state in every format for programs."""

    case: Case
    judgement: Judgement | None
    repair: Repair | None
    seconds: float
    skipped_why: str | None = None
    taken: Taken = Taken(0, ())

    @property
    def right(self) -> bool:
        return self.judgement is not None and not self.judgement.problems and not self.taken.refused

    @property
    def fix_right(self) -> bool | None:
        return self.repair.right if self.repair and self.case.fix_expected else None


def run_all(cases: Sequence[Case]) -> Iterator[Outcome]:
    """The outcomes in the order of the cases, each as soon as it is there."""
    with_repair = command.can_fix()
    with Scenes() as scenes, Servers() as servers, ThreadPoolExecutor(AT_ONCE) as threads:
        yield from map(held_against, threads.map(lambda case: run(case, with_repair, scenes, servers), cases))


def held_against(outcome: Outcome) -> Outcome:
    """With what the readers of each format say of its state."""
    report = outcome.judgement.report if outcome.judgement else None
    return outcome if report is None else outcome._replace(taken=taken(report))


def run(case: Case, with_repair: bool, scenes: Scenes | None = None, servers: Servers | None = None) -> Outcome:
    began = time.monotonic()

    def outcome(judgement: Judgement | None, repair: Repair | None = None, skipped_why: str | None = None) -> Outcome:
        return Outcome(case, judgement, repair, time.monotonic() - began, skipped_why)

    if case.group == "proxies":
        made = proxies.judged(case)
        return outcome(made.judgement, skipped_why=made.skipped_why)
    if case.group == "canaries":
        made = canaries.judged(case)
        return outcome(made.judgement, skipped_why=made.skipped_why)
    if case.group == "managers" and scenes is not None:
        made = scenes.judged(case)
        return outcome(made.judgement, skipped_why=made.skipped_why)
    if case.group == "hosts" and servers is not None:
        made = servers.judged(case)
        return outcome(made.judgement, skipped_why=made.skipped_why)
    try:
        sandbox = Sandbox.create()
    except SandboxError as error:  # no nginx or no supervisord for it here
        return outcome(None, skipped_why=str(error))
    try:
        sandbox.up()
        for fault in case.faults:
            break_(sandbox, fault)
        judgement = judge(case, command.status(sandbox.config))
        return outcome(judgement, repair(case, sandbox) if with_repair else None)
    except SandboxError as error:
        return outcome(Judgement((), 0, False, (f"the sandbox: {error}",)))
    finally:
        sandbox.remove()


def break_(sandbox: Sandbox, fault: str) -> None:
    inject: Callable[[Sandbox], None] = MORE[fault] if fault in MORE else FAULTS[fault].inject
    inject(sandbox)
