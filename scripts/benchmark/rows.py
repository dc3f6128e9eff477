"""The rows of the table, measured scene by scene, and the bounds they are held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cozydiag.sandbox import Sandbox
from scripts.benchmark.measure import count, in_turn, middle, ratio
from scripts.benchmark.scenes import Scene, commands, hang, ours

TIME_OUT = 2.0
"""Seconds that one look at this machine may take (cozydiag's `timing.local`)."""

BANNED = frozenset({"asyncio", "email", "importlib.metadata", "psutil", "pydantic", "requests", "rich", "ssl"})
"""Modules that a quiet status must not import: each costs 0.9 to 8 bare interpreters."""

MODULES = 240
"""So many modules a quiet status may import at most."""


class Row(NamedTuple):
    """Medians of one command: ratios to the rows `bare` and `script` of the same scene, and seconds of wall.

    ``modules`` are those that it imports and ``children`` the programs that it starts, None where it is not cozydiag.
    """

    cpu_vs_bare: float
    wall_vs_bare: float
    cpu_vs_script: float
    wall_vs_script: float
    rss_vs_bare: float
    modules: frozenset[str] | None
    children: int | None
    wall_s: float

    def as_data(self) -> dict[str, float | None]:
        data = self._asdict() | {"modules": None if self.modules is None else len(self.modules)}
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in data.items()}


def measured(scene: Scene, sandbox: Sandbox, bin_folder: Path, goss: Path | None) -> Iterator[tuple[str, Row]]:
    """The rows of a scene. Raises UnexpectedExitError."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": sandbox.folder}  # as cron's
    hang(scene, sandbox)
    costs = in_turn(commands(scene, sandbox, bin_folder, goss), scene.rounds, environment)
    counts = {
        row: count(str(bin_folder / "python"), arguments, environment)
        for row, arguments in ours(scene, sandbox).items()
    }
    for row, one in costs.items():
        bare, script = ratio(one, costs["bare"]), ratio(one, costs[scene.row("script")])
        modules, children = counts.get(row, (None, None))
        yield row, Row(bare.cpu, bare.wall, script.cpu, script.wall, bare.peak, modules, children, middle(one).wall)


class Bound(NamedTuple):
    row: str
    what: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


def bounds(rows: Mapping[str, Row]) -> list[Bound]:
    """What must hold of these rows, and how it stands."""
    quiet = rows["status_quiet"]
    patience = TIME_OUT + quiet.wall_s + 0.3
    return [
        Bound("status_quiet", "CPU, bare interpreters", quiet.cpu_vs_bare, 10.5),
        Bound("status_quiet", "CPU, guide's procedures", quiet.cpu_vs_script, 0.85),
        Bound("status_quiet", "programs started", quiet.children or 0, 0),
        Bound("status_quiet", "modules", len(quiet.modules or ()), MODULES),
        Bound("status_quiet", "banned modules", len(BANNED & (quiet.modules or set())), 0),
        Bound("cron", "CPU, bare interpreters", rows["cron"].cpu_vs_bare, 12.0),
        Bound("help", "CPU, bare interpreters", rows["help"].cpu_vs_bare, 7.0),
        Bound("version", "CPU, bare interpreters", rows["version"].cpu_vs_bare, 1.5),
        *(Bound(name, "wall, s", row.wall_s, patience) for name, row in rows.items() if name.startswith("hung_")),
    ]
