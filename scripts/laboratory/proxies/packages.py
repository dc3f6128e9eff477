"""Fetches Debian's packages once and unpacks them into a folder of our own: nothing is installed or started."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

PACKAGES = (
    "nginx", "apache2", "apache2-bin", "caddy", "haproxy", "libapr1", "libaprutil1", "liblua5.3-0",
    "libopentracing-c-wrapper0", "libopentracing1", "libjansson4", "libnghttp2-14", "libcurl4", "libxml2", "libbrotli1",
)  # fmt: skip
PROGRAMS = {
    "nginx": "usr/sbin/nginx",
    "apache": "usr/sbin/apache2",
    "caddy": "usr/bin/caddy",
    "haproxy": "usr/sbin/haproxy",
}
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/x86_64-linux-gnu")
_guard = threading.Lock()


def folder() -> Path:
    """Where they are kept. Root's own cache is closed to the user that the proxies run as."""
    if os.geteuid() == 0:
        return Path("/var/tmp/cozydiag-lab/proxies")  # noqa: S108
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "cozydiag-lab" / "proxies"


def program(proxy: str) -> Path | str:
    """The program of a proxy, fetched when it is not there yet; in words why there is none."""
    with _guard:
        path = folder() / PROGRAMS[proxy]
        if not path.exists():
            _fetch()
        if not path.exists():
            return f"no {proxy}: its Debian package could not be fetched"
        try:
            subprocess.run([path, "-v" if proxy != "caddy" else "version"], env=environment(), capture_output=True,
                           timeout=20, check=True)  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return f"{proxy} does not run here: {error}"
        return path


def environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LD_LIBRARY_PATH": ":".join(str(folder() / one) for one in LIBRARIES)}


def _fetch() -> None:
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    try:
        for package in PACKAGES:  # one by one: a library that this release calls otherwise must not stop the others
            subprocess.run(["apt-get", "-q", "download", package], cwd=place, capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=120, check=False)  # fmt: skip
        for archive in sorted(place.glob("*.deb")):
            subprocess.run(["dpkg", "-x", archive, place], capture_output=True, timeout=60, check=False)
            archive.unlink()
    except (OSError, subprocess.TimeoutExpired):
        return
