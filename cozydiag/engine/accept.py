"""What a check may yield, and what came from outside in it made harmless."""

from __future__ import annotations

from cozydiag.host.logs import one_line
from cozydiag.model import Evidence, Finding, Status
from cozydiag.text import Param, Text

SAYABLE = (Status.FAIL, Status.WARN, Status.UNKNOWN, Status.OK, Status.SKIP)
"""What a check may say, worst first; the rest is the engine's alone."""


def accepted(finding: object) -> Finding:
    """``finding`` without anything that a terminal obeys: a name in an answer may hold it, and no check has to think
    of that. Raises TypeError for what is no finding, so that the mistake is told as the check's own."""
    if not isinstance(finding, Finding):
        raise TypeError(f"it yielded a {type(finding).__name__}, not a Finding")
    if finding.status not in SAYABLE:
        raise TypeError(f"it yielded {finding.status!s}, which only the engine may say")
    return finding._replace(
        text=_text(finding.text),
        advice=None if finding.advice is None else _text(finding.advice),
        commands=tuple(map(one_line, finding.commands)),
        proof=None if finding.proof is None else Evidence(*map(one_line, finding.proof)),
        by_hand=_line(finding.by_hand),
        unlock=_line(finding.unlock),
        service=_line(finding.service),
    )


def _text(text: object) -> Text:
    if not isinstance(text, Text):
        raise TypeError(f"it yielded a {type(text).__name__} for words, not a Text as t() makes it")
    return text._replace(
        template=one_line(text.template), params=tuple((name, _param(value)) for name, value in text.params)
    )


def _param(value: Param) -> Param:
    if isinstance(value, Text):
        return _text(value)
    return one_line(value) if isinstance(value, str) else value


def _line(words: str | None) -> str | None:
    return None if words is None else one_line(words)
