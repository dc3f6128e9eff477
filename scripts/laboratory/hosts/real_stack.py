"""The real cozy-stack, built from its module into a folder of our own; where that cannot be had, why."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from shutil import which

MODULE = "github.com/cozy/cozy-stack"
VERSION = "latest"
"""Its releases have tags without a v, which Go's modules do not take for versions."""

LIMIT = 900.0
FOLDER = Path("/var/tmp/cozydiag-lab/cozy-stack")  # noqa: S108  made by root, who alone gets here


@cache
def program() -> Path | str:
    """The program, built when it is not there yet; in words why there is none."""
    path = FOLDER / "bin" / "cozy-stack"
    go = which("go")
    if path.exists():
        return path
    if go is None:
        return "there is no Go here"
    FOLDER.mkdir(parents=True, exist_ok=True)
    folders = {"GOBIN": str(path.parent), "GOPATH": str(FOLDER / "go"), "GOCACHE": str(FOLDER / "cache")}
    line = [go, "install", "-modcacherw", f"{MODULE}@{VERSION}"]
    try:
        done = subprocess.run(
            line, env=os.environ | folders, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"cozy-stack cannot be built: {error}"
    return (
        path
        if path.exists()
        else f"cozy-stack cannot be had: {(done.stderr.strip().splitlines() or ['?'])[-1].strip()[:120]}"
    )
