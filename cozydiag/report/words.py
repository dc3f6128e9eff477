"""The fixed words of reports, and how a report is counted. Shared by all formats that people read."""

from typing import NamedTuple

from cozydiag.engine.diagnosis import nothing_here
from cozydiag.model import Cause, Known, Report, Result, Status
from cozydiag.stack import ROLES
from cozydiag.text import Text, plural, t
from cozydiag.text.catalogue import Catalogue, render

STATUS_WORDS = {
    Status.OK: t("ok"),
    Status.SKIP: t("not here"),
    Status.WARN: t("warning"),
    Status.FAIL: t("FAILS"),
    Status.UNKNOWN: t("unknown"),
    Status.BLOCKED: t("blocked"),
    Status.TIMEOUT: t("NO ANSWER"),
    Status.ERROR: t("check broken"),
}

WORST_FIRST = (
    Status.FAIL, Status.TIMEOUT, Status.WARN, Status.ERROR, Status.UNKNOWN, Status.BLOCKED, Status.OK, Status.SKIP,
)  # fmt: skip


class Symbols(NamedTuple):
    """What is drawn; ASCII where the output cannot show more."""

    arrow: str
    dot: str
    marks: dict[str, str]


UNICODE = Symbols("→", "·", {"ok": "✓", "broken": "✗", "waiting": "~", "warn": "!", "unknown": "?", "absent": ""})
ASCII = Symbols("->", "-", {"ok": "ok", "broken": "X", "waiting": "~", "warn": "!", "unknown": "?", "absent": ""})


def chain_parts(report: Report, symbols: Symbols, catalogue: Catalogue) -> list[tuple[str, str]]:
    """`internet → nginx ✓ → proxy ✗ → home ~ · data-system ✓ · CouchDB ✓` as (words, mark) pairs."""
    parts = [(render(t("internet"), catalogue), "")]
    shown = [(role, mark) for role, mark in report.chain if mark != "absent"]
    for index, (role, mark) in enumerate(shown):
        joint = symbols.arrow if index < 3 else symbols.dot
        name = report.front if role == "proxy" and report.front else ROLES.get(role, role)
        parts.append((f" {joint} {name} {symbols.marks[mark]}", mark))
    return parts


def headline(report: Report) -> Text:
    """The first sentence: how many things are wrong and how much follows from them."""
    broken = [cause for cause in report.causes if cause.severity is Status.FAIL]
    if broken:
        follows = len({name for cause in broken for name in cause.explains})
        causes = plural("{n} cause", "{n} causes", n=len(broken))
        consequences = plural("{n} consequence", "{n} consequences", n=follows)
        return t("{causes}, {consequences}", causes=causes, consequences=consequences)
    if report.verdict is Status.UNKNOWN and nothing_here(report.results):
        return t("No Cozy was found here")
    if report.verdict is Status.UNKNOWN:
        return t("Nothing broken was seen, but not everything could be looked at")
    if report.verdict is Status.FAIL:  # of a report that was read, and came damaged
        return t("Something is broken; its cause is missing here")
    if report.verdict is Status.WARN and not report.causes:
        return t("It works, with warnings that are missing here")
    if report.causes:
        return plural("It works, with {n} warning", "It works, with {n} warnings", n=len(report.causes))
    if not any(result.status is Status.OK for result in report.results):
        return t("Nothing was looked at")
    if report.known:
        return plural("All is well, but for {n} known problem", "All is well, but for {n} known problems",
                      n=len(report.known))  # fmt: skip
    return t("All is well")


KIND = "stack.kind"
"""The check that says what this server is: its words stand above all others, and are not a gap in what was seen."""


def kind(report: Report) -> list[tuple[Text, str | None]]:
    """What this server is; where it is nothing of the kind, what was looked for, what is here and what to do. Each with
    the command that would help."""
    return [
        (finding.text, finding.unlock)
        for result in report.results
        if result.id == KIND and result.status in (Status.OK, Status.UNKNOWN)
        for finding in result.findings
    ]


