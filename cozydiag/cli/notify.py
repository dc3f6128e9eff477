"""`cozydiag notify`: who is told by `cozydiag cron`, and whether that works."""

import os
from typing import Annotated

import typer

from cozydiag.cli.common import ConfigOption, LangOption, configuration, say, symbols, write
from cozydiag.text import t


def notify(
    test: Annotated[
        bool, typer.Option("--test", help=say(t("Send a message by each way, and say what came of it.")))
    ] = False,
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:  # fmt: skip
    loaded = configuration(config).notify
    names = [name for name in ("ping", "kuma", "webhook", "apprise", "prometheus") if getattr(loaded, name)]
    if not names:
        write(say(t("Only who gets cron's mail is told: nothing is set in {table}.", table="[notify]")) + "\n")
        return 0
    if not test:
        write("".join(f"{name}\n" for name in names) + say(t("`cozydiag notify --test` tries each.")) + "\n")
        return 0
    from cozydiag.host.clock import Clock
    from cozydiag.watch.channels import Heartbeat, Message, channels
    from cozydiag.watch.round import TAG

    host = os.uname().nodename
    message = Message(
        say(t("{tag} test on {host}", tag=TAG, host=host)), say(t("This is a test: all is well.")) + "\n", 0
    )
    clock = Clock()
    outcomes = {name: send(message) for name, send in channels(loaded, clock)}
    outcomes |= Heartbeat(loaded, clock).end(0, message.body, 0.0)
    marks = symbols().marks
    for name, failure in outcomes.items():
        if failure is None:
            write(f"{marks['ok']} {name}\n")
        else:
            write(f"{marks['broken']} {name}: " + say(t("{why}", why=failure.detail)) + "\n")
    return 2 if any(outcomes.values()) else 0
