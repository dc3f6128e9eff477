"""`--format junit`: for what collects tests, after the schema of Jenkins' xUnit plugin (junit-10.xsd)."""

from __future__ import annotations

import re
import time
from xml.sax.saxutils import escape, quoteattr

from cozydiag.model import FAILING, Report, Result, Status
from cozydiag.report import words
from cozydiag.text.catalogue import Catalogue, render

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def junit(report: Report, catalogue: Catalogue) -> str:
    """One test suite, one test case a result: what fails is a failure, what could not be looked at an error, what was
    not looked at is skipped, and a warning passes with its words."""
    kinds = [_kind(one) for one in report.results]
    numbers = {"tests": len(kinds), "failures": kinds.count("failure"), "errors": kinds.count("error")}
    counts = "".join(f' {name}="{n}"' for name, n in numbers.items())
    cases = [_case(one, kind, catalogue) for one, kind in zip(report.results, kinds, strict=True)]
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(report.started_at))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="cozydiag"{counts} time="{report.seconds:.3f}">\n'
        f'<testsuite name="cozydiag"{counts} skipped="{kinds.count("skipped")}" time="{report.seconds:.3f}"'
        f' timestamp="{when}" hostname={_quoted(report.host)}>\n' + "".join(cases) + "</testsuite>\n</testsuites>\n"
    )


def _kind(result: Result) -> str:
    if result.status in FAILING:
        return "failure"
    if result.status in (Status.UNKNOWN, Status.ERROR):
        return "error"
    return "skipped" if result.status in (Status.SKIP, Status.BLOCKED) else ""


def _case(result: Result, kind: str, catalogue: Catalogue) -> str:
    sentence = render(words.what(result), catalogue)
    head = f"<testcase classname={_quoted(result.id)} name={_quoted(result.instance)}"
    head += f' time="{result.seconds:.3f}"'
    if result.status is Status.OK:
        return f"{head}/>\n"
    if not kind:
        return f"{head}><system-out>{_text(sentence)}</system-out></testcase>\n"
    code = next((f.code for f in result.findings if f.status is result.status and f.code), str(result.status))
    seen = "\n".join(f"{one.source}: {one.line}" for one in result.evidence)
    return f"{head}><{kind} type={_quoted(code)} message={_quoted(sentence)}>{_text(seen)}</{kind}></testcase>\n"


def _quoted(value: str) -> str:
    return quoteattr(_ILLEGAL.sub("\ufffd", value))


def _text(value: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", value))
