"""One case after another: a fresh sandbox, the faults, the command, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from cozydiag.sandbox import Sandbox, SandboxError
from cozydiag.sandbox.faults import FAULTS
from scripts.laboratory import command
from scripts.laboratory.canaries import run as canaries
from scripts.laboratory.cases import Case
from scripts.laboratory.faults import MORE
from scripts.laboratory.formats import Taken, taken
from scripts.laboratory.hosts import run as hosts
from scripts.laboratory.judge import Judged, Judgement, judge
from scripts.laboratory.made import Made
from scripts.laboratory.managers import run as managers
from scripts.laboratory.proxies import run as proxies
from scripts.laboratory.repair import Repair, repair

AT_ONCE = 2
"""Sandboxes that run side by side. With more, two cores are so busy that healthy parts look slow."""

Judges = Mapping[str, Callable[[Case], Judged]]
JUDGES: Final[Judges] = {"proxies": proxies.judged, "canaries": canaries.judged}
"""By the groups of cases that need no sandbox; those that need things made before them come in `run_all`."""


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
    with Made(managers.MAKERS) as scenes, Made(hosts.MAKERS) as servers, ThreadPoolExecutor(AT_ONCE) as threads:
        judges: Judges = {
            **JUDGES,
            "managers": partial(managers.judged, scenes),
            "hosts": partial(hosts.judged, servers),
        }
        yield from map(held_against, threads.map(lambda case: run(case, with_repair, judges), cases))


def held_against(outcome: Outcome) -> Outcome:
    """With what the readers of each format say of its state."""
    report = outcome.judgement.report if outcome.judgement else None
    return outcome if report is None else outcome._replace(taken=taken(report))


def run(case: Case, with_repair: bool, judges: Judges = JUDGES) -> Outcome:
    began = time.monotonic()

    def outcome(judgement: Judgement | None, repair: Repair | None = None, skipped_why: str | None = None) -> Outcome:
        return Outcome(case, judgement, repair, time.monotonic() - began, skipped_why)

    if case.group in judges:
        judged = judges[case.group](case)
        return outcome(judged.judgement, skipped_why=judged.skipped_why)
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
