"""Where rules come from: the TOML files beside this one, and drop-ins."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from cozydiag.host.files import untrusted
from cozydiag.rules.rule import Mistake, Rule, rule_of
from cozydiag.text import Text, t

DROP_INS = "/etc/cozydiag/rules.d"
BUILTIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "builtin")
LARGEST = 4 << 20
"""Bytes of one file; the largest of ours has 25,000."""


def beside(checks: str | None) -> str | None:
    """The drop-ins that go with those of checks: `/etc/cozydiag/rules.d` beside `/etc/cozydiag/checks.d`."""
    return None if checks is None else os.path.join(os.path.dirname(checks.rstrip("/")), "rules.d")


class Loaded(NamedTuple):
    """The rules by id, and for each file or rule that is not used the reason."""

    rules: dict[str, Rule]
    problems: tuple[Text, ...]


@cache
def load(drop_ins: str | None = DROP_INS) -> Loaded:
    """All rules. One of ours gives way to a drop-in of the same id; of two drop-ins the first counts."""
    problems: list[Text] = []
    own = {rule.id: rule for path in _files(BUILTIN) for rule in _rules(path, _content(path), problems)}
    added: dict[str, Rule] = {}
    for path, content in _drop_ins(drop_ins, problems) if drop_ins else ():
        for rule in _rules(path, content, problems):
            if rule.id in added:
                problems.append(t("{path}: {id} is already in {other}",
                                  path=path, id=rule.id, other=added[rule.id].origin))  # fmt: skip
            added.setdefault(rule.id, rule)
    return Loaded({**own, **added}, tuple(problems))


def _files(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if _is_rules(name)]


def _is_rules(name: str) -> bool:
    return name.endswith(".toml") and name[0] not in "._"


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _rules(path: str, content: bytes, problems: list[Text]) -> Iterator[Rule]:
    """The good ones; a mistake costs the rule that it stands in, one of TOML's grammar the file."""
    try:
        tables = _parsed(content).get("rule", [])
    except ValueError as error:
        problems.append(t("{path} is not used: {why}", path=path, why=str(error)))
        return
    for table in tables if isinstance(tables, list) else ():
        try:
            yield rule_of(table if isinstance(table, dict) else {}, path)
        except Mistake as mistake:
            problems.append(t("{path}: {why}", path=path, why=str(mistake)))


def _parsed(content: bytes) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(content.decode("utf-8"))


def _drop_ins(folder: str, problems: list[Text]) -> Iterator[tuple[str, bytes]]:
    """The files that only root or this user can have written: a rule decides what is advised to root."""
    try:
        paths = _files(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(t("{path} is not used: {why}", path=folder, why=error.strerror or str(error)))
        return
    refusal = untrusted(os.stat(folder), folder) if paths else None
    if refusal is not None:
        problems.append(refusal)
        return
    for path in paths:
        read = _read(path)
        if isinstance(read, Text):
            problems.append(read)
        else:
            yield path, read


def _read(path: str) -> bytes | Text:
    """From the descriptor whose owner and mode were looked at."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return t("{path} is not used: {why}", path=path, why=error.strerror or str(error))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return t("{path} is not used: it is no file, or too large", path=path)
        return untrusted(found, path) or file.read(LARGEST)
