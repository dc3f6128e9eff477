"""Which site answers for a name, and which of its locations leads on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cozydiag.proxies.protocol import Location, Server


def serving(servers: Iterable[Server], name: str, address: str, port: int) -> Server | None:
    """The server that answers for ``name`` at a place: by its name, else the default one, else the first there
    (nginx.org/en/docs/http/request_processing.html; httpd.apache.org/docs/2.4/vhosts/details.html). What listens on
    that very address goes before what listens everywhere."""
    there = [s for s in servers if any(listen.port == port for listen in s.listens)]
    exact = [s for s in there if any((listen.address, listen.port) == (address, port) for listen in s.listens)]
    there = exact or there
    for match in (_is, _begins, _ends, _fits):
        found = next((server for server in there if any(match(one, name) for one in server.names)), None)
        if found is not None:
            return found
    default = next((s for s in there if any(listen.default and listen.port == port for listen in s.listens)), None)
    nameless = next((s for s in there if not s.names), None)
    return default or nameless or (there[0] if there else None)


def concerning(servers: Iterable[Server], sites: Iterable[tuple[str, str, int]]) -> tuple[Server, ...]:
    """Those of many that can be the answer to `serving` for ``sites`` (name, address, port): who knows the name, and
    who is first or the default one at a place."""
    servers = tuple(servers)
    names = {name for name, _, _ in sites}
    places: set[tuple[str, int]] = set()
    found = []
    for server in servers:
        here = {(listen.address, listen.port) for listen in server.listens}
        default = not server.names or any(listen.default for listen in server.listens)
        if not here <= places or default or any(answers_to(server, name) for name in names):
            found.append(server)
        places |= here
    return tuple(found)


def answers_to(server: Server, name: str) -> bool:
    """Whether ``server`` was told of ``name``, and does not only answer because no other does."""
    return any(match(one, name) for match in (_is, _begins, _ends, _fits) for one in server.names)


def leading(server: Server, target: str) -> Location | None:
    """The location that passes ``target`` (a path) on: exactly it, the first pattern that fits, the longest beginning.

    Patterns are tried before beginnings as nginx does; those of Apache stand where `ProxyPass` does not reach.
    """
    path = target.partition("?")[0] or "/"
    exact = next((one for one in server.locations if one.match == f"= {path}"), None)
    pattern = next((one for one in server.locations if one.match[:1] == "~" and _pattern(one.match, path)), None)
    begins = [one for one in server.locations if path.startswith(_beginning(one.match))]
    longest = max(begins, key=lambda one: len(_beginning(one.match)), default=None)
    return exact or (longest if longest and longest.match[:2] == "^~" else None) or pattern or longest


def _beginning(match: str) -> str:
    """What a path begins with; nothing does with this where another kind of match is meant."""
    if match[:1] in ("~", "=", "@"):
        return "\0"
    return match.removeprefix("^~ ").removesuffix("*").strip('"')


def _pattern(match: str, path: str) -> bool:
    return _fits("~" + match.lstrip("~* "), path)


def _is(written: str, name: str) -> bool:
    return written == name or (written[:1] == "." and (name == written[1:] or name.endswith(written)))


def _begins(written: str, name: str) -> bool:
    return written[:2] == "*." and name.endswith(written[1:])


def _ends(written: str, name: str) -> bool:
    return written[-2:] == ".*" and name.startswith(written[:-1])


def _fits(written: str, name: str) -> bool:
    if written[:1] != "~":
        return False
    try:
        return re.search(written[1:].replace("(?<", "(?P<"), name) is not None
    except re.error:  # of PCRE, not of Python
        return False
