"""The continuous integration runs what README.md says, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(folder: Path, readme: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "README.md").write_text(readme, "utf-8")
    return subprocess.run([folder / ".ci/run"], cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "readme",
    [
        "# A\n## Tests\n```\npwd\n```\n",
        "# A\n```sh\n# Tests\nfalse\n```\n## Running the tests\nLike so:\n\n```bash\npwd\n```\nor\n```\nfalse\n```\n",
        "## Test ##\n~~~console\n$ pwd\n~~~\n## More\n```\nfalse\n```\n",
    ],
)
def test_the_block_under_tests_is_run_in_the_checkout(tmp_path: Path, readme: str) -> None:
    result = run(tmp_path, readme)
    assert (result.returncode, result.stdout) == (0, f"$ pwd\n{tmp_path}\n")


@pytest.mark.parametrize(
    "readme", ["# Tests\nnone\n", "# A\n```\ntrue\n```\n", "## Tests\n## Other\n```\ntrue\n```\n", ""]
)
def test_no_test_command_is_a_failure(tmp_path: Path, readme: str) -> None:
    result = run(tmp_path, readme)
    assert result.returncode == 1
    assert "no fenced block" in result.stderr


def test_a_failing_command_fails(tmp_path: Path) -> None:
    assert run(tmp_path, "## Tests\n```\nfalse\ntrue\n```\n").returncode == 1
