"""What is released: a wheel made from the sdist, installed somewhere else, does all that the checkout does."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from cozydiag import __version__

ROOT = Path(__file__).parents[2]
CHECKS = {path.name for path in (ROOT / "checks").glob("*.py")}
FRENCH = "cozydiag/text/locale/fr/LC_MESSAGES/cozydiag.mo"


def output(*command: str | Path, cwd: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "COZYDIAG"))}
    result = subprocess.run(command, cwd=cwd, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist of this checkout and of a wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    output(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that the wheel was installed into."""
    folder = tmp_path_factory.mktemp("elsewhere")
    output(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    pip: list[str | Path] = [programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    output(*pip, "install", built / f"cozydiag-{__version__}-py3-none-any.whl", cwd=folder)
    return programs


def test_the_wheel_holds_the_program_its_checks_and_its_translations(built: Path) -> None:
    with zipfile.ZipFile(built / f"cozydiag-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    assert {f"cozydiag/checks/{name}" for name in CHECKS} <= names
    assert {FRENCH, FRENCH.replace(".mo", ".po"), "cozydiag/py.typed", "cozydiag/__main__.py"} <= names
    assert {name.split("/")[0] for name in names} == {"cozydiag", f"cozydiag-{__version__}.dist-info"}


def test_the_sdist_holds_what_is_needed_to_build_and_test_it(built: Path) -> None:
    with tarfile.open(built / f"cozydiag-{__version__}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "scripts/hatch_build.py"} <= names
    assert {"scripts/test", "scripts/translations", "tests/conftest.py", ".ci/run", FRENCH} <= names
    assert not [name for name in names if name.startswith(".venv") or "__pycache__" in name]


def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    assert output(installed / "cozydiag", "--version", cwd=tmp_path) == f"cozydiag {__version__}\n"
    assert output(installed / "python", "-m", "cozydiag", "--version", cwd=tmp_path) == f"cozydiag {__version__}\n"


def test_the_installed_command_has_every_check(installed: Path, tmp_path: Path) -> None:
    listed = output(installed / "cozydiag", "checks", cwd=tmp_path)
    assert {name for name in CHECKS if f"from checks/{name}" in listed} == CHECKS


def test_the_installed_program_speaks_french(installed: Path, tmp_path: Path) -> None:
    script = "from cozydiag.text.catalogue import catalogue; print(catalogue('fr').language)"
    assert output(installed / "python", "-c", script, cwd=tmp_path) == "fr\n"
