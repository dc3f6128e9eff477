"""One rule, as a table of a TOML file has it.

    [[rule]]
    id = "disk-full"                    # small letters, digits, hyphens; unique
    role = "cause"                      # cause: explains the failure; symptom: look for a cause nearby; normal
    rank = 94                           # 0 to 100; where several rules match, the higher counts
    component = "system"                # who is at fault
    origins = ["APP"]                   # optional: only lines of these parts of a platform (`[APP/PROC/WEB/0]`)
    restart_helps = false               # optional: left out where nobody can tell
    patterns = [{ literal = 'enospc', regex = '\\bENOSPC\\b' }]
    meaning = "the disk is full"        # goes on after "…: "; {name} is filled from the group of that name
    remedy = "Make room."               # sentences, in the order in which to act
    outranked_by = ["inotify-limit"]    # optional: rules that may match its examples too, and rank higher
    match = ["…"]                       # lines that it must find
    no_match = ["…"]                    # lines that are like them and mean something else
    source = "https://…"                # where the words of the line come from

A pattern is tried only on lines that hold its ``literal`` (in small letters; the line may have others), at the places
where it stands: the regular expression, Python's, must match within 1,000 characters before and 2,000 after it. Without
one the literal is enough. Groups may be numbered where a pattern needs a name twice (`host`, `host2`).

Of a program that runs and answers, a log is taken at its word from rank 70 on only (`stack.complaints`), and where a
word like "error" stands in its lines (`host.logs.is_loud`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from cozydiag.text import Text

Role = Literal["cause", "symptom", "normal"]

UNFILLED: Final = "…"
"""Stands where a line does not say what the text has a field for."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FIELD = re.compile(r"(?<!\{)\{([a-z_]+)\}")
_STRINGS: Final = ("id", "role", "component", "meaning", "remedy", "source")
_LISTS: Final = ("match", "no_match", "origins", "outranked_by")
_OPTIONAL: Final = ("origins", "outranked_by", "restart_helps")


class Pattern(NamedTuple):
    literal: str
    regex: str = ""


class Rule(NamedTuple):
    """See above. ``origin`` is the file that it comes from."""

    id: str
    role: Role
    rank: int
    component: str
    patterns: tuple[Pattern, ...]
    meaning: str
    remedy: str
    match: tuple[str, ...]
    no_match: tuple[str, ...]
    source: str
    origins: tuple[str, ...] = ()
    outranked_by: tuple[str, ...] = ()
    restart_helps: bool | None = None
    origin: str = ""

    def text(self, template: str, values: Mapping[str, str]) -> Text:
        """Its meaning or remedy about one line. The template is looked up in the catalogue, where it is a rule of
        cozydiag's own."""
        return Text(template, tuple((name, values.get(name, UNFILLED)) for name in sorted(fields(template))))


def fields(template: str) -> set[str]:
    """The names to be filled from groups."""
    return set(_FIELD.findall(template))


class Mistake(Exception):  # noqa: N818  somebody's file is wrong, not the program
    """What is wrong with a rule, in words for its author."""


def rule_of(table: Mapping[str, Any], origin: str) -> Rule:
    """The rule in one table. Raises Mistake."""
    name = table.get("id", "?")
    for key in (*_STRINGS, *_LISTS, "rank", "patterns"):
        if key not in table and key not in _OPTIONAL:
            raise Mistake(f"{name}: {key} is missing")
    for key, value in table.items():
        if not _fits(key, value):
            raise Mistake(f"{name}: {key} is not known, or not of the right kind")
    if not _ID.fullmatch(table["id"]):
        raise Mistake(f"{name}: an id has small letters, digits and hyphens")
    if table["role"] not in get_args(Role) or not 0 <= table["rank"] <= 100:
        raise Mistake(f"{name}: role is one of {', '.join(get_args(Role))}, rank goes from 0 to 100")
    return Rule(
        id=table["id"], role=cast(Role, table["role"]), rank=table["rank"], component=table["component"],
        patterns=tuple(_pattern(name, one) for one in table["patterns"]), meaning=table["meaning"],
        remedy=table["remedy"], match=tuple(table["match"]), no_match=tuple(table["no_match"]), source=table["source"],
        origins=tuple(table.get("origins", ())), outranked_by=tuple(table.get("outranked_by", ())),
        restart_helps=table.get("restart_helps"), origin=origin,
    )  # fmt: skip


def _fits(key: str, value: object) -> bool:
    if key in _STRINGS:
        return isinstance(value, str) and bool(value)
    if key in _LISTS:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if key == "patterns":
        return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
    if key == "rank":
        return isinstance(value, int) and not isinstance(value, bool)
    return key == "restart_helps" and isinstance(value, bool)


def _pattern(name: str, table: Mapping[str, Any]) -> Pattern:
    literal, regex = table.get("literal"), table.get("regex", "")
    if not isinstance(literal, str) or not isinstance(regex, str) or set(table) - {"literal", "regex"}:
        raise Mistake(f"{name}: a pattern has a literal and, where that is not enough, a regex")
    if literal != literal.lower() or not re.search("[a-z0-9]{3}", literal) or "\n" in literal:
        raise Mistake(
            f"{name}: a literal is in small letters, on one line, with three of them side by side: {literal!r}"
        )
    try:
        re.compile(regex)
    except re.error as error:
        raise Mistake(f"{name}: {regex!r} is no regular expression: {error}") from None
    return Pattern(literal, regex)
