"""nginx: its processes and its configuration, without running it.

`nginx -t` is never run to look: as root it creates the pid file, logs and folders.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

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


Directive = dict[str, Any]
"""As crossplane gives it: directive, line, args, and for some block or includes (indexes of files)."""


def parse(path: str, *, strict: bool = False) -> Configuration:
    """The configuration as it stands on disk, by crossplane. ``strict``: unknown directives are mistakes too.

    Not ``combine=True``, which gives wrong file names to what follows an include (crossplane issue 95).
    """
    import crossplane

    files = crossplane.parse(path, strict=strict, catch_errors=True)["config"]
    errors = [(file["file"], error) for file in files for error in file["errors"]]
    closed = tuple(file for file, error in errors if "Permission denied" in str(error["error"]))
    mistakes = tuple(_mistake(file, error) for file, error in errors if file not in closed)
    tree = _Tree(files)
    if not errors and tree.lacks_events():
        mistakes = (Mistake(path, 0, 'no "events" section in configuration'),)
    return Configuration(tuple(tree.servers), mistakes, closed)


def error_logs(path: str) -> tuple[str, ...]:
    """The files that the configuration names as logs of errors, in its order. Relative ones are left out: nginx takes
    them from a folder that it was built with."""
    import crossplane

    files = crossplane.parse(path, catch_errors=True)["config"]
    found = (d["args"][0] for file in files for d in _within(file["parsed"]) if d["directive"] == "error_log")
    return tuple(dict.fromkeys(target for target in found if target.startswith("/")))


def _within(block: list[Directive]) -> Iterator[Directive]:
    """All directives of a block that say something, at every depth; includes are not followed."""
    for directive in block:
        if directive["args"]:
            yield directive
        yield from _within(directive.get("block", []))


def _mistake(file: str, error: dict[str, Any]) -> Mistake:
    line = error.get("line")
    message = str(error["error"]).removesuffix(f" in {file}:{line}").removesuffix(f" in {file}")
    return Mistake(file, line if isinstance(line, int) else 0, message)


_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")


class _Tree:
    """Walks the files in the order in which nginx reads them, following includes."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self.files = files
        self.groups: dict[str, tuple[str, ...]] = {}
        self.servers: list[Server] = []
        blocks: list[tuple[str, Directive]] = []
        if files:
            self._http(files[0]["parsed"], files[0]["file"], blocks)
        self.servers = [self._server(file, block) for file, block in blocks]  # when all groups are known

    def _expand(self, block: list[Directive], file: str) -> Iterator[tuple[str, Directive]]:
        for directive in block:
            if "includes" in directive:
                for index in directive["includes"]:
                    yield from self._expand(self.files[index]["parsed"], self.files[index]["file"])
            else:
                yield file, directive

    def _http(self, block: list[Directive], file: str, blocks: list[tuple[str, Directive]]) -> None:
        for where, directive in self._expand(block, file):
            inner = directive.get("block", [])
            if directive["directive"] == "http":
                self._http(inner, where, blocks)
            elif directive["directive"] == "upstream" and directive["args"]:
                members = self._expand(inner, where)
                self.groups[directive["args"][0]] = tuple(
                    m["args"][0] for _, m in members if m["directive"] == "server"
                )
            elif directive["directive"] == "server":
                blocks.append((where, directive))

    def lacks_events(self) -> bool:
        """nginx does not start without this section (`src/event/ngx_event.c`); an emptied file is the usual reason."""
        main = self._expand(self.files[0]["parsed"], self.files[0]["file"])
        return not any(directive["directive"] == "events" for _, directive in main)

    def _everything(self, block: list[Directive], file: str) -> Iterator[Directive]:
        for where, directive in self._expand(block, file):
            yield directive
            if "block" in directive:
                yield from self._everything(directive["block"], where)

    def _server(self, file: str, block: Directive) -> Server:
        inside = [one for one in self._everything(block.get("block", []), file) if one["args"]]
        listens = [one["args"] for one in inside if one["directive"] == "listen"]
        targets = [
            target for one in inside if one["directive"] in _PASSES for target in _targets(one["args"][0], self.groups)
        ]
        return Server(
            tuple(name for one in inside if one["directive"] == "server_name" for name in one["args"]),
            tuple(args[0] for args in listens),
            any("ssl" in args for args in listens)
            or any((d["directive"], d["args"]) == ("ssl", ["on"]) for d in inside),
            tuple(dict.fromkeys(targets)),
            file,
            block["line"],
        )


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
