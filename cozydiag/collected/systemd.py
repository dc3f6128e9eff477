"""`systemctl show`, of which the collector keeps one answer for all units of a Cozy's world."""

from __future__ import annotations

from collections.abc import Sequence

from cozydiag.collected.tables import Tables
from cozydiag.host.commands import Completed
from cozydiag.host.failure import Failure

_BEFORE = ("systemctl", "show", "--no-pager", "-p")


def shown(tables: Tables, argv: Sequence[str]) -> Completed | Failure | None:
    """The answer for these units; None where it is another question, or where one of them was not asked for."""
    if tuple(argv[:4]) != _BEFORE or "--" not in argv:
        return None
    done = tables.commands.get("systemctl show")
    units = argv[list(argv).index("--") + 1 :]
    if not isinstance(done, Completed):
        return done
    if done.code:
        return None
    blocks = [block for block in done.stdout.decode("utf-8", "replace").strip().split("\n\n") if block]
    if any("*" in unit for unit in units):
        return done
    by_name = {name: block for block in blocks for name in _names(block)}
    if not all(unit in by_name for unit in units):
        return None
    return Completed(0, "\n\n".join(by_name[unit] for unit in units).encode() + b"\n", b"")


def _names(block: str) -> list[str]:
    found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return [found.get("Id", ""), *found.get("Names", "").split()]
