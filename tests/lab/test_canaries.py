"""Canaries in a whole machine: one case of the lab, and that a canary is seen in every form."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scripts.laboratory.canaries.plants import FILES, LAST_WORDS, LINES, TWO_LINES, Canaries, left, spelled

LAB = Path(__file__).parents[2] / "scripts" / "lab"


@pytest.mark.timeout(200)
def test_no_canary_gets_out(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    line = [str(LAB), "--only=canaries-dies-talking", f"--json={file}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=180, check=False)
    [case] = json.loads(file.read_text(encoding="utf-8"))["cases"]
    if case["skipped_why"]:
        pytest.skip(case["skipped_why"])
    assert case["right"], done.stdout


def test_a_canary_is_seen_in_every_form() -> None:
    canaries = Canaries()
    for text in (*FILES.values(), *LINES, *TWO_LINES, LAST_WORDS):
        filled = canaries.fill(text, "here")
        assert "{bare" not in filled
    assert len(canaries.made) > 80
    for secret in canaries.made:
        assert [form for form in spelled(secret) if not left(secret, f"x {form} y")] == []
        assert not left(secret, "x <secret#1> *** y")
