"""nginx's configuration from texts that are on no disk here: no path that stands in them is ever opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from tempfile import NamedTemporaryFile
from typing import Any

import crossplane

Directive = dict[str, Any]

_DEPTH = 8
_CLOSED = "Permission denied"
"""So crossplane's own errors begin where a file cannot be read; what was not collected is as good as closed."""


def parsed(path: str, contents: Mapping[str, bytes], *, strict: bool = False) -> list[dict[str, Any]]:
    """As crossplane gives them: every file with its directives and errors, those of includes with the indexes of what
    they include."""
    files: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}

    def add(path: str, above: tuple[str, ...], blocks: tuple[str, ...]) -> int:
        if path in numbers:
            return numbers[path]
        numbers[path] = len(files)
        known = path in contents and len(above) < _DEPTH
        read = _one(path, contents[path], blocks, strict=strict) if known else _error(path, f"{_CLOSED}: {path}")
        files.append(read)
        for directive, inside in _includes(read["parsed"], blocks):
            named = (one for one in _named(path, directive, contents) if one not in (*above, path))  # no circles
            directive["includes"] = [add(one, (*above, path), inside) for one in named]
        return numbers[path]

    add(path, (), ())
    return files


def _named(path: str, directive: Directive, contents: Mapping[str, bytes]) -> list[str]:
    """The files that an include means; one that is not known stands for itself, as something that cannot be read."""
    pattern = os.path.normpath(os.path.join(os.path.dirname(path), directive["args"][0]))
    found = sorted(one for one in contents if _matches(one, pattern))
    return found or ([] if set(pattern) & set("*?[") else [pattern])


def _matches(path: str, pattern: str) -> bool:
    """As in a shell: a star is no slash."""
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _one(path: str, content: bytes, blocks: tuple[str, ...], *, strict: bool) -> dict[str, Any]:
    """One file in the blocks that it is included into: what may stand in it depends on these."""
    before, after = "".join(f"{block} {{ " for block in blocks).encode(), b"\n" + b"}" * len(blocks)
    with NamedTemporaryFile(prefix="cozydiag-", suffix=".conf") as file:
        file.write(before + content + after if blocks else content)
        file.flush()
        read = crossplane.parse(file.name, single=True, catch_errors=True, strict=strict)["config"][0]
        errors = [{**one, "error": str(one["error"]).replace(file.name, path)} for one in read["errors"]]
    block = read["parsed"]
    for _ in blocks:
        if errors and not block:
            break
        if len(block) != 1 or "block" not in block[0]:
            return _error(path, 'unexpected "}"')
        block = block[0]["block"]
    return {"file": path, "parsed": block, "errors": errors}


def _error(path: str, words: str) -> dict[str, Any]:
    return {"file": path, "parsed": [], "errors": [{"error": words, "line": 0}]}


def _includes(block: list[Directive], around: tuple[str, ...]) -> Iterator[tuple[Directive, tuple[str, ...]]]:
    """With the blocks around each."""
    for directive in block:
        if directive["directive"] == "include" and directive["args"]:
            yield directive, around
        if directive.get("block"):
            yield from _includes(directive["block"], (*around, _opening(directive)))


def _opening(directive: Directive) -> str:
    """A block of the same kind; its words do not matter, only how many there are."""
    name = directive["directive"]
    return "if ($x)" if name == "if" else name + " x" * len(directive["args"])
