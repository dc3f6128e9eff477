"""`scripts/lab`: a line for each case, a summary, and both as JSON where that is asked for."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scripts.laboratory.bench import Outcome, run_all
from scripts.laboratory.canaries.cases import CASES as CANARY_CASES
from scripts.laboratory.cases import CASES, Case
from scripts.laboratory.hosts.cases import CASES as HOST_CASES
from scripts.laboratory.hosts.cases import SERVERS
from scripts.laboratory.managers.cases import CASES as MANAGER_CASES
from scripts.laboratory.managers.cases import MANAGERS
from scripts.laboratory.proxies.cases import CASES as PROXY_CASES
from scripts.laboratory.proxies.cases import PROXIES


def main() -> int:
    options = argparse.ArgumentParser(prog="scripts/lab", description="One fault at a time, and what status names.")
    options.add_argument("--only", metavar="GLOB", action="append", help="only cases whose name or group matches")
    options.add_argument("--json", metavar="FILE", type=Path, help="write the outcomes there as well")
    options.add_argument("--states", metavar="FILE", type=Path, help="write there what status printed, a line each")
    given = options.parse_args()
    cases = chosen(given.only or ["*"])
    if not cases:
        options.error(f"no case and no group is called {' or '.join(given.only)}")
    outcomes = []
    for outcome in run_all(cases):
        print(line(outcome), flush=True)
        outcomes.append(outcome)
    found = summary(outcomes)
    print("\n" + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items()))
    for name in (*PROXIES, *MANAGERS, *SERVERS):
        ran = [outcome for outcome in outcomes if outcome.case.faults[:1] == (name,)]
        right = [outcome.right for outcome in ran if outcome.judgement]
        if right:
            print(f"{name}: {sum(right)} of {len(right)} right" + (f", {SERVERS[name]}" if SERVERS.get(name) else ""))
        elif ran:
            print(f"{name}: skipped, {ran[0].skipped_why}")
    if given.json:
        data = {"summary": found, "cases": [as_data(outcome) for outcome in outcomes]}
        given.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if given.states:
        given.states.write_text("".join(map(state, outcomes)), encoding="utf-8")
    return 0 if all_right(outcomes) else 1


def chosen(patterns: Sequence[str]) -> list[Case]:
    every = (*CASES, *PROXY_CASES, *MANAGER_CASES, *HOST_CASES, *CANARY_CASES)
    return [case for case in every if any(fnmatchcase(name, p) for name in (case.id, case.group) for p in patterns)]


def state(outcome: Outcome) -> str:
    """What `status` printed of this case, on one line; none where another case speaks for it."""
    if outcome.judgement is None or outcome.judgement.report is None:
        return ""
    return json.dumps({"case": outcome.case.id, **outcome.judgement.report}, separators=(",", ":")) + "\n"


def all_right(outcomes: Sequence[Outcome]) -> bool:
    """Whether all that ran is right, and anything ran."""
    ran = [outcome for outcome in outcomes if outcome.judgement]
    return bool(ran) and all(outcome.right and outcome.fix_right is not False for outcome in ran)


def line(outcome: Outcome) -> str:
    said = (*named(outcome), *repaired(outcome))
    word = "skip " if outcome.judgement is None else "ok   " if outcome.right else "WRONG"
    if outcome.right and outcome.fix_right is False:
        word = "FIX  "
    return f"{word} {outcome.case.id:34} {outcome.seconds:5.1f} s  {'; '.join(said)}"


def named(outcome: Outcome) -> tuple[str, ...]:
    if outcome.judgement is None:
        return (str(outcome.skipped_why),)
    if not outcome.right:
        return (*outcome.judgement.problems, *outcome.taken.refused)
    return tuple(f"{cause.code} of {cause.role}" for cause in outcome.judgement.found) or ("nothing is wrong",)


def repaired(outcome: Outcome) -> tuple[str, ...]:
    if outcome.repair is None:
        return ()
    said = f"fix: {outcome.repair.did}"
    if outcome.fix_right is False:
        said += f" instead of {outcome.case.fix_expected}"
    if outcome.repair.wrongly_touched:
        said += f", wrongly touched: {', '.join(outcome.repair.wrongly_touched)}"
    return (said,)


def summary(outcomes: Sequence[Outcome]) -> dict[str, int]:
    judgements = [outcome.judgement for outcome in outcomes if outcome.judgement]
    repairs = [outcome.repair for outcome in outcomes if outcome.repair]
    did = [outcome.repair.did for outcome in outcomes if outcome.repair and outcome.fix_right]
    return {
        "cases": len(outcomes),
        "right": sum(outcome.right for outcome in outcomes),
        "false_causes": sum(judgement.false_causes for judgement in judgements),
        "unknown": sum(judgement.unknown for judgement in judgements),
        "fix_cases": sum(outcome.fix_right is not None for outcome in outcomes),
        "fix_right": sum(outcome.fix_right is True for outcome in outcomes),
        "repaired": did.count("repair"),
        "rightly_refused": did.count("refuse"),
        "wrongly_touched": sum(len(repair.wrongly_touched) for repair in repairs),
        "skipped": sum(outcome.judgement is None for outcome in outcomes),
        "states": sum(outcome.taken.outputs > 0 for outcome in outcomes),
        "outputs": sum(outcome.taken.outputs for outcome in outcomes),
        "outputs_refused": sum(len(outcome.taken.refused) for outcome in outcomes),
    }


def as_data(outcome: Outcome) -> dict[str, Any]:
    case, judgement, repair = outcome.case, outcome.judgement, outcome.repair
    return {
        "id": case.id,
        "group": case.group,
        "expected": [cause._asdict() for cause in case.expected],
        "found": [cause._asdict() for cause in judgement.found] if judgement else None,
        "right": outcome.right if judgement else None,
        "fix_expected": case.fix_expected if repair else None,
        "fix_did": repair.did if repair else None,
        "fix_right": outcome.fix_right,
        "wrongly_touched": len(repair.wrongly_touched) if repair else None,
        "outputs_refused": list(outcome.taken.refused),
        "seconds": round(outcome.seconds, 1),
        "skipped_why": outcome.skipped_why,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way the sandboxes are removed first
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
