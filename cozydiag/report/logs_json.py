"""What a log says, as JSON (`cozydiag logs --format json`)."""

from __future__ import annotations

import time
from typing import Any

from cozydiag.logs.analysis import Analysis, Problem
from cozydiag.logs.crashes import Loop
from cozydiag.logs.story import Happening
from cozydiag.text.catalogue import ENGLISH, render


def as_data(found: Analysis) -> dict[str, Any]:
    """Texts in English; times as RFC 3339 in UTC, null where the log does not say."""
    return {
        "schema": "cozydiag.logs/1",
        "problems": [_as_problem(one) for one in found.problems],
        "exceptions": [
            {"language": one.language, "type": one.type, "message": one.message, "outer": one.outer or None,
             "count": one.times, "first": _utc(one.first), "last": _utc(one.last)}
            for one in found.failures
        ],
        "loops": [_as_loop(one) for one in found.loops],
        "events": [_as_event(one) for one in found.story],
    }  # fmt: skip


def _as_problem(one: Problem) -> dict[str, Any]:
    rule = one.hit.rule
    return {
        "rule": rule.id,
        "role": rule.role,
        "component": rule.component,
        "count": one.times,
        "first": _utc(one.first),
        "last": _utc(one.last),
        "line": one.line,
        "meaning": render(one.hit.meaning, ENGLISH),
        "remedy": render(one.hit.remedy, ENGLISH),
        "restart_helps": rule.restart_helps,
    }


def _as_loop(one: Loop) -> dict[str, Any]:
    return {
        "service": one.service or None,
        "count": one.crashes,
        "gap": one.gap,
        "first": _utc(one.first),
        "last": _utc(one.last),
        "given_up": one.given_up,
        "cause": None if one.cause is None else one.cause.rule.id,
        "meaning": None if one.cause is None else render(one.cause.meaning, ENGLISH),
        "certainty": None if one.cause is None else one.certainty,
        "detail": one.detail or None,
    }


def _as_event(one: Happening) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "at": _utc(one.at),
        "service": one.service or None,
        "detail": one.detail or None,
        "status": one.status or None,
        "count": one.times,
        "last": _utc(one.last),
    }


def _utc(at: float | None) -> str | None:
    if at is None:
        return None
    whole, thousandths = divmod(round(at * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"
