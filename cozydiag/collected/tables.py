"""A machine as tables, made of what was collected. What stands in no table was not asked: nobody knows."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Union

from cozydiag.collected import certificates
from cozydiag.collected.answers import Asked, answers
from cozydiag.collected.grammar import Collected, Section, is_number
from cozydiag.host import Answer, Disk, Failure, Listener, Process, Shown
from cozydiag.host.commands import Completed
from cozydiag.host.files import unescape
from cozydiag.host.logs import one_line
from cozydiag.host.sockets import in_table

ABSENT = Failure("missing", "no such file or directory")
UNKNOWN = Failure("permission", "it was not collected")
CLOSED = Failure("permission", "permission denied")


class File(NamedTuple):
    """``content`` is None where only its being there is known; ``names`` are those in a folder. ``cut``: its beginning
    or its end is missing."""

    stat: os.stat_result
    content: bytes | Failure
    names: tuple[str, ...] | None = None
    partial: bool = False


@dataclass
class Tables:
    """``at`` is when it was collected (epoch seconds), ``up`` how long the machine had run by then. ``owners`` has the
    process behind the number of a socket. ``shown`` has certificates by name, address and port. ``login`` is the file
    of the apps' login, which stayed there. ``listeners`` is None where the tables of the kernel are not there.
    ``words`` are those of nginx's configuration that stand in its program, each with the NUL behind it."""

    name: str
    at: float
    up: float
    uid: int
    zone: str
    files: dict[str, File | Failure] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    owners: Mapping[int, int] = field(default_factory=dict)
    listeners: tuple[Listener, ...] | None = None
    disks: Mapping[str, Disk] = field(default_factory=dict)
    answers: Mapping[Asked, Answer | Failure] = field(default_factory=dict)
    commands: Mapping[str, Completed | Failure] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...] | Failure] = field(default_factory=dict)
    shown: Mapping[tuple[str, str, int], Shown] = field(default_factory=dict)
    login: str = ""
    malformed: bool = False
    words: bytes | None = None

    def contents(self) -> dict[str, bytes]:
        """All files that are known whole."""
        return {
            path: one.content
            for path, one in self.files.items()
            if isinstance(one, File) and isinstance(one.content, bytes) and not one.partial
        }

    def file(self, path: str) -> File | Failure:
        """What is known of a path. Not there: where that was seen, or where it is not in a folder that was listed."""
        path = os.path.normpath(path)
        known = self.files.get(path)
        if known is not None:
            return known
        while path not in ("/", "", "."):
            path, name = os.path.split(path)
            above = self.files.get(path)
            if isinstance(above, Failure) and above in (ABSENT, CLOSED):
                return above
            if isinstance(above, File) and above.names is not None:
                return ABSENT if name not in above.names and not above.partial else UNKNOWN
        return UNKNOWN


def tables(collected: Collected) -> Tables:
    host = collected.one("host") or Section("host", "", {}, ())
    files = {os.path.normpath(one.name): _file(one) for one in _best(collected)}
    for path, content in certificates.in_files(collected).items():
        known = files.get(os.path.normpath(path))
        if isinstance(known, File):
            files[os.path.normpath(path)] = known._replace(content=content, partial=True)
    up = _number(_first_word(files.get("/proc/uptime")))
    at = _number(host.word("time"))
    processes = tuple(_processes(collected, at - up, _number(host.word("ticks")) or 100.0))
    user = int(_number(host.word("user"), -1))
    found = Tables(one_line(host.word("name"), 255), at, up, user, host.word("zone"), files, processes)
    found.listeners = _listeners(files)
    found.owners = _owners(collected)
    found.disks = _disks(collected, files)
    found.answers = answers(collected)
    found.commands = {one.name: _command(one) for one in collected.of("command")}
    found.names = {one.name.removeprefix("name "): _addresses(one) for one in collected.of("command")
                   if one.name.startswith("name ")}  # fmt: skip
    found.shown = certificates.shown(collected)
    login = collected.one("login")
    found.login = os.path.normpath(login.word("file")) if login else ""
    found.malformed = login is not None and "malformed" in login.states
    words = collected.one("words", "nginx")
    found.words = b"".join(line + b"\0" for line in words.lines) if words and words.lines else None
    return found


def _number(word: str, otherwise: float = 0.0) -> float:
    try:
        number = float(word)
    except ValueError:
        return otherwise
    return number if abs(number) < 1e12 else otherwise  # neither infinite nor NaN


def _first_word(found: File | Failure | None) -> str:
    content = found.content if isinstance(found, File) else b""
    words = content.split() if isinstance(content, bytes) else []
    return words[0].decode("ascii", "replace") if words else ""


# --- files


def _best(collected: Collected) -> Iterator[Section]:
    """Of several looks at a file the one that has its text, last."""
    return iter(sorted(collected.of("file"), key=lambda one: bool(one.lines)))


def _file(one: Section) -> File | Failure:
    if "absent" in one.states:
        return ABSENT
    kind = one.word("is")
    folder = kind == "folder"
    if "closed" in one.states:
        content: bytes | Failure = CLOSED
    elif one.lines or any(state in one.states for state in ("whole", "part", "end")):
        content = one.text
    else:
        content = UNKNOWN
    if not one.said.get("stat") and not kind and not one.lines:
        return CLOSED if "closed" in one.states else UNKNOWN
    listed = folder and not {"closed", "cut"} & set(one.states) and bool({"whole", "part"} & set(one.states))
    names = tuple(line.decode("utf-8", "surrogateescape") for line in one.lines) if listed else None
    partial = bool({"cut", "end", "part"} & set(one.states)) or any(line.endswith(b" (cut)") for line in one.lines)
    return File(_stat(one.word("stat"), kind), UNKNOWN if folder else content, names, partial)


