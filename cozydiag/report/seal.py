"""The marks that tell whether a report came through whole: one on each line with a tag, one at the end of a section."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from cozydiag.report.sections import Section
from cozydiag.report.tags import sealed

END = re.compile(r"-- (\d+) ([0-9a-f]{8}) --$")
"""`-- 12 9f3a2c41 --`: so many lines that are not empty, and their checksum."""


def seal(sections: Sequence[Section]) -> list[Section]:
    """The sections with both; nothing may change them afterwards."""
    return [_sealed(section) for section in sections]


def checksum(lines: Sequence[str]) -> tuple[int, str]:
    """Of the lines that are not empty, without their blanks: forums take some away and add others."""
    bare = ["".join(line.split()) for line in lines]
    bare = [line for line in bare if line]
    return len(bare), f"{zlib.crc32(chr(10).join(bare).encode()):08x}"


def _sealed(section: Section) -> Section:
    lines = list(map(sealed, section.lines))
    count, mark = checksum(lines)
    return section._replace(lines=[*lines, f"-- {count} {mark} --"])
