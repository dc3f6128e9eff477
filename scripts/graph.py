"""Writes docs/graph.md from the checks: `python -m scripts.graph`."""

from __future__ import annotations

import os
from pathlib import Path

from cozydiag.engine import registry
from cozydiag.model import Check
from cozydiag.report.graph import mermaid, nodes
from cozydiag.text.catalogue import ENGLISH, render

PAGE = Path(__file__).resolve().parents[1] / "docs" / "graph.md"

HEAD = """\
# What rests on what

When something fails, what rests on it is not reported beside it: that is blocked, or explained by it. This page is made
from what the checks declare (`python -m scripts.graph`); `cozydiag checks --graph` prints the same for one machine,
with the checks that were added there.

```mermaid
{flowchart}```

| check | looks at | needs | is explained by |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page, of the checks that come with cozydiag alone."""
    folder = registry.builtin_folder()
    checks = {name: one for name, one in registry.load().checks.items() if os.path.dirname(one.origin) == folder}
    flowchart = mermaid(nodes(checks), lambda text: render(text, ENGLISH))
    return HEAD.format(flowchart=flowchart) + "".join(f"{_row(check)}\n" for check in checks.values())


def _row(check: Check) -> str:
    looks_at = f"each of the {check.each}" if check.each else check.role or ""
    lists = (", ".join(f"`{name}`" for name in names) for names in (check.needs, check.because))
    return f"| `{check.id}` | {looks_at} | {' | '.join(lists)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
