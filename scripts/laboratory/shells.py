"""The shell of busybox, for scripts that run in any: the one that is here, else Debian's package, unpacked beside the
lab's other programs and not installed."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from scripts.laboratory.proxies import packages

_LIMIT = 60.0  # seconds for each step


@lru_cache
def busybox() -> Path | str:
    """In words why there is none."""
    found = shutil.which("busybox")
    if found is not None:
        return Path(found)
    folder = packages.folder().parent / "busybox"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        return _unpacked(folder) or _fetched(folder) or "no busybox: its Debian package could not be fetched"


def _unpacked(folder: Path) -> Path | None:
    return next((path for name in ("bin", "usr/bin") if (path := folder / name / "busybox").exists()), None)


def _fetched(folder: Path) -> Path | None:
    try:
        subprocess.run(["apt-get", "-q", "download", "busybox"], cwd=folder, capture_output=True,
                       stdin=subprocess.DEVNULL, timeout=_LIMIT, check=True)  # fmt: skip
        for archive in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, folder], capture_output=True, timeout=_LIMIT, check=True)
            archive.unlink()
    except (OSError, subprocess.SubprocessError):
        return None
    return _unpacked(folder)
