"""What monitoring systems get from a real stack in several states, held against the parsers of these systems."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cozydiag.sandbox import Sandbox

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
        outputs = {layout: printed(sandbox, layout) for layout in ("nagios", "prometheus", "junit")}
    finally:
        if fault:
            sandbox.heal()
    codes = {code for code, _ in outputs.values()}
    assert len(codes) == 1
    (code,) = codes
    assert code == (2 if fault not in ("", "nginx-config-disk") else code)
    first = outputs["nagios"][1].splitlines()[0]
    assert first.startswith(f"COZY {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]} - ")
    assert re.fullmatch(r"[^|]+ \| [^|]+", first)
    families = {one.name: one for one in text_string_to_metric_families(outputs["prometheus"][1])}
    assert families["cozydiag_status"].samples[0].value == code
    suite = ET.fromstring(outputs["junit"][1].encode())[0]  # noqa: S314  it is our own
    assert len(suite) == int(suite.attrib["tests"])
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=outputs["prometheus"][1], capture_output=True,
                              text=True, timeout=60, check=False)  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
