"""Erlang's and Elixir's ends: terms in brackets whose innermost words are the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cozydiag.logs.caught import CUT, Caught

_START = re.compile(r"application_start_failure,\s?(\w{1,60}),\s?(.*)")
_BOOT = re.compile(r'(?:init terminating in do_boot|Runtime terminating during boot)"?,? ?\(?(.{0,2000})')
_MOCHIWEB = re.compile(r"Failure to start Mochiweb: (\w{1,60})")
_PLAIN = re.compile(
    r"(Failed to create cookie file '[^']{1,300}': \w{1,40}|Cookie file \S{1,300} must be accessible by owner only"
    r"|Protocol '\w{1,20}': the name \S{1,200} seems to be in use by another Erlang node"
    r"|No Admin Account Found, aborting startup|Monster detected.{0,60}"
    r"|(?:eheap|binary|ets)_alloc: Cannot (?:re)?allocate \d+ bytes of memory.{0,60})"
)
_SLOGAN = re.compile(r"^Slogan: (.{1,300})")
_REASON = re.compile(r"^\s*\*\* Reason for termination ?(?:==|=)\s*(.*)")
_SHELL = re.compile(r"^\*?\*? ?exception (error|exit|throw): (.{1,300})")
_ELIXIR = re.compile(r"^\*\* \((\w[\w.]{1,100})\) (.{1,300})")
_INNER = (
    re.compile(r"\{error,\s?\{?\"?([\w ]{1,60})"),
    re.compile(r"\{(?:bad_return_value|badmatch|case_clause|noproc|undef|badarg|function_clause|missing|not_found),?\s?([^\]}\[]{0,120})"),
    re.compile(r"\b(eaddrinuse|eaddrnotavail|eacces|enoent|enospc|erofs|emfile|nodistribution|badarg|undef|function_clause)\b"),
)  # fmt: skip


def caught(lines: Sequence[str]) -> Iterator[Caught]:
    """The plainest words first: a message that says why explains the term below it, which is not told again."""
    plain = [at for at, line in enumerate(lines) if _PLAIN.search(line) or _MOCHIWEB.search(line)]
    told: set[str] = set()
    for at, line in enumerate(lines):
        one = _of(lines, at, line)
        if one is None:
            continue
        beside = any(abs(other - at) <= 12 for other in plain) and at not in plain
        if not beside and one.words not in told:
            told.add(one.words)
            yield one


def _of(lines: Sequence[str], at: int, line: str) -> Caught | None:
    if found := _MOCHIWEB.search(line):
        return Caught("erlang", "Failure to start Mochiweb", found[1], at, at, at)
    if found := _PLAIN.search(line):
        return Caught("erlang", "error", found[1][:CUT], at, at, at)
    if found := _START.search(line):
        return Caught("erlang", f"application_start_failure {found[1]}", _innermost(found[2]), at, at, at)
    if found := _BOOT.search(line):
        return Caught("erlang", "init terminating", _innermost(found[1]), at, at, at)
    if found := _SLOGAN.match(line):
        return Caught("erlang", "Slogan", found[1], at, at, at)
    if found := _REASON.match(line):
        reason = found[1] or "".join(lines[at + 1 : at + 2]).strip(" *")
        return Caught("erlang", "terminated", reason[:CUT], at, at, at + 1)
    if found := _SHELL.match(line):
        return Caught("erlang", f"exception {found[1]}", found[2], at, at, at)
    if found := _ELIXIR.match(line):
        return Caught("elixir", found[1], found[2], at, at, at)
    return None


def _innermost(term: str) -> str:
    """The reason inside a term, with the term where nothing in it is known."""
    for expression in _INNER:
        if found := expression.search(term):
            return found[0].lstrip("{")[:CUT]
    return term[:CUT]
