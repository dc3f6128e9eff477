"""What is wrong in nginx's configuration: what the parser sees, and names that nginx itself does not know either.

The parser's list of directives is older than many a server: it lacks `http2` (nginx 1.25.1) and all foreign modules.
A program has the names of its directives in it as C strings, so the names that nginx can read are found in its file.
"""

from __future__ import annotations

from typing import Any

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.proxies import nginx
from cozydiag.proxies.protocol import Configuration

MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules")
"""Where dynamic modules lie: Debian, Fedora, nginx's own `make install`."""

TABLES = ("types", "map", "geo", "split_clients", "charset_map")
"""Blocks whose lines begin with values (nginx's http_core, map, geo, split_clients and charset modules)."""

PROGRAM_BYTES = 64 << 20


def examine(host: Host, path: str, program: str) -> Configuration:
    """The configuration in ``path`` with its mistakes, as the nginx in ``program`` would see them."""
    read = nginx.parse(path, contents=host.contents)
    if read.mistakes or read.unreadable:
        return read
    strict = nginx.parse(path, strict=True, contents=host.contents)
    unknown = {mistake: mistake.message.split('"')[1] for mistake in strict.mistakes
               if mistake.message.startswith('unknown directive "')}  # fmt: skip
    rows = _rows(nginx.read(path, contents=host.contents)) if unknown else set()
    unknown = {mistake: name for mistake, name in unknown.items() if (mistake.path, mistake.line) not in rows}
    left = set(unknown.values())
    if left and host.contents is not None and isinstance(host.read(program), Failure):
        return read._replace(unreadable=(next(iter(unknown)).path,))  # whether that nginx knows them was not asked
    for binary in _binaries(host, program) if left else ():
        left -= _named_in(host, binary, left)
    return read._replace(mistakes=tuple(mistake for mistake, name in unknown.items() if name in left))


def _rows(files: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """The lines of tables, by file. What stands there first is a value, which the parser takes for a directive: in
    every nginx of Debian's there is one with `text/css`."""
    found: set[tuple[str, int]] = set()
    for file in files:
        open_ = [(directive, False) for directive in file["parsed"]]
        while open_:
            directive, in_table = open_.pop()
            if in_table:
                found.add((file["file"], directive["line"]))
            inside = in_table or directive["directive"] in TABLES
            open_ += [(one, inside) for one in directive.get("block") or ()]
    return found


def _binaries(host: Host, program: str) -> list[str]:
    found = [program]
    for folder in MODULES:
        names = host.listdir(folder)
        if not isinstance(names, Failure):
            found += [f"{folder}/{name}" for name in names if name.endswith(".so")]
    return found


def _named_in(host: Host, binary: str, names: set[str]) -> set[str]:
    content = host.read(binary, max_bytes=PROGRAM_BYTES)
    if isinstance(content, Failure):
        return set()
    return {name for name in names if name.encode() + b"\0" in content}
