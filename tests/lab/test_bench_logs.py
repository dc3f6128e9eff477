"""What the bench holds logs to."""

from __future__ import annotations

import pytest

from scripts.benchmark.logs import Logs

GOOD = Logs(rules=253, megabytes_a_second=25.0, end=0.007, hostile=2.0)


def test_what_is_cheap_enough_passes() -> None:
    assert all(bound.met for bound in GOOD.bounds())


@pytest.mark.parametrize(
    "slow", [GOOD._replace(megabytes_a_second=11.9), GOOD._replace(end=0.011), GOOD._replace(hostile=5.1)]
)
def test_what_is_too_slow_is_seen(slow: Logs) -> None:
    assert [bound.met for bound in slow.bounds()].count(False) == 1
