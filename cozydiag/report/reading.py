"""Reading a text report again: what it says, in any language, and what was lost on its way through a forum.

Only lines that are whole are believed: a finding whose seal is broken is told as lost, never as something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from cozydiag.model import Cause, Evidence, Finding, Known, Report, Result, Status
from cozydiag.report import tagged, tags
from cozydiag.report.as_json import VERDICTS
from cozydiag.report.headings import HEAD
from cozydiag.report.seal import END, checksum, plain
from cozydiag.report.tags import Tag
from cozydiag.text import Text, plural, t, verbatim
from cozydiag.text.catalogue import ENGLISH, catalogue, render

_HEADING = re.compile(r"== (\S.{0,200}?) ==$")
_QUOTED = re.compile(r"^(?:[ \t]*[>|][ \t]?)+")
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[\w-]*[ \t]*$")
_YES = {"yes": True, "no": False}
_STATUS = {word: status for status, word in VERDICTS.items()}


class ReadSection(NamedTuple):
    """``lines`` as they came; ``whole`` says whether they came as they were sent."""

    heading: str
    lines: tuple[str, ...]
    whole: bool


class Reading(NamedTuple):
    """``report`` is None where its verdict was lost; ``lost`` says what else was, the worst first."""

    report: Report | None
    sections: tuple[ReadSection, ...]
    lost: tuple[Text, ...]

    def section(self, *headings: str) -> ReadSection | None:
        """The first with one of these headings."""
        return next((one for one in self.sections if one.heading in headings), None)


def read(text: str) -> Reading | None:
    """What a report says; None where ``text`` is none."""
    found = list(_sections(_lines(text)))
    if not found:
        return None
    sections = tuple(section for section, _ in found)
    lost = [note for _, note in found if note is not None]
    if sections[0].heading != HEAD:
        lost.append(t("its beginning is missing"))
    verdict, results = (_named(sections, word) for word in ("Verdict", "Results"))
    report, broken = _report(verdict, results)
    if report is None:
        lost.insert(0, t("the verdict is missing: nothing can be said about the cause"))
    if broken:
        lost.insert(0, plural("{n} finding was changed on its way and is left out",
                              "{n} findings were changed on their way and are left out", n=broken))  # fmt: skip
    return Reading(report, sections, tuple(lost))


# --- lines and sections


def _lines(text: str) -> Iterator[str]:
    """Without what forums put around them: quote marks, fences, blanks and line ends of other kinds."""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n"):
        if not _FENCE.match(line):
            yield _QUOTED.sub("", line).rstrip()


def _sections(lines: Iterable[str]) -> Iterator[tuple[ReadSection, Text | None]]:
    heading: str | None = None
    kept: list[str] = []
    for line in lines:
        found = _HEADING.match(line.strip())
        if found is None:
            kept.append(line)
            continue
        if heading is not None:
            yield _section(heading, kept)
        heading, kept = found[1], []
    if heading is not None:
        yield _section(heading, kept)


def _section(heading: str, lines: list[str]) -> tuple[ReadSection, Text | None]:
    at = next((index for index in range(len(lines) - 1, -1, -1) if END.match(lines[index].strip())), None)
    if at is None:
        return ReadSection(heading, tuple(_bare(lines)), False), t("the section {name} breaks off", name=heading)
    end = END.match(lines[at].strip())
    assert end is not None  # noqa: S101  for the type checker
    body = lines[:at]
    count, mark = checksum(body)
    if (str(count), mark) == end.groups():
        return ReadSection(heading, tuple(map(plain, body)), True), None
    kept = ReadSection(heading, tuple(_bare(body)), False)
    if count != int(end[1]):
        return kept, t("the section {name} has {n} lines of {all}", name=heading, n=count, all=int(end[1]))
    return kept, t("the section {name} was changed", name=heading)


def _bare(lines: list[str]) -> Iterator[str]:
    yield from (plain(line) for line in lines if line.strip())


def _named(sections: Iterable[ReadSection], word: str) -> ReadSection:
    names = _both(word)
    return next((one for one in sections if one.heading in names), ReadSection(word, (), False))


@cache
def _both(word: str) -> frozenset[str]:
    """A word of ours in each language."""
    text = Text(word)
    return frozenset(render(text, one) for one in (ENGLISH, catalogue("fr")))


# --- the report


def _report(verdict: ReadSection, results: ReadSection) -> tuple[Report | None, int]:
    """The report, and how many findings were changed on their way."""
    findings, broken = list(_findings(verdict.lines)), 0
    broken = sum(not whole for _, _, whole, _ in findings)
    head = next((one for one in findings if one[1].code == tagged.VERDICT and one[2]), None)
    causes, known, story = _causes(findings, verdict.lines)
    seen, changed = _results(results.lines)
    if head is None:
        return None, broken + changed
    about = head[1].about
    chain = tuple((role, mark) for role, _, mark in (one.rpartition(":") for one in about.get("chain", "").split()))
    report = Report(
        _STATUS.get(about.get("is", ""), Status.UNKNOWN), tuple(causes), tuple(seen), chain, about.get("host", ""),
        _number(about.get("started")), _number(about.get("seconds")), about.get("root") == "yes",
        about.get("twice") == "yes", tuple(known), tuple(story),
    )  # fmt: skip
    return report, broken + changed


Line = tuple[str, Tag, bool, int]
"""Words, tag, whether it is whole, and its number."""


def _findings(lines: tuple[str, ...]) -> Iterator[Line]:
    for number, line in enumerate(lines):
        found = tags.split(line)
        if found is not None:
            yield found[0].strip(), found[1], tags.intact(line), number


def _causes(findings: list[Line], lines: tuple[str, ...]) -> tuple[list[Cause], list[Known], list[Text]]:
    causes: list[Cause] = []
    known: list[Known] = []
    story: list[Text] = []
    at = [index for index, one in enumerate(findings) if "cause" in one[1].about]
    for place, index in enumerate(at):
        until = at[place + 1] if place + 1 < len(at) else len(findings)
        words, tag, whole, number = findings[index]
        if not whole:
            continue
        end = findings[until][3] if until < len(findings) else len(lines)
        cause = _cause(words, tag, findings[index + 1 : until], lines[number + 1 : end])
        if "known" in tag.about:
            known.append(Known(cause, tag.about["known"], verbatim("-")))
        else:
            causes.append(cause)
    for words, tag, whole, _ in findings:
        if tag.code == tagged.STORY and whole:
            story.append(tags.text_of(tag.mark, tag.params, tag.about, words))
    return causes, known, story


def _cause(words: str, tag: Tag, more: list[Line], lines: tuple[str, ...]) -> Cause:
    about, instance = tag.about, tag.about["cause"]
    sentence = words.partition(" ")[2]
    rows = {code: [one for one in more if one[1].code == code and one[2]] for code in _ROWS}
    remedy = rows[tagged.REMEDY]
    return Cause(
        tag.code, about.get("role"), instance.partition(":")[2] or None, instance,
        Status.WARN if about.get("is") == "warning" else Status.FAIL,
        tags.text_of(tag.mark, tag.params, about, sentence),
        tuple(name for one in rows[tagged.EXPLAINS] for name in _behind(one[0]).split(", ")),
        _remedy(remedy[0]) if remedy else None,
        tuple(_commands(lines)),
        tuple(_evidence(one) for one in rows[tagged.SEEN]),
        "likely" if about.get("sure") == "likely" else "certain",
        _YES.get(about.get("restart", "")),
        next((_behind(one[0]) for one in rows[tagged.BY_HAND]), None),
        about.get("service"),
    )  # fmt: skip


_ROWS = (tagged.SEEN, tagged.REMEDY, tagged.BY_HAND, tagged.EXPLAINS)


def _commands(lines: tuple[str, ...]) -> Iterator[str]:
    """What has neither a tag nor a label of ours."""
    labels = tuple(f"{word}:" for word in _both("Certain")) + tuple(_both("A restart does not help."))
    ours = (*(label.replace("\u00a0", " ") for label in labels), *_certain())
    for line in lines:
        bare = line.strip()
        said = tags.split(line)
        if said is not None and said[1].code == tagged.COMMAND:
            yield said[0].strip()
        elif bare and said is None and not bare.startswith(ours):
            yield bare


@cache
def _certain() -> tuple[str, ...]:
    return tuple(f"{word} :" for word in _both("Certain"))


def _remedy(one: Line) -> Text:
    return tags.text_of(one[1].mark, one[1].params, one[1].about, _behind(one[0]))


def _evidence(one: Line) -> Evidence:
    words, source = _behind(one[0]), one[1].about.get("source", "")
    return Evidence(source, words.removeprefix(f"{source}: "))


def _behind(words: str) -> str:
    """What stands behind a label: `Seen: …`, `Vu : …`"""
    return words.partition(": ")[2]


def _results(lines: tuple[str, ...]) -> tuple[list[Result], int]:
    found: list[Result] = []
    broken = 0
    current: Result | None = None
    for line in lines:
        parsed = tags.split(line)
        if parsed is not None and not tags.intact(line):
            broken += 1
            current = None if "on" in parsed[1].about else current
            continue
        if parsed is not None and "on" in parsed[1].about:
            if current is not None:
                found.append(current)
            current = _result(parsed[0], parsed[1])
        elif current is not None and parsed is not None and parsed[1].code == tagged.SEEN:
            current = current._replace(evidence=(*current.evidence, _seen(parsed[0])))
        elif current is not None and parsed is not None:
            current = _with(current, parsed[0].strip(), parsed[1])
        elif current is not None and line.startswith("        "):
            current = current._replace(evidence=(*current.evidence, _seen(line)))
    if current is not None:
        found.append(current)
    return found, broken


def _seen(line: str) -> Evidence:
    source, _, said = line.strip().partition(": ")
    return Evidence(source, said)


def _result(words: str, tag: Tag) -> Result:
    about = tag.about
    instance = about["on"]
    check, _, subject = instance.partition(":")
    status = _status(about.get("is", ""))
    sentence = words.partition(f"{instance}: ")[2]
    said = tags.text_of(tag.mark, tag.params, about, sentence)
    findings = () if status in _OURS else (Finding(status, tag.code, said, about.get("of")),)
    return Result(check, subject or None, said, status, findings, (), _instances(about.get("by")),
                  _instances(about.get("because")), _number(about.get("seconds")), about.get("essential") == "yes",
                  about.get("role"))  # fmt: skip


_OURS = (Status.BLOCKED, Status.TIMEOUT)
"""What the engine says without a finding."""


def _with(result: Result, words: str, tag: Tag) -> Result:
    if tag.code == tagged.ADVICE:
        if not result.findings:
            return result
        advice = tags.text_of(tag.mark, tag.params, tag.about, words)
        return result._replace(findings=(*result.findings[:-1], result.findings[-1]._replace(advice=advice)))
    said = tags.text_of(tag.mark, tag.params, tag.about, words.partition(": ")[2])
    return result._replace(
        findings=(*result.findings, Finding(_status(tag.about.get("is", "")), tag.code, said, tag.about.get("role")))
    )


def _instances(names: str | None) -> tuple[str, ...]:
    try:
        found = json.loads(names) if names else []
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _status(word: str) -> Status:
    return next((one for one in Status if one.value == word), Status.UNKNOWN)


def _number(words: str | None) -> float:
    try:
        return float(words or 0)
    except ValueError:
        return 0.0
