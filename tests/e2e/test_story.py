"""The tutorial's third page, whole: a crash loop, its cause, why no restart helps, and green after the change."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.laboratory.story import DATABASE, MENDED, Databases, Platform


class Story:
    """The platform, the app on it, and what is typed at a prompt beside."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.databases = Databases()
        self.platform = Platform(folder, self.databases.url(), self.port)
        self.config = folder / "cozydiag.toml"
        self.config.write_text(
            f'discover = false\n[paths]\nstate = "{folder}/state"\n'
            f'[timing]\nproof = 1.0\nsettle = 3.0\n[cloudfoundry]\nhome = "{folder}"\n'
        )
        self.config.chmod(0o600)

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", "cozydiag", *words, "--config", str(self.config)], env=environment, input=given,
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def causes(self) -> list[dict[str, Any]]:
        done = self.run("status", "--only", "manager.*", "--format", "json")
        assert done.stdout, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["causes"]
        return found


def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    told = Story(tmp_path_factory.mktemp("story"))
    try:
        yield told
    finally:
        told.platform.end()
        told.databases.end()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_whole_story(story: Story) -> None:
    """In one test, for each step stands on the one before."""
    story.platform.start()
    until(lambda: _answers(story.port))
    assert story.causes() == [], "the first start makes the database"
    story.platform.stop()
    for calm in (story.run("logs", "-", given=story.platform.log()).stdout, story.run("logs", "demo").stdout):
        told = [line[10:] for line in calm.partition("\n\n")[0].splitlines()]
        assert told == ["started", "GET /", "answered: 200", "a stop was asked for", "stopped"]

    story.platform.start()
    until(lambda: len(story.platform.crashes) >= 4)
    (cause,) = story.causes()
    assert cause["code"] == "service.crash_loop"
    assert f"the database {DATABASE} already exists" in cause["message"]["text"]
    assert cause["restart_helps"] is False
    assert cause["evidence"][0]["line"].endswith(f"CloudantException: Database {DATABASE} already exists")

    before = len(story.platform.crashes)
    refused = story.run("fix", "--restart", "--yes")
    assert refused.returncode == 2
    steps = ["throw_on_exists=False", "newer version", "stop the program, copy", "delete it, start", "returns at every"]
    places = [" ".join(refused.stdout.split()).find(step) for step in steps]
    assert -1 not in places, refused.stdout
    assert places == sorted(places)
    assert DATABASE in story.databases.names
    assert len(story.platform.crashes) >= before, "nobody has stopped it"

    told_of = " ".join(story.run("logs", "demo").stdout.split())
    assert f"database {DATABASE} already exists" in told_of
    assert "{0}" not in told_of
    page = story.run("logs", "-", given=story.platform.log()).stdout
    assert "Crash loop of app" in page
    assert f"database {DATABASE} already exists" in " ".join(page.split())
    loops = json.loads(story.run("logs", "-", "--format", "json", given=story.platform.log()).stdout)["loops"]
    assert [(one["cause"], one["certainty"]) for one in loops] == [("db-already-exists", "certain")]

    story.platform.app.write_text(MENDED)
    until(lambda: _answers(story.port))
    until(lambda: story.causes() == [], 60)
    assert story.run("status", "--only", "manager.*", "--quiet").returncode == 0
