"""Patience."""

from __future__ import annotations

import time
from collections.abc import Callable

from cozydiag.sandbox import SandboxError
from cozydiag.text import t

LIMIT = 30.0
"""Seconds for anything to become what it should."""


def until(reached: Callable[[], bool], what: str) -> None:
    """Waits. Raises SandboxError when it does not come."""
    deadline = time.monotonic() + LIMIT
    while not reached():
        if time.monotonic() > deadline:
            raise SandboxError(t("The lab waited in vain for this: {what}.", what=what))
        time.sleep(0.05)
