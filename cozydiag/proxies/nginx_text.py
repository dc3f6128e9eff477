"""nginx's configuration from texts that are on no disk here: no path that stands in them is ever opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from tempfile import NamedTemporaryFile
from typing import Any

import crossplane

_DEPTH = 8
_CLOSED = "Permission denied"
"""So crossplane's own errors begin where a file cannot be read; what was not collected is as good as closed."""


def parsed(path: str, contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """As crossplane gives them: every file with its directives and errors, those of includes with the indexes of what
    they include."""
    files: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    _add(path, contents, files, numbers, 0)
    return files


def _add(
    path: str, contents: Mapping[str, bytes], files: list[dict[str, Any]], numbers: dict[str, int], depth: int
) -> int:
    if path in numbers:
        return numbers[path]
    numbers[path] = len(files)
    read = _one(path, contents[path], main=not files) if path in contents else _closed(path)
    files.append(read)
    for directive in _includes(read["parsed"]):
        pattern = os.path.normpath(os.path.join(os.path.dirname(path), directive["args"][0]))
        found = sorted(one for one in contents if _matches(one, pattern)) if depth < _DEPTH else []
        if not found and not set(pattern) & set("*?["):
            found = [pattern]
        directive["includes"] = [_add(one, contents, files, numbers, depth + 1) for one in found]
    return numbers[path]


def _matches(path: str, pattern: str) -> bool:
    """As in a shell: a star is no slash."""
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _one(path: str, content: bytes, *, main: bool) -> dict[str, Any]:
    with NamedTemporaryFile(prefix="cozydiag-", suffix=".conf") as file:
        file.write(content)
        file.flush()
        # single: includes are not followed. What stands in an included file has its context elsewhere.
        read = crossplane.parse(
            file.name, single=True, catch_errors=True, strict=False, check_ctx=main, check_args=main
        )["config"][0]
        errors = [{**one, "error": str(one["error"]).replace(file.name, path)} for one in read["errors"]]
    return {"file": path, "parsed": read["parsed"], "errors": errors}


def _closed(path: str) -> dict[str, Any]:
    return {"file": path, "parsed": [], "errors": [{"error": f"{_CLOSED}: {path}", "line": 0}]}


def _includes(block: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for directive in block:
        if directive["directive"] == "include" and directive["args"]:
            yield directive
        yield from _includes(directive.get("block") or [])
