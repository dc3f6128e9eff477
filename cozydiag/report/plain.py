"""`--format text`: plain lines for pipes, mail and people without a terminal. One fact a line, not wrapped."""

from __future__ import annotations

from collections.abc import Callable

from cozydiag.model import Report, Result, Status
from cozydiag.report import words
from cozydiag.text import Text, plural, t
from cozydiag.text.catalogue import Catalogue, render

Say = Callable[["Text | str"], str]


def plain(
    report: Report, catalogue: Catalogue, *, symbols: words.Symbols = words.UNICODE, verbose: bool = False
) -> str:
    """The whole report as text, ending with a line end."""
    say = speaker(catalogue)
    lines = [*opening(report, catalogue, symbols), ""]
    results = words.worst_first(report)
    there = [result for result in results if result.status is not Status.SKIP]
    for result in results if verbose else there or results:
        lines.append(outcome(result, say))
        if verbose:
            lines += [f"        {one.source}: {one.line}" for one in result.evidence]
    if there and not verbose and (absent := len(results) - len(there)):
        more = plural("{n} more check (-v shows it)", "{n} more checks (-v shows them)", n=absent)
        lines.append(f"{say(words.STATUS_WORDS[Status.SKIP])}: {say(more)}")
    missing = unlooked(report, say)
    lines += ["", *missing] if missing else []
    if report.second_look:
        lines += ["", say(t("Looked twice at what had just started."))]
    return "\n".join(lines) + "\n"


def speaker(catalogue: Catalogue) -> Say:
    """Puts texts into words; what is from outside stays as it is."""
    return lambda text: text if isinstance(text, str) else render(text, catalogue)


def opening(report: Report, catalogue: Catalogue, symbols: words.Symbols) -> list[str]:
    """What everybody must see: the chain, the headline, the causes."""
    say = speaker(catalogue)
    chain = "".join(part for part, _ in words.chain_parts(report, symbols, catalogue))
    lines = [chain, "", say(words.headline(report))]
    for text, command in words.kind(report):
        lines += [capital(say(text)), *([f"    {command}"] if command else [])]
    for cause in report.causes:
        mark = symbols.marks["broken" if cause.severity is Status.FAIL else "warn"]
        lines += ["", f"{mark} {say(cause.text)} [{cause.code}]"]
        for row in words.cause_rows(cause):
            labelled = t("{name}: {value}", name=row.label, value=" ".join(map(say, row.said)))
            lines.append(f"    {say(labelled)}".rstrip())
            lines += [f"        {command}" for command in row.commands]
    background = words.background(report)
    return [*lines, "", *map(say, background)] if background else lines


def capital(words: str) -> str:
    """As a sentence of its own."""
    return words[:1].upper() + words[1:] + "."


def outcome(result: Result, say: Say) -> str:
    """One line: what came of one look, and what is behind it."""
    behind = f" <- {', '.join(result.explained_by)}" if result.explained_by else ""
    return f"{say(words.STATUS_WORDS[result.status])}: {result.instance}: {say(words.what(result))}{behind}"


def unlooked(report: Report, say: Say) -> list[str]:
    """What could not be seen, why, and the line that would show it."""
    looked = words.looked(report)
    if looked is None:
        return []
    lines = [say(looked)]
    for result, why, unlock in words.unlocks(report):
        lines.append(f"    {result.instance}: {say(why)}" + (f": {unlock}" if unlock else ""))
    return lines
