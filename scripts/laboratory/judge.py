"""Whether `status` named what was broken, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.command import Run

VERDICTS = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}


class Judgement(NamedTuple):
    """``problems`` are sentences, none when all is right. ``unknown``: something that can be seen was not.
    ``report`` is what `status` printed, where this is the case that speaks for it."""

    found: tuple[Cause, ...]
    false_causes: int
    unknown: bool
    problems: tuple[str, ...]
    report: Mapping[str, Any] | None = None


class Judged(NamedTuple):
    """One of both is None."""

    judgement: Judgement | None
    skipped_why: str | None


def judge(case: Case, run: Run) -> Judgement:
    if run.report is None:
        return Judgement((), 0, False, (f"exit code {run.code} and no report: {run.stderr[-300:]}",))
    found = tuple(Cause(cause["code"], str(cause["role"])) for cause in run.report["causes"])
    missing, false = Counter(case.expected) - Counter(found), Counter(found) - Counter(case.expected)
    unseen = [name(result) for result in run.report["results"] if result["status"] in ("unknown", "error")]
    problems = [f"not named: {cause.code} of {cause.role}" for cause in missing.elements()]
    problems += [f"false: {cause.code} of {cause.role}" for cause in false.elements()]
    problems += [f"not looked at: {one}" for one in unseen]
    problems += _contradictions(case, run.code, run.report, run.stderr)
    unknown = bool(unseen) or run.report["verdict"] == "unknown"
    return Judgement(found, false.total(), unknown, tuple(problems), run.report)


def _contradictions(case: Case, code: int | None, report: dict[str, Any], stderr: str) -> list[str]:
    problems = []
    if code != case.exit_code:
        problems.append(f"exit code {code} instead of {case.exit_code}")
    if report["verdict"] != VERDICTS.get(-1 if code is None else code):
        problems.append(f"exit code {code} with the verdict {report['verdict']}")
    if not case.expected:
        problems += [
            f"{one['status']}: {name(one)}" for one in report["results"] if one["status"] not in ("ok", "skip")
        ]
    if stderr:
        problems.append(f"said on stderr: {stderr[-300:]}")
    return problems


def name(result: dict[str, Any]) -> str:
    subject = result["subject"]
    return str(result["id"]) if subject is None else f"{result['id']}:{subject}"
