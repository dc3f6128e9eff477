"""Where checks come from: drop-ins in every state that a file can be in, and the order of all checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Timing
from cozydiag.engine import registry
from cozydiag.engine.run import Run
from cozydiag.host import Host, World
from cozydiag.model import Result, Status
from cozydiag.stack import Stack
from cozydiag.text.catalogue import ENGLISH, render

GOOD = """
from cozydiag.api import *

@check("my.good", t("My own check"))
def good(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("all is well"))
"""

HEAD = "import sys, time\nfrom cozydiag.api import *\n"


def a_check(name: str, body: str = 'yield ok(t("well"))', **fields: Any) -> str:
    more = "".join(f", {key}={value!r}" for key, value in fields.items())
    return f'{HEAD}\n@check("{name}", t("A check"){more})\ndef function(host, stack):\n    {body}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of drop-ins with a good one in it."""
    folder = tmp_path / "checks.d"
    folder.mkdir(mode=0o755)
    write(folder, "zz_good.py", GOOD)
    yield folder
    for name in [name for name in sys.modules if name.startswith("cozydiag_drop_ins.")]:
        del sys.modules[name]


def write(folder: Path, name: str, content: str, mode: int = 0o644) -> Path:
    path = folder / name
    path.write_text(content)
    path.chmod(mode)
    return path


def examine(folder: Path) -> dict[str, Result]:
    """The drop-ins' own results, and what could not be loaded."""
    loaded = registry.load(str(folder))
    own = {name: check for name, check in loaded.checks.items() if check.origin.startswith(str(folder))}
    stack = Stack(Config(timing=Timing(local=0.3)))
    return {result.instance: result for result in [*Run(own, Host(World(), 5.0), stack).run(), *loaded.errors]}


def words(result: Result) -> str:
    return render(result.findings[-1].text, ENGLISH)


def errors(results: dict[str, Result]) -> list[str]:
    return [words(result) for result in results.values() if result.id == "registry"]


def test_a_drop_in_is_a_check_like_any_other(folder: Path) -> None:
    results = examine(folder)
    assert {name: result.status for name, result in results.items()} == {"my.good": Status.OK}
    assert registry.load(str(folder)).checks["my.good"].origin == str(folder / "zz_good.py")


def test_the_built_in_checks_load_without_an_error() -> None:
    loaded = registry.load()
    assert loaded.errors == ()
    assert {"couchdb.login", "host.disk", "proxy.gateway", "stack.home", "supervisor.program"} <= loaded.checks.keys()


def test_a_drop_in_that_hangs_when_it_is_imported_holds_nobody_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PATIENCE", 0.1)
    write(folder, "aa_hangs.py", "import threading\nthreading.Event().wait(5)\n")
    loaded = registry.load(str(folder))
    (error,) = loaded.errors
    assert render(error.findings[0].text, ENGLISH).endswith("aa_hangs.py does not load: TimeoutError: not within 0.1 s")
    assert "my.good" in loaded.checks


def test_a_folder_that_is_not_there_has_no_drop_ins(tmp_path: Path) -> None:
    assert examine(tmp_path / "none") == {}


def test_only_python_files_that_are_not_hidden_are_looked_at(folder: Path) -> None:
    for name in (".hidden.py", "_helper.py", "notes.txt", "backup.py~"):
        write(folder, name, "raise SystemExit")
    assert list(examine(folder)) == ["my.good"]


# --- files that do not load: one ERROR that names the file, and the rest runs


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("\0", "source code string cannot contain null bytes"),
        (a_check("My Check"), "ValueError: check id 'My Check'"),
    ],
)
def test_a_file_that_does_not_load(folder: Path, content: str, complaint: str) -> None:
    path = write(folder, "aa_bad.py", content)
    results = examine(folder)
    assert results["my.good"].status is Status.OK
    (error,) = [result for name, result in results.items() if name != "my.good"]
    assert error.status is Status.ERROR
    assert str(path) in words(error)
    assert complaint in words(error)


def test_a_file_that_others_can_write_is_not_run(folder: Path) -> None:
    write(folder, "aa_bad.py", "raise SystemExit", 0o666)
    (error,) = errors(examine(folder))
    assert "others can write it (chmod go-w" in error


def test_a_folder_that_others_can_write_is_not_used(folder: Path) -> None:
    folder.chmod(0o777)
    results = examine(folder)
    assert list(results) == [f"registry:{folder}"]
    assert "others can write it" in errors(results)[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_run(folder: Path) -> None:
    path = write(folder, "aa_bad.py", "raise SystemExit")
    os.chown(path, 65534, 65534)
    (error,) = errors(examine(folder))
    assert "belongs to another user (chown root" in error


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_that_is_closed_to_us_is_told(folder: Path) -> None:
    write(folder, "aa_bad.py", "", 0)
    (error,) = errors(examine(folder))
    assert "Permission denied" in error


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "aa_link.py").symlink_to(write(tmp_path, "elsewhere.py", a_check("my.other")))
    results = examine(folder)
    assert "my.other" not in results
    (error,) = errors(results)
    assert str(folder / "aa_link.py") in error


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_regular_file_is_told_and_waits_for_nobody(folder: Path, kind: str) -> None:
    path = folder / "aa_bad.py"
    os.mkfifo(path) if kind == "fifo" else path.mkdir()
    (error,) = errors(examine(folder))
    assert str(path) in error


