"""The demo's tour: well, broken, found. Every output is that of the real command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from cozydiag.cli.common import say
from cozydiag.cli.demo import sentences
from cozydiag.text import Text, plural, t

if TYPE_CHECKING:
    from cozydiag.sandbox import Sandbox


def tour() -> int:
    """Run the whole story in a folder of its own and leave nothing behind."""
    from cozydiag.sandbox import Sandbox

    with sentences():
        sandbox = Sandbox.create()
        try:
            _story(sandbox)
        finally:
            sandbox.remove()
    return 0


def _story(sandbox: Sandbox) -> None:
    _title(t("A small stack: real nginx and supervisord, stand-ins for the Cozy's parts and for CouchDB"))
    sandbox.up()
    run = Command(sandbox.config)
    run("status")
    _title(t("Now home is stopped"))
    sandbox.break_("part-stopped")
    run("status")
    _title(t("What would mend it"))
    run("fix")
    _title(t("Mend it"))
    run("fix", "--restart", "--yes")
    run("status", "--quiet")
    _title(t("What a restart cannot mend is left alone: CouchDB refuses the password"))
    sandbox.break_("couchdb-401")
    run("fix", "--restart", "--yes")
    _title(t("A report for those who help"))
    run.into_file(os.path.join(sandbox.folder, "diag.txt"), "report")
    _title(t("On your own server"))
    print("\n".join(installation()), flush=True)


def installation() -> list[str]:
    """The exact lines that install this cozydiag on this machine, owned by root, and look at its real stack."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = os.path.dirname(package)
    source = checkout if os.path.exists(os.path.join(checkout, "pyproject.toml")) else "cozydiag"
    root = "" if os.geteuid() == 0 else "sudo "
    lines = [
        f"{root}python3 -m venv /opt/cozydiag",
        f"{root}/opt/cozydiag/bin/pip install {shlex.quote(source)}",
        f"{root}ln -sf /opt/cozydiag/bin/cozydiag /usr/local/bin/cozydiag",
        f"{root}cozydiag status",
    ]
    if not _system_python_makes_environments():
        lines.insert(0, f"{root}apt-get install python3-venv")
    return lines


def _system_python_makes_environments() -> bool:
    """Debian and Ubuntu keep ensurepip in a package of its own."""
    done = subprocess.run(["/usr/bin/python3", "-c", "import ensurepip"], capture_output=True, check=False)
    return done.returncode == 0


class Command:
    """Runs this same cozydiag on the demo, showing what would be typed."""

    def __init__(self, config: str) -> None:
        self.environment = os.environ | {"COZYDIAG_CONFIG": config}

    def __call__(self, *arguments: str) -> int:
        print(f"$ cozydiag {shlex.join(arguments)}", flush=True)
        code = subprocess.run(self._line(arguments), env=self.environment, check=False).returncode
        print(flush=True)
        return code

    def into_file(self, path: str, *arguments: str) -> None:
        """As with `> diag.txt`; shows how the file begins."""
        print(f"$ cozydiag {shlex.join(arguments)} > {os.path.basename(path)}", flush=True)
        private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(private, "w", encoding="utf-8") as file:
            subprocess.run(self._line(arguments), env=self.environment, stdout=file, check=False)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        print("\n".join(lines[:20]))
        more = plural("... and {n} line more", "... and {n} lines more", n=max(len(lines) - 20, 0))
        print(f"{say(more)}\n", flush=True)

    def _line(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "cozydiag", *arguments]


def _title(text: Text) -> None:
    print(f"\n== {say(text)} ==\n", flush=True)
