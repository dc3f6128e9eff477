"""The user and the password that a supervisord asks for, from its own file (`supervisor/http.py make_http_servers`).

Whoever may read that file may ask. The password goes into one header and nowhere else.
"""

from __future__ import annotations

import hashlib
import stat
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import supervisord, supervisord_file
from cozydiag.managers.supervisord_file import Sections

_HASH = "{SHA}"


class Login(NamedTuple):
    """A header, and the file that it is from."""

    header: tuple[str, str]
    file: str


def find(host: Host, place: str, conf: str | None, keep_secret: Callable[[str], object]) -> Login | Failure:
    """The login of the one at ``place``, from ``conf`` or the file of whichever supervisord listens there. Kinds of
    Failure: `locked` where this user may not read it, `login` where it is of no use."""
    closed: Failure | None = None
    for file in dict.fromkeys(_files(host, conf)):
        found = supervisord_file.sections(host, file)
        if isinstance(found, Failure):
            if found.kind == "permission":
                closed = closed or Failure("locked", f"its password is in {found.detail}, closed to this user")
        elif file == conf or any(_same(one, place) for one in supervisord_file.places(found)):
            return _login(host, place, file, found, keep_secret)
    return closed or Failure("login", "HTTP 401: a user and password are required")


def _files(host: Host, conf: str | None) -> Iterator[str]:
    if conf:
        yield conf
        return
    running = (one for one in host.processes() if supervisord_file.is_one(one))
    yield from filter(None, (supervisord_file.of_process(host, one.cmdline) for one in running))
    yield from supervisord.CONFIGURATIONS


def _login(host: Host, place: str, file: str, found: Sections, keep_secret: Callable[[str], object]) -> Login | Failure:
    """The server's own, or where that is only a hash, what the file gives to supervisorctl."""
    server = found.get("inet_http_server" if place.startswith("http://") else "unix_http_server", {})
    user, password = server.get("username", ""), server.get("password", "")
    client = found.get("supervisorctl", {})
    keep_secret(password.removeprefix(_HASH))
    keep_secret(client.get("password", ""))
    if password.startswith(_HASH):
        told = client.get("password", "")
        if hashlib.sha1(_plain(told).encode()).hexdigest() != password[len(_HASH) :]:  # noqa: S324  supervisord's own
            return Failure("login", f"{file} has its password as a hash only, and gives supervisorctl none")
        password = told
    if not user or "%(" in user + password:
        return Failure("login", f"{file} does not say its password")
    if not _is_its_own(host, place, file):
        return Failure("login", f"{place} belongs to somebody else than {file}")
    word = f"{_plain(user)}:{_plain(password)}"
    keep_secret(_plain(password))
    shown = b2a_base64(word.encode(), newline=False).decode()
    keep_secret(shown)
    return Login(("Authorization", f"Basic {shown}"), file)


def _plain(value: str) -> str:
    """As supervisord reads it: a percent sign is written twice."""
    return value.replace("%%", "%")


def _same(place: str, other: str) -> bool:
    """Debian's file says /var/run, which is another name of /run."""
    return place.removeprefix("/var") == other.removeprefix("/var")


def _is_its_own(host: Host, place: str, file: str) -> bool:
    """In a folder where everybody may make a socket, one of somebody else would be told the password."""
    if place.startswith("http://"):
        return True
    folder, socket, source = host.stat(place.rpartition("/")[0] or "/"), host.stat(place), host.stat(file)
    if isinstance(folder, Failure) or isinstance(socket, Failure) or isinstance(source, Failure):
        return not isinstance(source, Failure)
    return not folder.st_mode & stat.S_IWOTH or socket.st_uid in (0, source.st_uid)
