"""How the lab comes by the real cozy-stack: built once into its cache; where it cannot be had it says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.laboratory.hosts import real_stack


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(real_stack, "FOLDER", tmp_path)
    real_stack.program.cache_clear()
    yield tmp_path
    real_stack.program.cache_clear()


def go(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    monkeypatch.setattr(real_stack, "which", lambda _: str(program))


def test_it_is_built_once_into_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(cache, monkeypatch, f'echo "$@" >>{cache}/asked; mkdir -p "$GOBIN"; touch "$GOBIN/cozy-stack"')
    assert real_stack.program() == cache / "bin" / "cozy-stack"
    real_stack.program.cache_clear()
    assert real_stack.program() == cache / "bin" / "cozy-stack"
    assert (cache / "asked").read_text() == "install -modcacherw github.com/cozy/cozy-stack@latest\n"


def test_a_registry_that_does_not_have_it_is_the_reason(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(cache, monkeypatch, "echo '403 Forbidden' >&2; echo 'not available' >&2; exit 1")
    assert real_stack.program() == "cozy-stack cannot be had: not available"


def test_without_go_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_stack, "which", lambda _: None)
    assert real_stack.program() == "there is no Go here"
