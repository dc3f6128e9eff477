"""The data folder, and where the files of a server are."""

from __future__ import annotations

import os
from pathlib import Path

from cozydiag.config import Config
from cozydiag.config.values import CouchDB
from cozydiag.couchdb import files, layout
from cozydiag.host import Failure, Host, World
from cozydiag.testing import FakeHost, Machine
from tests.checks.couchdb_states import RANGES, healthy_data, shard


def survey(data: Path) -> files.Data:
    found = files.survey(Host(World()), str(data))
    assert not isinstance(found, Failure)
    return found


def test_a_healthy_folder(tmp_path: Path) -> None:
    healthy_data(tmp_path / "data")
    seen = survey(tmp_path / "data")
    assert sorted(seen.shards) == ["_dbs", "_nodes", "_replicator", "_users", "appdb"] or sorted(seen.shards) == [
        "_replicator", "_users", "appdb",
    ]  # fmt: skip
    assert len(seen.shards["appdb"]) == 2
    assert (seen.empty, seen.closed, seen.compactions, seen.unmigrated) == ((), (), (), ())


def test_names_with_slashes_are_folders(tmp_path: Path) -> None:
    healthy_data(tmp_path)
    nested = tmp_path / "shards" / RANGES[0] / "global"
    nested.mkdir()
    (nested / "instances.1795248983.couch").write_bytes(b"\x01")
    assert "global/instances" in survey(tmp_path).shards


def test_empty_left_over_and_old_files(tmp_path: Path) -> None:
    healthy_data(tmp_path)
    shard(tmp_path).write_bytes(b"")
    (tmp_path / "shards" / RANGES[0] / "appdb.1795248983.couch.compact.data").write_bytes(b"x" * 10)
    (tmp_path / "old.couch").write_bytes(b"\x01")
    seen = survey(tmp_path)
    assert seen.empty == (str(shard(tmp_path)),)
    assert [os.path.basename(path) for path, _ in seen.compactions] == ["appdb.1795248983.couch.compact.data"]
    assert seen.unmigrated == ("old",)


def test_a_database_that_was_deleted_and_kept_is_none(tmp_path: Path) -> None:
    healthy_data(tmp_path)
    kept = shard(tmp_path).with_name("old.1795248983.20261121.081654.deleted.couch")
    kept.write_bytes(b"\x01")
    assert [name for name in survey(tmp_path).shards if name.startswith("old")] == []


def test_the_folder_of_1x(tmp_path: Path) -> None:
    (tmp_path / "cozy.couch").write_bytes(b"\x01")
    seen = survey(tmp_path)
    assert seen.old_layout
    assert (list(seen.shards), seen.unmigrated) == (["cozy"], ())


def test_a_file_without_a_header_is_found_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"\x01x")
    (tmp_path / "bad").write_bytes(b"\xe3x")
    (tmp_path / "link").symlink_to(tmp_path / "bad")
    paths = [str(tmp_path / name) for name in ("good", "bad", "link", "none")]
    assert list(files.headless(Host(World()), paths)) == [str(tmp_path / "bad")]


def test_no_folder_is_a_failure(tmp_path: Path) -> None:
    assert isinstance(files.survey(Host(World()), str(tmp_path / "none")), Failure)


# --- where things are


def find(written: dict[str, bytes], **couchdb: str) -> layout.Place | None:
    config = Config(couchdb=CouchDB(data=couchdb.get("data"), log=couchdb.get("log")))
    return layout.find(FakeHost(Machine(files=written)), config)


ETC = "/opt/couchdb/etc"


def test_apaches_package() -> None:
    place = find({
        ETC: b"", "/var/lib/couchdb": b"",
        f"{ETC}/default.ini": b"[chttpd]\nport = 5984\n[log]\nwriter = stderr\n",
        f"{ETC}/default.d/10-filelog.ini": b"[log]\nwriter = file\nfile = /var/log/couchdb/couchdb.log\n",
        f"{ETC}/local.d/10-admins.ini": b"[admins]\nadmin = -pbkdf2-x\n",
        f"{ETC}/vm.args": b"-name couchdb@127.0.0.1\n",
    })  # fmt: skip
    assert place is not None
    assert (place.data, place.log, place.unit) == (
        "/var/lib/couchdb",
        "/var/log/couchdb/couchdb.log",
        "couchdb.service",
    )
    assert [os.path.basename(path) for path in place.files] == ["default.ini", "10-filelog.ini", "10-admins.ini"]


def test_a_folder_named_in_the_settings_comes_first() -> None:
    place = find({ETC: b"", f"{ETC}/local.ini": b"[couchdb]\ndatabase_dir = /srv/data\nview_index_dir = /srv/views\n"})
    assert place is not None
    assert (place.data, place.views) == ("/srv/data", "/srv/views")


def test_our_own_configuration_comes_before_all() -> None:
    place = find({}, data="/mine", log="/mine.log")
    assert place is not None
    assert (place.data, place.log) == ("/mine", "/mine.log")


def test_a_server_at_another_port_is_not_the_one_that_is_asked() -> None:
    assert find({ETC: b"", f"{ETC}/local.ini": b"[chttpd]\nport = 15984\n[couchdb]\ndatabase_dir = /srv/d\n"}) is None


def test_a_server_elsewhere_has_no_files_here() -> None:
    config = Config(couchdb=CouchDB("http://db.example:5984", ("db.example", 5984)))
    assert layout.find(FakeHost(Machine(files={ETC: b""})), config) is None


def test_the_snap() -> None:
    etc = "/var/snap/couchdb/current/etc"
    place = find({etc: b"", "/var/snap/couchdb/common/data": b"", f"{etc}/local.ini": b"[couchdb]\nuuid = x\n"})
    assert place is not None
    assert (place.data, place.log, place.unit) == ("/var/snap/couchdb/common/data", "", "snap.couchdb.server.service")
