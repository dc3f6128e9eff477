"""Build hook: compiles the translations into what a wheel, an sdist or an editable install takes along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TranslationsHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        subprocess.run([sys.executable, Path(self.root, "scripts/translations"), "compile"], check=True)
