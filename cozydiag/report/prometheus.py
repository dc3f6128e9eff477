"""`--format prometheus`: the text format that node_exporter's textfile collector reads. No timestamps on samples, no
host name, no words of people in labels (node_exporter README, Prometheus exposition formats)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cozydiag import __version__
from cozydiag.model import Report
from cozydiag.report.counted import CODES, code, here

Sample = tuple[Mapping[str, str], float]


def prometheus(report: Report) -> str:
    """The report as gauges."""
    checks = [({"check": one.id, "subject": one.subject or ""}, one) for one in here(report)]
    causes = (
        {"code": one.code, "role": one.role or "", "subject": one.subject or "",
         "severity": "critical" if CODES[one.severity] == 2 else "warning"}
        for one in report.causes
    )  # fmt: skip
    ended = report.started_at + report.seconds
    families: tuple[tuple[str, str, Sequence[Sample]], ...] = (
        ("build_info", "The version of cozydiag.", [({"version": __version__}, 1)]),
        ("status", "The verdict: 0 ok, 1 warning, 2 critical, 3 unknown.", [({}, CODES[report.verdict])]),
        ("check_status", "What came of a check: 0 ok, 1 warning, 2 critical, 3 unknown.",
         [(labels, code(one)) for labels, one in checks]),
        ("check_duration_seconds", "How long a check took.", [(labels, one.seconds) for labels, one in checks]),
        ("cause", "What is wrong; 1 for each cause.", [(labels, 1) for labels in _distinct(causes)]),
        ("last_run_timestamp_seconds", "When the last run ended.", [({}, ended)]),
        ("last_run_duration_seconds", "How long the last run took.", [({}, report.seconds)]),
    )  # fmt: skip
    return "".join(_family(*family) for family in families)


def _distinct(labels: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Each once: the same sample twice would make the whole file unreadable."""
    return list({tuple(one.items()): one for one in labels}.values())


def _family(name: str, help_text: str, samples: Iterable[Sample]) -> str:
    rows = [f"cozydiag_{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples]
    if not rows:
        return ""
    return f"# HELP cozydiag_{name} {help_text}\n# TYPE cozydiag_{name} gauge\n" + "".join(rows)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
