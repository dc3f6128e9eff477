"""What PM2 and forever have in common: each user has his own, in a folder of his own, and runs programs of Node.js."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.environment import SECRETS, secrets
from cozydiag.managers.service import Home, Surroundings


class Place(NamedTuple):
    """A folder of a manager. ``user`` is as in addresses: None for root's, the folder where one user has two."""

    folder: str
    uid: int
    user: str | None
    prefix: tuple[str, ...]
    """What stands before a command line, so that it speaks to this one: as whom, with which environment."""
    account: str = "root"


def places(
    host: Host, around: Surroundings, found: Iterable[tuple[str, int]], usual: str, variable: str
) -> tuple[Place, ...]:
    """The configured folders, those in ``found`` (with their users' numbers), and each user's ``usual`` one; each
    once. ``variable`` is the one of the environment that names the folder."""
    names: dict[int, Home] = {}
    for home in around.homes:
        names.setdefault(home.uid, home)
    folders = {folder.rstrip("/"): owner(host, folder) for folder in around.named}
    for folder, uid in (*found, *((f"{home.folder}/{usual}", home.uid) for home in around.homes)):
        if folder.rstrip("/") not in folders and not _is_missing(host, folder):
            folders[folder.rstrip("/")] = uid
    known: dict[str | None, Place] = {}
    for folder, uid in folders.items():
        person = names.get(uid)
        user = None if uid in (0, -1) else person.user if person else str(uid)
        account = person.user if person else "root" if uid in (0, -1) else f"#{uid}"
        prefix = () if uid in (-1, 0, host.euid()) else ("sudo", "-u", account, "-H")
        if person is None or folder != f"{person.folder}/{usual}":
            prefix = (*prefix, "env", f"{variable}={folder}")
        user = folder if user in known else user
        known[user] = Place(folder, uid, user, prefix, account)
    return tuple(known.values())


def owner(host: Host, folder: str) -> int:
    seen = host.stat(folder)
    return -1 if isinstance(seen, Failure) else seen.st_uid


def _is_missing(host: Host, folder: str) -> bool:
    """A container's manager shows its folder in the title of its process, and it is not there for us."""
    seen = host.stat(folder)
    return isinstance(seen, Failure) and seen.kind != "permission"


def keep(environment: Any, keep_secret: Callable[[str], object]) -> None:
    """The only look at a process's environment: what must be in no output."""
    if isinstance(environment, Mapping):
        kept = ((name, environment.get(name)) for name in SECRETS)
        for word in secrets((name, value) for name, value in kept if isinstance(value, str)):
            keep_secret(word)


def log(host: Host, place: Place, path: str, lines: int) -> list[str] | Failure:
    """The end of a log whose path that user chose. For root only if the file is his: he could name any."""
    seen = host.stat(path)
    if isinstance(seen, Failure):
        return seen
    if host.euid() == 0 and place.uid and seen.st_uid != place.uid:
        return Failure("permission", f"{path} belongs to another user than {place.user}")
    return host.tail(path, lines)


_ERROR = re.compile(r"(?:^|\s)[\w.]*(?:Error|Exception)\b")
_NOISE = ("at ", "node:", "Node.js v", "{", "}", "[", "^", "'", "code:", "errno:", "syscall:", "requireStack:")


def reason(lines: Iterable[str]) -> str:
    """The line of a log that says why a program died: the error, not its stack nor what Node.js prints around it."""
    told = [line.strip() for line in lines if line.strip()]
    plain = [line for line in told if not line.startswith(_NOISE)]
    last = next((line for line in reversed(plain) if _ERROR.search(line)), plain[-1] if plain else "")
    return last[:300]


_HOPELESS = re.compile(r"Cannot find module|SyntaxError|ERR_REQUIRE_ESM|Error: ENOENT")


def is_hopeless(why: str) -> bool:
    """What a restart would only meet again: a program that is missing or cannot be read."""
    return _HOPELESS.search(why) is not None


def open_to_all(host: Host, socket: str) -> str | None:
    """``socket``, where every user of the machine may connect to it."""
    folder = socket.rpartition("/")[0]
    modes = [(socket, 0o002), (folder, 0o001), (folder.rpartition("/")[0] or "/", 0o001)]
    for path, bit in modes:
        seen = host.stat(path)
        if isinstance(seen, Failure) or not seen.st_mode & bit:
            return None
    return socket


def number(value: Any) -> float:
    """A number of JSON, 0.0 for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
