"""Where cozydiag keeps what outlives a run. Apart from the state itself: most runs only ask whether there is one."""

from __future__ import annotations

import os
from collections.abc import Mapping

MACHINE = "/var/lib/cozydiag"


def state_folder(configured: str | None, environ: Mapping[str, str]) -> str:
    """``[paths] state`` if given, else the machine's folder for root and the user's own for anybody else."""
    if configured is not None:
        return configured
    if os.geteuid() == 0:
        return MACHINE
    base = environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):  # the XDG base directory specification: a relative path is to be ignored
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "cozydiag")
