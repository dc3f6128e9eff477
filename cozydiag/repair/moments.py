"""Moments that outlive a run: how long ago they were is right even when the clock jumped or the machine was booted."""

from __future__ import annotations

from typing import Any, NamedTuple

from cozydiag.host import Clock


class Moment(NamedTuple):
    """``at`` is in epoch seconds; ``ticks`` is the clock that never jumps, which counts anew in each ``boot``."""

    at: float
    boot: str
    ticks: float

    @classmethod
    def now(cls, clock: Clock) -> Moment:
        return cls(clock.now(), clock.boot_id(), clock.monotonic())

    @classmethod
    def read(cls, data: Any) -> Moment | None:
        """As it was kept, a list; None for what is none."""
        if isinstance(data, (list, tuple)) and len(data) == 3 and isinstance(data[1], str):
            at, boot, ticks = data
            if all(isinstance(one, (int, float)) for one in (at, ticks)):
                return cls(float(at), boot, float(ticks))
        return None

    def age(self, clock: Clock) -> float:
        """Seconds since then. Across a boot only the wall clock is left: what it calls the future counts as now, so
        that a clock that was put back never makes a budget larger."""
        if self.boot and self.boot == clock.boot_id():
            return max(0.0, clock.monotonic() - self.ticks)
        return max(0.0, clock.now() - self.at)
