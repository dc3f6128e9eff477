"""The command line as a whole: its commands, its mistakes, and what an error looks like.

Its annotations are not postponed: see `status`.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Annotated, Final

import typer

from cozydiag.cli.common import (
    CONFIGURATION,
    EXIT,
    INTERNAL,
    UNWRITTEN,
    USAGE,
    LangOption,
    Problem,
    asked_for,
    close_stdout,
    one_of,
    open_outputs,
    say,
    without_secrets,
)
from cozydiag.model import Status
from cozydiag.text import Text, t

_COMMANDS: Final[Mapping[str, Text]] = {
    "status": t("Say what is broken, why, and what to do."),
    "fix": t("Show what would mend it; with --restart, do it."),
    "journal": t("Show what was done to the services, when, why and by whom."),
    "maintenance": t("Have nothing repaired for a while."),
    "services": t("Show all services; start, stop, logs."),
    "report": t("Print all for those who help, secrets masked."),
    "redact": t("Hide secrets and names in any text."),
    "cron": t("For timers: silent when well, told when something changes."),
    "history": t("Show what was when, and what is coming."),
    "ignore": t("Live with a known problem: it is shown, and alarms nobody."),
    "notify": t("Show who is told, and try whether that works."),
    "schedule": t("Have `cozydiag cron` run by a timer."),
    "logs": t("Say what a log tells: starts, crashes, causes, remedies."),
    "rules": t("List the known problems, show one, test all."),
    "read": t("Read a report that somebody has posted."),
    "reveal": t("Put the true names back into an answer."),
    "collect-script": t("Print a shell script that looks where cozydiag cannot run."),
    "diff": t("Show what changed from one report to another."),
    "checks": t("List the checks and where they come from."),
    "discover": t("Show what is here, by which signs, at which addresses."),
    "config": t("Show the settings in force and where each comes from."),
    "couchdb": t("Show this CouchDB on one screen."),
    "curlcouch": t("Ask CouchDB with the apps' own login (GET)."),
    "demo": t("A small real stack on loopback to try cozydiag on."),
}
"""What each does. Each is a module here: a function of that name, or ``build`` for a group. Only the one that is typed
is imported."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application for one command line, its help in the reader's language."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=settings,
        help=say(t("Says which one thing is broken on this server, why, and what to do.")),
    )  # fmt: skip

    @app.callback(invoke_without_command=True)
    def alone(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help=say(t("Print the version.")))] = False,
        lang: LangOption = None,
        debug: Annotated[bool, typer.Option("--debug", help=say(t("Show where an error came from.")))] = False,
    ) -> None:
        if version:
            from cozydiag import __version__

            print(f"cozydiag {__version__}")
        elif context.invoked_subcommand is None:
            from cozydiag.cli.status import status

            code = status()
            if code:
                print()
                if code != EXIT[Status.UNKNOWN]:
                    print(say(t("Next: `cozydiag fix` shows what would mend it.")))
                print(say(t("`cozydiag report > diag.txt` is for those who help.")))
            raise typer.Exit(code)

    typed = _command_in(arguments)
    if typed is None or typed not in _COMMANDS:
        for name, text in _COMMANDS.items():
            app.command(name, help=say(text))(_listed_only)
        return app
    name = typed.replace("-", "_")
    module = import_module(f"cozydiag.cli.{name}")
    if hasattr(module, "build"):
        app.add_typer(module.build(settings, say(_COMMANDS[typed])), name=typed)
    else:
        app.command(typed, context_settings=settings, help=say(_COMMANDS[typed]))(getattr(module, name))
    return app


def _command_in(arguments: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the language that one names."""
    pairs = zip(("", *arguments), arguments, strict=False)
    return next((word for before, word in pairs if before != "--lang" and not word.startswith("-")), None)


def _with_seconds(arguments: list[str]) -> list[str]:
    """`--watch` alone looks every five seconds: typer knows no value that may be left out."""
    after = arguments.index("--watch") + 1
    given = after < len(arguments) and arguments[after].replace(".", "", 1).isdigit()
    return arguments if given else [*arguments[:after], "5", *arguments[after:]]


def _listed_only() -> None:
    """Stands for a command in the help, and where a word was mistyped: typer works out the options of each command it
    knows, and all of them cost half a bare interpreter."""


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit code. No traceback reaches a user, unless asked for."""
    open_outputs()
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    if "--watch" in arguments:
        arguments = _with_seconds(arguments)
    if {"-h", "--help"}.intersection(arguments):
        from cozydiag.cli.help_words import translate

        translate()
    try:
        asked = asked_for() or "en"
        one_of("--lang", "en" if asked[:2].lower() in ("en", "fr") else asked, ("en", "fr"))
        code = build(arguments)(arguments, prog_name="cozydiag", standalone_mode=False)
        _end_output()
    except Problem as problem:
        return _complain(problem.text, problem.code)
    except typer.TyperException as error:
        from cozydiag.cli.mistakes import sentence

        return _complain(sentence(error), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (BrokenPipeError, SystemExit):  # typer ends the process itself when the reader has gone
        close_stdout()
        return 0
    except Exception as error:  # noqa: BLE001  no traceback reaches a user by accident
        return _failed(error, debug=debug)
    return code if isinstance(code, int) else 0


def _end_output() -> None:
    """Whether all of it was written shows only here. That a reader has seen enough is no failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()


def _failed(error: Exception, *, debug: bool) -> int:
    from errno import EDQUOT, EIO, ENOSPC

    from cozydiag.config import ConfigError

    if isinstance(error, ConfigError):
        return _complain(error.text, CONFIGURATION)
    if isinstance(error, OSError) and error.filename is None and error.errno in (ENOSPC, EDQUOT, EIO):
        close_stdout()
        why = str(error.strerror)
        return _complain(t("the output could not be written whole: {why}", why=why), UNWRITTEN)
    if debug:
        return _trace(error)
    what = without_secrets(f"{type(error).__name__}: {error}")
    text = t("an error in cozydiag itself: {what}. Run it again with --debug to see where.", what=what[:300])
    return _complain(text, INTERNAL)


def _trace(error: Exception) -> int:
    from traceback import format_exception

    print(without_secrets("".join(format_exception(error))), end="", file=sys.stderr)
    return INTERNAL


def _complain(text: Text, code: int) -> int:
    if for_nagios(sys.argv[1:]):
        from cozydiag.report.nagios import trouble

        print(without_secrets(trouble(say(text))), end="")
        return EXIT[Status.UNKNOWN]  # any other code reads as CRITICAL there
    print(without_secrets(f"cozydiag: {say(text)}"), file=sys.stderr)
    return code


def for_nagios(arguments: Sequence[str]) -> bool:
    """Whether a monitoring system waits for the answer, and takes nothing but its own codes."""
    return "--format=nagios" in arguments or ("--format", "nagios") in pairwise(arguments)
