"""Programs of npm, installed once into the cache, and folders in which they run by themselves."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

APPS: Final[Mapping[str, str]] = {
    "ok.js": "require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT || 0, '127.0.0.1')",
    "crash.js": "throw new Error('the database is not there')",
    "slow.js": "setTimeout(() => { console.error('Error: gave up'); process.exit(2) }, 1200)",
    "once.js": "setTimeout(() => process.exit(0), 100)",
    "ready.js": "setInterval(() => {}, 1000)",
    "module.js": "require('not-installed')",
}
"""Each is well or broken in a way of its own."""


def install(name: str, version: str, *more: str, command: str = "") -> Path | str:
    """The folder of its commands; why there is none, where it cannot be had. ``more`` packages come beside it;
    ``command`` is called otherwise than the package."""
    command = command or name
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is not installed"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "cozydiag-lab" / "npm" / f"{name}-{version}"
    commands = folder / "node_modules" / ".bin"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if (commands / command).exists():
            return commands
        (folder / "package.json").write_text('{"private": true}')
        line = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"{name}@{version}", *more]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return commands if (commands / command).exists() else f"npm could not install {name}: {done.stderr.strip()[-300:]}"


class Folder:
    """One of its own, and all processes that have to do with it. The names of sockets must be short."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cd-"))

    def processes(self) -> Iterator[int]:
        """All that run from this folder, or have it in their environment."""
        mark = os.fsencode(str(self.folder))
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    texts = [Path(f"/proc/{entry}/{name}").read_bytes() for name in ("cmdline", "environ")]
                except OSError:
                    continue
                if any(mark in text for text in texts):
                    yield int(entry)

    def end(self) -> None:
        """No process is left: whoever starts others goes with them."""
        for _ in range(20):
            left = sorted(self.processes())
            if not left:
                return
            for pid in left:
                for number in (signal.SIGCONT, signal.SIGKILL):
                    try:
                        os.kill(pid, number)
                    except OSError:
                        break
            time.sleep(0.1)

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self, text: str, patience: float = 2.0) -> str:
        """A configuration of cozydiag's in it, which looks at nothing else, and so long at one thing (seconds)."""
        file = self.folder / "cozydiag.toml"
        file.write_text(
            f'discover = false\n[paths]\nstate = "{self.folder}/state"\n[timing]\nlocal = {patience}\n{text}'
        )
        file.chmod(0o600)
        return str(file)


class Place(Folder):
    """A folder with the apps, and with the home of a manager."""

    def __init__(self, commands: Path, program: str, variable: str) -> None:
        super().__init__()
        self.program = commands / program
        self.home = self.folder / "m"
        self.home.mkdir()
        for name, text in APPS.items():
            (self.folder / name).write_text(text)
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        self.environment = kept | {variable: str(self.home), "HOME": str(self.folder), "TZ": os.environ.get("TZ", "")}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Its own command, to its end."""
        return subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=self.environment | more, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Its own command, which is not waited for."""
        return subprocess.Popen(
            [self.program, *arguments], cwd=self.folder, env=self.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def until(what: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Waits for ``what``; whether it came."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
