"""The line that lets a user repair, and what keeps it from letting him do more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cozydiag.cli import sudoers
from cozydiag.cli.common import Problem
from cozydiag.text.catalogue import ENGLISH, render

ME = "root"  # who is everywhere


def place(monkeypatch: pytest.MonkeyPatch, path: Path, *, safe: bool = True) -> None:
    path.write_text("#!/bin/sh\n")
    monkeypatch.setattr("sys.argv", [str(path)])
    if safe:
        monkeypatch.setattr(sudoers, "_open_to_others", lambda _: None)


def test_it_allows_this_very_command_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place(monkeypatch, tmp_path / "cozydiag")
    assert sudoers.line_for(ME) == f"{ME} ALL=(root) NOPASSWD: {tmp_path}/cozydiag fix --restart --auto"


def test_what_means_something_in_sudoers_is_escaped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd = tmp_path / "a b,c*"
    odd.mkdir()
    place(monkeypatch, odd / "cozydiag")
    assert r"/a\ b\,c\*/cozydiag fix --restart --auto" in sudoers.line_for(ME)


@pytest.mark.parametrize("user", ["", "ann ALL", "ann,bob", "ALL%", "-u", "%wheel", "ann\nroot"])
def test_a_user_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str) -> None:
    place(monkeypatch, tmp_path / "cozydiag")
    with pytest.raises(Problem):
        sudoers.line_for(user)


def test_a_user_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place(monkeypatch, tmp_path / "cozydiag")
    with pytest.raises(Problem) as raised:
        sudoers.line_for("nobody-of-that-name")
    assert render(raised.value.text, ENGLISH) == "there is no user nobody-of-that-name on this machine"
    assert raised.value.code == 64


def test_a_program_that_others_can_change_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    open_ = tmp_path / "open"
    open_.mkdir()
    os.chmod(open_, 0o777)  # noqa: S103
    place(monkeypatch, open_ / "cozydiag", safe=False)
    with pytest.raises(Problem) as raised:
        sudoers.line_for(ME)
    assert "can be changed by others than root" in render(raised.value.text, ENGLISH)


def test_a_module_is_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place(monkeypatch, tmp_path / "__main__.py")
    with pytest.raises(Problem):
        sudoers.line_for(ME)
