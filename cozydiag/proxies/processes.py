"""Masters and workers: by the pid file, else by their names."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process
from cozydiag.proxies.protocol import Running


def running(
    host: Host, names: Collection[str], pid_files: Iterable[str], discover: bool, configuration: str = ""
) -> Running | None:
    """The running program of one of ``names``, by its pid file, else (``discover``) by the oldest of that name. Without
    ``discover`` only one that was started with ``configuration`` counts.

    A pid file may be stale or name another program, so the process has to bear the name. Workers whose master was
    killed belong to process 1 (or to a subreaper) and call themselves workers.
    """
    master = next((found for path in pid_files if (found := _master(host, path, names))), None)
    if master is None and not discover and not configuration:
        return None
    orphans: list[Process] = []
    if master is None:
        alive = [process for process in host.find(names) if process.state != "Z"]
        if not discover:
            alive = [process for process in alive if configuration in process.cmdline]
        pids = {process.pid for process in alive}
        top = sorted((p for p in alive if p.ppid not in pids), key=lambda p: p.started)
        orphans = [process for process in top if _calls_itself_worker(process)]
        master = next((process for process in top if process not in orphans), orphans[0] if orphans else None)
    if master is None:
        return None
    workers = (host.process(pid) for pid in host.children(master.pid))
    return Running(master, tuple(one for one in workers if one is not None and one.name in names), tuple(orphans))


def _master(host: Host, pid_file: str, names: Collection[str]) -> Process | None:
    content = host.read(pid_file, max_bytes=64)
    if isinstance(content, Failure) or not content.split()[:1] or not content.split()[0].isdigit():
        return None
    process = host.process(int(content.split()[0]))
    return process if process is not None and process.name in names and process.state != "Z" else None


def _calls_itself_worker(process: Process) -> bool:
    """nginx sets its title (`src/core/ngx_setproctitle`); Apache's and HAProxy's children keep their parent's."""
    return any("worker process" in word for word in process.cmdline[:1])


def newest(host: Host, configuration: str, folders: Iterable[str]) -> float:
    """When a file of a configuration was last changed (epoch seconds), 0.0 when none can be seen.

    Looks at the main file and at the folders beside it that are usually included, which costs no parsing.
    """
    base = os.path.dirname(configuration)
    paths = [configuration]
    for folder in folders:
        names = host.listdir(os.path.join(base, folder))
        if not isinstance(names, Failure):
            paths += [os.path.join(base, folder, name) for name in names[:2000]]
    latest = 0.0
    for path in paths:
        found = host.stat(path)
        if not isinstance(found, Failure) and stat.S_ISREG(found.st_mode):
            latest = max(latest, found.st_mtime)
    return latest
