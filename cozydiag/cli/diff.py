"""`cozydiag diff`: what changed from one report to another, or since all was well."""

from collections.abc import Iterator
from typing import Annotated

import typer

from cozydiag.cli.common import UNAVAILABLE, ConfigOption, LangOption, Problem, configuration, say, write
from cozydiag.text import Text, When, t


def diff(
    old: Annotated[
        str, typer.Argument(metavar="[OLD]", show_default=False, help=say(t("An earlier report; none: the history.")))
    ] = "",
    new: Annotated[
        str, typer.Argument(metavar="[NEW]", show_default=False, help=say(t("A later one; - is the standard input.")))
    ] = "",
    config: ConfigOption = None,
    lang: LangOption = None,
) -> int:
    if old and not new:
        raise Problem(t("diff takes two reports, or none: then it says what changed since all was well"))
    found = list(_between(old, new) if old else _since_well(config))
    write("".join(f"{say(one)}\n" for one in found) or say(t("Nothing that matters has changed.")) + "\n")
    return 1 if found else 0


def _between(old: str, new: str) -> Iterator[Text]:
    from cozydiag.cli.read import reading_of
    from cozydiag.report.comparing import differences

    yield from differences(reading_of(old), reading_of(new))


def _since_well(config: str | None) -> Iterator[Text]:
    """From the last run that was well to the last one. Raises Problem where the history has none of it."""
    from contextlib import closing

    from cozydiag.host import Host, World
    from cozydiag.model import Status
    from cozydiag.report.words import STATUS_WORDS
    from cozydiag.state import open_state
    from cozydiag.watch import changes, history
    from cozydiag.watch.background import folder_of

    loaded = configuration(config)
    folder = folder_of(loaded)
    past = []
    if folder is not None:
        with closing(open_state(folder)) as state:
            past = history.runs(state)
    if not past:
        raise Problem(t("there is no history yet: `cozydiag cron` writes one"), UNAVAILABLE)
    well = next((run for run in reversed(past) if not run.bad), None)
    if well is None:
        raise Problem(t("no run in the history was well"), UNAVAILABLE)
    last = past[-1]
    if last is well:
        return
    yield t("All was well at {well}. From then to {last} changed:", well=When(well.until), last=When(last.until))
    for instance, status in last.statuses.items():
        before = well.statuses.get(instance)
        if before is not None and before != status:
            was, now = STATUS_WORDS[Status(before)], STATUS_WORDS[Status(status)]
            yield t("{check}: {before}, now {after}", check=instance, before=was, after=now)
    yield from changes.changed(Host(World(), loaded.timing.local), well, last)
