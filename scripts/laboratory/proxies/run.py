"""The cases of the proxies, for the bench of all cases."""

from __future__ import annotations

from scripts.laboratory.cases import Case
from scripts.laboratory.judge import Judged, judge
from scripts.laboratory.made import BROKEN, broken
from scripts.laboratory.proxies import packages
from scripts.laboratory.proxies.bench import Bench
from scripts.laboratory.proxies.cases import FAULTS


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
    except BROKEN as error:
        return broken(error)
