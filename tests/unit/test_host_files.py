"""Files that are not what they seem, disks and memory."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cozydiag.host import files
from cozydiag.host.failure import Failure
from cozydiag.host.files import Disk, Memory


def kind(outcome: object) -> str:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc" * 50_000)
    assert files.read(str(path)) == b"abc" * 50_000
    assert files.read(str(path), max_bytes=4) == b"abca"
    assert kind(files.read(str(tmp_path / "nowhere"))) == "missing"
    assert kind(files.read(f"{path}/below")) == "missing"
    assert kind(files.read("a\0b")) == "error"


def test_files_of_the_kernel_have_no_size_and_are_read() -> None:
    content = files.read("/proc/self/stat")
    assert isinstance(content, bytes)
    assert content.startswith(str(os.getpid()).encode())


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert kind(files.read(str(tmp_path / "fifo"))) == "error"
    assert kind(files.read(str(tmp_path))) == "error"
    assert kind(files.read("/dev/zero")) == "error"


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert isinstance(files.read("s"), Failure)


def test_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    assert files.read(str(tmp_path / "link")) == b"content"
    assert kind(files.read(str(tmp_path / "link"), follow=False)) == "error"
    assert files.read(str(tmp_path / "file"), follow=False) == b"content"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    before = os.listdir("/proc/self/fd")
    for path in (tmp_path / "fifo", tmp_path, Path("/proc/self/stat")):
        files.read(str(path))
    assert os.listdir("/proc/self/fd") == before


def test_stat_and_listdir(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "a").touch()
    assert files.listdir(str(tmp_path)) == ["a", "b"]
    assert kind(files.listdir(str(tmp_path / "a"))) == "missing"
    facts = files.stat(str(tmp_path / "a"))
    assert isinstance(facts, os.stat_result)
    assert facts.st_size == 0
    assert kind(files.stat(str(tmp_path / "c"))) == "missing"


def test_percent_as_df_counts() -> None:
    disk = Disk("/", 100, 60, 20, 1000, 900, False, 1, "/")  # 20 reserved for root
    assert disk.percent == 75.0
    assert disk.inodes_percent == 10.0
    nothing = Disk("/proc", 0, 0, 0, 0, 0, False, 1, "/proc")
    assert (nothing.percent, nothing.inodes_percent) == (0.0, 0.0)


def test_disk_of_a_path_that_is_still_to_come(tmp_path: Path) -> None:
    disk = files.disk(str(tmp_path / "to" / "come"))
    assert isinstance(disk, Disk)
    assert disk.path == str(tmp_path)
    assert disk.device == tmp_path.stat().st_dev
    assert 0 < disk.used + disk.available <= disk.total
    assert os.path.ismount(disk.mount)
    assert str(tmp_path).startswith(disk.mount)


def statvfs_of(flags: int) -> os.statvfs_result:
    return os.statvfs_result((4096, 4096, 100, 50, 40, 10, 5, 5, flags, 255))


@pytest.mark.parametrize(
    ("flags", "options", "read_only"),
    [(0, "rw", False), (os.ST_RDONLY, "ro", True), (0, "rw,emergency_ro", True)],
)
def test_read_only(monkeypatch: pytest.MonkeyPatch, flags: int, options: str, read_only: bool) -> None:
    table = (
        "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/a rw\n"
        f"22 21 8:2 / /data\\040disk rw,relatime shared:2 master:1 - ext4 /dev/b {options}\n"
        "23 21 8:3 / /data\\040disk2 rw - ext4 /dev/c rw,emergency_ro\n"
    )
    monkeypatch.setattr(files, "read", lambda *_, **__: table.encode())
    monkeypatch.setattr(files, "_existing", lambda path: (path, 1))
    monkeypatch.setattr(os, "statvfs", lambda _: statvfs_of(flags))
    disk = files.disk("/data disk/couch")
    assert isinstance(disk, Disk)
    assert disk.mount == "/data disk"
    assert disk.read_only is read_only
    assert (disk.total, disk.used, disk.available) == (409600, 204800, 163840)


def test_memory() -> None:
    memory = files.memory()
    assert isinstance(memory, Memory)
    assert 0 < memory.available <= memory.total


def test_memory_of_an_old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    table = b"MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\nHugePages_Total: 0\nodd line\n"
    monkeypatch.setattr(files, "read", lambda *_, **__: table)
    assert files.memory() == (102400, 35 * 1024, 0, 0)
    monkeypatch.setattr(files, "read", lambda *_, **__: b"")
    assert isinstance(files.memory(), Failure)
