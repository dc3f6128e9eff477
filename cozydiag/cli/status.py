"""`cozydiag status`: look at everything once and say what is broken.

Its annotations are not postponed: typer would compile each of them twice, a quarter of a bare interpreter.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import (
    EXIT,
    ConfigOption,
    LangOption,
    Problem,
    close_stdout,
    configuration,
    globs,
    language,
    one_of,
    say,
    symbols,
    write,
)
from cozydiag.model import Report, Result, Status
from cozydiag.text import plural, t

if TYPE_CHECKING:
    from collections.abc import Callable

    from cozydiag.config import Config
    from cozydiag.engine.examine import Wish

FORMATS = ("terminal", "text", "json", "jsonl", "nagios", "prometheus", "junit")

_LEVELS = {"warning": Status.WARN, "unknown": Status.UNKNOWN, "critical": Status.FAIL}
_RANK = (Status.OK, Status.WARN, Status.UNKNOWN, Status.FAIL)


def status(
    url: Annotated[
        str, typer.Argument(metavar="[URL]", show_default=False, help=say(t("Follow this one address.")))
    ] = "",
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help=say(t("terminal, text, json, jsonl, nagios, prometheus or junit."))
        ),
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CHECK", help=say(t("Only these checks, such as couchdb.*")))
    ] = None,
    skip: Annotated[list[str] | None, typer.Option("--skip", metavar="CHECK", help=say(t("Not these checks.")))] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help=say(t("Say nothing when all is well.")))] = False,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="LEVEL", help=say(t("Exit 0 when the verdict is below: warning, unknown or critical."))
        ),
    ] = "warning",
    deadline: Annotated[
        float,
        typer.Option(
            "--deadline", metavar="SECONDS", show_default=False,
            help=say(t("Time for the whole run, else that of the settings.")),
        ),
    ] = 0.0,
    watch: Annotated[
        float,
        typer.Option("--watch", metavar="[SECONDS]", show_default=False, help=say(t("A live screen; q ends it.")))
    ] = 0.0,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help=say(t("Show all that was seen.")))] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:  # fmt: skip
    layout = one_of("--format", format_ or ("terminal" if sys.stdout.isatty() else "text"), FORMATS)
    level = level_of(fail_on)
    chosen = globs("--only", only), globs("--skip", skip)

    def look() -> Report:
        return _look(config, *chosen, deadline, url, quiet=quiet and not watch, calm=bool(watch))

    if watch:
        return code(_watched(look, watch), level)
    report = look()
    if not (quiet and report.verdict is Status.OK):
        try:
            show(report, layout, verbose=verbose)
        except (BrokenPipeError, SystemExit):  # rich ends the process itself when the reader has gone
            close_stdout()  # the exit code is still the verdict
    return code(report, level)


def _watched(look: "Callable[[], Report]", seconds: float) -> Report:
    from cozydiag.cli.watching import watch

    if seconds < 1:
        raise Problem(t("--watch takes seconds, 1 or more"))
    return watch(look, seconds)


def level_of(fail_on: str) -> Status:
    """The verdict from which on the exit code is not 0."""
    return _LEVELS[one_of("--fail-on", fail_on, tuple(_LEVELS))]


def code(report: Report, level: Status) -> int:
    return EXIT[report.verdict] if _RANK.index(report.verdict) >= _RANK.index(level) else 0


def _look(
    config: str | None, only: tuple[str, ...], skip: tuple[str, ...], deadline: float, url: str, *,
    quiet: bool = False, calm: bool = False,
) -> Report:  # fmt: skip
    """``quiet``: nothing is said when all is well. ``calm``: no line tells how far it is."""
    from cozydiag.engine.examine import Wish, examine

    loaded = configuration(config)
    if deadline < 0:
        raise Problem(t("--deadline takes seconds, more than 0"))
    wish = Wish(only, skip, deadline or loaded.timing.deadline)
    if url:
        loaded, wish = _follow(loaded, url, wish)
    alone = quiet or calm or not sys.stderr.isatty()
    report = examine(loaded, wish) if alone else _with_progress(loaded, wish)
    if report.causes or not quiet:
        from cozydiag.watch.background import with_background

        report = with_background(loaded, report)
    if only and not report.results:
        raise Problem(t("no check is called {names}; `cozydiag checks` lists them", names=", ".join(only)))
    return report


def _follow(config: "Config", url: str, wish: "Wish") -> tuple["Config", "Wish"]:
    """The settings for one address, and what to look at."""
    from cozydiag.host.url import parse

    parsed = parse(url)
    if parsed is None:
        text = t("{url} is not an address that begins with http:// or https://", url=url)
        if "://" in url or parse(f"https://{url}/") is None:
            raise Problem(text)
        raise Problem(t("{problem}; did you mean {near}?", problem=text, near=f"https://{url}/"))
    from cozydiag.site import address

    aimed = address.aimed(config, parsed)
    if aimed.sites[0].elsewhere:
        return aimed, wish._replace(only=address.sensible(wish.only))
    return aimed, wish._replace(told=wish.only or address.HERE)


def _with_progress(config: "Config", wish: "Wish") -> Report:
    """One line on stderr that goes away: how many checks have ended."""
    from cozydiag.engine.examine import examine

    done: list[Result] = []

    def progress(result: Result) -> None:
        done.append(result)
        words = say(plural("Looking: {n} check done", "Looking: {n} checks done", n=len(done)))
        print(f"\r{words}", end="", file=sys.stderr, flush=True)

    try:
        return examine(config, wish, progress)
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def show(report: Report, layout: str, *, verbose: bool = False) -> None:
    """The report on stdout, in one of the formats for `status`."""
    if layout == "terminal":
        from cozydiag.report.terminal import Terminal

        Terminal(sys.stdout, language(), symbols()).show(report, verbose=verbose)
    elif layout == "text":
        from cozydiag.report.plain import plain

        write(plain(report, language(), symbols=symbols(), verbose=verbose))
    else:
        write(for_machines(report, layout))


def for_machines(report: Report, layout: str) -> str:
    """The report in a format that a program reads."""
    if layout == "nagios":
        from cozydiag.report.nagios import nagios

        return nagios(report, language())
    if layout == "prometheus":
        from cozydiag.report.prometheus import prometheus

        return prometheus(report)
    if layout == "junit":
        from cozydiag.report.junit import junit

        return junit(report, language())
    from cozydiag.report.as_json import as_json, as_line

    return as_line(report) if layout == "jsonl" else as_json(report)
