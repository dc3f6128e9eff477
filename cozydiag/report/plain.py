"""`--format text`: plain lines for pipes, mail and people without a terminal. One fact a line, not wrapped."""

from __future__ import annotations

from collections.abc import Callable

from cozydiag.model import Report, Status
from cozydiag.report import words
from cozydiag.text import Text, t
from cozydiag.text.catalogue import Catalogue, render


def plain(
    report: Report, catalogue: Catalogue, *, symbols: words.Symbols = words.UNICODE, verbose: bool = False
) -> str:
    """The whole report as text, ending with a line end."""

    def say(text: Text | str) -> str:
        return text if isinstance(text, str) else render(text, catalogue)

    lines = [
        "".join(part for part, _ in words.chain_parts(report, symbols, catalogue)),
        "",
        say(words.headline(report)),
    ]
    for cause in report.causes:
        mark = symbols.marks["broken" if cause.severity is Status.FAIL else "warn"]
        lines += ["", f"{mark} {say(cause.text)} [{cause.code}]"]
        for row in words.cause_rows(cause):
            lines.append(f"    {say(row.label)}: {' '.join(map(say, row.said))}".rstrip())
            lines += [f"        {command}" for command in row.commands]
    lines.append("")
    for result in words.worst_first(report):
        behind = f" <- {', '.join(result.explained_by)}" if result.explained_by else ""
        lines.append(f"{say(words.STATUS_WORDS[result.status])}: {result.instance}: {say(words.what(result))}{behind}")
        if verbose:
            lines += [f"        {one.source}: {one.line}" for one in result.evidence]
    lines += _unlooked(report, say)
    if report.second_look:
        lines += ["", say(t("Looked twice at what had just started."))]
    return "\n".join(lines) + "\n"


def _unlooked(report: Report, say: Callable[[Text | str], str]) -> list[str]:
    looked = words.looked(report)
    if looked is None:
        return []
    lines = ["", say(looked)]
    for result, why, unlock in words.unlocks(report):
        lines.append(f"    {result.instance}: {say(why)}" + (f": {unlock}" if unlock else ""))
    return lines
