"""`report --format html`: one file that asks for nothing else. Jinja2 escapes every value; there is no script."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from cozydiag.model import Status
from cozydiag.report import words
from cozydiag.report.formats import Page
from cozydiag.report.plain import capital, speaker
from cozydiag.text import t
from cozydiag.text.catalogue import Catalogue

_LOOKS = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "bad", Status.UNKNOWN: "unknown"}


def html(page: Page, catalogue: Catalogue) -> str:
    """The verdict with its causes is the first screen, each other section is folded, and unfolded on paper."""
    from jinja2 import Environment, StrictUndefined

    template = files("cozydiag.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    say = speaker(catalogue)
    return environment.from_string(template).render(
        page=page, report=page.report, language=catalogue.language, say=say, capital=capital, words=words,
        labels=_labels(), look=_LOOKS.get(page.report.verdict, "unknown") if page.report else "unknown",
        chain=words.chain_parts(page.report, words.UNICODE, catalogue) if page.report else [],
        headline=say(words.headline(page.report)) if page.report else say(t("The verdict is missing.")),
        is_bad=lambda cause: cause.severity is Status.FAIL,
    ) + "\n"  # fmt: skip


def _labels() -> dict[str, Any]:
    return {
        "title": t("Report of cozydiag"),
        "verdict": t("Verdict"),
        "way": t("The way of a request"),
        "background": t("Since when, and what is known"),
        "details": t("Details"),
    }
