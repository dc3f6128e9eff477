"""A Host that looks at tables instead of the machine."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from cozydiag.host import Answer, Disk, Failure, Listener, Memory, Process, Shown, described, http, logs
from cozydiag.host import url as urls
from cozydiag.host.commands import Completed
from cozydiag.host.files import Entry
from cozydiag.host.processes import Descriptors
from cozydiag.host.smtp import Greeted
from cozydiag.host.tabled import TabledHost
from cozydiag.testing.machine import HANGS, MISSING, Machine, Request


class FakeHost(TabledHost):
    """As ``Host``, with the same evidence, deadlines and patience, on a ``Machine``."""

    def __init__(self, machine: Machine, seconds: float = 2.0, instance: str = "") -> None:
        super().__init__(machine.world, seconds, instance)
        self.machine = machine

    def within(self, seconds: float, instance: str) -> FakeHost:
        return FakeHost(self.machine, seconds, instance)

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
        verify: bool = True,  # noqa: ARG002  certificates are not faked
    ) -> Answer | Failure:
        return self._ask("GET", url, headers, b"", unix, connect_to, max_body, record=record)

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
        return self._ask(method, url, headers, body, unix, None, max_body, record=True)

    def _ask(
        self,
        method: str,
        url: str,
        headers: http.Headers,
        body: bytes,
        unix: str | None,
        connect_to: tuple[str, int] | None,
        max_body: int,
        *,
        record: bool,
    ) -> Answer | Failure:
        parsed = urls.parse(url)
        if parsed is None:
            return Failure("error", "not an http address")
        source, where = described(method, url, unix, connect_to)
        place = where if isinstance(where, str) else f"{where[0]}:{where[1]}"
        request = Request(method, place, parsed.target, (*headers, ("Host", parsed.host)), body)

        def action() -> Answer | Failure:
            served = self._waited(self.machine.serve(request))
            if isinstance(served, Failure) or len(served.body) <= max_body:
                return served
            return served._replace(body=served.body[:max_body], truncated=True)

        outcome = self.world.ask(where, self.instance, self.deadline, action)
        if record:
            self._note_answer(source, outcome)
        return outcome

    def _waited(self, served: Answer | Failure) -> Answer | Failure:
        self._wait_for(served)
        return served

    def _wait_for(self, outcome: object) -> None:
        """What hangs takes all the time there is."""
        if isinstance(outcome, Failure) and outcome.kind == HANGS.kind:
            self.machine.clock.until(self.deadline.end)

    def talk(self, path: str, message: bytes, *, max_bytes: int = 4 << 20) -> bytes | Failure:
        served = self._waited(self.machine.serve(Request("", path, "", (), message)))
        self.see(path, served.detail if isinstance(served, Failure) else f"{len(served.body)} bytes")
        return served if isinstance(served, Failure) else served.body[:max_bytes]

    def exchange(
        self, path: str, request: bytes, whole: Callable[[bytearray], bool], *, max_bytes: int = 64 << 20
    ) -> bytes | Failure:
        """What the socket's server gives back is the body of an answer."""

        def action() -> bytes | Failure:
            served = self.machine.sockets.get(path, MISSING)
            if not isinstance(served, (Answer, Failure)):
                served = served(Request("", path, "", (), request))
            served = self._waited(served)
            if isinstance(served, Failure):
                return served
            whole_by_then = len(served.body) <= max_bytes and whole(bytearray(served.body))
            return served.body if whole_by_then else Failure("closed", "the end came before a full answer")

        return self._note(path, self.world.ask(path, self.instance, self.deadline, action), lambda _: "answered")

    def greet(self, name: str, port: int) -> Greeted | Failure:
        place = f"{name}:{port}"
        served = self.machine.mail.get(place) or self.machine.web.get(place, self.machine.elsewhere)
        if not isinstance(served, (Greeted, Failure)):
            served = Failure("protocol", "not SMTP: HTTP/1.1")
        self._wait_for(served)
        return self._note(f"SMTP {place}", served, lambda seen: seen.words)

    def connect(self, address: str, port: int) -> Failure | None:
        away = self.machine.takes_connections(address, port)
        self.see(f"connect {address}:{port}", away.detail if away else "connected")
        return away

    def resolve(self, name: str) -> list[str] | Failure:
        unknown = Failure("name", f"{name}: no such name")
        found = [name] if urls.is_address(name) else self.machine.names.get(name, unknown)
        self._wait_for(found)
        return self._note(f"name {name}", found if isinstance(found, Failure) else list(found), ", ".join)

    def is_ours(self, address: str) -> bool:
        return address in self.machine.addresses

    def way_out(self, address: str) -> str:  # noqa: ARG002  the first of its own that is not the loopback
        return next((own for own in self.machine.addresses if own not in ("127.0.0.1", "::1")), "")

    def handshake(self, name: str, address: tuple[str, int]) -> Shown | Failure:
        shown = self.machine.shown(f"{address[0]}:{address[1]}")
        self._wait_for(shown)
        return self._note(f"TLS {name} at {address[0]}:{address[1]}", shown, lambda seen: seen.words or "trusted")

    def key_mismatch(self, certificate: str, key: str) -> str | Failure:
        if self._is_real(certificate):
            return super().key_mismatch(certificate, key)
        seen = [self.read(path) for path in (certificate, key)]
        failed = next((one for one in seen if isinstance(one, Failure)), None)
        return failed or "not a certificate and its key"

    def listeners(self, port: int | None = None) -> list[Listener]:
        found = [Listener("127.0.0.1", one, one) for one in self.machine.listening if port in (None, one)]
        return self._note_listeners(port, found)

    def owner(self, inode: int, pids: Iterable[int] | None = None) -> int | None:
        pid = self.machine.listening.get(inode, 0)
        return pid if pid and (pids is None or pid in pids) else None

    # Processes

    def table(self) -> tuple[Process, ...]:
        return self.machine.processes

    def descriptors(self, pid: int) -> Descriptors | None:
        return self.machine.descriptors.get(pid)

    def wake(self, pid: int) -> bool:
        """Only tells: what is stopped in a table stays so."""
        woken = any(one.state in "Tt" for one in self.machine.processes if pid in (one.pid, one.ppid))
        if woken:
            self.see(f"/proc/{pid}", "was stopped by a signal and may go on")
        return woken

    def pid_from_file(self, path: str) -> int | None:
        content = self.read(path, max_bytes=64)
        return int(content) if isinstance(content, bytes) and content.strip().isdigit() else None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",  # noqa: ARG002  what a program is told does not change its table
        max_output: int = 1 << 20,
        env: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Completed | Failure:
        name = os.path.basename(argv[0])
        completed = self.machine.commands.get(name, Failure("missing", f"no {name}"))
        if not isinstance(completed, (Completed, Failure)):
            completed = completed(argv)
        if isinstance(completed, Failure):
            if completed.kind == HANGS.kind:
                self.machine.clock.until(self.deadline.end)
            self.see(" ".join(argv), completed.detail)
            return completed
        self.see(" ".join(argv), f"exit {completed.code}")
        return completed._replace(stdout=completed.stdout[:max_output], stderr=completed.stderr[:max_output])

    def euid(self) -> int:
        return self.machine.uid

    # Files

    def _is_real(self, path: str) -> bool:
        return self.machine.real is not None and (path + "/").startswith(self.machine.real.rstrip("/") + "/")

    def _content(self, path: str) -> bytes | Failure:
        content = self.machine.file(path)
        if isinstance(content, Failure):
            self._waited(content)
            self.see(path, content.detail)
        return content

    def read(self, path: str, *, max_bytes: int = 1 << 20, follow: bool = True) -> bytes | Failure:
        if self._is_real(path):
            return super().read(path, max_bytes=max_bytes, follow=follow)
        content = self._content(path)
        if isinstance(content, bytes):
            self.see(path, f"{len(content)} bytes")
            return content[:max_bytes]
        return content

    def stat(self, path: str) -> os.stat_result | Failure:
        if self._is_real(path):
            return super().stat(path)
        content = self._content(path)
        if path in self.machine.sockets:
            self.see(path, "mode 140666, user 0, 0 bytes")
            return os.stat_result((modes.S_IFSOCK | 0o666, 1, 1, 1, 0, 0, 0, 0, 0, 0))
        if isinstance(content, Failure):
            return content
        mode, owner, changed = self.machine.modes.get(path, (0o644, 0, 0.0))
        return os.stat_result((modes.S_IFREG | mode, 1, 1, 1, owner, owner, len(content), 0, changed, 0))

    def may_write(self, path: str) -> bool:
        return self.machine.uid == 0 and not isinstance(self.machine.file(path), Failure)

    def listdir(self, path: str) -> list[str] | Failure:
        if self._is_real(path):
            return super().listdir(path)
        folder = path.rstrip("/") + "/"
        names = sorted({known[len(folder) :].split("/")[0] for known in self.machine.files if known.startswith(folder)})
        if names:
            return names
        other = self.machine.other_files
        return other if isinstance(other, Failure) else MISSING

    def entries(self, path: str) -> list[Entry] | Failure:
        if self._is_real(path):
            return super().entries(path)
        names = self.listdir(path)
        if isinstance(names, Failure):
            return names
        folder = path.rstrip("/")
        contents = {name: self.machine.files.get(f"{folder}/{name}") for name in names}
        sizes = {name: len(content) if isinstance(content, bytes) else 0 for name, content in contents.items()}
        modes_ = {n: modes.S_IFDIR | 0o755 if contents[n] is None else modes.S_IFREG | 0o644 for n in names}
        return [Entry(name, sizes[name], modes_[name], 0, 0.0) for name in names]

    def end(self, path: str, max_bytes: int) -> bytes | Failure:
        if self._is_real(path):
            return super().end(path, max_bytes)
        content = self._content(path)
        if isinstance(content, bytes):
            self.see(path, f"{len(content)} bytes from its end")
            return content[-max_bytes:]
        return content

    def tail(self, path: str, lines: int = 50) -> list[str] | Failure:
        if self._is_real(path):
            return super().tail(path, lines)
        content = self.read(path)
        return content if isinstance(content, Failure) else [logs.clean(one) for one in content.splitlines()][-lines:]

    def disk(self, path: str) -> Disk | Failure:
        found = self.machine.disks.get(path, self.machine.other_disks)
        self.see(
            f"disk {path}", found.detail if isinstance(found, Failure) else f"{found.mount}: {found.percent:.1f} %"
        )
        return found

    def memory(self) -> Memory | Failure:
        found = self.machine.memory
        self.see("/proc/meminfo", found.detail if isinstance(found, Failure) else f"{found.available >> 20} MiB")
        return found
