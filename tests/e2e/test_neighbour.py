"""Other servers on the same machine are nobody's business: neither one that runs nor one that was stopped."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cozydiag.sandbox import Sandbox
from scripts.laboratory.repair import identities

LIVELY = ("logs", "logins.jsonl")
"""What a running stack writes by itself."""


class File(NamedTuple):
    mode: int
    inode: int
    changed: int
    modified: int
    content: str


def files(folder: str, but: tuple[str, ...] = ()) -> dict[str, File]:
    """Everything in a folder, as it is; ``but`` are names in it that are passed over."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] not in but:
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(name)] = File(status.st_mode, status.st_ino, status.st_ctime_ns, status.st_mtime_ns, content)
    return found


def cozydiag(*arguments: str, config: str) -> int:
    kept = ("PATH", "HOME")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    line = [sys.executable, "-m", "cozydiag", *arguments, "--config", config]
    return subprocess.run(
        line, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False
    ).returncode


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[tuple[Sandbox, Sandbox, Sandbox]]:
    """The one that is looked after, one beside it that runs, and one that has run and was stopped."""
    made: list[Sandbox] = []
    try:
        for _ in range(3):
            made.append(Sandbox.create())
            made[-1].up()
        made[2].down()
        yield made[0], made[1], made[2]
    finally:
        for sandbox in made:
            sandbox.remove()


def test_neighbours_stay_as_they_are(sandboxes: tuple[Sandbox, Sandbox, Sandbox]) -> None:
    ours, running, stopped = sandboxes
    config = Path(ours.folder, "quick.toml")
    config.write_text(Path(ours.config).read_text() + "\n[timing]\nproof = 0.2\n")
    processes, alive = identities(running), sorted(running.pids())
    lively, still = files(running.folder, LIVELY), files(stopped.folder)
    assert {"supervisord.conf", "nginx.conf", "logs/nginx-error.log", "logs/supervisord.log"} <= still.keys()
    assert len(processes) == 7

    for program in ("nginx", "couchdb", "cozy-home"):
        ours.supervisor.stop(program)
    codes = [cozydiag(*line, config=str(config)) for line in (("status",), ("fix",), ("fix", "--restart", "--yes"))]
    assert codes == [2, 2, 0]
    assert cozydiag("status", config=str(config)) == 0

    assert (identities(running), sorted(running.pids())) == (processes, alive)
    assert files(running.folder, LIVELY) == lively
    assert files(stopped.folder) == still
    assert stopped.pids() == []
