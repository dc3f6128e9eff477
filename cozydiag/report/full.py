"""`cozydiag report`: everything for those who help, as plain ASCII-drawn text in sections whose order stays.

Every line is masked before it is cut, and every section is searched for secrets once more before any is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.supervisord import RUNNING, Program
from cozydiag.masking import Masks
from cozydiag.model import Report, Result
from cozydiag.report import words
from cozydiag.report.collect import Collected, Log
from cozydiag.report.plain import Say, opening, outcome, speaker, unlooked
from cozydiag.text import Bytes, Percent, Seconds, Text, plural, t
from cozydiag.text.catalogue import Catalogue

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
        return len(str(self).encode()) + 1


class LeakError(Exception):
    """A secret would have been written, in the section of this heading."""

    def __init__(self, heading: str) -> None:
        super().__init__(heading)
        self.heading = heading


def full(report: Report, collected: Collected, head: list[Text], catalogue: Catalogue, masks: Masks) -> str:
    """The whole text; ``head`` are the lines at its top. Raises LeakError where a secret is left in it."""
    say = speaker(catalogue)
    shown = [
        Section("cozydiag report", [say(line) for line in head]),
        Section(say(t("Verdict")), opening(report, catalogue, words.ASCII)),
        Section(say(t("Results")), [*_results(report, say), *unlooked(report, say)]),
        Section(say(t("Services")), list(_services(collected, say))),
        Section(say(t("Versions")), [f"{name}: {_or_why(value, say)}" for name, value in collected.versions]),
        Section(say(t("Machine")), list(_machine(collected, say))),
        *(_log(log, say) for log in collected.logs),
    ]
    if collected.unread:
        left = plural("The logs of {n} program were left out.", "The logs of {n} programs were left out.",
                      n=collected.unread)  # fmt: skip
        shown.append(Section(say(t("Logs")), [say(left)]))
    return _checked(_fitted([_harmless(section, masks) for section in shown], say), masks)


def _harmless(section: Section, masks: Masks) -> Section:
    """On one line each, nothing secret in them."""
    lines = [masks.mask(one_line(masks.mask(line))) for line in section.lines]
    return section._replace(heading=masks.mask(one_line(section.heading, 100)), lines=lines)


def _checked(sections: list[Section], masks: Masks) -> str:
    for section in sections:
        if masks.finds(str(section)):
            raise LeakError(section.heading if not masks.finds(section.heading) else "?")
    whole = "\n".join(map(str, sections))
    if masks.finds(whole):
        raise LeakError("cozydiag report")
    return whole


# -- sections --------------------------------------------------------------------------------------------


def _results(report: Report, say: Say) -> Iterator[str]:
    """All that was seen, and all findings of each result."""
    for result in words.worst_first(report):
        yield outcome(result, say)
        yield from _details(result, say)


def _details(result: Result, say: Say) -> Iterator[str]:
    said = words.what(result)
    for finding in result.findings:
        if finding.text != said:
            yield f"    {say(words.STATUS_WORDS[finding.status])}: {say(finding.text)}"
        if finding.code:
            yield f"    [{finding.code}]" + (f" {say(finding.advice)}" if finding.advice else "")
    for one in result.evidence:
        yield f"        {one.source}: {one.line}"


def _services(collected: Collected, say: Say) -> Iterator[str]:
    if isinstance(collected.programs, Failure):
        yield f"supervisord: {_or_why(collected.programs, say)}"
    else:
        yield from (_service(program, say) for program in collected.programs)


def _service(program: Program, say: Say) -> str:
    role = f" [{program.role}]" if program.role else ""
    if program.state == RUNNING:
        age = say(t("PID {pid}, for {age}", pid=program.pid, age=Seconds(program.age)))
        return f"{program.name}{role}: {program.statename}, {age}"
    end = say(t("last exit status {status}", status=program.exitstatus)) if program.exitstatus > 0 else ""
    return f"{program.name}{role}: {', '.join(filter(None, (program.statename, program.spawnerr, end)))}"


def _machine(collected: Collected, say: Say) -> Iterator[str]:
    memory, up = collected.memory, collected.up
    if isinstance(memory, Failure):
        yield f"{say(t('memory'))}: {_or_why(memory, say)}"
    else:
        free = t("{free} of {total} available", free=Bytes(memory.available), total=Bytes(memory.total))
        swap = t("{free} of {total} of swap", free=Bytes(memory.swap_free), total=Bytes(memory.swap_total))
        yield f"{say(t('memory'))}: {say(free)}, {say(swap)}"
    yield f"{say(t('load'))}: {_or_why(collected.load, say)}"
    yield f"{say(t('up for'))}: {_or_why(up, say) if isinstance(up, Failure) else say(t('{age}', age=Seconds(up)))}"
    yield from _disks(collected, say)


def _disks(collected: Collected, say: Say) -> Iterator[str]:
    if isinstance(collected.disks, Failure):
        yield f"{say(t('disks'))}: {_or_why(collected.disks, say)}"
        return
    for mount, disk in collected.disks:
        label = say(t("disk {mount}", mount=mount))
        if isinstance(disk, Failure):
            yield f"{label}: {_or_why(disk, say)}"
        else:
            used = t("{used} of {total} used", used=Bytes(disk.used), total=Bytes(disk.total))
            shares = t("{share}, {inodes} of the inodes", share=Percent(disk.percent),
                       inodes=Percent(disk.inodes_percent))  # fmt: skip
            yield f"{label}: {say(used)}, {say(shares)}"


def _log(log: Log, say: Say) -> Section:
    if isinstance(log.lines, Failure):
        lines = [_or_why(log.lines, say)]
    else:
        lines = list(log.lines) or [say(t("nothing is in it"))]
    return Section(say(t("Log of {name}", name=log.name)), lines, log=True)


def _or_why(value: str | Failure, say: Say) -> str:
    return say(t("could not be collected: {why}", why=value.detail)) if isinstance(value, Failure) else value


# -- room ------------------------------------------------------------------------------------------------


def _fitted(sections: list[Section], say: Say, limit: int = LIMIT) -> list[Section]:
    """The sections within ``limit`` bytes: the logs give way first, each its oldest lines; then what stands last."""
    logs = [section for section in sections if section.log]
    rest = sum(section.size for section in sections if not section.log)
    if sum(section.size for section in sections) > limit and logs:
        share = max(0, (limit - rest) // len(logs))
        sections = [_shortened(section, share, say) if section.log else section for section in sections]
    fitted: list[Section] = []
    for section in sections:
        room = limit - _ROOM - sum(one.size for one in fitted)
        if section.size > room:
            note = say(t("The report ends here: it would be too large."))
            return [*fitted, section._replace(lines=[*_first(section.lines, room), note])]
        fitted.append(section)
    return fitted


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


def heading_lines(report: Report, version: str, called: str, user: str, unlock: str) -> list[Text]:
    """Who looked at what, when and how. ``unlock`` is the line that shows more, "" for root."""
    when = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(report.started_at))
    lines = [
        t("cozydiag {version} on {host}, {when}", version=version, host=report.host, when=when),
        t("Called as {command}, by {user}", command=called, user=user),
        t("The checks took {seconds}. Secrets that cozydiag reads are masked; read it before you pass it on.",
          seconds=Seconds(report.seconds)),
    ]  # fmt: skip
    return [*lines, t("Without root not everything can be seen. More: {command}", command=unlock)] if unlock else lines
