"""What cozydiag remembers between runs: one SQLite file in one folder, opened only when it is used."""

from __future__ import annotations

from cozydiag.state.database import Entry, NoState, State
from cozydiag.state.lock import Lock, LockBusy
from cozydiag.state.opening import DAMAGED, open_state

__all__ = ["DAMAGED", "Entry", "Lock", "LockBusy", "NoState", "State", "open_state"]
