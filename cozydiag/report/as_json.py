"""`--format json`: schema `cozydiag.status/1`, described in `cozydiag/report/status-1.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from cozydiag.model import Cause, Finding, Report, Result, Status
from cozydiag.text import Text
from cozydiag.text.catalogue import ENGLISH, render

VERDICTS = {Status.OK: "ok", Status.WARN: "warning", Status.FAIL: "critical", Status.UNKNOWN: "unknown"}


def as_json(report: Report) -> str:
    """The report as one JSON object; texts in English, with template and parameters for other languages."""
    return json.dumps(as_data(report), indent=2) + "\n"  # ASCII: whole in every encoding


def as_line(report: Report) -> str:
    """The same on one line, to be added to a file: `--format jsonl`."""
    return json.dumps(as_data(report), separators=(",", ":")) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "schema": "cozydiag.status/1",
        "verdict": VERDICTS[report.verdict],
        "causes": [_cause(cause) for cause in report.causes],
        "results": [_result(result) for result in report.results],
        "not_looked": [
            {"id": result.id, "subject": result.subject, "why": _text(finding.text), "unlock": finding.unlock}
            for result in report.results
            if result.status is Status.UNKNOWN
            for finding in result.findings
            if finding.status is Status.UNKNOWN
        ],
        "known": [
            {"cause": _cause(one.cause), "reason": one.reason, "until": _text(one.until)} for one in report.known
        ],
        "story": [_text(one) for one in report.story],
        "host": report.host,
        "started_at": _rfc3339(report.started_at),
        "seconds": round(report.seconds, 3),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code,
        "severity": VERDICTS[cause.severity],
        "role": cause.role,
        "service": cause.service,
        "subject": cause.subject,
        "message": _text(cause.text),
        "explains": list(cause.explains),
        "restart_helps": cause.restart_helps,
        "remedy": None if cause.remedy is None else {**_text(cause.remedy), "commands": list(cause.commands)},
        "evidence": [{"source": one.source, "line": one.line} for one in cause.evidence],
        "certainty": cause.certainty,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "subject": result.subject,
        "status": str(result.status),
        "findings": [_finding(finding) for finding in result.findings],
        "blocked_by": list(result.blocked_by),
        "explained_by": list(result.explained_by),
        "seconds": round(result.seconds, 3),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "status": str(finding.status),
        "code": finding.code,
        "role": finding.role,
        "message": _text(finding.text),
        "advice": None if finding.advice is None else _text(finding.advice),
    }


def _text(text: Text) -> dict[str, Any]:
    """`text` is English; `id` and `params` are what a translation needs."""
    params = {name: _text(value) if isinstance(value, Text) else value for name, value in text.params}
    return {"text": render(text, ENGLISH), "id": text.template, "params": params}


def _rfc3339(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + "Z"
