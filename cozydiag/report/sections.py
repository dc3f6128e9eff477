"""The sections of a report for those who help: harmless, within bounds, searched for secrets before any is written."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.host.logs import one_line
from cozydiag.masking import Masks
from cozydiag.report.plain import Say
from cozydiag.text import plural, t

LIMIT = 1 << 20
"""Bytes of a whole report."""

_ROOM = 200
"""Bytes that a heading and a note about what was left out may take."""


class Section(NamedTuple):
    """A heading and what stands below it; ``log`` says that its older lines may go when there is not enough room."""

    heading: str
    lines: list[str]
    log: bool = False

    def __str__(self) -> str:
        return "\n".join([f"== {self.heading} ==", *self.lines, ""])

    @property
    def size(self) -> int:
        """In bytes, with the empty line behind it."""
        return len(str(self).encode()) + 1


class LeakError(Exception):
    """A secret would have been written, in the section of this heading."""

    def __init__(self, heading: str) -> None:
        super().__init__(heading)
        self.heading = heading


def joined(sections: list[Section], say: Say, masks: Masks, limit: int = LIMIT) -> str:
    """The text of all sections. Raises LeakError where a secret is left in it."""
    shown = fitted([_harmless(section, masks) for section in sections], say, limit)
    for section in shown:
        if masks.finds(str(section)):
            raise LeakError("?" if masks.finds(section.heading) else section.heading)
    return "\n".join(map(str, shown))


def _harmless(section: Section, masks: Masks) -> Section:
    """Masked before it is cut, else half a secret could stay; and after, for what was joined by taking controls out."""
    lines = [masks.mask(one_line(masks.mask(line))) for line in section.lines]
    return section._replace(heading=masks.mask(one_line(section.heading)), lines=lines)


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
