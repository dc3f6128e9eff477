"""HAProxy: its processes by its stats socket, its sites by its file."""

from __future__ import annotations

import re
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence
from cozydiag.proxies import processes
from cozydiag.proxies.protocol import Configuration, Running

SOCKETS = ("/run/haproxy/admin.sock", "/var/lib/haproxy/stats", "/run/haproxy.sock")
"""Debian, Fedora, Alpine."""

_PID_FILES = ("/run/haproxy.pid", "/run/haproxy/haproxy.pid")
_LOGS = ("/var/log/haproxy.log", "/var/log/messages", "/var/log/syslog")
_ACCEPTED = re.compile(r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d)\.\d+\]")


class HAProxy(NamedTuple):
    """HAProxy as one of the proxies here. It writes no log itself; ``logs`` is the folder of a `haproxy.log`. ``more``
    is a folder of files that are read after the main one, as Fedora's unit has it."""

    configuration: str
    program: str = "haproxy"
    socket: str | None = None
    discover: bool = True
    logs: str | None = None
    more: str | None = None

    @property
    def name(self) -> str:
        return "haproxy"

    def running(self, host: Host) -> Running | None:
        """By what the stats socket says, which is a worker where there is a master; else by pid file and name."""
        said = self.ask(host, "show info")
        found = re.search(r"^Pid: (\d+)$", said, re.M)
        process = host.process(int(found[1])) if found else None
        if process is None:
            pid_files = _PID_FILES if self.discover else ()
            return processes.running(host, ("haproxy",), pid_files, self.discover, self.configuration)
        parent = host.process(process.ppid)
        if parent is not None and parent.name == "haproxy":
            return Running(parent, (process,))
        return Running(process)

    def version(self, host: Host) -> str | None:
        done = host.run((self.program, "-v"))
        words = "" if isinstance(done, Failure) else done.stdout.decode("utf-8", "replace")
        found = re.search(r"version (\S+)", words)
        return found[1] if found else None

    def test(self) -> tuple[str, ...]:
        return (self.program, "-c", "-f", self.configuration, *(("-f", self.more) if self.more else ()))

    def read(self, host: Host) -> Configuration | Failure:
        from cozydiag.proxies import haproxy_file

        files: dict[str, str] = {}
        for path in self._files(host):
            content = host.read(path, max_bytes=8 << 20)
            if isinstance(content, Failure) and content.kind == "permission":
                return Configuration((), (), (path,))
            if isinstance(content, Failure):
                return content
            files[path] = content.decode("utf-8", "replace")
        made = haproxy_file.parse(files)
        return made._replace(logs=_LOGS if self.discover else (f"{self.logs}/haproxy.log",) if self.logs else ())

    def _files(self, host: Host) -> list[str]:
        names = host.listdir(self.more) if self.more else []
        names = [] if isinstance(names, Failure) else sorted(name for name in names if name.endswith(".cfg"))
        return [self.configuration, *(f"{self.more}/{name}" for name in names)]

    def mistakes(self, host: Host) -> Configuration | Failure:
        """As HAProxy itself reads its file: `-c` opens no port and writes nothing."""
        from cozydiag.proxies import verdicts

        done = host.run(self.test())
        if isinstance(done, Failure):
            return done
        said = verdicts.tested("haproxy", done)
        return Configuration((), said.mistakes, said.closed, (self.configuration,))

    def changed(self, host: Host) -> float:
        return processes.newest(host, self.configuration, ("conf.d",))

    def last_error(self, host: Host, logs: tuple[str, ...], since: float, words: tuple[str, ...]) -> Evidence | None:
        """The last request that it gave up: two letters of its log say how (docs.haproxy.org, "Session state at
        disconnection")."""
        from cozydiag.proxies.logs import journal_line, last_line

        return last_line(host, logs, since, words, moment) or (
            journal_line(host, "haproxy", since, words) if self.discover else None
        )

    def ask(self, host: Host, command: str) -> str:
        """One question to the stats socket; "" where nobody answers. Only questions that change nothing."""
        sockets = (self.socket,) if self.socket else SOCKETS if self.discover else ()
        path = next((one for one in sockets if not isinstance(host.stat(one), Failure)), None)
        said = host.talk(path, f"{command}\n".encode()) if path else b""
        return "" if isinstance(said, Failure) else said.decode("utf-8", "replace")


def moment(line: str) -> float | None:
    """`[21/Nov/2026:09:02:33.511]` is when the request was accepted."""
    from cozydiag.proxies.logs import local

    found = _ACCEPTED.search(line)
    return local(found[1], "%d/%b/%Y:%H:%M:%S") if found else None
