"""The bench: what it counts on a real stack, and that it sees what costs too much."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cozydiag.sandbox import Sandbox
from scripts.benchmark import managers, many
from scripts.benchmark.measure import Command, Cost, UnexpectedExitError, count, in_turn, once, ratio
from scripts.benchmark.rows import BANNED, MODULES, Row, bounds
from scripts.benchmark.scenes import SCENES, Scene, hang, ours, resume
from scripts.benchmark.sites import Sites

ENVIRONMENT = {"PATH": os.defpath, "HOME": "/nonexistent"}
CHEAP = Row(1.0, 1.0, 0.5, 0.5, 1.0, frozenset({"os"}), 0, 0.1)
GOOD = {"status_quiet": CHEAP, "help": CHEAP, "cron": CHEAP, "version": CHEAP, "hung_1": CHEAP._replace(wall_s=2.3)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox.create()
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_quiet_status_starts_no_program_and_imports_little(sandbox: Sandbox, scene: Scene) -> None:
    hang(scene, sandbox)
    try:
        for row, arguments in ours(scene, sandbox).items():
            modules, children = count(sys.executable, arguments, ENVIRONMENT)
            assert "cozydiag.__main__" in modules
            assert not BANNED & modules
            dear = scene.hung or row == "cron"  # what only a failure needs; history, and who is told
            assert dear or len(modules) <= MODULES
            assert children == 0
    finally:
        resume(scene, sandbox)


def test_programs_that_are_started_are_counted(tmp_path: Path) -> None:
    configuration, drop_in = tmp_path / "config.toml", tmp_path / "checks.d" / "starts.py"
    drop_in.parent.mkdir()
    configuration.write_text("discover = false\n")
    drop_in.write_text(
        "from cozydiag.api import check, ok, t\n"
        '@check("starts.one", t("It starts a program"))\n'
        "def one(host, stack):\n"
        '    host.run(["/bin/true"])\n'
        '    yield ok(t("it did"))\n'
    )
    for path in (configuration, drop_in.parent, drop_in):
        path.chmod(path.stat().st_mode & ~0o022)  # what others may write is not used
    arguments = ["status", "--config", str(configuration), "--only"]
    assert count(sys.executable, [*arguments, "starts.one"], ENVIRONMENT).children > 0
    assert count(sys.executable, [*arguments, "host.memory"], ENVIRONMENT).children == 0


def test_a_command_that_ends_otherwise_is_not_measured() -> None:
    shell = ("/bin/sh", "-c", "echo because >&2; exit 3")
    assert once(Command(shell, 3), ENVIRONMENT).peak > 0
    with pytest.raises(UnexpectedExitError, match=r"(?s)exit 3 instead of 0.*because"):
        once(Command(shell, 0), ENVIRONMENT)


def test_commands_take_turns_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    order = tmp_path / "order"
    commands = {name: Command(("/bin/sh", "-c", f"echo {name} >>{order}")) for name in "ab"}
    costs = in_turn(commands, 2, ENVIRONMENT)
    assert order.read_text().split() == ["a", "b"] * 3
    assert {name: len(rounds) for name, rounds in costs.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    costs = [Cost(2, 30, 4), Cost(9, 10, 4), Cost(8, 40, 4)]
    others = [Cost(1, 10, 2), Cost(3, 10, 2), Cost(2, 10, 2)]
    assert ratio(costs, others) == Cost(3, 3, 2)


def test_what_is_cheap_enough_meets_every_bound() -> None:
    assert all(bound.met for bound in [*bounds(GOOD), many.bound(4.0), *Sites(50.0, 1.0).bounds()])


def test_a_dear_couchdb_misses_its_bound() -> None:
    assert not many.bound(4.1).met


@pytest.mark.parametrize("dear", [Sites(50.1, 0.5), Sites(10.0, 1.1)])
def test_a_thousand_sites_must_be_cheap_at_first_and_ever_after(dear: Sites) -> None:
    assert not all(bound.met for bound in dear.bounds())


def test_dear_managers_miss_their_bounds() -> None:
    assert all(bound.met for bound in managers.Cost(0.01, 100.0).bounds())
    assert [bound.row for bound in managers.Cost(0.011, None).bounds() if not bound.met] == ["program_of_1000"]
    assert [bound.row for bound in managers.Cost(0.01, 101.0).bounds() if not bound.met] == ["services"]


@pytest.mark.parametrize(
    ("row", "dear"),
    [
        ("status_quiet", {"cpu_vs_bare": 10.6}),
        ("status_quiet", {"cpu_vs_script": 0.86}),
        ("status_quiet", {"children": 1}),
        ("status_quiet", {"modules": frozenset(map(str, range(MODULES + 1)))}),
        ("status_quiet", {"modules": frozenset({"ssl"})}),
        ("help", {"cpu_vs_bare": 7.1}),
        ("version", {"cpu_vs_bare": 1.6}),
        ("hung_1", {"wall_s": 2.5}),
    ],
)
def test_what_is_too_dear_misses_one_bound(row: str, dear: dict[str, Any]) -> None:
    missed = [bound for bound in bounds({**GOOD, row: GOOD[row]._replace(**dear)}) if not bound.met]
    assert [bound.row for bound in missed] == [row]
