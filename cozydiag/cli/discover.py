"""`cozydiag discover`: what is here, by which signs, and as a configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cozydiag.cli.common import (
    EXIT,
    UNWRITTEN,
    ConfigOption,
    LangOption,
    Problem,
    configuration,
    language,
    one_of,
    say,
    wrapped,
    write,
)
from cozydiag.model import Status
from cozydiag.text import t, verbatim

if TYPE_CHECKING:
    from cozydiag.report.discover import Found


def discover(
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help=say(t("text or json.")))] = "text",
    write_: Annotated[
        bool, typer.Option("--write", help=say(t("Write a configuration of it, unless there is one.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.report import discover as report
    from cozydiag.report.plain import speaker

    speak = speaker(language())
    one_of("--format", format_, ("text", "json"))
    new = config if write_ and config is not None and not os.path.lexists(config) else None
    found, mask = _look(None if new else config)
    if write_:
        path = new or _target(config)
        _create(path, mask(report.as_toml(found, speak)))
        write(say(t("{path} is written. Read it, and correct what is wrong.", path=path)) + "\n")
    elif format_ == "json":
        write(mask(report.as_json(found)))
    else:
        lines = mask(report.as_text(found, speak)).splitlines()
        write("\n".join(line if line.startswith(" ") else wrapped(line) for line in lines) + "\n")
    return EXIT[Status.UNKNOWN if found.nothing else Status.OK]


def _look(config: str | None) -> tuple[Found, Callable[[str], str]]:
    from cozydiag.cozy.kind import see
    from cozydiag.host import Host, World
    from cozydiag.report.discover import Found
    from cozydiag.stack import Stack
    from cozydiag.stack import found as sites

    stack = Stack(configuration(config))
    if not stack.config.discover:
        raise Problem(t("nothing is searched for: the configuration says discover = false"))
    host = Host(World(), stack.config.timing.deadline, "discover")
    stack.settle(host)
    seen = see(host, stack)
    others = sites.others(stack, host) if seen.flavours else ()
    return Found(seen, stack.managers(host), stack.config, others), stack.masks().mask


def _target(config: str | None) -> str:
    """Where the configuration belongs: root's is the machine's. Raises Problem where one is already."""
    from cozydiag.config.file import MACHINE

    if config is not None:
        path = config
    elif os.geteuid() == 0:
        path = MACHINE
    else:
        base = os.environ.get("XDG_CONFIG_HOME", "")
        path = os.path.join(base if base.startswith("/") else os.path.expanduser("~/.config"), "cozydiag/config.toml")
    if os.path.lexists(path):
        raise Problem(t("{path} is there already: move it away, or name another with --config", path=path), UNWRITTEN)
    return path


def _create(path: str, content: str) -> None:
    """For its owner alone to write; never over a file that is there."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o755, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        why = verbatim(error.strerror or str(error))
        raise Problem(t("{path} could not be written: {why}", path=path, why=why), UNWRITTEN) from None
