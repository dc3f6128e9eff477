"""The only door to the machine. Every look leaves one line of evidence, and none outlasts its deadline."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from cozydiag.host import files, http, logs, processes, sockets
from cozydiag.host import url as urls
from cozydiag.host.clock import Clock, Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.files import Disk, Memory
from cozydiag.host.http import Answer
from cozydiag.host.processes import Descriptors, Process
from cozydiag.host.sockets import Listener, Shown
from cozydiag.host.world import GivenUp, Unasked, World
from cozydiag.model import Evidence

if TYPE_CHECKING:
    from cozydiag.host.commands import Completed
    from cozydiag.host.smtp import Greeted

__all__ = [
    "Answer",
    "Clock",
    "Deadline",
    "Descriptors",
    "Disk",
    "Failure",
    "GivenUp",
    "Host",
    "Listener",
    "Memory",
    "Process",
    "Shown",
    "Unasked",
    "World",
]

Seen = TypeVar("Seen")


class Host:
    """The machine as one instance of a check sees it: its own deadline and evidence, one shared world."""

    contents: Mapping[str, bytes] | None = None
    """All files, where there are none on a disk: parsers that open files by themselves take these instead."""

    def __init__(self, world: World, seconds: float = 2.0, instance: str = "") -> None:
        self.world = world
        self.clock = world.clock
        self.deadline = Deadline(world.clock, seconds)
        self.instance = instance
        self.evidence: list[Evidence] = []

    def within(self, seconds: float, instance: str) -> Host:
        """A fresh view for one instance, whose time starts now."""
        return Host(self.world, seconds, instance)

    def see(self, source: str, line: str) -> Evidence:
        """Notes what was seen where, both made harmless."""
        evidence = Evidence(logs.one_line(source), logs.one_line(line))
        self.evidence.append(evidence)
        return evidence

    def _note(self, source: str, seen: Seen | Failure, line: Callable[[Seen], str]) -> Seen | Failure:
        self.see(source, seen.detail if isinstance(seen, Failure) else line(seen))
        return seen

    def _note_answer(self, source: str, answer: Answer | Failure) -> None:
        self._note(source, answer, lambda seen: f"HTTP {seen.status} {seen.reason}".rstrip())

    def _note_listeners(self, port: int | None, found: list[Listener]) -> list[Listener]:
        places = ", ".join(f"{one.address}:{one.port}" for one in found[:20])
        self.see("/proc/net/tcp", places or "nothing listens" + (f" on port {port}" if port else ""))
        return found

    def _note_owner(self, inode: int, pid: int | None) -> int | None:
        self.see(f"socket:[{inode}]", f"held by process {pid}" if pid else "no process to be seen")
        return pid

    def _note_process(self, pid: int, found: Process | None) -> Process | None:
        self.see(f"/proc/{pid}", f"{found.name}, state {found.state}" if found else "no such process")
        return found

    def _note_found(self, names: Collection[str], found: list[Process]) -> list[Process]:
        numbers = ", ".join(f"{one.name} {one.pid}" for one in found[:20])
        self.see("processes " + ", ".join(sorted(names)), numbers or "none")
        return found

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
        """One GET; ``unix`` is a socket file, ``connect_to`` another place under the same name."""
        source, place = described("GET", url, unix, connect_to)

        def action() -> Answer | Failure:
            return http.request(
                "GET",
                url,
                headers=headers,
                unix=unix,
                connect_to=connect_to,
                deadline=self.deadline,
                max_body=max_body,
                verify=verify,
            )

        answer = self.world.ask(place, self.instance, self.deadline, action)
        if record:
            self._note_answer(source, answer)
        return answer

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
        """One POST, or a PUT."""
        source, place = described(method, url, unix, None)

        def action() -> Answer | Failure:
            return http.request(
                method, url, headers=headers, body=body, unix=unix, deadline=self.deadline, max_body=max_body
            )

        answer = self.world.ask(place, self.instance, self.deadline, action)
        self._note_answer(source, answer)
        return answer

    def talk(self, path: str, message: bytes, *, max_bytes: int = 4 << 20) -> bytes | Failure:
        """One message to a socket file that speaks no HTTP, and all that it answers."""

        def action() -> bytes | Failure:
            return sockets.talk(path, message, self.deadline, max_bytes)

        return self._note(path, self.world.ask(path, self.instance, self.deadline, action), lambda a: f"{len(a)} bytes")

    def exchange(
        self, path: str, request: bytes, whole: Callable[[bytearray], bool], *, max_bytes: int = 64 << 20
    ) -> bytes | Failure:
        """One question to a socket file where nobody hangs up: what it answers until that is ``whole``."""

        def action() -> bytes | Failure:
            from cozydiag.host import exchange  # few machines have somebody who speaks so

            return exchange.exchange(path, request, whole, self.deadline, max_bytes)

        answer = self.world.ask(path, self.instance, self.deadline, action)
        return self._note(path, answer, lambda seen: f"answered, {len(seen)} bytes")

    def greet(self, name: str, port: int) -> Greeted | Failure:
        """The first words with a mail server; no mail is sent."""

        def action() -> Greeted | Failure:
            from cozydiag.host import smtp  # most machines have no mail server

            return smtp.greet(name, port, self.deadline)

        greeted = self.world.ask((name, port), self.instance, self.deadline, action)
        return self._note(f"SMTP {name}:{port}", greeted, lambda seen: seen.words)

    def connect(self, address: str, port: int) -> Failure | None:
        """Whether a TCP connection is taken."""

        def action() -> bool | Failure:
            return sockets.connect(address, port, self.deadline) or True

        taken = self.world.ask((address, port), self.instance, self.deadline, action)
        self._note(f"connect {address}:{port}", taken, lambda _: "connected")
        return taken if isinstance(taken, Failure) else None

    def resolve(self, name: str) -> list[str] | Failure:
        """The addresses of a name, best first; the resolver of this machine is asked."""
        found = sockets.resolve(name, 0, self.deadline)
        addresses = found if isinstance(found, Failure) else list(dict.fromkeys(one.address for one in found))
        return self._note(f"name {name}", addresses, ", ".join)

    def is_ours(self, address: str) -> bool:
        """Whether ``address`` is one of this machine's own."""
        ours = sockets.is_ours(address)
        self.see(f"address {address}", "of this machine" if ours else "not of this machine")
        return ours

    def way_out(self, address: str) -> str:
        """This machine's own address towards ``address``, "" where there is no way. Nothing is sent."""
        return sockets.way_out(address)

    def handshake(self, name: str, address: tuple[str, int]) -> Shown | Failure:
        """The certificate that is shown at ``address`` to those who look for ``name``."""

        def action() -> Shown | Failure:
            from cozydiag.host import tls  # dear, and most looks need none

            return tls.handshake(name, *address, self.deadline)

        shown = self.world.ask(address, self.instance, self.deadline, action)
        source = f"TLS {name} at {address[0]}:{address[1]}"
        return self._note(source, shown, lambda seen: seen.words or "a certificate that this machine trusts")

    def key_mismatch(self, certificate: str, key: str) -> str | Failure:
        """Empty where two files are a certificate and its key, else what is wrong with them."""
        for path in (certificate, key):
            content = self.read(path)
            if isinstance(content, Failure):
                return content
        from cozydiag.host import tls

        return self._note(f"{certificate} and {key}", tls.mismatch(certificate, key), lambda seen: seen or "a pair")

    def listeners(self, port: int | None = None) -> list[Listener]:
        """The TCP sockets that wait for connections (on ``port``)."""
        return self._note_listeners(port, sockets.listeners(port))

    def owner(self, inode: int, pids: Iterable[int] | None = None) -> int | None:
        """The process that holds a socket, None when it cannot be seen."""
        return self._note_owner(inode, sockets.owner(inode, pids))

    # Processes

    def process(self, pid: int) -> Process | None:
        return self._note_process(pid, processes.process(pid))

    def find(self, names: Collection[str]) -> list[Process]:
        """The processes of these program names."""
        return self._note_found(names, processes.find(names))

    def processes(self) -> list[Process]:
        """All that can be seen."""
        found = [one for one in map(processes.process, processes.pids()) if one is not None]
        self.see("processes", f"{len(found)}")
        return found

    def descriptors(self, pid: int) -> Descriptors | None:
        """How many files and connections it has open; None where this user may not look."""
        found = processes.descriptors(pid)
        self.see(f"/proc/{pid}/fd", f"{found.used} of {found.limit}" if found else "closed to this user")
        return found

    def children(self, pid: int) -> list[int]:
        """The processes that ``pid`` has started."""
        return processes.children(pid)

    def wake(self, pid: int) -> bool:
        """SIGCONT for ``pid`` and what it has started, where they are stopped."""
        woken = processes.wake(pid)
        if woken:
            self.see(f"/proc/{pid}", "was stopped by a signal and may go on")
        return woken

    def descends(self, pid: int, ancestor: int) -> bool:
        return processes.descends(pid, ancestor)

    def pid_from_file(self, path: str) -> int | None:
        pid = processes.pid_from_file(path)
        self.see(path, f"process {pid}" if pid else "no process number")
        return pid

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        max_output: int = 1 << 20,
        env: Mapping[str, str] | None = None,
    ) -> Completed | Failure:
        """A program to its end. ``argv`` is shown: no secret belongs there."""
        from cozydiag.host import commands

        completed = commands.run(argv, deadline=self.deadline, stdin=stdin, max_output=max_output, env=env)
        return self._note(" ".join(argv), completed, _ending)

    def euid(self) -> int:
        return os.geteuid()

    # Files

    def read(self, path: str, *, max_bytes: int = 1 << 20, follow: bool = True) -> bytes | Failure:
        """A regular file; ``follow=False`` where a service's user could plant a link."""
        return self._note(path, files.read(path, max_bytes=max_bytes, follow=follow), lambda seen: f"{len(seen)} bytes")

    def stat(self, path: str) -> os.stat_result | Failure:
        return self._note(
            path, files.stat(path), lambda seen: f"mode {seen.st_mode:o}, user {seen.st_uid}, {seen.st_size} bytes"
        )

    def may_write(self, path: str) -> bool:
        """Whether this user may; or may connect to a socket. It leaves no evidence: nothing was seen."""
        return os.access(path, os.W_OK)

    def listdir(self, path: str) -> list[str] | Failure:
        """The names in a folder, raw."""
        return self._note(path, files.listdir(path), lambda seen: f"{len(seen)} names")

    def entries(self, path: str) -> list[files.Entry] | Failure:
        """The files in a folder with their sizes and modes, links not followed."""
        return self._note(path, files.entries(path), lambda seen: f"{len(seen)} files")

    def end(self, path: str, max_bytes: int) -> bytes | Failure:
        """The last ``max_bytes`` of a file, raw; a link is not followed."""
        return self._note(path, logs.end(path, max_bytes), lambda seen: f"{len(seen)} bytes from its end")

    def tail(self, path: str, lines: int = 50) -> list[str] | Failure:
        """The last lines, cleaned; a link is not followed."""
        return self._note(path, logs.tail(path, lines), lambda seen: seen[-1] if seen else "empty")

    def disk(self, path: str) -> Disk | Failure:
        return self._note(
            f"disk {path}",
            files.disk(path),
            lambda seen: (
                f"{seen.mount}: {seen.percent:.1f} % used, {seen.inodes_percent:.1f} % of inodes"
                + (", read-only" if seen.read_only else "")
            ),
        )

    def memory(self) -> Memory | Failure:
        return self._note(
            "/proc/meminfo",
            files.memory(),
            lambda seen: f"{seen.available >> 20} of {seen.total >> 20} MiB available",
        )


def described(
    method: str, url: str, unix: str | None, connect_to: tuple[str, int] | None
) -> tuple[str, tuple[str, int] | str]:
    """What evidence calls this request, and the place that it goes to."""
    parsed = urls.parse(url)
    source = f"{method} {parsed.shown() if parsed else 'an address that is none'}"
    if unix is not None:
        return f"{source} via {unix}", unix
    if connect_to is not None:
        return f"{source} via {connect_to[0]}:{connect_to[1]}", connect_to
    return source, (parsed.host, parsed.port) if parsed else ""


def _ending(completed: Completed) -> str:
    words = completed.stderr.strip() or completed.stdout.strip()
    first = logs.one_line(words.split(b"\n", 1)[0][:4096], 300)
    return f"exit {completed.code}" + (f": {first}" if first else "")
