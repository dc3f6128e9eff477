"""`report --format json`: schema `cozydiag.report/1`, described in `cozydiag/report/report-1.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from cozydiag import __version__
from cozydiag.report.as_json import as_data
from cozydiag.report.formats import Page
from cozydiag.text.catalogue import Catalogue


def as_report(page: Page, catalogue: Catalogue) -> str:
    """The page as one JSON object. Lines are in its own language; `status` is what `status --format json` prints."""
    return json.dumps(as_plain_data(page, catalogue), indent=2) + "\n"


def as_plain_data(page: Page, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "schema": "cozydiag.report/1",
        "version": __version__,
        "language": catalogue.language,
        "redaction": page.redaction[0],
        "status": None if page.report is None else as_data(page.report),
        "sections": [
            {"name": one.name, "heading": one.heading, "log": one.log, "lines": one.lines} for one in page.sections
        ],
    }
