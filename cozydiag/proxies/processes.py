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
    killed belong to process 1 (or to a subreaper); they are still in the group of the process that the pid file names,
    and nginx's call themselves workers.
    """
    numbers = [number for path in pid_files if (number := _number(host, path))]
    master = next((found for number in numbers if (found := _master(host, number, names))), None)
    if master is None and numbers and (left := _left_behind(host, numbers, names)):
        return Running(left[0], (), left)
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


def _number(host: Host, pid_file: str) -> int:
    """What stands in a pid file, 0 where that is no number."""
    content = host.read(pid_file, max_bytes=64)
    words = [] if isinstance(content, Failure) else content.split()
    return int(words[0]) if words and words[0].isdigit() else 0


def _master(host: Host, number: int, names: Collection[str]) -> Process | None:
    process = host.process(number)
    return process if process is not None and process.name in names and process.state != "Z" else None


def _left_behind(host: Host, numbers: Collection[int], names: Collection[str]) -> tuple[Process, ...]:
    """The workers of a master that is gone, oldest first."""
    alive = [process for process in host.find(names) if process.state != "Z"]
    left = (process for process in alive if _group(host, process.pid) in numbers)
    return tuple(sorted(left, key=lambda process: (process.started, process.pid)))


def _group(host: Host, pid: int) -> int:
    """The process group (proc_pid_stat(5)), 0 where it cannot be seen."""
    line = host.read(f"/proc/{pid}/stat", max_bytes=4096)
    fields = b"" if isinstance(line, Failure) else line[line.rfind(b")") + 1 :]
    words = fields.split()
    return int(words[2]) if len(words) > 2 and words[2].isdigit() else 0


def _calls_itself_worker(process: Process) -> bool:
    """nginx sets its title (`src/core/ngx_setproctitle`); Apache's and HAProxy's children keep their parent's."""
    return any("worker process" in word for word in process.cmdline[:1])


def newest(host: Host, configuration: str, folders: Iterable[str]) -> float:
    """When a file of a configuration was last changed (epoch seconds), 0.0 when none can be seen.

    Looks at the main file and at the folders beside it that are usually included, which costs no parsing.
    """
    base = os.path.dirname(configuration)
    paths = [configuration]
    view = host.within(host.deadline.remaining(), host.instance)  # a thousand looks at files are no evidence
    for folder in folders:
        names = view.listdir(os.path.join(base, folder))
        if not isinstance(names, Failure):
            paths += [os.path.join(base, folder, name) for name in names[:2000]]
    latest, file = 0.0, ""
    for path in paths:
        found = view.stat(path)
        if not isinstance(found, Failure) and stat.S_ISREG(found.st_mode) and found.st_mtime > latest:
            latest, file = found.st_mtime, path
    host.see(file or configuration, "was changed last of its files" if file else "cannot be seen")
    return latest
