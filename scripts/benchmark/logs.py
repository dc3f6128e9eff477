"""What it costs to read the end of a large log, and to look at it with all rules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from scripts.benchmark.measure import Command, once
from scripts.benchmark.rows import Bound

PROBE = Path(__file__).parent / "logs_probe.py"
LEAST = 12.0
"""Megabytes of log a second of CPU."""


class Logs(NamedTuple):
    """``end`` is the last 10,000 lines of 2 GiB as a part of reading it all; ``hostile`` a line of 40 KB with the
    literals of all rules in it, in bare interpreters."""

    rules: int
    megabytes_a_second: float
    end: float
    hostile: float

    def bounds(self) -> list[Bound]:
        return [
            Bound("logs", f"s of CPU for 12 MB, {self.rules} rules", LEAST / self.megabytes_a_second, 1.0),
            Bound("logs", "the end of 2 GiB, of reading it all", self.end, 0.01),
            Bound("logs", "a hostile line of 40 KB, bare interpreters", self.hostile, 5.0),
        ]


def cost(bin_folder: Path) -> Logs:
    """Raises UnexpectedExitError, CalledProcessError."""
    python = str(bin_folder / "python")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-I", str(PROBE)], env=environment, cwd="/", capture_output=True, text=True, check=True, timeout=600
    )
    found = json.loads(done.stdout)
    bare = min(once(Command((python, "-c", "pass")), environment).cpu for _ in range(5))
    return Logs(found["rules"], found["megabytes_a_second"], found["end"] / found["scan"], found["hostile"] / bare)
