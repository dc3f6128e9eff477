"""The real command, run as a user runs it: a process of its own with a clean environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds after which a run counts as one that does not end."""


class Run(NamedTuple):
    """``code`` is None when it did not end in time; ``report`` is what it printed as JSON, None when it was none."""

    code: int | None
    report: dict[str, Any] | None
    stderr: str


def cozydiag(*arguments: str) -> Run:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cozydiag", *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Run(None, None, f"no end within {LIMIT:.0f} s")
    return Run(done.returncode, _data(done.stdout), done.stderr.strip())


def status(configuration: str) -> Run:
    return cozydiag("status", "--config", configuration, "--format", "json")


def can_fix() -> bool:
    """Whether there is a command that repairs."""
    return cozydiag("fix", "--help").code == 0


def _data(output: str) -> dict[str, Any] | None:
    try:
        found = json.loads(output)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
