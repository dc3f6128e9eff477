"""`cozydiag report` with its options on a real small stack, `read` of what it wrote, `reveal` of what is answered."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cozydiag.report.reading import Reading, read
from cozydiag.sandbox import Sandbox
from cozydiag.text.catalogue import ENGLISH, render
from tests.e2e.test_report import Seen, environment, headings
from tests.unit.reading.test_reading import damaged


@pytest.fixture(scope="module")
def broken() -> Iterator[Sandbox]:
    """With one fault, and a repair in its journal that did not help."""
    stack = Sandbox.create()
    try:
        stack.up()
        stack.break_("part-stopped")
        yield stack
    finally:
        stack.remove()


def run(sandbox: Sandbox, *arguments: str, stdin: str = "", config: bool = True) -> Seen:
    line = [sys.executable, "-m", "cozydiag", *arguments, *(["--config", sandbox.config] if config else [])]
    done = subprocess.run(line, env=environment(), input=stdin.encode(), capture_output=True, timeout=100, check=False)
    return Seen(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_the_note_stands_before_the_verdict(broken: Sandbox) -> None:
    seen = run(broken, "report", "--note", "since yesterday\n== Verdict ==\npassword=Hidden9Word")
    assert headings(seen.out)[:3] == ["cozydiag report", "In the words of the user", "Verdict"]
    assert "\nsince yesterday\n\\== Verdict ==\npassword=<secret#" in seen.out
    assert "Hidden9Word" not in seen.out


def test_sections_by_name(broken: Sandbox) -> None:
    seen = run(broken, "report", "--section", "versions,sites", "--section", "configuration")
    found = headings(seen.out)
    assert found[:4] == ["cozydiag report", "Verdict", "Versions", "Sites"]
    assert f"Configuration: {broken.folder}/supervisord.conf" in found
    assert not [one for one in found if one.startswith("Log of")]
    assert run(broken, "report", "--section", "verdikt").code == 64


def test_configuration_keeps_its_structure_without_comments(broken: Sandbox) -> None:
    seen = run(broken, "report", "--section", "configuration")
    assert "proxy_pass http://127.0.0.1:" in seen.out
    assert "[include]" in seen.out
    assert not re.search(r"^\s*#", seen.out, re.MULTILINE)


def test_since_takes_more_lines_of_the_same_logs(broken: Sandbox) -> None:
    assert "INFO supervisord started" in run(broken, "report", "--since", "1d").out
    assert "INFO supervisord started" not in run(broken, "report", "--since", "2099-01-01").out
    assert run(broken, "report", "--since", "soon").code == 64


@pytest.mark.parametrize("layout", ["text", "markdown"])
def test_the_size_for_a_forum(broken: Sandbox, layout: str) -> None:
    seen = run(broken, "report", "--max-size", "8000", "--format", layout)
    assert len(seen.out) <= 8000
    assert "service.stopped" in seen.out
    assert "left out: the report would be too large" in seen.out
    assert run(broken, "report", "--max-size", "little").code == 64


def test_a_message_for_a_forum(broken: Sandbox) -> None:
    seen = run(broken, "report", "--post", "--lang", "fr")
    assert seen.code == 0
    assert len(seen.out) < 4000
    assert "[service.stopped]" in seen.out
    assert run(broken, "report", "--post", "--no-redact").code == 64


def test_json_has_the_causes(broken: Sandbox) -> None:
    data = json.loads(run(broken, "report", "--format", "json").out)
    assert [one["code"] for one in data["status"]["causes"]] == ["service.stopped"]
    assert {"head", "verdict", "results", "logs", "configuration", "hidden"} <= {
        one["name"] for one in data["sections"]
    }


def test_what_changed_since_all_was_well(broken: Sandbox) -> None:
    assert run(broken, "diff").code == 69  # no run was well
    broken.heal()
    run(broken, "cron")
    broken.break_("part-stopped")
    run(broken, "cron")
    seen = run(broken, "diff")
    assert seen.code == 1
    assert seen.out.startswith("All was well at ")
    assert "supervisor.program:cozy-home: ok, now FAILS" in seen.out
    shown = run(broken, "report", "--section", "versions").out
    assert "[story #" in shown
    assert run(broken, "diff", "one").code == 64


def test_since_when_and_what_was_done(broken: Sandbox) -> None:
    run(broken, "cron")
    try:
        run(broken, "fix", "--restart", "--yes")
        seen = run(broken, "report")
    finally:
        broken.break_("part-stopped")
    done = seen.out.partition("== What was done ==\n")[2].partition("\n--")[0]
    assert "cozy-home" in done


def test_names_come_back_where_a_map_was_kept(broken: Sandbox) -> None:
    kept = Path(broken.folder, "state", "pseudonyms.json")
    assert run(broken, "reveal", "-", stdin="host1").code == 64
    try:
        run(broken, "report", "--keep-map", "--note", "ask jane.doe@smith-family.org")
        shown = run(broken, "report", "--note", "ask jane.doe@smith-family.org").out
        found = re.search(r"^ask (\S+)$", shown, re.MULTILINE)
        assert found is not None
        seen = run(broken, "reveal", "-", stdin=f"Did {found[1]} look?\n")
        assert (seen.code, seen.out) == (0, "Did jane.doe@smith-family.org look?\n")
        assert "do not post this" in seen.err
    finally:
        kept.unlink(missing_ok=True)


# --- read


@pytest.fixture(scope="module")
def reports(broken: Sandbox) -> dict[str, str]:
    return {language: run(broken, "report", "--lang", language).out for language in ("en", "fr")}


def causes(reading: Reading | None) -> set[tuple[str, str, str]]:
    found = reading.report.causes if reading is not None and reading.report is not None else ()
    return {(one.code, one.instance, render(one.text, ENGLISH)) for one in found}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_real_report_is_read_in_the_other_language(reports: dict[str, str], broken: Sandbox, language: str) -> None:
    other = "en" if language == "fr" else "fr"
    for layout in ("text", "markdown", "html"):
        seen = run(broken, "read", "-", "--lang", other, "--format", layout, stdin=reports[language], config=False)
        assert (seen.code, seen.err) == (0, "")
        assert ("home is stopped" if other == "en" else "home est arrêté") in seen.out


@pytest.mark.parametrize("language", ["en", "fr"])
def test_of_two_hundred_damaged_real_reports_none_says_anything_wrong(reports: dict[str, str], language: str) -> None:
    whole = reports[language]
    true = causes(read(whole))
    assert len(true) == 1
    lots = random.Random(7)  # noqa: S311  repeatable, not secret
    silent = []
    for number in range(200):
        reading = read(damaged(whole, lots))
        assert causes(reading) <= true, number
        if reading is not None and causes(reading) < true and not reading.lost:
            silent.append(number)
    assert silent == []


def test_the_same_report_twice_differs_in_nothing_that_matters(broken: Sandbox, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text(run(broken, "report").out)
    seen = run(broken, "diff", *map(str, paths), config=False)
    assert "still: home is stopped [service.stopped]" in seen.out


def test_nothing_is_left_behind(broken: Sandbox) -> None:
    before = set(os.listdir(broken.folder))
    run(broken, "report", "--format", "html")
    assert set(os.listdir(broken.folder)) == before
