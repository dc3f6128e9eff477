"""The catalogues are complete, and the check of them sees what is wrong with one."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, catalogue, render

SCRIPT = Path(__file__).parents[2] / "scripts" / "translations"
HEADER = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
SOURCE = 'from cozydiag.text import plural, t\nx = t("{name} is down", name="a")\ny = plural("one", "{n} parts", n=2)\n'
GOOD = (
    'msgid "{name} is down"\nmsgstr "{name} est arrêté"\n\n'
    'msgid "one"\nmsgid_plural "{n} parts"\nmsgstr[0] "une"\nmsgstr[1] "{n} parties"\n'
)


def run(action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, action, *arguments], capture_output=True, text=True, check=False)


def tree(root: Path, source: str, translations: str) -> Path:
    (root / "cozydiag").mkdir()
    (root / "cozydiag" / "part.py").write_text(source, "utf-8")
    po = root / "cozydiag/text/locale/fr/LC_MESSAGES/cozydiag.po"
    po.parent.mkdir(parents=True)
    po.write_text(f"{HEADER}\n{translations}", "utf-8")
    return po


def problems(root: Path) -> list[str]:
    found: list[str] = runpy.run_path(str(SCRIPT))["check"](root)
    return found


def test_the_catalogues_of_this_project_are_complete() -> None:
    result = run("check")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_good_catalogue_has_no_problems(tmp_path: Path) -> None:
    tree(tmp_path, SOURCE, GOOD)
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("translations", "problem"),
    [
        (GOOD.partition("\n\n")[2], "missing: '{name} is down'"),
        (GOOD.partition("\n\n")[0], "missing: ('one', '{n} parts')"),
        (f"#, fuzzy\n{GOOD}", "fuzzy: '{name} is down'"),
        (GOOD.replace("{name} est arrêté", ""), "not translated: '{name} is down'"),
        (GOOD.replace("{n} parties", ""), "not translated: ('one', '{n} parts')"),
        (
            GOOD.replace("{name} est", "{nom} est"),
            "fields differ: '{name} is down' has name, '{nom} est arrêté' has nom",
        ),
        (GOOD.replace("{n} parties", "{m} parties"), "fields differ: "),
        (GOOD.replace("{name} est", "[red]{name} est"), "markup: '[red]{name} est arrêté'"),
        (GOOD.replace("{name} est", "{name} {name!r} est"), "not a plain {name} field: "),
        (f'{GOOD}\nmsgid "gone"\nmsgstr "disparu"\n', "obsolete: 'gone'"),
        (f'{GOOD}\n#~ msgid "gone"\n#~ msgstr "disparu"\n', "obsolete: 'gone'"),
    ],
)
def test_a_bad_catalogue_is_told_from_a_good_one(tmp_path: Path, translations: str, problem: str) -> None:
    tree(tmp_path, SOURCE, translations)
    found = problems(tmp_path)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("t(words)", "t() takes literal templates only"),
        ('t(f"{words}")', "t() takes literal templates only"),
        ('plural("one", many, n=1)', "plural() takes literal templates only"),
        ('t("{name}")', "nothing fills name"),
        ('t("name", name="a")', "no field for name"),
        ('t("{a:>3}", a="b")', "not a plain {name} field: '{a:>3}'"),
        ('t("[bold]")', "markup: '[bold]'"),
    ],
)
def test_a_text_that_no_translation_can_serve_is_found(tmp_path: Path, call: str, problem: str) -> None:
    tree(tmp_path, f"{SOURCE}\nz = {call}\n", GOOD)
    assert f"cozydiag/part.py:5: {problem}" in problems(tmp_path)


def test_extraction_keeps_what_is_translated(tmp_path: Path) -> None:
    po = tree(tmp_path, f'{SOURCE}z = t("something new")\n', f'{GOOD}\nmsgid "gone"\nmsgstr "disparu"\n')
    assert "3 texts, 1 to translate" in run("extract", "--root", str(tmp_path)).stdout
    once = po.read_text("utf-8")
    assert "{name} est arrêté" in once
    assert 'msgid "something new"\nmsgstr ""' in once
    assert "gone" not in once
    assert once.startswith(HEADER)
    run("extract", "--root", str(tmp_path))
    assert po.read_text("utf-8") == once


def test_a_compiled_catalogue_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    po = tree(tmp_path, SOURCE, GOOD)
    assert run("compile", "--root", str(tmp_path)).returncode == 0
    monkeypatch.setattr("cozydiag.text.catalogue.__file__", str(tmp_path / "cozydiag/text/catalogue.py"))
    french = catalogue("fr")
    assert render(t("{name} is down", name="home"), french) == "home est arrêté"
    assert render(Text("one", (("n", 0),), "{n} parts", 0), french) == "une"
    assert sorted(path.name for path in po.parent.iterdir()) == ["cozydiag.mo", "cozydiag.po"]


@pytest.mark.parametrize("content", [b"", b"no catalogue", b"\xde\x12\x04\x95" + b"\xff" * 40])
def test_a_damaged_catalogue_reads_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    tree(tmp_path, SOURCE, GOOD).with_suffix(".mo").write_bytes(content)
    monkeypatch.setattr("cozydiag.text.catalogue.__file__", str(tmp_path / "cozydiag/text/catalogue.py"))
    assert catalogue("fr") is ENGLISH
