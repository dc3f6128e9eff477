"""Excerpts of configuration files: what is kept of them, and links that others have planted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.config.values import CouchDB, Proxy, Supervisord
from cozydiag.host import Host, World
from cozydiag.host.failure import Failure
from cozydiag.report.configuration import LINES, collect, patterns, planted


def configured(folder: Path) -> Config:
    return Config(
        discover=False,
        supervisord=Supervisord(conf=str(folder / "supervisord.conf")),
        couchdb=CouchDB(etc=str(folder / "couchdb")),
        proxy=Proxy(conf=str(folder / "nginx.conf")),
    )


def collected(folder: Path) -> dict[str, tuple[str, ...] | Failure]:
    return {
        os.path.relpath(file.path, folder): file.lines for file in collect(Host(World(), 60.0, "x"), configured(folder))
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "couchdb/local.d").mkdir(parents=True)
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include types; include site; }\n")
    (tmp_path / "types").write_text("types { text/html html; }\n")
    (tmp_path / "site").write_text("# mine\nserver {\n\n    server_name a.example;   \n}\n")
    (tmp_path / "supervisord.conf").write_text("; comment\n[supervisord]\nlogfile=/x ; why\n")
    (tmp_path / "couchdb/local.d/10.ini").write_text("[admins]\n\x1b[31m;x\nadmin = y\n")
    return tmp_path


def test_structure_stays_and_comments_go(folder: Path) -> None:
    assert collected(folder) == {
        "site": ("server {", "    server_name a.example;", "}"),
        "supervisord.conf": ("[supervisord]", "logfile=/x ; why"),
        "couchdb/local.d/10.ini": ("[admins]", "admin = y"),
    }


def test_a_long_file_is_cut_and_that_is_counted(folder: Path) -> None:
    (folder / "supervisord.conf").write_text("\n".join(f"a{number}=1" for number in range(LINES + 7)))
    (found,) = (
        one for one in collect(Host(World(), 60.0, "x"), configured(folder)) if one.path.endswith("supervisord.conf")
    )
    assert (len(found.lines), found.more) == (LINES, 7)


def test_what_cannot_be_read_says_why(folder: Path) -> None:
    (folder / "supervisord.conf").unlink()
    os.mkfifo(folder / "supervisord.conf")
    assert isinstance(collected(folder)["supervisord.conf"], Failure)


def test_a_link_that_somebody_else_made_is_not_followed(folder: Path) -> None:
    secret, link = folder / "secret", folder / "couchdb/local.d/20.ini"
    secret.write_text("root:$6$x\n")
    link.symlink_to(secret)
    assert planted(str(link)) is None  # ours
    if os.geteuid() == 0:
        os.chown(link, 12345, 12345, follow_symlinks=False)
        assert collected(folder)["couchdb/local.d/20.ini"] == Failure("error", f"{link} is a link of another user")
    assert planted(str(link), lambda: os.lstat(link).st_uid + 1) == str(link)


def test_only_what_the_settings_name_is_read_where_nothing_is_discovered() -> None:
    assert patterns(Config(discover=False)) == []
    assert "/etc/supervisor/conf.d/*.conf" in patterns(Config())
