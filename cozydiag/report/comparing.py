"""What changed from one report to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cozydiag.model import Cause, Report
from cozydiag.report.reading import Reading
from cozydiag.report.words import STATUS_WORDS, what
from cozydiag.text import Text, t, verbatim

_FACTS = ("Versions", "Machine", "Services")
"""Sections of `name: value` lines, which are the same words in both languages."""


def differences(old: Reading, new: Reading) -> list[Text]:
    """Sentences, the causes first; none where both say the same."""
    found: list[Text] = []
    if old.report is not None and new.report is not None:
        found += [*_causes(old.report, new.report), *_results(old.report, new.report)]
    for section in new.sections:
        before = old.section(section.heading)
        if before is not None and section.heading in _FACTS and before.whole and section.whole:
            found += _lines(section.heading, before.lines, section.lines)
    return found


def _causes(old: Report, new: Report) -> Iterator[Text]:
    before, after = _by_name(old.causes), _by_name(new.causes)
    for name in after.keys() - before.keys():
        yield t("new: {cause} [{code}]", cause=after[name].text, code=after[name].code)
    for name in before.keys() - after.keys():
        yield t("over: {cause} [{code}]", cause=before[name].text, code=before[name].code)
    for name in sorted(before.keys() & after.keys()):
        yield t("still: {cause} [{code}]", cause=after[name].text, code=after[name].code)


def _results(old: Report, new: Report) -> Iterator[Text]:
    before = {one.instance: one for one in old.results}
    for result in new.results:
        other = before.get(result.instance)
        if other is None or other.status is result.status:
            continue
        yield t("{check}: {before}, now {after}: {words}", check=result.instance, before=STATUS_WORDS[other.status],
                after=STATUS_WORDS[result.status], words=what(result))  # fmt: skip


def _lines(heading: str, before: Iterable[str], after: Iterable[str]) -> Iterator[Text]:
    """Facts stand one a line, as `name: value`."""
    old, new = _facts(before), _facts(after)
    for name, value in new.items():
        if name in old and old[name] != value:
            yield verbatim(f"{heading}: {name}: {old[name]} → {value}")


def _facts(lines: Iterable[str]) -> Mapping[str, str]:
    pairs = (line.strip().partition(": ") for line in lines)
    return {name: value for name, colon, value in pairs if colon}


def _by_name(causes: Iterable[Cause]) -> dict[tuple[str, str], Cause]:
    return {(one.code, one.instance): one for one in causes}
