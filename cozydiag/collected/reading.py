"""The checks, run on what was collected elsewhere."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from cozydiag.collected import grammar
from cozydiag.collected.host import CollectedHost
from cozydiag.collected.tables import Tables, tables
from cozydiag.config import Config
from cozydiag.engine.examine import Wish, look
from cozydiag.model import Report, Result
from cozydiag.report.words import KIND
from cozydiag.stack import Stack
from cozydiag.stack.words import ourselves


class Diagnosed(NamedTuple):
    """``at`` is when it was collected (epoch seconds); ``whole``: the text has its end."""

    report: Report
    at: float
    whole: bool
    collected: grammar.Collected
    tables: Tables
    stack: Stack


def diagnose(content: bytes, config: Config) -> Diagnosed:
    """What `cozydiag status` would have said there, as far as was collected. Nothing of this machine is looked at, and
    nothing is left behind."""
    collected = grammar.read(content)
    found = tables(collected)
    with _zone(found.zone), tempfile.TemporaryDirectory(prefix="cozydiag-") as folder:
        config = config._replace(paths=config.paths._replace(state=folder))
        report, stack = look(config, Wish(deadline=60.0), collected=CollectedHost(found, 60.0))
    results = tuple(map(_of_there, report.results))
    report = report._replace(host=found.name, started_at=found.at, results=results)
    return Diagnosed(report, found.at, collected.whole, collected, found, stack)


def _of_there(result: Result) -> Result:
    """Without the commands that would let cozydiag see more, and without what this server could be told of its sites:
    typed here, they would be about another machine."""
    ours = (ourselves("", None).strip(), "cozydiag ")
    kept = (one for one in result.findings if result.id != KIND or not (one.unlock or "").startswith(ours))
    findings = (one._replace(unlock=None) if (one.unlock or "").startswith(ours) else one for one in kept)
    return result._replace(findings=tuple(findings))


@contextmanager
def _zone(zone: str) -> Iterator[None]:
    """The times in logs are those of that machine (`date +%z`: +0100, west of Greenwich a minus)."""
    before = os.environ.get("TZ")
    if len(zone) == 5 and zone[0] in "+-" and zone[1:].isdigit():
        os.environ["TZ"] = f"<{zone}>{'-' if zone[0] == '+' else '+'}{zone[1:3]}:{zone[3:]}"
        time.tzset()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = before
        time.tzset()
