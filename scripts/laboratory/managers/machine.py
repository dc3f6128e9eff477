"""This machine's own systemd, booted in namespaces of its own over an overlay of /. Nothing is written below it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
UNITS = HERE / "units"
GROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
PROGRAMS = ("unshare", "nsenter", "mount", "umount", "pivot_root", "systemctl")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT = 20.0


class NoMachineError(Exception):
    """No systemd can be booted here; the text says why."""


class Machine:
    """A booted systemd; ``init`` is its process 1, as this machine counts."""

    def __init__(self, init: int) -> None:
        self.init = init

    def run(self, *line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        enter = ("nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")
        return subprocess.run(
            [*enter, *line], input=stdin, env={"PATH": PATH, "PYTHONPATH": str(ROOT)}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    def cozydiag(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "cozydiag", *words)

    def write(self, path: str, content: str) -> None:
        done = self.run("tee", path, stdin=content)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def show(self, name: str, keys: str) -> str:
        return self.run("systemctl", "show", "-p", keys, "--value", name).stdout

    def state(self, name: str) -> str:
        return " ".join(sorted(self.show(name, "ActiveState,SubState,Result").split()))

    def until(self, name: str, state: str) -> None:
        deadline = time.monotonic() + LIMIT
        while self.state(name) != state:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} is {self.state(name)} and not {state}")
            time.sleep(0.05)


@contextmanager
def booted() -> Iterator[Machine]:
    """One of its own, from its start to its end. Raises NoMachineError."""
    why, parent = obstacle(), group()
    if why is not None or parent is None:
        raise NoMachineError(why or "there is no cgroup2 here")
    own = parent / f"cozydiag-lab-{os.getpid()}-{time.monotonic_ns()}"
    try:
        own.mkdir()
    except OSError as error:
        raise NoMachineError(f"no control group can be made here: {error}") from None
    folder = tempfile.mkdtemp(prefix="cozydiag-lab-")
    line = ["/bin/sh", "-c", f'echo $$ >"{own}/cgroup.procs" && exec "$0" "$1"', str(HERE / "boot"), folder]
    outer = subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield _up(outer)
    finally:
        outer.kill()  # unshare passes it on to process 1, and the kernel to all the rest
        outer.communicate()
        os.rmdir(folder)
        _remove(own)


def obstacle() -> str | None:
    """Why no systemd can be booted here."""
    if os.geteuid() != 0:
        return "only root can boot a systemd"
    if group() is None:
        return "there is no cgroup2 here"
    away = [program for program in PROGRAMS if shutil.which(program) is None]
    if away or not os.path.exists("/lib/systemd/systemd"):
        return f"not installed: {', '.join(away) or 'systemd'}"
    apart = [path for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix)) if _device(path) != _device(Path("/"))]
    return f"{apart[0]} lies on another file system than /" if apart else None


def group() -> Path | None:
    """Where control groups of version 2 are, and may be made."""
    found = (path for path in GROUPS if (path / "cgroup.procs").exists() and (path / "cgroup.controllers").exists())
    return next((path for path in found if os.access(path, os.W_OK)), None)


def _device(path: Path) -> int:
    return path.stat().st_dev


def _up(outer: subprocess.Popen[str]) -> Machine:
    """Namespaces, overlays and control groups are not allowed everywhere."""
    deadline = time.monotonic() + LIMIT
    while outer.poll() is None and time.monotonic() < deadline:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        if children:
            machine = Machine(int(children[0]))
            if machine.run("systemctl", "is-system-running").stdout == "running\n":
                return machine
        time.sleep(0.05)
    outer.kill()
    raise NoMachineError(f"systemd does not boot here: {outer.communicate()[1].strip() or 'not in time'}")


def _remove(group: Path) -> None:
    """A control group goes when its last process has been collected."""
    deadline = time.monotonic() + LIMIT
    while group.exists():
        for path in sorted(group.rglob("*/"), reverse=True):
            try:
                path.rmdir()
            except OSError:
                pass
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
