"""What monitoring systems get from the program itself in several states of a real stack, held against what others wrote
to read it. `scripts/lab` holds every state against it, rendered from what was found."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cozydiag.sandbox import Sandbox
from scripts.laboratory.formats import ORACLES, wrong

FAULTS = ("", "couchdb-401", "port-taken", "nginx-config-disk", "part-hung", "supervisor-and-parts-down")
"""None, and one of each kind: an answer, a process, a file, silence, all at once."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox.create(tempfile.mkdtemp(prefix="cozydiag-", dir="/tmp"))
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.remove()


def printed(sandbox: Sandbox, layout: str) -> tuple[int, str]:
    line = [sys.executable, "-m", "cozydiag", "status", "--format", layout, "--config", sandbox.config]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        line, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_every_format_is_taken(sandbox: Sandbox, fault: str) -> None:
    if fault:
        sandbox.break_(fault)
    try:
        outputs = {layout: printed(sandbox, layout) for layout in ORACLES}
    finally:
        if fault:
            sandbox.heal()
    codes = {code for code, _ in outputs.values()}
    assert len(codes) == 1
    (code,) = codes
    assert code == (2 if fault not in ("", "nginx-config-disk") else code)
    assert [one for layout, (_, text) in outputs.items() for one in wrong(layout, text)] == []
    assert outputs["nagios"][1].startswith(f"COZY {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]} - ")
    families = {one.name: one for one in text_string_to_metric_families(outputs["prometheus"][1])}
    assert families["cozydiag_status"].samples[0].value == code
