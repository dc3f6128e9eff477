"""The demo's tour: well, broken, found. Every output is that of the real command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from cozydiag.cli.common import say
from cozydiag.cli.demo import sentences
from cozydiag.text import Text, t

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


class Command:
    """Runs this same cozydiag on the demo, showing what would be typed."""

    def __init__(self, config: str) -> None:
        self.environment = os.environ | {"COZYDIAG_CONFIG": config}

    def __call__(self, *arguments: str) -> int:
        print(f"$ cozydiag {shlex.join(arguments)}", flush=True)
        line = [sys.executable, "-m", "cozydiag", *arguments]
        code = subprocess.run(line, env=self.environment, check=False).returncode
        print(flush=True)
        return code


def _title(text: Text) -> None:
    print(f"\n== {say(text)} ==\n", flush=True)
