"""What CouchDB's own user may do with its folders: what will stop its next start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB
from cozydiag.host import Process
from cozydiag.testing import process_info
from tests.checks.couchdb_states import healthy_data

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

USER = os.geteuid() or 5984
"""Whose the folders are: root gives them to somebody else."""


def own(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER)


def install(folder: Path) -> CouchDB:
    """A server's folders, all its own user's."""
    healthy_data(folder / "data")
    (folder / "etc" / "local.d").mkdir(parents=True)
    (folder / "etc" / "local.ini").write_text("[couchdb]\nuuid = 1\n")
    (folder / "etc" / "local.d" / "10-admins.ini").write_text("[admins]\nadmin = -pbkdf2-1,2,3\n")
    (folder / "couch.log").write_text("")
    (folder / ".erlang.cookie").write_text("secret")
    (folder / ".erlang.cookie").chmod(0o400)
    own(folder)
    return CouchDB(data=str(folder / "data"), etc=str(folder / "etc"), log=str(folder / "couch.log"))


def said(cozy: Cozy, folder: Path, couchdb: CouchDB, uid: int = 0) -> list[tuple[str, str]]:
    processes = (Process(500, 1, "S", "beam.smp", 0.0, ("beam.smp",), uid),) if uid else ()
    machine = cozy.machine(
        real=str(folder),
        processes=(*cozy.nginx, *processes),
        supervisord=cozy.supervisord(process_info("couchdb", pid=500)),
    )
    return cozy.said(cozy.look("couchdb.files", machine, cozy.with_config(couchdb=couchdb)))


def test_a_server_that_owns_its_folders(cozy: Cozy, tmp_path: Path) -> None:
    assert said(cozy, tmp_path, install(tmp_path)) == [("ok", "")]
    assert said(cozy, tmp_path, install(tmp_path / "x"), uid=USER) == [("ok", "")]


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("data", 0o500, ("fail", "couchdb.data_closed_to_it")),
        ("etc/local.d/10-admins.ini", 0o444, ("warn", "couchdb.settings_unwritable")),
        ("etc/local.ini", 0o444, ("ok", "")),
        ("etc/local.d/10-admins.ini", 0o464, ("ok", "")),
        ("couch.log", 0o444, ("warn", "couchdb.log_closed_to_it")),
        (".erlang.cookie", 0o440, ("warn", "couchdb.cookie_file_open")),
    ],
)
def test_modes(cozy: Cozy, tmp_path: Path, path: str, mode: int, expected: tuple[str, str]) -> None:
    couchdb = install(tmp_path)
    (tmp_path / path).chmod(mode)
    assert said(cozy, tmp_path, couchdb) == [expected]


def test_a_process_of_another_user_than_the_folders(cozy: Cozy, tmp_path: Path) -> None:
    found = said(cozy, tmp_path, install(tmp_path), uid=USER + 1)
    assert ("fail", "couchdb.data_closed_to_it") in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_roots_says_nothing_of_its_user(cozy: Cozy, tmp_path: Path) -> None:
    """As in a container of root's, whose users are others."""
    couchdb = install(tmp_path)
    (tmp_path / "couch.log").chmod(0o400)
    os.chown(tmp_path / "data", 0, 0)
    assert said(cozy, tmp_path, couchdb) == [("ok", "")]


def test_a_cookie_in_vm_args_makes_the_file_of_no_matter(cozy: Cozy, tmp_path: Path) -> None:
    couchdb = install(tmp_path)
    (tmp_path / ".erlang.cookie").chmod(0o444)
    (tmp_path / "etc" / "vm.args").write_text("-setcookie abc\n")
    assert said(cozy, tmp_path, couchdb) == [("ok", "")]
