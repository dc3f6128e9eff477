"""What is run in which state of the stack. A row more is one entry in `commands`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cozydiag.sandbox import Sandbox
from scripts.benchmark.measure import Command

GUIDE = Path(__file__).parent / "guide.sh"
PARTS = ("cozy-home", "cozy-data-system", "cozy-controller", "cozy-proxy")
PORTS = ("nginx", "cozy-controller", "cozy-data-system", "cozy-home", "cozy-proxy", "couchdb")  # as guide.sh takes them


class Scene(NamedTuple):
    """A state of the stack: so many of its parts hang (SIGSTOP). ``rounds`` of it are measured."""

    hung: int
    rounds: int

    def row(self, name: str) -> str:
        return f"{name}_hung_{self.hung}" if self.hung else name


SCENES = (Scene(0, 21), Scene(1, 3), Scene(2, 3), Scene(4, 3))


def commands(scene: Scene, sandbox: Sandbox, bin_folder: Path, goss: Path | None) -> dict[str, Command]:
    """The rows of a scene: `bare`, `script` and, where there is one, `goss` stand in each."""
    found = {
        "bare": Command((str(bin_folder / "python"), "-c", "pass")),
        scene.row("script"): Command(_guide(sandbox, bin_folder), 1 if scene.hung else 0),
    }
    if goss is not None:
        specification = Path(sandbox.folder, "goss.json")
        specification.write_text(json.dumps(_specification(sandbox, bin_folder)))
        line = (str(goss), "--gossfile", str(specification), "validate", "--format", "silent")
        found[scene.row("goss")] = Command(line, 1 if scene.hung else 0)
    for row, arguments in ours(scene, sandbox).items():
        found[row] = Command((str(bin_folder / "cozydiag"), *arguments), 2 if scene.hung else 0)
    return found


def ours(scene: Scene, sandbox: Sandbox) -> Mapping[str, tuple[str, ...]]:
    """The rows that run cozydiag, with its arguments."""
    status = ("status", "--quiet", "--config", sandbox.config)
    if scene.hung:
        return {f"hung_{scene.hung}": status}
    cron = ("cron", "--config", sandbox.config)
    return {"status_quiet": status, "cron": cron, "help": ("--help",), "version": ("--version",)}


def hang(scene: Scene, sandbox: Sandbox) -> None:
    for program in PARTS[: scene.hung]:
        sandbox.supervisor.signal(program, "STOP")


def resume(scene: Scene, sandbox: Sandbox) -> None:
    for program in PARTS[: scene.hung]:
        sandbox.supervisor.signal(program, "CONT")


def _guide(sandbox: Sandbox, bin_folder: Path) -> tuple[str, ...]:
    paths = (str(bin_folder / "supervisorctl"), sandbox.layout.path("supervisord.conf"))
    ports = (str(sandbox.layout.port(program)) for program in PORTS)
    return (str(GUIDE), *paths, sandbox.layout.path("couchdb.login"), *ports)


def _specification(sandbox: Sandbox, bin_folder: Path) -> dict[str, object]:
    """The questions of the guide, as goss asks them."""
    limit = 2000  # milliseconds
    supervisorctl, conf = bin_folder / "supervisorctl", sandbox.layout.path("supervisord.conf")

    def answers(program: str, path: str, status: int = 200, **more: object) -> tuple[str, dict[str, object]]:
        url = f"http://127.0.0.1:{sandbox.layout.port(program)}{path}"
        return url, {"status": status, "timeout": limit, **more}

    user, password = Path(sandbox.layout.path("couchdb.login")).read_text().split()
    through_nginx = {"request-headers": ["Host: cozy.localhost"], "no-follow-redirects": True}
    questions = (
        answers("nginx", "/", 302, **through_nginx),
        answers("cozy-controller", "/"),
        answers("cozy-data-system", "/"),
        answers("cozy-home", "/"),
        answers("cozy-proxy", "/status"),
        answers("couchdb", "/"),
        answers("couchdb", "/cozy", username=user, password=password),
    )
    command = f"{supervisorctl} -c {conf} status"
    return {"http": dict(questions), "command": {command: {"exit-status": 0, "timeout": limit}}}