def looked(report: Report) -> Text | None:
    """`Looked at 9 of 14`, where something could not be seen."""
    there = [result for result in report.results if result.status is not Status.SKIP]
    blind = [result for result in there if result.status is Status.UNKNOWN and result.id != KIND]
    if not blind:
        return None
    n, total = len(there) - len(blind), len(there)
    if not report.privileged and any(f.unlock for r in blind for f in r.findings):
        return t("Looked at {n} of {total}; sudo shows the rest", n=n, total=total)
    return t("Looked at {n} of {total}", n=n, total=total)


def unlocks(report: Report) -> list[tuple[Result, Text, str | None]]:
    """What could not be looked at, why, and the line that would allow it."""
    return [
        (result, finding.text, finding.unlock)
        for result in report.results
        if result.status is Status.UNKNOWN and result.id != KIND
        for finding in result.findings
        if finding.status is Status.UNKNOWN
    ]


def what(result: Result) -> Text:
    """One sentence for a result: its worst finding, or what holds it up."""
    if result.status is Status.BLOCKED:
        names = ", ".join(result.blocked_by)
        return plural("not looked at while {names} fails", "not looked at while {names} fail",
                      n=len(result.blocked_by), names=names)  # fmt: skip
    for status in WORST_FIRST:
        for finding in result.findings:
            if finding.status is status:
                return finding.text
    return result.title


def consequence(result: Result) -> bool:
    """It fails, or was not looked at, because of something else."""
    return bool(result.explained_by or result.blocked_by)


def worst_first(report: Report) -> list[Result]:
    """Causes before consequences, then by status, in the order of the checks; without what is said above them all."""
    causal = {cause.instance for cause in report.causes}
    told = [result for result in report.results if result.id != KIND or result.status is Status.SKIP]
    return sorted(told, key=lambda result: (result.instance not in causal, WORST_FIRST.index(result.status)))


def counted(report: Report) -> tuple[Status, ...]:
    """Of which results the number alone is told, unless all is asked for: what is well beside something broken, what
    its cause has named already, and what is not here beside what is."""
    causes = [*report.causes, *(one.cause for one in report.known)]
    if causes or nothing_here(report.results):
        named = {name for cause in causes for name in cause.explains}
        blocked = {result.instance for result in report.results if result.status is Status.BLOCKED}
        return (Status.BLOCKED, Status.OK, Status.SKIP) if blocked <= named else (Status.OK, Status.SKIP)
    return (Status.SKIP,) if any(result.status is not Status.SKIP for result in report.results) else ()


def background(report: Report) -> list[Text]:
    """What the history says, and the problems that are known and alarm nobody."""
    return [*report.story, *map(_known, report.known)]


def _known(one: Known) -> Text:
    if one.reason:
        return t("Known, {until}: {cause} [{id}] ({reason})", until=one.until, cause=one.cause.text,
                 id=one.cause.instance, reason=one.reason)  # fmt: skip
    return t("Known, {until}: {cause} [{id}]", until=one.until, cause=one.cause.text, id=one.cause.instance)


class Row(NamedTuple):
    """One labelled row of a cause; ``commands`` and plain strings are from outside and never translated."""

    label: Text
    said: tuple[Text | str, ...] = ()
    commands: tuple[str, ...] = ()


def cause_rows(cause: Cause) -> list[Row]:
    """A cause for people: what was seen, how sure it is, what to do, how to see it oneself, what it explains."""
    rows = []
    if cause.evidence:
        rows.append(Row(t("Seen"), tuple(f"{one.source}: {one.line}" for one in cause.evidence)))
    rows.append(Row(t("Certain"), (t("yes") if cause.certainty == "certain" else t("likely, not proven"),)))
    todo: tuple[Text, ...] = (cause.remedy,) if cause.remedy is not None else ()
    if cause.restart_helps is False and cause.severity is Status.FAIL:
        todo += (t("A restart does not help."),)
    rows.append(Row(t("To do"), todo, cause.commands))
    if cause.by_hand and cause.by_hand not in cause.commands:
        rows.append(Row(t("To see it"), (), (cause.by_hand,)))
    if cause.explains:
        rows.append(Row(t("Explains"), (", ".join(cause.explains),)))
    return rows
