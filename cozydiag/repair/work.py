"""Work that is under way on this machine, and that a restart would fall into."""

from __future__ import annotations

import os

from cozydiag.host import Host, Process
from cozydiag.host.failure import Failure
from cozydiag.stack import Stack
from cozydiag.text import Text, t

_PACKAGES = frozenset({"dpkg", "rpm", "dnf", "yum", "zypper", "pacman", "apk"})
_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
_BACKUPS = frozenset({"borg", "restic", "duplicity", "rdiff-backup", "rsnapshot"})
_COPIERS = frozenset({"rsync", "tar", "cp", "mysqldump", "couchbackup"})
_DEPLOYERS = frozenset({"npm", "yarn", "pnpm", "cozy-monitor", "cozy-stack", "ansible-playbook"})
_DEPLOYS = frozenset({
    "install", "ci", "i", "update", "upgrade", "uninstall", "install-stack", "update-all-apps", "update-stack",
    "upgrade-all-apps", "update-all", "reinstall-missing-app", "deploy",
})  # fmt: skip
_PULLERS = frozenset({"docker", "podman", "docker-compose", "podman-compose", "nerdctl"})
_PULLS = frozenset({"pull", "build"})
_DATA = ("/var/lib/couchdb", "/opt/couchdb/data", "/usr/local/var/lib/couchdb", "/usr/local/cozy")


def under_way(host: Host, stack: Stack) -> tuple[str, Text] | None:
    """Which gate and why. Without ``discover`` the machine is none of our business beyond what is configured."""
    if not stack.config.discover:
        return None
    return stack.once("repair.work", host, lambda host: _look(host, stack))


def _look(host: Host, stack: Stack) -> tuple[str, Text] | None:
    if any(_locked(host, path) for path in _LOCKS):
        return "work.packages", t("packages are being installed (the lock of dpkg is held)")
    data = (*_DATA, *((stack.config.couchdb.data,) if stack.config.couchdb.data else ()))
    for process in host.processes():
        if process.pid != os.getpid() and process.state != "Z":
            found = _of(process, data)
            if found is not None:
                return found
    return None


def _of(process: Process, data: tuple[str, ...]) -> tuple[str, Text] | None:
    words = _words(process)
    names = {process.name, *(os.path.basename(word) for word in words[:2])}  # a script's own name comes second
    pid = str(process.pid)
    if process.name in _PACKAGES:
        return "work.packages", t("packages are being installed ({name}, PID {pid})", name=process.name, pid=pid)
    copies = names & _COPIERS and any(place in word for word in words for place in data)
    if names & _BACKUPS or copies:
        return "work.backup", t("a backup is running ({name}, PID {pid})", name=process.name, pid=pid)
    if names & _DEPLOYERS and _DEPLOYS.intersection(words[1:4]):
        return "work.deployment", t("something is being installed ({name}, PID {pid})", name=process.name, pid=pid)
    if names & _PULLERS and _PULLS.intersection(words[1:4]):
        return "work.image", t("an image is being fetched ({name}, PID {pid})", name=process.name, pid=pid)
    return None


def _words(process: Process) -> list[str]:
    """npm and others write their whole command line into one word."""
    first, *rest = process.cmdline or (process.name,)
    return [*first.split(" "), *rest]


def _locked(host: Host, path: str) -> bool:
    """Whether somebody holds a lock on the file (proc_locks(5)): to try it would be to take it."""
    status, locks = host.stat(path), host.read("/proc/locks")
    if isinstance(status, Failure) or isinstance(locks, Failure):
        return False
    return any(line.split()[5].endswith(b":%d" % status.st_ino) for line in locks.splitlines() if b"->" not in line)
