"""`scripts/bench`: a line for each row, a line for each bound, and the rows as JSON where that is asked for."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cozydiag.sandbox import Sandbox, SandboxError
from scripts.benchmark import logs, managers, many, programs, redaction, sites
from scripts.benchmark.measure import UnexpectedExitError
from scripts.benchmark.rows import Bound, Row, bounds, measured
from scripts.benchmark.scenes import SCENES, Scene, resume

_COLUMNS = ("cpu/bare", "wall/bare", "cpu/script", "wall/script", "rss/bare", "modules", "children", "wall s")


def main() -> int:
    options = argparse.ArgumentParser(prog="scripts/bench", description="What a run of cozydiag costs, in ratios.")
    options.add_argument("--json", metavar="FILE", type=Path, help="write the rows there as well")
    options.add_argument("--healthy", action="store_true", help="only the rows of a stack in which all is well")
    given = options.parse_args()
    bin_folder, goss = programs.installed(), programs.goss()
    if isinstance(goss, str):
        print(f"without goss: {goss}")
    scenes = SCENES[:1] if given.healthy else SCENES
    try:
        rows = measure_all(bin_folder, goss if isinstance(goss, Path) else None, scenes)
        if given.healthy:
            return judged(bounds(rows))
        couchdb, thousand = many.cost(bin_folder), sites.cost(bin_folder)
        owners, known = managers.cost(bin_folder), logs.cost(bin_folder)
        hiding = redaction.cost(bin_folder)
    except (SandboxError, UnexpectedExitError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    if owners.why:
        print(f"without the table of four managers: {owners.why}")
    if given.json:
        data = {name: row.as_data() for name, row in rows.items()}
        data["couchdb_500"] = {"cpu_vs_bare": round(couchdb, 4)}
        data["sites_1000"] = {"cpu_vs_bare": round(thousand.cached, 4), "first_cpu_vs_bare": round(thousand.first, 4)}
        data["program_of_1000"] = {"cpu_vs_bare": round(owners.program, 5)}
        data["services"] = {"wall_vs_bare": owners.services}
        data["logs"] = {name: round(value, 5) for name, value in known._asdict().items()}
        data["redaction"] = {name: round(value, 4) for name, value in hiding._asdict().items()}
        given.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    large = (many.bound(couchdb), *thousand.bounds())
    return judged([*bounds(rows), *large, *owners.bounds(), *known.bounds(), *hiding.bounds()])


def judged(held: Sequence[Bound]) -> int:
    """Prints how each bound stands, and gives the exit code."""
    print("", *map(verdict, held), sep="\n")
    return 0 if all(bound.met for bound in held) else 1


def measure_all(bin_folder: Path, goss: Path | None, scenes: Sequence[Scene]) -> dict[str, Row]:
    """All rows of these scenes, printed as they come. Raises SandboxError, UnexpectedExitError."""
    rows: dict[str, Row] = {}
    print(f"{'':14}" + "".join(f"{column:>12}" for column in _COLUMNS))
    sandbox = Sandbox.create()
    try:
        for scene in scenes:
            sandbox.up()
            for name, row in measured(scene, sandbox, bin_folder, goss):
                if name not in rows:  # `bare` is measured in each scene
                    rows[name] = row
                    print(line(name, row), flush=True)
            resume(scene, sandbox)
    finally:
        sandbox.remove()
    return rows


def line(name: str, row: Row) -> str:
    cells = (f"{'-' if value is None else f'{value:.4g}':>12}" for value in row.as_data().values())
    return f"{name:14}" + "".join(cells)


def verdict(bound: Bound) -> str:
    word = "ok    " if bound.met else "MISSED"
    return f"{word} {bound.row:14} {bound.what}: {bound.value:.4g}, at most {bound.limit:.4g}"


if __name__ == "__main__":
    sys.exit(main())