# --- checks that do not run as they should


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        ("raise ValueError('x')\n    yield", Status.ERROR, "ValueError: x"),
        ("sys.exit(0)\n    yield", Status.ERROR, "SystemExit: 0"),
        ("time.sleep(2)\n    yield", Status.TIMEOUT, "no answer within 0.3"),
        ("return\n    yield", Status.ERROR, "it said nothing"),
        ("yield 'fine'", Status.ERROR, "a str, not a Finding"),
        ("pass", Status.ERROR, "NoneType"),
    ],
)
def test_a_drop_in_that_misbehaves_when_it_runs(folder: Path, body: str, status: Status, complaint: str) -> None:
    write(folder, "aa_bad.py", a_check("my.bad", body))
    results = examine(folder)
    assert (results["my.bad"].status, results["my.good"].status) == (status, Status.OK)
    assert complaint in words(results["my.bad"])


def test_a_source_that_does_not_exist_is_named(folder: Path) -> None:
    write(folder, "aa_bad.py", a_check("my.bad", each="websites"))
    results = examine(folder)
    assert (results["my.bad"].status, results["my.good"].status) == (Status.ERROR, Status.OK)
    assert "could not be listed: KeyError: 'websites'" in words(results["my.bad"])


# --- what binds them


@pytest.mark.parametrize("bond", ["needs", "because"])
def test_an_unknown_id_is_told_with_who_names_it(folder: Path, bond: str) -> None:
    fields: dict[str, Any] = {bond: ["couchdb.raech"]}
    write(folder, "aa_bad.py", a_check("my.bad", **fields))
    results = examine(folder)
    assert list(results) == ["my.good", f"registry:{folder / 'aa_bad.py'}"]
    assert "names a check that does not exist: couchdb.raech" in errors(results)[0]


def test_who_needs_what_was_left_out_is_left_out_no_more_than_that(folder: Path) -> None:
    write(folder, "aa_bad.py", a_check("my.bad", needs=["nothing"]))
    write(folder, "bb_after.py", a_check("my.after", needs=["my.bad"]))
    assert examine(folder)["my.after"].status is Status.OK


@pytest.mark.parametrize("names", [("my.a",), ("my.a", "my.b"), ("my.a", "my.b", "my.c")])
def test_a_circle_is_told_and_the_rest_runs(folder: Path, names: tuple[str, ...]) -> None:
    for name, other in zip(names, (*names[1:], names[0]), strict=True):
        write(folder, f"{name[3:]}.py", a_check(name, needs=[other]))
    results = examine(folder)
    assert results["my.good"].status is Status.OK
    (error,) = errors(results)
    assert error.startswith("these checks wait for each other: ")
    assert all(name in error for name in names)


def test_an_id_that_is_taken_is_told_and_the_first_stays(folder: Path) -> None:
    both = a_check("couchdb.login") + a_check("couchdb.up").replace("function", "other")
    write(folder, "aa_bad.py", both)
    loaded = registry.load(str(folder))
    assert not loaded.checks["couchdb.login"].origin.startswith(str(folder))
    told = [words(error) for error in loaded.errors]
    assert [text.split(" is already")[0] for text in told] == ["couchdb.login", "couchdb.up"]
    assert len({error.instance for error in loaded.errors}) == 2


def test_what_is_needed_stands_first(folder: Path) -> None:
    write(folder, "aa_first.py", a_check("my.a", needs=["my.good"], because=["couchdb.login"]))
    order = list(registry.load(str(folder)).checks)
    for check in registry.load(str(folder)).checks.values():
        assert all(order.index(name) < order.index(check.id) for name in (*check.needs, *check.because))


# --- entry points of other packages


def test_a_package_may_bring_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cozydiag_extra-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cozydiag-extra\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cozydiag.checks]\nextra = cozydiag_extra_checks\n")
    (tmp_path / "cozydiag_extra_checks.py").write_text(a_check("extra.check"))
    monkeypatch.syspath_prepend(tmp_path)
    loaded = registry.load()
    assert loaded.errors == ()
    assert loaded.checks["extra.check"].origin == str(tmp_path / "cozydiag_extra_checks.py")
    del sys.modules["cozydiag_extra_checks"]


def test_a_package_whose_checks_do_not_load_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cozydiag_extra-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[cozydiag.checks]\nextra = nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    (error,) = registry.load().errors
    assert str(info) in words(error)
