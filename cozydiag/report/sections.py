"""The sections of a report for those who help, and how they stay within bounds."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.report.plain import Say
from cozydiag.text import plural, t

LIMIT = 1 << 20
"""Bytes of a whole report."""

_ROOM = 200
"""Bytes that a heading and a note about what was left out may take."""


class Section(NamedTuple):
    """A heading and what stands below it; ``log`` says that its older lines may go when there is not enough room.

    ``name`` is the same in every language: `verdict`, `results`, `logs` …, "" where nobody asks for it.
    """

    heading: str
    lines: list[str]
    log: bool = False
    name: str = ""

    def __str__(self) -> str:
        return "\n".join([f"== {self.heading} ==", *self.lines, ""])

    @property
    def size(self) -> int:
        """In bytes, with the empty line behind it."""
        return len(str(self).encode()) + 1


def fitted(sections: list[Section], say: Say, limit: int) -> list[Section]:
    """The sections within ``limit`` bytes: the logs give way first, each its oldest lines; then what stands last."""
    logs = sum(section.log for section in sections)
    rest = sum(section.size for section in sections if not section.log)
    if logs and sum(section.size for section in sections) > limit:
        share = max(0, (limit - rest) // logs)
        sections = [_shortened(section, share, say) if section.log else section for section in sections]
    kept: list[Section] = []
    room = limit
    for section in sections:
        if section.size > room - (0 if section is sections[-1] else _ROOM):
            note = say(t("The report ends here: it would be too large."))
            return [*kept, section._replace(lines=[*_first(section.lines, room - _ROOM), note])]
        kept.append(section)
        room -= section.size
    return kept


def _shortened(section: Section, size: int, say: Say) -> Section:
    if section.size <= size:
        return section
    kept = _first(section.lines[::-1], size - _ROOM)[::-1]
    gone = len(section.lines) - len(kept)
    note = plural("({n} older line left out: the report would be too large)",
                  "({n} older lines left out: the report would be too large)", n=gone)  # fmt: skip
    return section._replace(lines=[say(note), *kept])


def _first(lines: list[str], size: int) -> list[str]:
    """The first lines that fit into ``size`` bytes."""
    for count, line in enumerate(lines):
        size -= len(line.encode()) + 1
        if size < 0:
            return lines[:count]
    return lines
