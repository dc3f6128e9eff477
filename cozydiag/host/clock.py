"""Time: the wall clock, a clock that never jumps, and which boot this is."""

from __future__ import annotations

import time

_UNSYNCHRONISED = 5  # TIME_ERROR of timex.h; -1 says that nobody may ask


class Clock:
    """The real clock. Tests and simulations pass another with the same methods."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only ever grow, from an arbitrary start."""
        return time.monotonic()

    def boot_id(self) -> str:
        """The kernel's name for this boot, "" where it gives none."""
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def synchronised(self) -> bool:
        """Whether the kernel was told that the wall clock is right, and not too long ago (adjtimex(2)). Dear."""
        import ctypes

        timex = (ctypes.c_long * 64)()  # struct timex with its modes at 0: nothing is set
        return bool(ctypes.CDLL(None).adjtimex(timex) != _UNSYNCHRONISED)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Deadline:
    """The moment after which nobody waits any more, on the monotonic clock."""

    __slots__ = ("clock", "end")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.end - self.clock.monotonic())
