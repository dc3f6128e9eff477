"""`--format terminal`: one screen, the cause on top. Collected text is printed without markup, always."""

from __future__ import annotations

from typing import IO, cast

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text as Styled

from cozydiag.model import Cause, Report, Result, Status
from cozydiag.report import words
from cozydiag.report.plain import capital
from cozydiag.text import Text, plural, t
from cozydiag.text.catalogue import Catalogue, render

_COLOURS = {
    "ok": "green", "broken": "bold red", "waiting": "yellow", "warn": "bold yellow", "unknown": "magenta",
}  # fmt: skip

_STATUS_COLOURS = {
    Status.OK: "green", Status.SKIP: "dim", Status.WARN: "yellow", Status.FAIL: "bold red", Status.UNKNOWN: "magenta",
    Status.BLOCKED: "dim", Status.TIMEOUT: "bold red", Status.ERROR: "magenta",
}  # fmt: skip


_NARROW = 60
"""Columns below which checks have no column of their own: there would be no room for what they say."""

_NO_BREAK, _GLUE = "\u00a0", "\uf8ff"


class _Glued:
    """Writes no-break spaces where rich, which breaks lines at them, was given a letter: no line of French begins with
    a colon."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        return self._file.write(text.replace(_GLUE, _NO_BREAK))


class Terminal:
    """Draws a report on ``file``; ``width`` only where the terminal's own is not wanted. ``always``: in colours, too,
    where ``file`` is none but will be shown on one."""

    def __init__(
        self, file: IO[str], catalogue: Catalogue, symbols: words.Symbols, width: int | None = None, *,
        always: bool = False,
    ) -> None:  # fmt: skip
        self.console = Console(
            file=cast(IO[str], _Glued(file)), highlight=False, markup=False, emoji=False, width=width, soft_wrap=False,
            force_terminal=True if always else None,
        )  # fmt: skip
        self.catalogue = catalogue
        self.symbols = symbols
        self._narrow = self.console.width < _NARROW

    def say(self, text: Text | str) -> str:
        words = text if isinstance(text, str) else render(text, self.catalogue)
        return words.replace(_NO_BREAK, _GLUE)

    def show(self, report: Report, *, verbose: bool = False) -> None:
        self.opening(report)
        self.console.print(self._table(report, verbose=verbose))
        self._unlooked(report)
        if report.second_look:
            self.console.print(Styled(self.say(t("Looked twice at what had just started.")), "dim"))

    def opening(self, report: Report) -> None:
        """What everybody must see: the chain, the causes, the headline."""
        self.console.print(self._chain(report))
        self.console.print()
        for cause in report.causes:
            self._cause(cause)
            self.console.print()
        for sentence in words.background(report):
            self.console.print(Padding(Styled(self.say(sentence), "dim"), (0, 0, 0, 2)))
        self.console.print(self._headline(report))
        for text, command in words.kind(report):
            self.console.print(Styled(capital(self.say(text))))
            if command:
                self.console.print(Styled(f"      {command}", "cyan"), soft_wrap=True)

    def _chain(self, report: Report) -> Styled:
        line = Styled()
        for part, mark in words.chain_parts(report, self.symbols, self.catalogue):
            line.append(part, _COLOURS.get(mark, ""))
        return line

    def _headline(self, report: Report) -> Rule:
        colour = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "magenta"}[str(report.verdict)]
        characters = "─" if self.symbols is words.UNICODE else "-"
        title = Styled(self.say(words.headline(report)), f"bold {colour}")
        return Rule(title, align="left", style=colour, characters=characters)

    def _cause(self, cause: Cause) -> None:
        """The sentence, then what was seen and what to do. Commands stand on lines of their own, never wrapped: they
        are there to be copied."""
        broken = cause.severity is Status.FAIL
        mark = self.symbols.marks["broken" if broken else "warn"]
        self.console.print(Styled(f"{mark} {self.say(cause.text)}", "bold red" if broken else "bold yellow"))
        rows = words.cause_rows(cause)
        width = max(len(self.say(row.label)) for row in rows)
        for row in rows:
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(style="bold", no_wrap=True, min_width=width)
            grid.add_column(overflow="fold")
            said = "\n".join(map(self.say, row.said))
            grid.add_row(self.say(row.label), said)
            self.console.print(Padding(grid, (0, 0, 0, 2)))
            for command in row.commands:
                self.console.print(Styled(f"      {command}", "cyan"), soft_wrap=True)

    def _table(self, report: Report, *, verbose: bool) -> Table:
        """Worst first. What is well is one line each, or one line in all where something is broken, or nothing is
        here: what matters must not scroll away. What is not here is counted, unless that is all there is to say."""
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False, expand=False)
        table.add_column(no_wrap=True)
        if not self._narrow:
            table.add_column(overflow="fold", max_width=30, no_wrap=not verbose)
        table.add_column(overflow="fold")
        counted = () if verbose else words.counted(report)
        results = words.worst_first(report)
        for result in results:
            if result.status not in counted:
                table.add_row(*self._row(result, verbose=verbose))
        for status in counted:
            if n := sum(result.status is status for result in results):
                more = plural("{n} more check (-v shows it)", "{n} more checks (-v shows them)", n=n)
                name = Styled(self.say(words.STATUS_WORDS[status]), _STATUS_COLOURS[status])
                table.add_row(name, *([] if self._narrow else [Styled()]), Styled(self.say(more)))
        return table

    def _row(self, result: Result, *, verbose: bool) -> tuple[Styled, ...]:
        """What is well says so itself; of the rest the check's name is needed in every width."""
        follows = words.consequence(result)
        style = "dim" if follows else ""
        status = Styled(self.say(words.STATUS_WORDS[result.status]), style or _STATUS_COLOURS[result.status])
        said = Styled(self.say(words.what(result)), style)
        if result.status is Status.OK and not verbose:
            said = Styled(said.plain, no_wrap=True, overflow="ellipsis")
        if self._narrow and (result.status is not Status.OK or verbose):
            said.append(f"\n{result.instance}", "dim")
        if verbose:
            for one in result.evidence:
                said.append(f"\n{one.source}: {one.line}", "dim")
        name = [] if self._narrow else [Styled(result.instance, style, overflow="ellipsis")]
        return status, *name, said

    def _unlooked(self, report: Report) -> None:
        looked = words.looked(report)
        if looked is None:
            return
        self.console.print()
        self.console.print(Styled(self.say(looked), "magenta"))
        for result, why, unlock in words.unlocks(report):
            line = Styled(f"  {result.instance}: {self.say(why)}")
            if unlock:
                line.append(f"\n      {unlock}", "cyan")
            self.console.print(line)
