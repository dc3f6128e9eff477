"""nginx: its processes and its configuration, without running it.

`nginx -t` is never run to look: as root it creates the pid file, logs and folders.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process

PID_FILES = ("/run/nginx.pid", "/var/run/nginx.pid", "/run/nginx/nginx.pid", "/usr/local/nginx/logs/nginx.pid")
CONFIGURATIONS = ("/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf")
_FOLDERS = ("conf.d", "http.d", "sites-enabled", "sites-available", "modules-enabled", "snippets")


class Running(NamedTuple):
    """The master and its workers. ``loaded`` is when the configuration was read (epoch seconds):
    a good reload replaces all workers, a failed one none."""

    master: Process
    workers: tuple[Process, ...]

    @property
    def loaded(self) -> float:
        return max([self.master.started, *(worker.started for worker in self.workers)])

    @property
    def stopped(self) -> bool:
        """The master, or every worker, was stopped by a signal (SIGSTOP): connections are accepted, never answered."""
        return self.master.state in "Tt" or (bool(self.workers) and all(w.state in "Tt" for w in self.workers))


def running(host: Host, pid_file: str | None, discover: bool) -> Running | None:
    """The running nginx, by its pid file, else (``discover``) by the oldest process of that name.

    A pid file may be stale or name another program, so the process has to be called nginx.
    """
    master = next((found for path in ([pid_file] if pid_file else PID_FILES) if (found := _master(host, path))), None)
    if master is None and discover:
        everyone = host.find(("nginx",))
        pids = {process.pid for process in everyone}
        masters = [process for process in everyone if process.ppid not in pids and process.state != "Z"]
        master = min(masters, key=lambda process: process.started, default=None)
    if master is None:
        return None
    workers = (host.process(pid) for pid in host.children(master.pid))
    return Running(master, tuple(worker for worker in workers if worker is not None))


def _master(host: Host, pid_file: str) -> Process | None:
    content = host.read(pid_file, max_bytes=64)
    if isinstance(content, Failure) or not content.strip().isdigit():
        return None
    process = host.process(int(content))
    return process if process is not None and process.name == "nginx" and process.state != "Z" else None


def newest_change(host: Host, configuration: str) -> float:
    """When a file of the configuration was last changed (epoch seconds), 0.0 when none can be read.

    Looks at the main file and at the folders that are usually included, which costs no parsing.
    """
    base = os.path.dirname(configuration)
    paths = [configuration]
    for folder in _FOLDERS:
        names = host.listdir(os.path.join(base, folder))
        if not isinstance(names, Failure):
            paths += [os.path.join(base, folder, name) for name in names[:2000]]
    newest = 0.0
    for path in paths:
        found = host.stat(path)
        if not isinstance(found, Failure) and stat.S_ISREG(found.st_mode):
            newest = max(newest, found.st_mtime)
    return newest


class Mistake(NamedTuple):
    """An error in the configuration. ``line`` is 0 where the whole file is meant."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} in {self.path}:{self.line}" if self.line else f"{self.message} in {self.path}"


class Server(NamedTuple):
    """One `server {}`: where it listens and what it passes requests to."""

    names: tuple[str, ...]
    listens: tuple[str, ...]
    tls: bool
    upstreams: tuple[str, ...]  # host:port, unix:/path, or as written where it holds a variable
    path: str
    line: int


class Configuration(NamedTuple):
    servers: tuple[Server, ...]
    mistakes: tuple[Mistake, ...]
    unreadable: tuple[str, ...]


def parse(path: str, *, strict: bool = False) -> Configuration:
    """The configuration as it stands on disk, by crossplane. ``strict``: unknown directives are mistakes too.

    Not ``combine=True``, which gives wrong file names to what follows an include (crossplane issue 95).
    """
    import crossplane

    payload = crossplane.parse(path, strict=strict, catch_errors=True)
    mistakes, unreadable = [], []
    for file in payload["config"]:
        for error in file["errors"]:
            message = str(error["error"])
            if "Permission denied" in message:
                unreadable.append(file["file"])
            else:
                mistakes.append(_mistake(file["file"], error))
    files = payload["config"]
    groups: dict[str, tuple[str, ...]] = {}
    blocks: list[tuple[str, dict[str, object]]] = []
    if files:
        _walk(files, files[0]["parsed"], files[0]["file"], groups, blocks)
    servers = tuple(_server(files, file, block, groups) for file, block in blocks)
    return Configuration(servers, tuple(mistakes), tuple(unreadable))


def _mistake(file: str, error: dict[str, object]) -> Mistake:
    message = str(error["error"])
    line = error.get("line")
    for tail in (f" in {file}:{line}", f" in {file}"):
        message = message.removesuffix(tail)
    return Mistake(file, line if isinstance(line, int) else 0, message)


def _expand(files, block, file):  # type: ignore[no-untyped-def]  # crossplane has no types
    """The directives of ``block`` in order, with those of included files in their places, each with its file."""
    for directive in block:
        if directive["directive"] == "include" and "includes" in directive:
            for index in directive["includes"]:
                yield from _expand(files, files[index]["parsed"], files[index]["file"])
        else:
            yield file, directive


def _walk(files, block, file, groups, blocks):  # type: ignore[no-untyped-def]
    for where, directive in _expand(files, block, file):
        name = directive["directive"]
        if name == "http":
            _walk(files, directive.get("block", []), where, groups, blocks)
        elif name == "upstream" and directive["args"]:
            members = _expand(files, directive.get("block", []), where)
            groups[directive["args"][0]] = tuple(m["args"][0] for _, m in members if m["directive"] == "server")
        elif name == "server":
            blocks.append((where, directive))


_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")


def _server(files, file, block, groups) -> Server:  # type: ignore[no-untyped-def]
    names: list[str] = []
    listens: list[str] = []
    upstreams: list[str] = []
    tls = False

    def visit(where: str, inner) -> None:  # type: ignore[no-untyped-def]
        nonlocal tls
        for at, directive in _expand(files, inner, where):
            name, args = directive["directive"], directive["args"]
            if name == "server_name":
                names.extend(args)
            elif name == "listen" and args:
                listens.append(args[0])
                tls = tls or "ssl" in args[1:]
            elif name == "ssl" and args == ["on"]:
                tls = True
            elif name in _PASSES and args:
                upstreams.extend(_targets(args[0], groups))
            if "block" in directive:
                visit(at, directive["block"])

    visit(file, block.get("block", []))
    return Server(tuple(names), tuple(listens), tls, tuple(dict.fromkeys(upstreams)), file, block["line"])


def _targets(value: str, groups: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """`http://127.0.0.1:9104/x` → `127.0.0.1:9104`; the name of an upstream group → its members."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "", value
    if rest.startswith("unix:"):
        return (":".join(rest.split(":")[:2]),)
    authority = rest.split("/", 1)[0]
    if authority in groups:
        return groups[authority]
    if "$" in authority or authority.rpartition("]")[2].count(":"):
        return (authority,)
    return (f"{authority}:{443 if scheme in ('https', 'grpcs') else 80}",)


def serving(configuration: Configuration, name: str, port: int) -> Server | None:
    """The server that answers for ``name`` on ``port``: by its name, else the first that listens there."""
    there = [s for s in configuration.servers if any(_port(listen) == port for listen in s.listens or ("80",))]
    return next((server for server in there if name in server.names), there[0] if there else None)


def _port(listen: str) -> int:
    digits = listen.rpartition(":")[2] if ":" in listen else listen
    return int(digits) if digits.isdigit() else 80
