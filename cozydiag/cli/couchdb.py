"""`cozydiag couchdb`: the picture of this CouchDB on one screen. Not annotated lazily: see `status`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import EXIT, ConfigOption, LangOption, configuration, say, write
from cozydiag.findings import skip
from cozydiag.model import Finding, Report, Status
from cozydiag.text import t

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cozydiag.host import Host
    from cozydiag.stack import Stack


def couchdb(
    again: Annotated[bool, typer.Option("--again", help=say(t("Try a login once more that was refused.")))] = False,
    write_probe: Annotated[
        bool, typer.Option("--write-probe", help=say(t("Save one small local document, to see whether saving works.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.couchdb import memory, picture
    from cozydiag.engine.examine import Wish, look
    from cozydiag.host import Host, World

    loaded = configuration(config)
    if again:
        memory.forget(loaded)
    report, stack = look(loaded, Wish(only=("couchdb.*",), deadline=loaded.timing.deadline))
    host = Host(World(), loaded.timing.deadline, "couchdb")
    seen = list(picture.lines(host, stack))
    probed = [*_as_the_app(host, stack, report), *(_probe(host, stack) if write_probe else ())]
    memory.keep(stack.config, stack.refusal)
    mask = stack.masks().mask
    for label, value in seen:
        write(mask(f"{say(label):<14}{say(value)}") + "\n")
    write("\n" + mask("\n".join(map(_folded, _problems(report, probed)))) + "\n")
    failed = any(one.status is Status.FAIL for one in probed)
    return EXIT[Status.FAIL if failed else report.verdict]


def _probe(host: "Host", stack: "Stack") -> "Iterator[Finding]":
    from cozydiag.couchdb import access, probe

    account = access.known(stack, host)
    if account is None:
        yield skip(t("nothing was written: there is no login that CouchDB takes"))
    else:
        yield probe.write(host, account, access.expected(stack, host)[0])


def _as_the_app(host: "Host", stack: "Stack", report: Report) -> "Iterator[Finding]":
    """What root alone can try, where nothing else is wrong: CouchDB as the apps' own user sees it."""
    from cozydiag.couchdb import access

    process = access.app(stack, host) if host.euid() == 0 and not report.causes else None
    if process is not None:
        from cozydiag.couchdb import apps_view

        yield apps_view.finding(host, stack, process, always=True)


def _folded(line: str) -> str:
    """For people at a terminal; programs get each sentence on one line."""
    if not sys.stdout.isatty():
        return line
    from shutil import get_terminal_size
    from textwrap import fill

    width = max(40, get_terminal_size().columns)
    return fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _problems(report: Report, probed: list[Finding]) -> list[str]:
    from cozydiag.report.words import unlocks, what

    lines = []
    for cause in report.causes:
        lines.append(f"! {say(cause.text)} [{cause.code}]")
        lines += [f"  {say(cause.remedy)}"] if cause.remedy is not None else []
    for one in probed:
        lines.append(f"! {say(one.text)} [{one.code}]" if one.code else f"· {say(one.text)}")
        lines += [f"  {say(one.advice)}"] if one.advice is not None else []
    for _, why, unlock in unlocks(report):
        lines.append(f"? {say(why)}")
        lines += [f"  {unlock}"] if unlock else []
    absent = [
        what(result) for result in report.results if result.id == "couchdb.reach" and result.status is Status.SKIP
    ]
    if not lines or (report.verdict is Status.OK and not any(one.code for one in probed)):
        lines += map(say, absent or [t("No problem was found.")])
    return lines
