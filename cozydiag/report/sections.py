"""The sections of a report for those who help, and how they stay within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cozydiag.report.headings import HEADINGS
from cozydiag.report.plain import Say
from cozydiag.text import plural, t

LIMIT = 1 << 20
"""Bytes of a whole report."""

LIMITS = {"forum": 30_000, "github": 60_000}
"""Characters: Discourse takes 32,000 in a post unless told otherwise, GitHub 65,536."""

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
    """The sections within ``limit`` bytes. Logs give way first, each its oldest lines, and those that stand last as a
    whole; then what `_GIVES_WAY` names; then what stands last. Each cut is said."""
    if _size(sections) <= limit:
        return sections
    sections = _with_less_logs(sections, say, limit)
    for name in _GIVES_WAY:
        sections = _with_less_of(name, sections, say, limit)
    return _first_of(sections, say, limit)


_GIVES_WAY = ("configuration", "journal", "sites", "services", "machine", "results")
"""Names of sections, in the order in which they are cut."""

_STAYS = frozenset({"head", "verdict"})
"""Names of sections that are never cut, even if the report is too large with them alone."""

_LEAST = 700
"""Bytes of a log that are worth its heading."""


def _size(sections: Iterable[Section]) -> int:
    return sum(section.size for section in sections)


def _with_less_logs(sections: list[Section], say: Say, limit: int) -> list[Section]:
    logs = [section for section in sections if section.log]
    room = limit - _size(section for section in sections if not section.log)
    kept = len(logs)
    while kept > 1 and _share([log.size for log in logs[:kept]], room - _ROOM) < _LEAST:
        kept -= 1
    gone = logs[kept:]
    share = _share([log.size for log in logs[:kept]], room - (_ROOM if gone else 0))
    found = [_shortened(one, share, say) if one.log else one for one in sections if one not in gone]
    if not gone:
        return found
    left = plural("{n} log left out: the report would be too large", "{n} logs left out: the report would be too large",
                  n=len(gone))  # fmt: skip
    at = next((index for index, one in enumerate(found) if one.name == "missing"), len(found))
    if at == len(found):
        found.append(Section(say(HEADINGS["missing"]), [], name="missing"))
    found[at] = found[at]._replace(lines=[*found[at].lines, say(left)])
    return found


def _share(sizes: list[int], room: int) -> int:
    """How many bytes each may have, so that what the small ones leave goes to the large ones."""
    for index, size in enumerate(sorted(sizes)):
        share = room // (len(sizes) - index)
        if size > share:
            return max(0, share)
        room -= size
    return max(sizes, default=0)


def _with_less_of(name: str, sections: list[Section], say: Say, limit: int) -> list[Section]:
    """Each section of this name without as many of its last lines as are too many."""
    over = _size(sections) - limit
    found = []
    for section in sections:
        if section.name == name and over > 0 and section.lines:
            kept = _first(section.lines, section.size - len(section.heading.encode()) - over - _ROOM)
            gone = len(section.lines) - len(kept)
            note = plural("({n} line left out: the report would be too large)",
                          "({n} lines left out: the report would be too large)", n=gone)  # fmt: skip
            cut = section._replace(lines=[*kept, say(note)])
            over -= section.size - cut.size
            section = cut  # noqa: PLW2901
        found.append(section)
    return found


def _first_of(sections: list[Section], say: Say, limit: int) -> list[Section]:
    if _size(sections) <= limit:
        return sections
    kept: list[Section] = []
    room = limit
    for index, section in enumerate(sections):
        if section.name not in _STAYS and section.size > room - (0 if section is sections[-1] else _ROOM):
            note = say(t("The report ends here: it would be too large."))
            cut = section._replace(lines=[*_first(section.lines, room - _ROOM), note])
            return [*kept, cut, *(one for one in sections[index:] if one.name in _STAYS)]
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
