"""What a report gets from the state: known problems are set apart, and the history says since when and what changed.

Nothing is made or written where there is no state yet.
"""

from __future__ import annotations

import os

from cozydiag.config import Config
from cozydiag.config.places import MACHINE
from cozydiag.host import Host, World
from cozydiag.model import Report
from cozydiag.text import Text


def with_background(config: Config, report: Report) -> Report:
    """The report with what is remembered; a user without a state of one's own sees root's, where that may be read."""
    folder = folder_of(config)
    if folder is None:
        return report
    from cozydiag.state import open_state
    from cozydiag.watch import ignored, story

    state = open_state(folder)
    try:
        report = ignored.apply(report, ignored.load(state))
        return report._replace(story=story.story(Host(World(), config.timing.local), state, report))
    finally:
        state.close()


def acts(config: Config, most: int = 20) -> tuple[Text, ...]:
    """What was done to the services, the last ``most``, oldest first."""
    folder = folder_of(config)
    if folder is None:
        return ()
    from cozydiag.state import open_state
    from cozydiag.watch.acts import told

    state = open_state(folder)
    try:
        return tuple(text for one in state.latest("act", most) for text in told(one))
    finally:
        state.close()


def folder_of(config: Config) -> str | None:
    """Where the state lies that this user may read; None where there is none yet."""
    own = config.state_folder
    places = [own] if config.paths.state is not None else [own, MACHINE]
    return next((place for place in places if os.access(os.path.join(place, "state.db"), os.R_OK)), None)
