"""The cases: every fault of the sandbox, and one whose finding itself tells secrets."""

from __future__ import annotations

from typing import Final

from cozydiag.sandbox.faults import FAULTS
from scripts.laboratory.cases import Case

TALKING: Final = "dies-talking"
EVERY: Final = Case("canaries-every-command", "canaries", (TALKING,), (), None)
"""With the others, those commands are run whose words depend on the fault."""

CASES: Final = (EVERY, *(Case(f"canaries-{name}", "canaries", (name,), (), None) for name in (TALKING, *FAULTS)))
