"""The cases of the proxies, for the bench of all cases."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

from scripts.laboratory.cases import Case
from scripts.laboratory.judge import Judgement, judge
from scripts.laboratory.proxies import packages
from scripts.laboratory.proxies.bench import Bench
from scripts.laboratory.proxies.cases import FAULTS


class Judged(NamedTuple):
    """One of both is None."""

    judgement: Judgement | None
    skipped_why: str | None


def judged(case: Case) -> Judged:
    proxy, fault = case.faults[0], FAULTS[case.faults[1]]
    if proxy in fault.cannot:
        return Judged(None, fault.cannot[proxy])
    program = packages.program(proxy)
    if isinstance(program, str):
        return Judged(None, program)
    try:
        with Bench(proxy, program, fault) as bench:
            return Judged(judge(case, bench.run()), None)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return Judged(Judgement((), 0, False, (f"the case could not be made: {error}",)), None)
