"""A whole examination, with drop-ins that say what we want: what is asked for is what is reported."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from cozydiag.config import Config, ConfigError
from cozydiag.config.values import Paths
from cozydiag.engine.examine import Wish, examine
from cozydiag.model import Report, Result, Status
from cozydiag.stack import Stack

CHECKS = """
from cozydiag.api import *

@check("my.root", t("The root"), role="couchdb")
def root(host: Host, stack: Stack) -> Iterator[Finding]:
    yield fail("my.down", t("it is down"), t("Start it."), role="couchdb")

@check("my.leaf", t("The leaf"), needs=["my.root"], role="cozy.home")
def leaf(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("well"))

@check("my.other", t("Another"), each="mounts", role="cozy.proxy")
def other(host: Host, stack: Stack, mount: Mount) -> Iterator[Finding]:
    yield warn("my.worn", t("it is worn"), t("Look."), role="cozy.proxy")

@check("my.single", t("A single one"), needs=["my.other"])
def single(host: Host, stack: Stack) -> Iterator[Finding]:
    yield ok(t("well"))
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Looks at nothing of this machine but a folder's disk."""
    folder = tmp_path / "checks.d"
    folder.mkdir(mode=0o755)
    (folder / "mine.py").write_text(CHECKS)
    (folder / "mine.py").chmod(0o644)
    return Config(discover=False, paths=Paths(logs=str(tmp_path)), drop_ins=str(folder))


def statuses(report: Report) -> dict[str, str]:
    return {re.sub(":.*", "", result.instance): str(result.status) for result in report.results}


@pytest.mark.parametrize(
    ("wish", "seen", "causes", "verdict"),
    [
        (
            Wish(only=("my.*",)),
            {"my.root": "fail", "my.leaf": "blocked", "my.other": "warn", "my.single": "ok"},
            ["my.down", "my.worn"],
            Status.FAIL,
        ),
        (Wish(only=("my.leaf",)), {"my.root": "fail", "my.leaf": "blocked"}, ["my.down"], Status.FAIL),
        (Wish(only=("my.leaf",), skip=("my.root",)), {"my.leaf": "ok"}, [], Status.OK),
        (Wish(only=("my.single",)), {"my.single": "ok"}, [], Status.OK),
        (Wish(only=("my.other:*",)), {"my.other": "warn"}, ["my.worn"], Status.WARN),
        (Wish(only=("my.other:/nowhere",)), {}, [], Status.OK),
        (Wish(only=("nothing",)), {}, [], Status.OK),
    ],
    ids=str,
)
def test_what_was_asked_for_is_what_is_told(
    config: Config, wish: Wish, seen: dict[str, str], causes: list[str], verdict: Status
) -> None:
    report = examine(config, wish)
    assert statuses(report) == seen
    assert [cause.code for cause in report.causes] == causes
    assert report.verdict is verdict


def test_the_chain_shows_where_it_breaks(config: Config) -> None:
    assert dict(examine(config, Wish(only=("my.*",))).chain) == {
        "proxy": "absent",
        "cozy.stack": "absent",
        "cozy.proxy": "warn",
        "cozy.home": "waiting",
        "cozy.data-system": "absent",
        "couchdb": "broken",
    }


def test_the_report_says_where_when_and_by_whom(config: Config) -> None:
    before = time.time()
    report = examine(config, Wish(only=("my.single",)))
    assert before <= report.started_at <= time.time()
    assert (report.host, report.privileged) == (os.uname().nodename, os.geteuid() == 0)


def test_progress_is_told_of_every_result(config: Config) -> None:
    told: list[Result] = []
    report = examine(config, Wish(only=("my.*",)), told.append)
    assert sorted(result.instance for result in told) == sorted(result.instance for result in report.results)


def test_options_of_a_check_that_does_not_exist_are_a_mistake(config: Config) -> None:
    with pytest.raises(ConfigError):
        examine(config._replace(checks={"my.roots": {}}), Wish())


def test_a_source_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Stack(Config()).source("nothing")
