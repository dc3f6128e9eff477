"""A healthy CouchDB with many databases, over HTTP and on its disk: what looking at it adds to a quiet status."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from cozydiag.sandbox.programs.replay import RECORDINGS
from scripts.benchmark.measure import Command, in_turn
from scripts.benchmark.rows import Bound

DATABASES = 500
ROUNDS = 15
_KINDS = ("files", "apps", "settings", "permissions", "jobs")
_RANGES = ("00000000-7fffffff", "80000000-ffffffff")


def cost(bin_folder: Path) -> float:
    """CPU of CouchDB's part, in bare interpreters. Raises UnexpectedExitError."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    with tempfile.TemporaryDirectory() as name, _server(bin_folder, Path(name)) as config:
        status = (str(bin_folder / "cozydiag"), "status", "--quiet", "--config", str(config), "--only")
        costs = in_turn(
            {
                "bare": Command((str(bin_folder / "python"), "-c", "pass")),
                "with": Command((*status, "couchdb.*")),
                "without": Command((*status, "couchdb.apps", "--skip", "couchdb.[!a]*")),
            },
            ROUNDS,
            environment,
        )
    rounds = zip(costs["bare"], costs["with"], costs["without"], strict=True)
    return median((whole.cpu - rest.cpu) / bare.cpu for bare, whole, rest in rounds)


def bound(cost: float) -> Bound:
    return Bound("couchdb_500", "CPU, bare interpreters", cost, 4.0)


@contextmanager
def _server(bin_folder: Path, folder: Path) -> Iterator[Path]:
    """The configuration for a server that runs meanwhile."""
    names = [f"cozy{number // 5:032x}/io-cozy-{_KINDS[number % 5]}" for number in range(DATABASES - 3)]
    names += ["_replicator", "_users", "appdb"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    _record(folder / "recordings", names)
    _store(folder / "data", names)
    config = _configure(folder, port)
    line = [str(bin_folder / "python"), "-m", "cozydiag.sandbox.programs.couchdb", "--port", str(port)]
    line += ["--state", str(folder / "state"), "--logins", str(folder / "logins")]
    line += ["--recordings", str(folder / "recordings")]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, cwd=folder, env=_clean(os.environ))
    try:
        _wait(port)
        yield config
    finally:
        process.kill()
        process.wait()


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("PYTHON")}


def _record(folder: Path, names: list[str]) -> None:
    shutil.copytree(RECORDINGS, folder)
    answer = folder / "healthy-admin" / "all_dbs.http"
    head = answer.read_bytes().partition(b"\r\n\r\n")[0]
    answer.write_bytes(head + b"\r\n\r\n" + json.dumps(names).encode())


def _store(folder: Path, names: list[str]) -> None:
    for place in _RANGES:
        for name in names:
            path = folder / "shards" / place / f"{name}.1795248983.couch"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x01" * 4096)
    (folder / "_dbs.couch").write_bytes(b"\x01" * 4096)


def _configure(folder: Path, port: int) -> Path:
    (folder / "state").write_text("healthy-admin")
    (folder / "login").write_text("admin\nadminpw\n")
    request = (
        "[notice] 2026-11-21T08:15:05.937378Z couchdb@127.0.0.1 <0.287.0> abcdef1234 127.0.0.1 app GET /x 200 ok 3\n"
    )
    (folder / "couch.log").write_text(request * 8000)
    config = folder / "cozydiag.toml"
    config.write_text(
        f'discover = false\n[paths]\nstate = "{folder}/state.d"\n[couchdb]\nurl = "http://127.0.0.1:{port}"\n'
        f'database = "appdb"\ncredentials_file = "{folder}/login"\ndata = "{folder}/data"\nlog = "{folder}/couch.log"\n'
    )
    return config


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
