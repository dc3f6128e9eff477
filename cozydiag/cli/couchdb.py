"""`cozydiag couchdb`: the picture of this CouchDB on one screen. Not annotated lazily: see `status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import EXIT, configuration, say, write
from cozydiag.model import Finding, Report, Status
from cozydiag.text import t

if TYPE_CHECKING:
    from cozydiag.host import Host
    from cozydiag.stack import Stack


def couchdb(
    again: Annotated[bool, typer.Option("--again", help=say(t("Try a login once more that was refused.")))] = False,
    write_probe: Annotated[
        bool, typer.Option("--write-probe", help=say(t("Save one small local document, to see whether saving works.")))
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help=say(t("Use this configuration.")))
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|fr", help=say(t("The language.")))] = None,  # noqa: ARG001
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
    probed = _probe(host, stack) if write_probe else None
    memory.keep(loaded, stack.refusal)
    mask = stack.masks().mask
    for label, value in seen:
        write(mask(f"{say(label):<14}{say(value)}") + "\n")
    write("\n" + mask("\n".join(_problems(report, probed))) + "\n")
    failed = probed is not None and probed.status is Status.FAIL
    return EXIT[Status.FAIL if failed else report.verdict]


def _probe(host: "Host", stack: "Stack") -> Finding | None:
    from cozydiag.couchdb import access, probe

    account = access.known(stack, host)
    return probe.write(host, account, access.expected(stack, host)[0]) if account else None


def _problems(report: Report, probed: Finding | None) -> list[str]:
    lines = []
    for cause in report.causes:
        lines.append(f"! {say(cause.text)} [{cause.code}]")
        lines += [f"  {say(cause.remedy)}"] if cause.remedy is not None else []
    if probed is not None:
        lines.append(f"{'!' if probed.status is Status.FAIL else '·'} {say(probed.text)}")
    return lines or [say(t("No problem was found."))]
