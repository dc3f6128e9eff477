"""`cozydiag schedule`: have `cozydiag cron` run by systemd or cron."""

import os
import sys
from typing import Annotated, Any

import typer

from cozydiag.cli.common import (
    UNAVAILABLE,
    UNWRITTEN,
    ConfigOption,
    LangOption,
    Problem,
    configuration,
    group,
    say,
    write,
)
from cozydiag.text import t


def build(settings: dict[str, Any], help: str) -> typer.Typer:
    """The group of commands; without one of them `show`."""
    app = group(settings, help, {
        "show": (show, t("Show what would be written.")),
        "install": (install, t("Write it, and start the timer.")),
        "remove": (remove, t("Stop the timer, and leave nothing.")),
    })  # fmt: skip

    @app.callback(invoke_without_command=True)
    def show_or_command(context: typer.Context, lang: LangOption = None) -> None:
        if context.invoked_subcommand is None:
            raise typer.Exit(show(lang=lang))

    return app


def show(
    every: Annotated[str, typer.Option("--every", metavar="TIME", help=say(t("How often: 5min, 1h, 1d.")))] = "5min",
    with_fix: Annotated[
        bool, typer.Option("--with-fix", help=say(t("Also restart what a restart can repair.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    for file in _files(every, with_fix, config, lang):
        write(f"# {file.path}\n{file.content}\n")
    return 0


def install(
    every: Annotated[str, typer.Option("--every", metavar="TIME", help=say(t("How often: 5min, 1h, 1d.")))] = "5min",
    with_fix: Annotated[
        bool, typer.Option("--with-fix", help=say(t("Also restart what a restart can repair.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    from cozydiag.watch.installing import install as put

    files = _files(every, with_fix, config, lang)
    _for_root()
    failed = put(files, systemd=_systemd())
    if failed is not None:
        raise Problem(failed, UNWRITTEN)
    _make_state(config)
    for file in files:
        write(f"{file.path}\n")
    write(say(t("cozydiag now looks at this server every {every}.", every=every)) + "\n")
    return 0


def remove(
    lang: LangOption = None,
) -> int:
    from cozydiag.watch.installing import remove as take_away

    _for_root()
    gone = take_away(systemd=_systemd())
    write("".join(f"{path}\n" for path in gone) or say(t("There was no timer.")) + "\n")
    return 0


def _files(every: str, with_fix: bool, config: str | None, lang: str | None) -> list[Any]:
    from cozydiag.watch.timer import Wish, files

    loaded = configuration(config)
    prometheus, state = loaded.notify.prometheus, loaded.paths.state
    writable = (*([os.path.dirname(prometheus)] if prometheus else []), *([state] if state else []))
    options = ("--config", os.path.abspath(config)) if config else ()
    language = ("--lang", lang) if lang else ()
    return files(Wish(_program(), _seconds(every), (*options, *language), with_fix, writable), systemd=_systemd())


def _make_state(config: str | None) -> None:
    """Here, where root may still give it to the group that reads logs: the unit may not."""
    from cozydiag.state import open_state

    open_state(configuration(config).state_folder).close()


def _seconds(every: str) -> int:
    import re

    match = re.fullmatch(r"(\d+)\s*(min|h|d|j)", every)
    seconds = int(match[1]) * {"min": 60, "h": 3600, "d": 86400, "j": 86400}[match[2]] if match else 0
    if not 60 <= seconds <= 86400:
        raise Problem(t("--every takes a time from 1min to 1d, such as 5min, not {every}", every=every))
    return seconds


def _program() -> tuple[str, ...]:
    """This very cozydiag, by its absolute path: cron's PATH is short."""
    own = os.path.abspath(sys.argv[0])
    if os.path.basename(own) == "cozydiag" and os.access(own, os.X_OK):
        return (own,)
    return (sys.executable, "-m", "cozydiag")


def _systemd() -> bool:
    from cozydiag.watch.timer import RUNNING

    return os.path.isdir(RUNNING)


def _for_root() -> None:
    if os.geteuid() != 0:
        raise Problem(t("only root can do that: put sudo in front of it"), UNAVAILABLE)
