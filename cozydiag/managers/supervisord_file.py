"""Where a supervisord listens, from its own file (`supervisor/options.py`): its sockets and nothing else of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.processes import Process

Sections = Mapping[str, Mapping[str, str]]

_EVERYWHERE = ("", "*", "0.0.0.0")  # noqa: S104


class Settings(NamedTuple):
    """``socket`` is its unix socket, or `http://ADDRESS:PORT` where it has none; "" without both. ``open_to_all`` is
    where it takes orders over TCP without a password, None when it does not."""

    socket: str
    open_to_all: str | None = None


def is_one(process: Process) -> bool:
    """A supervisord, by whichever way it was started."""
    words = (process.name, *process.cmdline[:2])
    return process.cmdline[1:3] == ("-m", "supervisor.supervisord") or any(
        word.rpartition("/")[2] == "supervisord" for word in words
    )


def of_process(host: Host, cmdline: Sequence[str]) -> str | None:
    """The file that a running supervisord was started with; without -c the usual one."""
    for option, value in zip(cmdline, (*cmdline[1:], ""), strict=True):
        if option in ("-c", "--configuration"):
            return value if value.startswith("/") else None
        if option.startswith("--configuration="):
            return option.partition("=")[2]
    usual = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")
    return next((path for path in usual if not isinstance(host.stat(path), Failure)), None)


def read(host: Host, path: str) -> Settings | None:
    """None where it cannot be read: it belongs to root, or is gone. What it includes is read only where it has no
    socket itself: there may be a thousand programs."""
    found = sections(host, path, whole=False)
    if not isinstance(found, Failure) and "unix_http_server" not in found:
        found = sections(host, path)
    return None if isinstance(found, Failure) else settings(found)


def settings(found: Sections) -> Settings:
    inet = found.get("inet_http_server", {})
    port = inet.get("port")
    return Settings((*places(found), "")[0], port if port and not inet.get("password") else None)


def places(found: Sections) -> tuple[str, ...]:
    """Where it can be asked: its socket file, then over TCP."""
    port = found.get("inet_http_server", {}).get("port")
    return tuple(filter(None, (found.get("unix_http_server", {}).get("file"), _url(port) if port else None)))


def _url(port: str) -> str:
    """`*:9001`, `9001`, `192.0.2.1:9001` (`supervisor/datatypes.py inet_address`), as one reaches it from here."""
    address, _, number = port.rpartition(":")
    return f"http://{'127.0.0.1' if address in _EVERYWHERE else address}:{number}"


def sections(host: Host, path: str, *, whole: bool = True) -> Sections | Failure:
    """All of a file, and what it includes, which counts more. The Failure is that of the first file that cannot be
    read."""
    found: dict[str, dict[str, str]] = {}
    failure = _add(host, path, found)
    if failure is None and whole:
        for more in [*_included(host, path, found.get("include", {}).get("files", ""))]:
            failure = failure or _add(host, more, found)
    return failure or found


def _add(host: Host, path: str, found: dict[str, dict[str, str]]) -> Failure | None:
    content = host.read(path)
    if isinstance(content, Failure):
        return content._replace(detail=path)
    section: dict[str, str] = {}
    key = ""
    for line in content.decode("utf-8", "replace").splitlines():
        text = _COMMENT.split(line, maxsplit=1)[0].strip()
        if not text:
            continue
        if line[0].isspace() and key:
            section[key] = f"{section[key]} {text}".strip()
        elif text.startswith("["):
            section, key = found.setdefault(text.strip("[]"), {}), ""
        else:
            key, value = (*_SIGN.split(text, maxsplit=1), "")[:2]
            key = key.lower()
            section[key] = value.replace("%(here)s", path.rpartition("/")[0] or "/")
    return None


_COMMENT = re.compile(r"(?:^|\s)[;#]")
_SIGN = re.compile(r"\s*[=:]\s*")


def _included(host: Host, path: str, patterns: str) -> Iterator[str]:
    """Only the names of files are patterns here."""
    here = path.rpartition("/")[0]
    for pattern in patterns.split():
        folder, _, name = (pattern if pattern.startswith("/") else f"{here}/{pattern}").rpartition("/")
        if not set("*?[") & set(name):
            yield f"{folder}/{name}"
            continue
        from fnmatch import fnmatch

        names = host.listdir(folder)
        found = [] if isinstance(names, Failure) else sorted(one for one in names if fnmatch(one, name))
        yield from (f"{folder}/{one}" for one in found)
