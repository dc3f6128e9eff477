"""A machine of our own for the collector: a folder's /etc, /run, /srv (with its homes) and /var/log in the place of the
true ones, with no processes and no network but those made for it. Needs no rights where users may make namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDERS = ("etc", "run", "srv", "var/log")
KEPT = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "nsswitch.conf", "ssl")
"""What programs need of /etc to run at all."""

PASSWD = "root:x:0:0:The Boss:/srv/root:/bin/sh\nada:x:1000:1000:Ada Canary:/srv/ada:/bin/sh\n"
LIMIT = 100.0  # seconds

_MOUNT = f'root=$1; shift; for f in {" ".join(FOLDERS)}; do mount --bind "$root/$f" "/$f" || exit 97; done; exec "$@"'

_HERE = Path(__file__).parent


@dataclass
class Room:
    """``roles`` are the processes in it: `name`, and perhaps `title`, `ports`, `tls`, `socket`, `stale`,
    `pid_file`, `worker`, `docker`."""

    root: Path
    roles: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True)
        for name in KEPT:
            if os.path.exists(f"/etc/{name}"):
                subprocess.run(
                    ["cp", "-aL" if name == "localtime" else "-a", f"/etc/{name}", self.root / "etc"],
                    capture_output=True,
                    check=False,
                )  # fmt: skip  what is closed to us is left out
        self.write("/etc/passwd", PASSWD)
        self.write("/etc/hosts", "127.0.0.1 localhost app.room.example\n")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def program(self, name: str, text: str) -> None:
        """A command of this machine alone, which comes before all others."""
        self.write(f"/srv/bin/{name}", f"#!/bin/sh\n{text}\n", 0o755)

    def collect(self, shell: list[str], script: str, user: int = 0) -> bytes:
        """``user`` 0: as root, or as whoever is root in the namespace."""
        self.root.chmod(0o755)
        plan = {
            "roles": self.roles,
            "actor": (_HERE / "room_actor.py").read_text(),
            "shell": [*shell, "-s"],
            "script": script,
            "user": user,
            "environment": {"PATH": f"/srv/bin:{os.environ['PATH']}", "HOME": "/srv/root"},
        }
        line = [
            *namespaces(),
            "sh",
            "-c",
            _MOUNT,
            "sh",
            str(self.root),
            sys.executable,
            "-c",
            (_HERE / "room_inside.py").read_text(),
        ]
        done = subprocess.run(line, env={**os.environ, "PLAN": json.dumps(plan)}, capture_output=True, timeout=LIMIT,
                              stdin=subprocess.DEVNULL, check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), done.stderr[-2000:]
        return done.stdout


def namespaces() -> list[str]:
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *rights, "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]


def why_none() -> str:
    """Why no such machine can be made here, "" where one can."""
    try:
        done = subprocess.run([*namespaces(), "true"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.decode("utf-8", "replace").strip() if done.returncode else ""
