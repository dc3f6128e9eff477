"""The certificates that sites showed to the collector, and those in files, as it found them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from cozydiag.certificates import MalformedError, parse
from cozydiag.collected.grammar import Collected
from cozydiag.host import Shown
from cozydiag.host.logs import one_line

_AT = re.compile(r"(?P<name>[A-Za-z0-9.-]+) at (?P<address>[0-9.]+):(?P<port>\d{1,5})")
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.S)
_CODE = re.compile(rb"Verify return code: (\d{1,3}) \((.*)\)")


def in_files(collected: Collected) -> dict[str, bytes]:
    """By path; the keys beside them stayed where they are."""
    return {one.name: one.text for one in collected.of("certificate") if one.name.startswith("/")}


def shown(collected: Collected) -> dict[tuple[str, str, int], Shown]:
    """By name, address and port. Who showed none is not in it: nobody can tell why."""
    return dict(_shown(collected))


def _shown(collected: Collected) -> Iterator[tuple[tuple[str, str, int], Shown]]:
    for one in collected.of("certificate"):
        place, block, code = _AT.fullmatch(one.name), _BLOCK.search(one.text), _CODE.search(one.text)
        if place is None or block is None or code is None:
            continue
        try:
            seen = parse(base64.b64decode(block[1]))
        except (ValueError, MalformedError):
            continue
        key = (place["name"].lower(), place["address"], int(place["port"]))
        yield key, Shown(seen.raw, int(code[1]), one_line(code[2], 200) if code[1] != b"0" else "")
