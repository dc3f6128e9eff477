"""A Host that answers from tables alone. What is in none of them raises `Unasked`, or is a failure of the kind
`permission` where it is a file: then a check says that it could not look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from cozydiag.collected import containers, node, supervisor
from cozydiag.collected.answers import REFUSED, asked
from cozydiag.collected.systemd import shown
from cozydiag.collected.tables import UNKNOWN, File, Tables
from cozydiag.host import (
    Answer,
    Clock,
    Descriptors,
    Disk,
    Failure,
    Listener,
    Memory,
    Process,
    Shown,
    Unasked,
    World,
    described,
    http,
    logs,
)  # fmt: skip
from cozydiag.host import url as urls
from cozydiag.host.commands import Completed
from cozydiag.host.files import Entry, memory_in
from cozydiag.host.smtp import Greeted
from cozydiag.host.tabled import TabledHost
from cozydiag.managers.docker import SOCKETS

LOGIN = b"collected\nstand-in-of-the-login\n"
"""In the place of the login that stayed there: requests with any login are answered as those with the true one were."""

_EVERYWHERE = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104


class CollectedClock(Clock):
    """The time at which it was collected; nobody sleeps, and what takes time here takes time there."""

    def __init__(self, at: float, up: float) -> None:
        self._at, self._up = at, up
        self._began = time.monotonic()
        self._slept = 0.0

    def now(self) -> float:
        return self._at + self._passed()

    def monotonic(self) -> float:
        return self._up + self._passed()

    def boot_id(self) -> str:
        return ""

    def synchronised(self) -> bool:
        raise Unasked

    def sleep(self, seconds: float) -> None:
        self._slept += max(0.0, seconds)

    def _passed(self) -> float:
        return time.monotonic() - self._began + self._slept


class CollectedHost(TabledHost):
    """As ``Host``, with the same evidence and deadlines."""

    def __init__(
        self, tables: Tables, seconds: float = 20.0, instance: str = "", world: World | None = None,
        contents: Mapping[str, bytes] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(world or World(CollectedClock(tables.at, tables.up)), seconds, instance)
        self.tables = tables
        self.contents = tables.contents() if contents is None else contents

    def within(self, seconds: float, instance: str) -> CollectedHost:
        return CollectedHost(self.tables, seconds, instance, self.world, self.contents)

    # Servers

    def get(
        self,
        url: str,
        *,
        headers: http.Headers = (),
        unix: str | None = None,
        connect_to: tuple[str, int] | None = None,
        max_body: int = http.MAX_BODY,
        record: bool = True,
        verify: bool = True,
    ) -> Answer | Failure:
        if unix is not None:
            return self._of_docker(url, unix)
        parsed = urls.parse(url)
        if parsed is None:
            raise Unasked
        login = any(name.lower() in ("authorization", "cookie") for name, _ in headers)
        said = self.tables.answers.get(asked(parsed, connect_to, login=login))
        if said is None:
            said = self._unheard(connect_to or (parsed.host, parsed.port))
        if said is None or (isinstance(said, Answer) and said.truncated and "json" in said.header("Content-Type")):
            raise Unasked
        found = said
        outcome = self.world.ask(connect_to or (parsed.host, parsed.port), self.instance, self.deadline, lambda: found)
        if isinstance(outcome, Answer) and len(outcome.body) > max_body:
            outcome = outcome._replace(body=outcome.body[:max_body], truncated=True)
        if record:
            self._note_answer(described("GET", url, unix, connect_to)[0], outcome)
        return outcome

    def _of_docker(self, url: str, socket: str) -> Answer | Failure:
        said = containers.docker(self.tables, url) if socket in SOCKETS else None
        if said is None:
            raise Unasked
        self._note_answer(described("GET", url, socket, None)[0], said)
        return said

    def _unheard(self, address: tuple[str, int]) -> Failure | None:
        """Refused, where the kernel's tables show that nothing listens there; None where nobody can tell."""
        if address[0] not in urls.LOOPBACK or self.tables.listeners is None:
            return None
        here = (one for one in self.tables.listeners if one.port == address[1] and one.address in _EVERYWHERE)
        return None if any(here) else REFUSED

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: http.Headers = (),
        unix: str | None = None,
        max_body: int = http.MAX_BODY,
        method: Literal["POST", "PUT"] = "POST",
    ) -> Answer | Failure:
        """supervisord alone was asked anything in that way."""
        if unix is None or not url.endswith("/RPC2") or method != "POST":
            raise Unasked
        outcome = supervisor.answer(self.tables, unix, body)
        self._note_answer(f"{method} {url} via {unix}", outcome)
        return outcome

    def talk(self, path: str, message: bytes, *, max_bytes: int = 4 << 20) -> bytes | Failure:
        raise Unasked

    def exchange(
        self, path: str, request: bytes, whole: Callable[[bytearray], bool], *, max_bytes: int = 64 << 20
    ) -> bytes | Failure:
        return self._note(path, node.answer(self.tables, path, request), lambda seen: f"{len(seen)} bytes")

    def greet(self, name: str, port: int) -> Greeted | Failure:
        refused = self._unheard((name, port))
        if refused is None:
            raise Unasked
        return self._note(f"SMTP {name}:{port}", refused, lambda _: "")

    def connect(self, address: str, port: int) -> Failure | None:
        if address not in urls.LOOPBACK or self.tables.listeners is None:
            raise Unasked
        away = self._unheard((address, port))
        self.see(f"connect {address}:{port}", away.detail if away else "something listens")
        return away

    def resolve(self, name: str) -> list[str] | Failure:
        if urls.is_address(name):
            found: tuple[str, ...] | Failure = (name,)
        elif name.lower() == "localhost":
            found = ("127.0.0.1", "::1")
        elif name in self.tables.names:
            found = self.tables.names[name]
        else:
            raise Unasked
        if found == UNKNOWN:
            raise Unasked
        return self._note(f"name {name}", found if isinstance(found, Failure) else list(found), ", ".join)

    def is_ours(self, address: str) -> bool:
        """The loopback, and what something there is bound to."""
        bound = {one.address for one in self.tables.listeners or ()} - {"0.0.0.0", "::"}  # noqa: S104
        if address.startswith("127.") or address == "::1" or address in bound:
            return True
        raise Unasked

    def way_out(self, address: str) -> str:
        raise Unasked

    def handshake(self, name: str, address: tuple[str, int]) -> Shown | Failure:
        found = self.tables.shown.get((name.lower(), *address)) or self._unheard(address)
        if found is None:
            raise Unasked
        return self._note(f"TLS {name} at {address[0]}:{address[1]}", found, lambda _: "")

    def key_mismatch(self, certificate: str, key: str) -> str | Failure:
        raise Unasked

    def listeners(self, port: int | None = None) -> list[Listener]:
        if self.tables.listeners is None:
            raise Unasked
        return self._note_listeners(port, [one for one in self.tables.listeners if port in (None, one.port)])

    def owner(self, inode: int, pids: Iterable[int] | None = None) -> int | None:
        pid = self.tables.owners.get(inode)
        return self._note_owner(inode, pid if pids is None or pid in tuple(pids) else None)

    # Processes

    def table(self) -> tuple[Process, ...]:
        return self.tables.processes

    def processes(self) -> list[Process]:
        if not self.tables.processes:
            raise Unasked
        return super().processes()

    def descriptors(self, pid: int) -> Descriptors | None:
        return None

    def wake(self, pid: int) -> bool:
        return False

    def pid_from_file(self, path: str) -> int | None:
        content = self.read(path, max_bytes=64)
        word = content.strip() if isinstance(content, bytes) else b""
        return int(word) if word.isdigit() and len(word) < 11 else None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        max_output: int = 1 << 20,
        env: Mapping[str, str] | None = None,
    ) -> Completed | Failure:
        line = " ".join((os.path.basename(argv[0]), *argv[1:]))
        done = shown(self.tables, argv) or self.tables.commands.get(line)
        if os.path.basename(argv[0]) == "podman":
            done = containers.podman(self.tables, argv)
        if done is None or done == UNKNOWN:
            raise Unasked
        if isinstance(done, Completed):
            done = done._replace(stdout=done.stdout[:max_output], stderr=done.stderr[:max_output])
        return self._note(" ".join(argv), done, lambda seen: f"exit {seen.code}")

    def euid(self) -> int:
        return self.tables.uid

    # Files

    def _file(self, path: str) -> File | Failure:
        return self.tables.file(path)

    def _content(self, path: str) -> bytes | Failure:
        found = self._file(path)
        if isinstance(found, Failure):
            return found
        if self.tables.login and os.path.normpath(path) == self.tables.login:
            return LOGIN.split()[0] if self.tables.malformed else LOGIN
        return found.content

    def read(self, path: str, *, max_bytes: int = 1 << 20, follow: bool = True) -> bytes | Failure:
        words = self.tables.words if os.path.basename(path) == "nginx" else None
        content = self._content(path) if words is None else words
        content = content if isinstance(content, Failure) else content[:max_bytes]
        return self._note(path, content, lambda seen: f"{len(seen)} bytes")

    def stat(self, path: str) -> os.stat_result | Failure:
        found = self._file(path)
        known = found if isinstance(found, Failure) else found.stat
        return self._note(path, known, lambda seen: f"mode {seen.st_mode:o}, user {seen.st_uid}, {seen.st_size} bytes")

    def may_write(self, path: str) -> bool:
        return self.tables.uid == 0 and isinstance(self._file(path), File)

    def listdir(self, path: str) -> list[str] | Failure:
        found = self._file(path)
        names = found if isinstance(found, Failure) else UNKNOWN if found.names is None else sorted(found.names)
        return self._note(path, names, lambda seen: f"{len(seen)} names")

    def entries(self, path: str) -> list[Entry] | Failure:
        names = self.listdir(path)
        if isinstance(names, Failure):
            return names
        seen = [(name, self._file(f"{path.rstrip('/')}/{name}")) for name in names]
        if any(isinstance(one, Failure) for _, one in seen):
            return UNKNOWN
        return [Entry(name, one.stat.st_size, one.stat.st_mode, one.stat.st_uid, one.stat.st_mtime)
                for name, one in seen if isinstance(one, File)]  # fmt: skip

    def end(self, path: str, max_bytes: int) -> bytes | Failure:
        content = self._content(path)
        content = content if isinstance(content, Failure) else content[-max_bytes:]
        return self._note(path, content, lambda seen: f"{len(seen)} bytes from its end")

    def tail(self, path: str, lines: int = 50) -> list[str] | Failure:
        content = self._content(path)
        found = content if isinstance(content, Failure) else [logs.clean(one) for one in content.splitlines()][-lines:]
        return self._note(path, found, lambda seen: seen[-1] if seen else "empty")

    def disk(self, path: str) -> Disk | Failure:
        found = self._disk(os.path.normpath(path))
        return self._note(f"disk {path}", found, lambda seen: f"{seen.mount}: {seen.percent:.1f} % used")

    def _disk(self, path: str) -> Disk | Failure:
        """Of the mount point above a path; where it is a link to another place, nobody can tell."""
        at = path
        while at not in self.tables.disks:
            if at in ("/", ""):
                return UNKNOWN
            at = os.path.dirname(at)
        return self.tables.disks[at]._replace(path=path)

    def memory(self) -> Memory | Failure:
        content = self._content("/proc/meminfo")
        found = content if isinstance(content, Failure) else memory_in(content)
        return self._note("/proc/meminfo", found, lambda seen: f"{seen.available >> 20} MiB available")
