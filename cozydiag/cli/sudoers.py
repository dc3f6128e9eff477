"""The line for sudoers(5) that lets a user repair with `cozydiag fix --restart --auto`, and do nothing else."""

from __future__ import annotations

import os
import pwd
import re
import stat
import sys

from cozydiag.cli.common import Problem
from cozydiag.text import Text, t


def line_for(user: str) -> str:
    """Raises Problem where it would let the user become root: whoever may write the program may run anything."""
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}\$?", user):
        raise Problem(t("{user} is not the name of a user", user=repr(user)))
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise Problem(t("there is no user {user} on this machine", user=user)) from None
    program = os.path.realpath(sys.argv[0])
    if os.path.basename(program) != "cozydiag":
        raise Problem(t("run it as an installed command: `python -m` would take cozydiag from the current folder"))
    for path in (program, *_above(program)):
        why = _open_to_others(path)
        if why is not None:
            raise Problem(why)
    command = re.sub(r"([\\,:=#\s!()*?\[\]])", r"\\\1", program)
    return f"{user} ALL=(root) NOPASSWD: {command} fix --restart --auto"


def _above(path: str) -> list[str]:
    folders = []
    while path != "/":
        path = os.path.dirname(path)
        folders.append(path)
    return folders


def _open_to_others(path: str) -> Text | None:
    found = os.stat(path)
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_uid != 0 or (found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky):
        return t("{path} can be changed by others than root: whoever does would be root. Install cozydiag for root, "
                 "for example with `sudo pipx install --global cozydiag`", path=path)  # fmt: skip
    return None
