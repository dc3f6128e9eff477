"""The one file that settings come from: which it is, whether it can be trusted, and what it holds."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from cozydiag.config.error import ConfigError, at
from cozydiag.config.lines import Key, line_of, lines
from cozydiag.text import Text, t, verbatim

MACHINE = "/etc/cozydiag/config.toml"
VARIABLE = "COZYDIAG_CONFIG"

_LIMIT = 1 << 20  # bytes


class File:
    """A TOML file that has been read."""

    def __init__(self, path: str, text: str) -> None:
        """Raises ConfigError when ``text`` is not TOML."""
        self.path = path
        self.values = _parse(path, text)
        self._text = text

    @cached_property
    def _lines(self) -> dict[tuple[Key, ...], int]:
        return lines(self._text)

    def line(self, keys: Sequence[Key]) -> int | None:
        return line_of(keys, self._lines)

    def error(self, keys: Sequence[Key], problem: Text) -> ConfigError:
        return at(self.path, self.line(keys), problem)


def find(option: str | None, environ: Mapping[str, str]) -> File | None:
    """The file asked for by ``--config`` or the environment, else the user's own, else the machine's, else none.

    Raises ConfigError when it cannot be read, or could have been written by others while root reads it.
    """
    wanted = option or environ.get(VARIABLE)
    if wanted:
        return read(wanted)
    for path in _usual(environ):
        if os.path.lexists(path):
            return read(path)
    return None


def read(path: str) -> File:
    """Raises ConfigError."""
    try:
        return File(path, _content(path))
    except FileNotFoundError:
        problem = t("there is no such file")
    except PermissionError:
        problem = t("you may not read this file (try sudo, or name another with --config)")
    except OSError as error:
        problem = t("it cannot be read: {why}", why=verbatim(error.strerror or str(error)))
    raise at(path, None, problem)


def _usual(environ: Mapping[str, str]) -> list[str]:
    if os.geteuid() == 0:
        return [MACHINE]
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # the XDG base directory specification: a relative path is to be ignored
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return [os.path.join(base, "cozydiag", "config.toml"), MACHINE]


def _content(path: str) -> str:
    """What was examined is what is read: both through one descriptor. Raises ConfigError, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        _examine(path, os.fstat(descriptor))
        content = file.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise at(path, None, t("it is too long to be a configuration"))
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise at(path, line, t("this is not UTF-8: save the file as UTF-8")) from None


def _examine(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise at(path, None, t("it is not a plain file"))
    if os.geteuid() != 0:
        return
    if status.st_uid != 0:
        raise at(
            path, None, t("root does not use it, because it belongs to another user (chown root {path})", path=path)
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise at(path, None, t("root does not use it, because others can write it (chmod go-w {path})", path=path))


def _parse(path: str, text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why, line, column = _where(str(error))
    if line is None:
        raise at(path, text.count("\n") + 1, t("this is not TOML: {why}", why=verbatim(why)))
    raise at(path, line, t("this is not TOML, at column {column}: {why}", column=column, why=verbatim(why)))


def _where(message: str) -> tuple[str, int | None, int]:
    """The reader's message without its place: `Invalid value (at line 3, column 5)`, `… (at end of document)`."""
    match = re.fullmatch(r"(?s)(.*?)(?: \(at (?:line (\d+), column (\d+)|end of document)\))?", message)
    if match is None or match[2] is None:
        return (match[1] if match else message), None, 0
    return match[1], int(match[2]), int(match[3])
