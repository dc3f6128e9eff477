"""The marks that tell whether a report came through whole: one on each line with a tag, one at the end of a section."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from cozydiag.report.sections import Section
from cozydiag.report.tags import sealed

END = re.compile(r"-- (\d+) ([0-9a-f]{8}) --$")
"""`-- 12 9f3a2c41 --`: so many lines that are not empty, and their checksum."""


_OURS = re.compile(r"[ \t]*(?:==|--|\\|[>|]|`{3}|~{3})")
"""How lines begin that whoever reads a report would take for a heading, a mark, a quotation or a fence."""


_LONGEST = 160
"""Characters of a heading, which can be a path."""


def seal(sections: Sequence[Section]) -> list[Section]:
    """The sections with both; nothing may change them afterwards. What only looks like ours gets a backslash."""
    return [_sealed(section) for section in sections]


def checksum(lines: Sequence[str]) -> tuple[int, str]:
    """Of the lines that are not empty, without their blanks: forums take some away and add others."""
    bare = ["".join(line.split()) for line in lines]
    bare = [line for line in bare if line]
    return len(bare), f"{zlib.crc32(chr(10).join(bare).encode()):08x}"


def plain(line: str) -> str:
    """A line without the backslash that it may have."""
    bare = line.lstrip()
    return line[: len(line) - len(bare)] + bare[1:] if bare.startswith("\\") else line


def _plainly(line: str) -> str:
    if not _OURS.match(line):
        return line
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}\\{bare}"


def _sealed(section: Section) -> Section:
    lines = list(map(_plainly, section.lines))
    if not section.log and section.name in ("verdict", "results", ""):
        lines = list(map(sealed, lines))
    count, mark = checksum(lines)
    heading = section.heading[:_LONGEST].strip() or "?"
    return section._replace(heading=heading, lines=[*lines, f"-- {count} {mark} --"])
