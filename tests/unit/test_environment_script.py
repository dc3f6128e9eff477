"""scripts/environment where it cannot do its work, or need not: with stand-ins for Python, and no network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "readlink", "cat", "cksum", "rm", "rmdir", "id", "mkdir", "cp", "echo")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the script, and a folder of programs that is the whole PATH."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/environment", tmp_path / "scripts/environment")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "programs").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "programs" / tool).symlink_to(found)
    return tmp_path


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def environment(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = ["/bin/sh", str(project / "scripts/environment"), *arguments]
    path = {"PATH": str(project / "programs")}
    return subprocess.run(line, env=path, cwd="/", capture_output=True, text=True, timeout=60, check=False)


def test_without_a_folder_it_says_how_to_call_it(project: Path) -> None:
    done = environment(project)
    assert (done.returncode, done.stderr) == (64, "usage: scripts/environment FOLDER [EXTRAS]\n")


def test_without_python_it_says_what_to_type(project: Path) -> None:
    program(project / "programs/python3", "exit 1")  # one that is too old
    done = environment(project, ".venv", "dev")
    assert done.returncode == 1
    assert done.stderr.startswith("cozydiag: Python 3.10 or newer is needed. Type: ")
    assert done.stderr.endswith("apt-get install python3 python3-venv\n")


def test_without_any_way_to_make_it_nothing_is_left(project: Path) -> None:
    program(project / "programs/python3.12", 'case "$*" in *version_info*) exit 0 ;; esac; exit 1')
    done = environment(project, ".venv", "dev")
    assert done.returncode == 1
    assert "python3.12 cannot make environments here. Type: " in done.stderr
    assert done.stderr.endswith("apt-get install python3.12-venv\n")
    assert not (project / ".venv").exists()


def test_a_folder_of_somebody_else_is_left_alone(project: Path) -> None:
    (project / "mine").mkdir()
    (project / "mine/letter").write_text("dear")
    done = environment(project, "mine")
    assert done.returncode == 1
    assert done.stderr.endswith("mine is there and is no Python environment: move it away.\n")
    assert (project / "mine/letter").read_text() == "dear"


def test_it_installs_once(project: Path) -> None:
    python = project / ".venv/bin/python"
    program(python, f'case "$*" in *" install "*) echo "$*" >>{project}/installed ;; esac')
    (project / ".venv/pyvenv.cfg").touch()
    for _ in range(2):
        done = environment(project, ".venv", "dev")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project / "installed").read_text().count("--editable .[dev]\n") == 1
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    environment(project, ".venv", "dev")
    assert len((project / "installed").read_text().splitlines()) == 2


def test_a_failed_installation_is_tried_again(project: Path) -> None:
    python = project / ".venv/bin/python"
    program(python, 'case "$*" in *" install "*) exit 1 ;; esac')
    for _ in range(2):
        done = environment(project, ".venv")
        assert done.returncode == 1
        assert "could not be installed" in done.stderr
