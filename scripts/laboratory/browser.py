"""A headless Chromium of Debian's and axe-core of npm's, fetched once and unpacked into a folder of our own."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

from scripts.laboratory.proxies.packages import folder as proxies

PACKAGE = "chromium-headless-shell"
AXE = "4.10.3"
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")


def folder() -> Path:
    return proxies().parent / "browser"


def program() -> Path | str:
    """The browser, fetched when it is not there yet; in words why there is none."""
    path = folder() / "root/usr/lib/chromium" / PACKAGE
    if not path.exists():
        _fetch_browser(folder())
    if not path.exists():
        return f"no {PACKAGE}: Debian's package could not be fetched"
    try:
        subprocess.run([path, "--no-sandbox", "--version"], env=environment(), capture_output=True, timeout=60,
                       check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"{PACKAGE} does not run here: {error}"
    return path


def axe() -> str:
    """The source of axe-core, "" where it could not be fetched."""
    path = folder() / f"axe-core-{AXE}.tgz"
    if not path.exists():
        _quietly(["npm", "pack", f"axe-core@{AXE}", "--pack-destination", str(folder())], folder(), 120)
    if not path.exists():
        return ""
    with tarfile.open(path) as archive:
        member = archive.extractfile("package/axe.min.js")
        return member.read().decode() if member is not None else ""


def environment() -> dict[str, str]:
    libraries = [folder() / "root" / one / end for one in _LIBRARIES for end in ("", "pulseaudio")]
    return {"PATH": os.defpath, "LD_LIBRARY_PATH": ":".join(map(str, libraries)), "HOME": str(folder())}


def _fetch_browser(place: Path) -> None:
    archives = place / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    line = ["apt-get", "-q", "-y", "-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1",
            "--no-install-recommends", "--download-only", "install", PACKAGE]  # fmt: skip
    _quietly(line, place, 150)
    for archive in sorted(archives.glob("*.deb")):
        _quietly(["dpkg", "-x", str(archive), str(place / "root")], place, 60)
        archive.unlink()


def _quietly(line: list[str], place: Path, seconds: float) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(line, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
