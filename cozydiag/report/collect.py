"""What a report holds beside the results: services, versions, the machine, the ends of logs.

Each question has its own time and a thread of its own, which is left behind when it hangs; what nobody answered is a
Failure in its place.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar, Union

from cozydiag.host import Disk, GivenUp, Host, Memory
from cozydiag.host.failure import Failure
from cozydiag.host.logs import clean, one_line
from cozydiag.managers import supervisord, xmlrpc
from cozydiag.managers.supervisord import Program, Snapshot
from cozydiag.report import configuration
from cozydiag.stack import Site, Stack

T = TypeVar("T")

SECONDS = 3.0
"""The time for one question."""

GRACE = 0.3
"""Seconds more that a question has to put its own time-out into words."""

LINES = 30
MANY = 2000
"""Lines of a log; the second where it is asked for from a time on."""

LOG_BYTES = 64 << 10
PROGRAMS = 40
"""Of so many programs the logs are read, those in trouble first."""

Lines = Union["tuple[str, ...]", Failure]


class Log(NamedTuple):
    """The end of one log, oldest line first."""

    name: str
    lines: Lines


class Collected(NamedTuple):
    """``versions`` and ``logs`` in the order in which they are shown; ``up`` is in seconds; ``unread`` counts the
    programs whose logs were left out."""

    programs: tuple[Program, ...] | Failure
    versions: tuple[tuple[str, str | Failure], ...]
    memory: Memory | Failure
    disks: tuple[tuple[str, Disk | Failure], ...] | Failure
    load: str | Failure
    up: float | Failure
    logs: tuple[Log, ...]
    unread: int
    sites: tuple[Site, ...] | Failure = ()
    configuration: tuple[configuration.File, ...] | Failure = ()


def collect(host: Host, stack: Stack, since: float | None = None) -> Collected:
    """Asks everything once, one after the other. Of logs the last lines, or all ``since`` then (epoch seconds), as far
    as there is room. Raises nothing for what it meets."""
    ask = _Questions(host, since)
    snapshot = ask("supervisord", stack.supervisor)
    programs = snapshot.programs if isinstance(snapshot, Snapshot) else ()
    troubled = sorted(programs, key=lambda program: program.state == supervisord.RUNNING)
    logs = [log for program in troubled[:PROGRAMS] for log in _program_logs(ask, stack, program)]
    return Collected(
        snapshot if isinstance(snapshot, Failure) else programs,
        tuple((name, ask(f"version of {name}", version)) for name, version in _versions(stack)),
        ask("memory", lambda view: view.memory()),
        ask("disks", lambda view: _disks(view, stack)),
        ask("load", lambda view: _word(view.read("/proc/loadavg"), 3)),
        ask("uptime", _uptime),
        (*logs, *_nginx_logs(ask, stack), _own_log(ask, stack)),
        max(0, len(programs) - PROGRAMS),
        ask("sites", lambda view: stack.source("sites")(view).items),
        ask("configuration", lambda view: configuration.collect(view, stack.config)),
    )


class _Questions:
    """Asks with a view of the host, a time limit and a thread for each question."""

    def __init__(self, host: Host, since: float | None = None) -> None:
        self.host = host
        self.since = since

    def __call__(self, name: str, answer: Callable[[Host], T | Failure]) -> T | Failure:
        view = self.host.within(SECONDS, f"report: {name}")
        answers: list[T | Failure] = []

        def work() -> None:
            try:
                answers.append(answer(view))
            except GivenUp:
                answers.append(Failure("given_up", "not asked: it gave no answer before"))
            except BaseException as error:  # noqa: BLE001  nothing may cost the rest of the report
                answers.append(Failure("error", one_line(f"{type(error).__name__}: {error}", 300)))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(SECONDS + GRACE)
        return answers[0] if answers else Failure("timeout", "it did not end in time")


def _versions(stack: Stack) -> list[tuple[str, Callable[[Host], str | Failure]]]:
    import sys

    from cozydiag import __version__

    python = ".".join(map(str, sys.version_info[:3]))
    kernel = os.uname()
    return [
        ("cozydiag", lambda _: f"{__version__}, Python {python}"),
        ("system", _system),
        ("kernel", lambda _: f"{kernel.sysname} {kernel.release} {kernel.machine}"),
        ("nginx", lambda view: _nginx(view, stack)),
        ("supervisord", lambda view: _supervisord(view, stack)),
        ("CouchDB", lambda view: _couchdb(view, stack)),
    ]


def _system(host: Host) -> str | Failure:
    """`/etc/os-release`, os-release(5)."""
    content = host.read("/etc/os-release", max_bytes=65536)
    if isinstance(content, Failure):
        return content
    lines = dict(line.split("=", 1) for line in clean(content, 65536).splitlines() if "=" in line)
    return lines.get("PRETTY_NAME", "?").strip("\"'")


def _nginx(host: Host, stack: Stack) -> str | Failure:
    """`nginx -v` ends before it opens any file (nginx `src/core/nginx.c`)."""
    done = host.run((stack.config.programs.get("nginx", "nginx"), "-v"))
    if isinstance(done, Failure):
        return done
    return one_line(done.stderr or done.stdout, 200).rpartition("version: ")[2].strip()


def _supervisord(host: Host, stack: Stack) -> str | Failure:
    said = xmlrpc.call(host, stack.socket(host), "supervisor.getSupervisorVersion")
    return said if isinstance(said, Failure) else one_line(said.text if isinstance(said, xmlrpc.Fault) else str(said))


def _couchdb(host: Host, stack: Stack) -> str | Failure:
    from cozydiag.couchdb import ask

    reply = ask(host, stack.config.couchdb.url, "/")
    if isinstance(reply, Failure):
        return reply
    if not reply.is_couchdb:
        return Failure("protocol", f"HTTP {reply.status} of something else")
    return one_line(str(reply.data.get("version") or reply.server), 200)


def _disks(host: Host, stack: Stack) -> tuple[tuple[str, Disk | Failure], ...]:
    return tuple((mount.mount, host.disk(mount.path)) for mount in stack.source("mounts")(host).items)


def _word(content: bytes | Failure, count: int) -> str | Failure:
    """The first words of a file of /proc."""
    return content if isinstance(content, Failure) else b" ".join(content.split()[:count]).decode("ascii", "replace")


def _uptime(host: Host) -> float | Failure:
    seconds = _word(host.read("/proc/uptime"), 1)
    return seconds if isinstance(seconds, Failure) else float(seconds)


# -- logs ------------------------------------------------------------------------------------------------


def _program_logs(ask: _Questions, stack: Stack, program: Program) -> list[Log]:
    """stderr and stdout, which can be one; where there is neither, why."""
    logs = []
    for channel in ("Stderr", "Stdout"):
        method = f"supervisor.readProcess{channel}Log"
        name = f"{program.name} ({channel.lower()})"
        lines = ask(name, lambda view, method=method: _read(view, stack, ask.since, method, program.name))  # type: ignore[misc]
        logs.append(Log(name, lines))
    return [log for log in logs if log.lines and not _absent(log.lines)] or logs[:1]


def _absent(lines: Lines) -> bool:
    """supervisord keeps no such log: it was told so, or both channels go into one (`supervisor/xmlrpc.py Faults`)."""
    return isinstance(lines, Failure) and lines.detail.startswith("NO_FILE")


def _own_log(ask: _Questions, stack: Stack) -> Log:
    return Log(
        "supervisord", ask("log of supervisord", lambda view: _read(view, stack, ask.since, "supervisor.readLog"))
    )


def _read(host: Host, stack: Stack, since: float | None, method: str, *names: str) -> Lines:
    """The end of a log through supervisord, for its folder is closed to everyone but root."""
    text = xmlrpc.call(host, stack.socket(host), method, *names, -LOG_BYTES, 0)
    if isinstance(text, Failure):
        return text
    if not isinstance(text, str):
        return Failure("error", one_line(text.text if isinstance(text, xmlrpc.Fault) else "no text"))
    lines = text.splitlines()
    if len(text.encode("utf-8", "replace")) >= LOG_BYTES:
        del lines[:1]  # its beginning is missing
    return _newest(lines, since)


def _nginx_logs(ask: _Questions, stack: Stack) -> list[Log]:
    paths = ask("logs of nginx", lambda view: _nginx_paths(view, stack))
    if isinstance(paths, Failure):
        return [Log("nginx", paths)]
    return [Log(path, ask(path, lambda view, path=path: _tail(view, path, ask.since))) for path in paths]  # type: ignore[misc]


def _nginx_paths(host: Host, stack: Stack) -> tuple[str, ...]:
    from cozydiag.proxies import nginx

    path = stack.config.proxy.conf
    if path is None and stack.config.discover:
        path = next((path for path in nginx.CONFIGURATIONS if not isinstance(host.stat(path), Failure)), None)
    return nginx.parse(path).logs[:PROGRAMS] if path else ()


def _tail(host: Host, path: str, since: float | None) -> Lines:
    lines = host.tail(path, LINES if since is None else MANY)
    return lines if isinstance(lines, Failure) else _newest(lines, since)


def _newest(lines: list[str], since: float | None = None) -> tuple[str, ...]:
    """The last lines that hold something, harmless, and no more than `LOG_BYTES` of them."""
    kept: list[str] = []
    lines = lines if since is None else _written_since(lines, since)
    most = LINES if since is None else MANY
    room = LOG_BYTES
    for raw in reversed(lines):
        line = one_line(raw, LOG_BYTES).rstrip()  # what is long is cut after masking, else half a secret could stay
        room -= len(line.encode()) + 1
        if len(kept) == most or room < 0:
            break
        if line:
            kept.append(line)
    return tuple(reversed(kept))


def _written_since(lines: list[str], since: float) -> list[str]:
    """A line without a time is of the moment of the one before it; where no line has one, all are kept."""
    from cozydiag.logs import times

    for index, line in enumerate(lines):
        at = times.of(line)
        if at is not None and at >= since:
            return lines[index:]
    return [] if any(times.of(line) is not None for line in lines) else lines
