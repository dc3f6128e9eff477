"""Files, disks and memory, read without ever blocking on a pipe or a device."""

import os
import stat as modes
from typing import NamedTuple

from cozydiag.host.failure import Failure, from_os_error
from cozydiag.text import Text, t


def open_regular(path: str, *, follow: bool = True) -> int | Failure:
    """A descriptor of a regular file, for the caller to close.

    O_NONBLOCK keeps a FIFO from holding us. ``follow=False`` refuses a link as the last part of the
    path, for places where a service's user could plant one.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        return from_os_error(error)
    except ValueError:  # a null byte in the path
        return Failure("error", "not a path")
    if modes.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return Failure("error", "not a regular file")


def read(path: str, *, max_bytes: int = 1 << 20, follow: bool = True) -> bytes | Failure:
    """The first ``max_bytes`` of a regular file."""
    descriptor = open_regular(path, follow=follow)
    if isinstance(descriptor, Failure):
        return descriptor
    content = bytearray()
    try:
        while len(content) < max_bytes:
            piece = os.read(descriptor, min(65536, max_bytes - len(content)))
            if not piece:
                break
            content += piece
    except OSError as error:
        return from_os_error(error)
    finally:
        os.close(descriptor)
    return bytes(content)


def untrusted(found: os.stat_result, path: str) -> Text | None:
    """Why what is at ``path`` may not tell us what to do: somebody else could have written it."""
    if found.st_uid not in (0, os.geteuid()):
        return t("{path} is not used: it belongs to another user (chown root {path})", path=path)
    if modes.S_IMODE(found.st_mode) & 0o022:
        return t("{path} is not used: others can write it (chmod go-w {path})", path=path)
    return None


def stat(path: str) -> os.stat_result | Failure:
    """What the system says of ``path``, links followed."""
    try:
        return os.stat(path)
    except OSError as error:
        return from_os_error(error)
    except ValueError:
        return Failure("error", "not a path")


def listdir(path: str) -> list[str] | Failure:
    """The names in a folder, sorted; raw, as they must be to open them."""
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return from_os_error(error)
    except ValueError:
        return Failure("error", "not a path")


class Entry(NamedTuple):
    """A file in a folder, links not followed. ``mode`` as in `st_mode`, ``modified`` in epoch seconds."""

    name: str
    size: int
    mode: int
    uid: int
    modified: float


def entries(path: str) -> list[Entry] | Failure:
    """What is in a folder, sorted by name; what vanishes meanwhile is left out."""
    try:
        with os.scandir(path) as found:
            return sorted(entry for one in found if (entry := _entry(one)) is not None)
    except OSError as error:
        return from_os_error(error)
    except ValueError:
        return Failure("error", "not a path")


def _entry(found: os.DirEntry[str]) -> Entry | None:
    try:
        seen = found.stat(follow_symlinks=False)
    except OSError:
        return None
    return Entry(found.name, seen.st_size, seen.st_mode, seen.st_uid, seen.st_mtime)


class Disk(NamedTuple):
    """The file system under ``path``; sizes in bytes. ``available`` is what ordinary users may still take."""

    path: str
    total: int
    used: int
    available: int
    inodes: int
    inodes_free: int
    read_only: bool
    device: int
    mount: str

    @property
    def percent(self) -> float:
        """Fullness as `df` counts it: blocks reserved for root are neither used nor available."""
        return 100.0 * self.used / (self.used + self.available) if self.used + self.available else 0.0

    @property
    def inodes_percent(self) -> float:
        """0.0 on file systems that do not count inodes (btrfs)."""
        return 100.0 * (self.inodes - self.inodes_free) / self.inodes if self.inodes else 0.0


def disk(path: str) -> Disk | Failure:
    """The file system that holds ``path``, or would: of its nearest existing parent."""
    try:
        path, device = _existing(os.path.abspath(path))
        figures = os.statvfs(path)
    except OSError as error:
        return from_os_error(error)
    except ValueError:
        return Failure("error", "not a path")
    mount, options = _mount_of(os.path.realpath(path))
    unit = figures.f_frsize
    return Disk(
        path=path,
        total=figures.f_blocks * unit,
        used=(figures.f_blocks - figures.f_bfree) * unit,
        available=figures.f_bavail * unit,
        inodes=figures.f_files,
        inodes_free=figures.f_ffree,
        # Since Linux 6.14 ext4 keeps the mount writable by name after an error and says emergency_ro.
        read_only=(bool(figures.f_flag & os.ST_RDONLY) and not _read_only_for_us_alone(options))
        or "emergency_ro" in options,
        device=device,
        mount=mount,
    )


def _read_only_for_us_alone(options: list[str]) -> bool:
    """Whether this is the sandbox of our own unit (`ProtectSystem=strict`): the file system itself can be written, and
    we have another view of the mounts than the rest of the machine."""
    if "rw" not in options:
        return False
    try:
        return os.readlink("/proc/self/ns/mnt") != os.readlink("/proc/1/ns/mnt")
    except OSError:
        return False


def _existing(path: str) -> tuple[str, int]:
    """The nearest part of ``path`` that exists, and its device. Raises OSError where we may not look."""
    while True:
        try:
            return path, os.stat(path).st_dev
        except (FileNotFoundError, NotADirectoryError):
            path = os.path.dirname(path)


def _mount_of(path: str) -> tuple[str, list[str]]:
    """The mount point above ``path`` and its options, after proc_pid_mountinfo(5)."""
    table = read("/proc/self/mountinfo", max_bytes=4 << 20)
    best, options = "/", [""]
    if isinstance(table, Failure):
        return best, options
    for line in table.decode("utf-8", "surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 6:
            continue
        point = unescape(fields[4])
        # A later line with the same point lies on top of the earlier one.
        if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, options = point, f"{fields[5]},{right.rpartition(' ')[2]}".split(",")
    return best, options


def unescape(point: str) -> str:
    """Blanks, tabs, line ends and backslashes are written in octal there."""
    for code in (" ", "\t", "\n", "\\"):
        point = point.replace(f"\\{ord(code):03o}", code)
    return point


class Memory(NamedTuple):
    """Main memory and swap, in bytes."""

    total: int
    available: int
    swap_total: int
    swap_free: int


def memory() -> Memory | Failure:
    """After /proc/meminfo; kernels before 3.14 have no MemAvailable, so free and cached stand in."""
    content = read("/proc/meminfo")
    return content if isinstance(content, Failure) else memory_in(content)


def memory_in(content: bytes) -> Memory | Failure:
    """In the text of /proc/meminfo."""
    figures: dict[bytes, int] = {}
    for line in content.splitlines():
        name, _, rest = line.partition(b":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            figures[name] = int(number[0]) * 1024
    if b"MemTotal" not in figures:
        return Failure("protocol", "no MemTotal in /proc/meminfo")
    free = sum(figures.get(name, 0) for name in (b"MemFree", b"Buffers", b"Cached"))
    return Memory(
        total=figures[b"MemTotal"],
        available=figures.get(b"MemAvailable", free),
        swap_total=figures.get(b"SwapTotal", 0),
        swap_free=figures.get(b"SwapFree", 0),
    )
