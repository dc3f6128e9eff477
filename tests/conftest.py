"""What every test relies on: the translations are compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and any(map(stale, ROOT.glob("cozydiag/text/locale/*/*/*.po"))):
        subprocess.run([sys.executable, ROOT / "scripts/translations", "compile"], check=True)


def stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime
