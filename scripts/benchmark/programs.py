"""What is compared, made ready in the user's cache: cozydiag as people install it, and goss."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cozydiag-bench"

GOSS = "v0.4.9"
_GOSS_MODULE = f"""module bench

go 1.22

require github.com/goss-org/goss {GOSS}
"""


def installed() -> Path:
    """The folder of the programs of an environment with this project in it, from a wheel, with bytecode.

    Nothing else is in it: a `.pth` file of another package can cost more than the interpreter.
    """
    folder = CACHE / "environment"
    wanted = f"{sys.version} {hashlib.sha256((ROOT / 'pyproject.toml').read_bytes()).hexdigest()}"
    made_for = folder / "made-for"
    if not made_for.exists() or made_for.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        # An old pip writes commands that import re, which is more than `--version` does on its own.
        _run([*_pip(folder), "install", "--upgrade", "pip"])
        _run([*_pip(folder), "uninstall", "--yes", "setuptools"])
        _run([*_pip(folder), "install", f"{ROOT}[sandbox]"])
        made_for.write_text(wanted)
    else:
        _run([*_pip(folder), "install", "--no-deps", "--force-reinstall", str(ROOT)])
    return folder / "bin"


def goss() -> Path | str:
    """goss, built from its source, or why there is none."""
    program = CACHE / f"goss-{GOSS}"
    if program.exists():
        return program
    if shutil.which("go") is None:
        return "there is no go here"
    # Not `go install MODULE@VERSION`: that asks the proxy for all versions, which not every proxy lists.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "go.mod").write_text(_GOSS_MODULE)
        line = ["go", "build", "-mod=mod", "-buildvcs=false", "-o", str(program), "github.com/goss-org/goss/cmd/goss"]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["go build failed"])[-1]
    return program


def _pip(folder: Path) -> list[str]:
    return [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]


def _run(line: Sequence[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run(line, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, check=True)