_KINDS = {"folder": modes.S_IFDIR | 0o755, "file": modes.S_IFREG | 0o644, "socket": modes.S_IFSOCK | 0o755}


def _stat(words: str, kind: str) -> os.stat_result:
    """`stat -c '%f %u %g %s %Y'`; without that program only the kind is known."""
    parts = words.split()
    try:
        mode, uid, gid, size, changed = int(parts[0], 16), *(int(word) for word in parts[1:5] if is_number(word))
        changed = changed if changed < 1 << 40 else 0
    except (IndexError, ValueError):
        mode, uid, gid, size, changed = _KINDS.get(kind, modes.S_IFREG | 0o644), 0, 0, 0, 0
    return os.stat_result((mode, 1, 1, 1, uid, gid, size, changed, changed, changed))


# --- processes and sockets


def _processes(collected: Collected, boot: float, ticks: float) -> Iterator[Process]:
    arguments = {one.name: one.lines for one in collected.of("arguments")}
    for one in collected.of("process"):
        line = one.lines[0] if one.lines else b""
        opening, closing = line.find(b"("), line.rfind(b")")
        words = line[closing + 1 :].split()
        if opening < 0 or len(words) < 20 or not is_number(one.name):
            continue
        yield Process(
            int(one.name), int(_number(words[1].decode("ascii", "replace"))), words[0].decode("ascii", "replace"),
            one_line(line[opening + 1 : closing], 64), boot + _number(words[19].decode("ascii", "replace")) / ticks,
            tuple(one_line(word) for word in arguments.get(one.name, ())), int(_number(one.word("uid"), -1)),
            words[4] != b"0",
        )  # fmt: skip


def _owners(collected: Collected) -> dict[int, int]:
    """Of a master and its workers the one that started first has the lowest number, mostly; process 1 never counts."""
    found: dict[int, int] = {}
    for one in collected.of("process"):
        for inode in one.said.get("holds", ()):
            if is_number(one.name) and is_number(inode) and one.name != "1":
                found[int(inode)] = min(found.get(int(inode), 1 << 40), int(one.name))
    return found


def _listeners(files: Mapping[str, File | Failure]) -> tuple[Listener, ...] | None:
    seen = [files.get(f"/proc/net/{name}", UNKNOWN) for name in ("tcp", "tcp6")]
    contents = [one.content if isinstance(one, File) else b"" for one in seen]
    known = isinstance(seen[0], File) and (isinstance(seen[1], File) or seen[1] == ABSENT)
    if not known or not contents[0] or any(isinstance(one, Failure) for one in contents):
        return None
    try:
        return tuple(one for content in contents if isinstance(content, bytes) for one in in_table(content))
    except (ValueError, OverflowError):
        return None


# --- disks


def _disks(collected: Collected, files: Mapping[str, File | Failure]) -> dict[str, Disk]:
    """By mount point, from `df -P -k` and `df -P -i`."""
    space, inodes = (dict(_rows(collected.one("command", f"df {name}"))) for name in ("space", "inodes"))
    options = dict(_mounts(files.get("/proc/mounts")))
    found = {}
    for number, (mount, (total, used, available)) in enumerate(space.items(), 1):
        all_, _, free = inodes.get(mount, (0, 0, 0))
        read_only = "ro" in options.get(mount, ()) or "emergency_ro" in options.get(mount, ())
        found[mount] = Disk(mount, total << 10, used << 10, available << 10, all_, free, read_only, number, mount)
    return found


def _rows(one: Section | None) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for line in one.lines if one else ():
        words = line.decode("utf-8", "replace").split(None, 5)
        if len(words) == 6 and words[5].startswith("/") and all(map(is_number, words[1:4])):
            yield words[5], (int(words[1]), int(words[2]), int(words[3]))


def _mounts(found: File | Failure | None) -> Iterator[tuple[str, list[str]]]:
    content = found.content if isinstance(found, File) else b""
    for line in content.decode("utf-8", "replace").splitlines() if isinstance(content, bytes) else ():
        words = line.split(" ")
        if len(words) > 3:
            yield unescape(words[1]), words[3].split(",")


# --- commands


def _command(one: Section) -> Completed | Failure:
    """Both of its outputs came mixed."""
    code = one.word("exit")
    if "absent" in one.states:
        return Failure("missing", f"no {one.name.split(' ')[0]}")
    if code in ("124", "137", "143"):
        return Failure("timeout", "did not end in time")
    if not is_number(code) or "cut" in one.states:
        return UNKNOWN
    return Completed(int(code), one.text, one.text)


Addresses = Union["tuple[str, ...]", Failure]


def _addresses(one: Section) -> Addresses:
    """`getent ahosts`; it ends with 2 where there is no such name."""
    if one.word("exit") == "2" and not one.lines:
        return Failure("name", f"{one.name.removeprefix('name ')}: no such name")
    words = [line.decode("ascii", "replace").split()[:1] for line in one.lines]
    found = tuple(dict.fromkeys(one_line(word[0], 64) for word in words if word))
    return found if one.word("exit") == "0" and found else UNKNOWN
