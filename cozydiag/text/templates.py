"""Every template of this version, out of the French catalogue: a test holds that all are in it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

_MAGIC = 0x950412DE  # gettext's manual, "The Format of GNU MO Files"; ours are written in this machine's order


def templates() -> Iterator[tuple[str, str | None]]:
    """(one, many) of each text; many is None for those that do not count. Nothing where there is no catalogue."""
    path = os.path.join(os.path.dirname(__file__), "locale", "fr", "LC_MESSAGES", "cozydiag.mo")
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return
    order = "<" if struct.unpack("<I", content[:4])[0] == _MAGIC else ">"
    _, _, count, table = struct.unpack(f"{order}4I", content[:16])
    for number in range(count):
        length, offset = struct.unpack_from(f"{order}2I", content, table + 8 * number)
        one, _, many = content[offset : offset + length].decode().partition("\0")
        if one:
            yield one, many or None
