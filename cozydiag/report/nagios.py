"""`--format nagios`: a status line, performance data and long output, as the Monitoring Plugins guidelines have them.

Nagios keeps 4 KiB of it; `|` parts text from numbers and has no escape.
"""

from __future__ import annotations

from cozydiag.model import Report, Status
from cozydiag.report import words
from cozydiag.report.counted import numbers
from cozydiag.report.plain import outcome, speaker
from cozydiag.text import Text, plural, t
from cozydiag.text.catalogue import Catalogue, render

WORDS = {Status.OK: "OK", Status.WARN: "WARNING", Status.FAIL: "CRITICAL", Status.UNKNOWN: "UNKNOWN"}
"""Fixed words, which Nagios and people search for: never translated."""

LIMIT = 4096
"""Bytes that Nagios reads, with the end of the last line."""

_FIRST = 512  # of these for the sentence on the status line


def nagios(report: Report, catalogue: Catalogue) -> str:
    """The report for Nagios, Icinga, Centreon, Shinken and Naemon."""
    first = f"COZY {WORDS[report.verdict]} - {_clean(render(_summary(report), catalogue), _FIRST)} | {_data(report)}\n"
    say = speaker(catalogue)
    return _whole_lines(
        first,
        [_clean(outcome(result, say)) for result in words.worst_first(report) if result.status is not Status.SKIP],
    )


def trouble(sentence: str) -> str:
    """What a plugin says that could not look at all."""
    return f"COZY UNKNOWN - {_clean(sentence, LIMIT - 64)}\n"


def _summary(report: Report) -> Text:
    if not report.causes:
        return words.headline(report)
    others = len(report.causes) - 1
    if not others:
        return report.causes[0].text
    more = plural("{n} more", "{n} more", n=others)
    return t("{cause} (and {more})", cause=report.causes[0].text, more=more)


def _data(report: Report) -> str:
    well, warnings, critical, unknown = numbers(report)
    total = well + warnings + critical + unknown
    counts = (("ok", well), ("warning", warnings), ("critical", critical), ("unknown", unknown))
    return " ".join([*(f"{name}={n};;;0;{total}" for name, n in counts), f"time={report.seconds:.3f}s;;;0"])


def _clean(line: str, limit: int = LIMIT) -> str:
    """On one line, without the sign that parts text from numbers, and not longer than ``limit`` bytes."""
    line = " ".join(line.replace("|", "¦").split())
    cut = line.encode()[:limit].decode(errors="ignore")
    return cut if cut == line else f"{cut[:-1]}…"


def _whole_lines(text: str, more: list[str]) -> str:
    for line in more:
        if len(text.encode()) + len(line.encode()) + 1 >= LIMIT:
            break
        text += f"{line}\n"
    return text
