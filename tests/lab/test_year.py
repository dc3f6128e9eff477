"""Two days of a timer on a false clock; `python -m scripts.laboratory.year` does the whole year."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.state import open_state
from scripts.laboratory import year


@pytest.mark.parametrize(
    ("name", "a_day", "restarts", "told"),
    [
        ("never recovers", 3, 3, 1),
        ("lives 2 minutes", 3, 3, 1),
        ("lives 20 minutes", 3, 3, 1),
        ("lives 40 minutes", 12, 24, 1),
        ("flaps every run", 0, 0, 0),
        ("flaps every half hour", 3, 3, 1),
        ("hangs in the restart", 3, 3, 1),
    ],
)
def test_two_days_are_as_promised(tmp_path: Path, name: str, a_day: int, restarts: int, told: int) -> None:
    kind = next(kind for kind in year.KINDS if kind.name == name)
    with closing(open_state(str(tmp_path / "state"))) as state:
        state.query("PRAGMA synchronous=OFF")  # no power cuts here
        found = year.live(kind, 2, state)
    assert (found.a_day, found.restarts, found.given_up) == (a_day, restarts, told)
    assert found.every_time >= 3 * restarts


def test_what_fails_now_and_then_is_mended_each_time(tmp_path: Path) -> None:
    """Every 22 hours, for four days, from the first moment on."""
    kind = year.Kind("fails once a day", 0.9 * year.DAY)
    with closing(open_state(str(tmp_path / "state"))) as state:
        state.query("PRAGMA synchronous=OFF")
        found = year.live(kind, 4, state)
    assert (found.restarts, found.given_up) == (5, 0)
