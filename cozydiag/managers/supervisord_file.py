"""Where a supervisord listens, from its own file (`supervisor/options.py`): its sockets and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure


class Settings(NamedTuple):
    """``socket`` is its unix socket, "" without one. ``open_to_all`` is where it takes orders over TCP without a
    password, None when it does not."""

    socket: str
    open_to_all: str | None = None


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
    """None where it cannot be read: it belongs to root, or is gone."""
    content = host.read(path)
    if isinstance(content, Failure):
        return None
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        text = line.split(" ;")[0].strip()
        if text.startswith("["):
            section = sections.setdefault(text.strip("[]"), {})
        elif "=" in text and text[0] not in ";#":
            key, _, value = text.partition("=")
            section[key.strip()] = value.strip()
    here = path.rpartition("/")[0] or "/"
    unix, inet = sections.get("unix_http_server", {}), sections.get("inet_http_server", {})
    port = inet.get("port")
    return Settings(unix.get("file", "").replace("%(here)s", here), port if port and not inet.get("password") else None)
