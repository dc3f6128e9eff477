"""Where things are in a sandbox: its folder, files and ports."""

from __future__ import annotations

import glob
import json
import os
import random
import re
import socket
import tempfile
from contextlib import suppress
from typing import NamedTuple

from cozydiag.sandbox.error import SandboxError
from cozydiag.text import t

REAL_PORTS = {
    "couchdb": 5984,
    "nginx": 8080,
    "cozy-controller": 9002,
    "cozy-data-system": 9101,
    "cozy-home": 9103,
    "cozy-proxy": 9104,
}
"""The programs of the sandbox and the ports of the real ones, to which a sandbox adds one number."""

SHIFTS = range(10_000, 22_000)
"""Keeps the ports between 15984 and 31104: below those that Linux gives to outgoing connections, where a client
can end up connected to itself."""

SOCKET_ROOM = 107 - len(".4194304")
"""Bytes for the path of the socket (unix(7)), less the suffix under which supervisord creates it."""


class Layout(NamedTuple):
    """The folder of a sandbox and the shift of its ports; every path in it comes from here."""

    folder: str
    shift: int

    def path(self, *names: str) -> str:
        return os.path.join(self.folder, *names)

    def port(self, program: str) -> int:
        return REAL_PORTS[program] + self.shift

    @property
    def socket(self) -> str:
        return self.path("supervisor.sock")

    @property
    def work(self) -> str:
        """The working directory of every program of the sandbox, and of nothing else: it marks them."""
        return self.path("run")

    def ports(self) -> list[int]:
        return [self.port(program) for program in REAL_PORTS]

    def ports_are_free(self) -> bool:
        return all(map(_is_free, self.ports()))

    def save(self) -> None:
        write(self.path("sandbox.json"), json.dumps({"shift": self.shift}))


def write(path: str, content: str, mode: int = 0o600) -> None:
    """Replaces a file in one step, so that no reader meets half of it."""
    part = path + ".new"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(part, path)


def new_layout(folder: str | None) -> Layout:
    """A private, empty folder and free ports. Raises SandboxError."""
    place = os.path.realpath(folder) if folder else tempfile.mkdtemp(prefix="cozydiag-", dir=_runtime_folder())
    if not re.fullmatch(r"[A-Za-z0-9._/+-]+", place) or len(os.path.join(place, "supervisor.sock")) > SOCKET_ROOM:
        raise SandboxError(t("The path {path} is too long or has unusual characters: choose another.", path=place))
    _make(place)
    layout = Layout(place, free_shift(place))
    layout.save()
    return layout


def saved_layout(folder: str) -> Layout:
    """The layout of an existing sandbox. Raises SandboxError."""
    place = os.path.realpath(folder)
    try:
        with open(os.path.join(place, "sandbox.json"), encoding="utf-8") as file:
            _must_be_ours(place)
            return Layout(place, int(json.load(file)["shift"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise SandboxError(t("There is no sandbox in {path}.", path=folder)) from None


def free_shift(folder: str) -> int:
    """A shift whose ports are all free now, and which no sandbox beside this one has: what is stopped there comes
    back. Raises SandboxError."""
    taken = _ports_beside(folder)
    for _ in range(50):
        layout = Layout(folder, random.choice(SHIFTS))  # noqa: S311 - no secret
        if taken.isdisjoint(layout.ports()) and layout.ports_are_free():
            return layout.shift
    raise SandboxError(t("No free ports were found for the sandbox between 15984 and 31104."))


def _ports_beside(folder: str) -> set[int]:
    taken: set[int] = set()
    for file in glob.glob(os.path.join(glob.escape(os.path.dirname(folder)), "*", "sandbox.json")):
        if os.path.dirname(file) != folder:
            with suppress(SandboxError):  # another user's
                taken.update(saved_layout(os.path.dirname(file)).ports())
    return taken


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _runtime_folder() -> str:
    place = os.environ.get("XDG_RUNTIME_DIR", "")
    if place and os.access(place, os.W_OK) and not os.statvfs(place).f_flag & os.ST_NOEXEC:
        return os.path.realpath(place)
    return "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it


def _make(place: str) -> None:
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        _must_be_ours(place)
        if os.listdir(place):
            raise SandboxError(t("{path} is not empty: choose a new folder for the sandbox.", path=place))
        os.chmod(place, 0o700)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SandboxError(t("The folder {path} cannot be used: {reason}.", path=place, reason=reason)) from None


def _must_be_ours(place: str) -> None:
    """What is in the folder is run: nobody else may write it."""
    if os.stat(place).st_uid != os.geteuid():
        raise SandboxError(t("The folder {path} belongs to another user.", path=place))
