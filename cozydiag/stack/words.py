"""Names and command lines as they must be typed on this machine."""

from __future__ import annotations

import os
import sys

from cozydiag.config import Config
from cozydiag.host import Host
from cozydiag.stack import ROLES, Stack

_ROOTS_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""sudo's secure_path on Debian: what lies elsewhere needs its full path behind sudo."""


def name_of(role: str | None, otherwise: str) -> str:
    """What people call a role (`home`, `CouchDB`), ``otherwise`` where there is none."""
    return ROLES.get(role or "", otherwise)


def root(host: Host) -> str:
    """`sudo `, or nothing for root."""
    return "" if host.euid() == 0 else "sudo "


def ourselves(arguments: str, config: Config | None) -> str:
    """The command that runs this same cozydiag as root, who does not find this user's own configuration."""
    from shlex import quote

    from cozydiag.config.file import MACHINE

    own = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else "cozydiag"
    folder, name = os.path.split(own)
    command = name if name == "cozydiag" and folder in _ROOTS_PATH else quote(own)
    if name in ("__main__.py", "-c", "-m"):
        command = f"{quote(sys.executable)} -m cozydiag"
    path = config.file.path if config is not None and config.file is not None else MACHINE
    option = f" --config {quote(os.path.abspath(path))}" if path != MACHINE else ""
    return f"sudo {command} {arguments}{option}"


def supervisorctl(host: Host, stack: Stack, *arguments: str) -> str:
    """A supervisorctl command line for this stack's own supervisord, sudo before it where its socket needs root."""
    from shlex import quote

    program = stack.config.programs.get("supervisorctl", "supervisorctl")
    socket = stack.config.supervisord.socket
    server = ("-s", f"unix://{socket}") if socket else ()
    prefix = "" if socket and host.may_write(socket) else root(host)
    return prefix + " ".join(map(quote, (program, *server, *arguments)))
