"""Whole servers under a booted systemd: what is broken on them is named exactly, and a healthy one has no finding.

Only with COZYDIAG_SYSTEM_PACKAGES=1: packages are downloaded, into a folder beside those of the proxies.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).parents[2] / "scripts" / "lab"

OF_EACH_KIND = (
    "v2-healthy", "v2-controller-stopped", "v2-disk-full", "v2-login-unreadable", "v2-app-dead", "v2-no-mail",
    "v2-healthy-again", "v3-healthy", "v3-couchdb-away", "v3-passphrase-missing", "v3-host-lost",
    "v3-smtps-without-tls", "v3-port-taken", "v3-healthy-again",
)  # fmt: skip

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        os.environ.get("COZYDIAG_SYSTEM_PACKAGES") != "1" or shutil.which("apt-get") is None,
        reason="downloads packages: set COZYDIAG_SYSTEM_PACKAGES=1 on a Debian to have it done",
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    file = tmp_path_factory.mktemp("lab") / "lab.json"
    line = [str(LAB), f"--json={file}", *(f"--only={name}" for name in OF_EACH_KIND)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=550)
    return done.stdout + done.stderr, json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("id", OF_EACH_KIND)
def test_exactly_what_is_broken_is_named(lab: tuple[str, dict[str, Any]], id: str) -> None:
    table, data = lab
    [case] = [case for case in data["cases"] if case["id"] == id]
    if case["skipped_why"]:
        pytest.skip(case["skipped_why"])
    told = [row for row in table.splitlines() if f" {id} " in row]
    assert case["right"], told
    assert sorted(case["found"], key=str) == sorted(case["expected"], key=str)
