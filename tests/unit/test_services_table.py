"""The table of services on terminals of several widths."""

from __future__ import annotations

import pytest

from cozydiag.managers.service import Condition, Service, State
from cozydiag.report.services import Row, table
from cozydiag.stack.usage import Usage
from cozydiag.text.catalogue import catalogue, render

NAMES = ("cozy-data-system", "nginx", "a-rather-long-name-of-one")
ROWS = [
    Row(Condition(Service("supervisord", name), State.RUNNING, since=0.0, pids=(12345,), restarts=3),
        Usage(12.0, 23_000_000, (9101, 9102)))
    for name in NAMES
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("width", [50, 60, 79, 80, 120])
def test_every_line_has_room(language: str, width: int) -> None:
    lines = table(ROWS, 100_000.0, lambda text: render(text, catalogue(language)), width)
    assert max(map(len, lines)) <= width
    if width < 80:
        assert [line.split()[0] for line in lines[1:]] == list(NAMES)


def test_the_name_stays_whole_where_only_little_has_room() -> None:
    lines = table(ROWS[:1], 100_000.0, lambda text: render(text, catalogue("en")), 40)
    assert lines[1] == "cozy-data-system supervisord running"
