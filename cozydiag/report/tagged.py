"""The verdict and the results for people, each line with a tag at its end that a machine reads (`tags`, `reading`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from cozydiag.model import Cause, Finding, Report, Result, Status
from cozydiag.report import words
from cozydiag.report.as_json import VERDICTS
from cozydiag.report.plain import Say, capital, unlooked
from cozydiag.report.tags import split, tag
from cozydiag.text import Text, t, verbatim
from cozydiag.text.catalogue import Catalogue

VERDICT, SEEN, REMEDY, BY_HAND, EXPLAINS, ADVICE, STORY, COMMAND = (
    "verdict", "seen", "remedy", "by-hand", "explains", "advice", "story", "command",
)  # fmt: skip
"""The codes of lines that are no findings."""

LABELS: Final = (t("Seen"), t("Certain"), t("To do"), t("To see it"), t("Explains"))
"""What the rows of a cause begin with."""

YES_NO: Final = {True: "yes", False: "no", None: None}

_SHORT = 200
"""Characters of a line of evidence."""


def verdict(report: Report, say: Say, catalogue: Catalogue) -> Iterator[str]:
    """What everybody must see: the chain, the headline, the causes."""
    yield "".join(part for part, _ in words.chain_parts(report, words.ASCII, catalogue))
    yield ""
    said = words.headline(report)
    about = {"is": VERDICTS[report.verdict], "chain": " ".join(f"{role}:{mark}" for role, mark in report.chain),
             "started": f"{report.started_at:.3f}", "seconds": f"{report.seconds:.3f}", "host": report.host,
             "root": YES_NO[report.privileged], "twice": YES_NO[report.second_look]}  # fmt: skip
    yield f"{say(said)} {tag(VERDICT, said, **about)}"
    yield from (_outside(capital(say(text)), "") for text, _ in words.kind(report))
    for cause in report.causes:
        yield ""
        yield from _cause(cause, say)
    for one in report.known:
        yield ""
        yield from _cause(one.cause, say, known=one.reason, until=one.until)
    if report.story:
        yield ""
    for sentence in report.story:
        yield f"{say(sentence)} {tag(STORY, sentence)}"


def _cause(cause: Cause, say: Say, *, known: str | None = None, until: Text | None = None) -> Iterator[str]:
    seen, certain, to_do, by_hand, explains = LABELS

    def row(label: Text, words: str) -> str:
        text = t("{name}: {value}", name=label, value=words)
        return f"    {say(text)}"

    mark = words.ASCII.marks["broken" if cause.severity is Status.FAIL else "warn"]
    known_as = say(t("Known, {until}", until=until)) + ": " if until is not None else ""
    about = {"role": cause.role, "cause": cause.instance, "is": VERDICTS[cause.severity], "sure": cause.certainty,
             "restart": YES_NO[cause.restart_helps], "service": cause.service, "known": known}  # fmt: skip
    yield f"{mark} {known_as}{say(cause.text)} {tag(cause.code, cause.text, **about)}"
    for one in cause.evidence:
        line = f"{one.source}: {one.line}"
        yield f"{row(seen, line)} {tag(SEEN, verbatim(line), source=one.source)}"
    sure = t("yes") if cause.certainty == "certain" else t("likely, not proven")
    yield row(certain, say(sure))
    if cause.remedy is not None:
        yield f"{row(to_do, say(cause.remedy))} {tag(REMEDY, cause.remedy)}"
    if cause.restart_helps is False and cause.severity is Status.FAIL:
        yield "    " + say(t("A restart does not help."))
    yield from (_outside(f"        {command}", COMMAND) for command in cause.commands)
    if cause.by_hand:
        yield f"{row(by_hand, cause.by_hand)} {tag(BY_HAND, verbatim(cause.by_hand))}"
    if cause.explains:
        names = ", ".join(cause.explains)
        yield f"{row(explains, names)} {tag(EXPLAINS, verbatim(names))}"


def results(report: Report, say: Say) -> Iterator[str]:
    """Every look that was taken, worst first, with all that was found and seen."""
    kind = [result for result in report.results if result.id == words.KIND and result.status is not Status.SKIP]
    for result in [*kind, *words.worst_first(report)]:
        yield from _result(result, say)
    yield from unlooked(report, say)


def _result(result: Result, say: Say) -> Iterator[str]:
    said = words.what(result)
    first = next((one for one in result.findings if one.text is said), None)
    about = {"is": str(result.status), "role": result.role, "of": first.role if first is not None else None,
             "seconds": f"{result.seconds:.3f}",
             "by": _names(result.blocked_by), "because": _names(result.explained_by),
             "essential": YES_NO[result.essential] if result.essential else None}  # fmt: skip
    code = first.code if first is not None else ""
    mark = tag(code, said, on=result.instance, **about)
    yield f"{say(words.STATUS_WORDS[result.status])}: {result.instance}: {say(said)} {mark}"
    if first is not None:
        yield from _advice(first, say)
    for finding in result.findings:
        if finding is not first:
            word = say(words.STATUS_WORDS[finding.status])
            mark = tag(finding.code, finding.text, **{"is": str(finding.status), "role": finding.role})
            yield f"    {word}: {say(finding.text)} {mark}"
            yield from _advice(finding, say)
    yield from _evidence(result)


def _evidence(result: Result) -> Iterator[str]:
    """Of what is well one line is enough."""
    seen = list(dict.fromkeys(f"{one.source}: {one.line}" for one in result.evidence))
    if result.status in (Status.OK, Status.SKIP):
        seen = [line for line in seen if len(line) <= _SHORT][:1]
    yield from (_outside(f"        {line}", SEEN) for line in seen)


BARE: Final = frozenset({VERDICT, SEEN, REMEDY, BY_HAND, EXPLAINS, ADVICE, STORY, COMMAND, ""})


def bare(line: str) -> str:
    """A line for people alone: of its tag the code of a finding stays."""
    found = split(line)
    if found is None:
        return line
    words, one, behind = found
    return f"{words}{'' if one.code in BARE else f' [{one.code}]'}{behind}"


def _outside(line: str, code: str) -> str:
    """Words from outside have no tag; where they look as if they had, ours stands behind it."""
    return f"{line} {tag(code, verbatim(line))}" if split(line) is not None else line


def _advice(finding: Finding, say: Say) -> Iterator[str]:
    if finding.advice is not None:
        yield f"    {say(finding.advice)} {tag(ADVICE, finding.advice)}"


def _names(instances: tuple[str, ...]) -> str | None:
    """Instances hold blanks at times: paths are subjects."""
    return json.dumps(instances, ensure_ascii=False) if instances else None
