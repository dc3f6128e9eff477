"""What the sections of a report are called: a name that stays, and a heading in each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, catalogue, render

HEAD: Final = "cozydiag report"
"""The heading of the first section, the same in every language."""

REDACTIONS: Final[Mapping[str, Text]] = {
    "full": t("Redaction: secrets, names and addresses have stand-ins. Read this before you pass it on all the same."),
    "secrets": t("Redaction: secrets have stand-ins, names and addresses stay. Read this before you pass it on."),
    "none": t("Redaction: NONE. Passwords and keys can be in this: do not post it."),
}
"""What was hidden, said in the first section of every report; `none` stands above all else."""

HEADINGS: Final[Mapping[str, Text]] = {
    "note": t("In the words of the user"),
    "verdict": t("Verdict"),
    "results": t("Results"),
    "services": t("Services"),
    "versions": t("Versions"),
    "machine": t("Machine"),
    "sites": t("Sites"),
    "journal": t("What was done"),
    "missing": t("What could not be collected"),
    "hidden": t("Hidden"),
}
"""Of sections there is one of, by name."""

MANY: Final[Mapping[str, Text]] = {
    "logs": t("Log of {name}", name=""),
    "configuration": t("Configuration: {name}", name=""),
}
"""Of sections there are several of."""


def heading_of(kind: str, name: str) -> Text:
    """The heading of one of `MANY`, which is about ``name``."""
    return MANY[kind]._replace(params=(("name", name),))


NAMES: Final = (*HEADINGS, *MANY)
"""What `--section` takes."""


def name_of(heading: str) -> str:
    """The name of a section, by its heading in any language; "" for what is none of ours."""
    if heading == HEAD:
        return "head"
    heading = _spaced(heading)
    names, beginnings = _known()
    return names.get(heading) or next((name for words, name in beginnings if heading.startswith(words)), "")


def redaction_in(lines: Iterable[str]) -> tuple[str, str]:
    """Which of `REDACTIONS` is among these lines, in any language, and the line; ("unknown", "") where none is."""
    known = _redactions()
    return next(((known[said], line) for line in lines if (said := _spaced(line)) in known), ("unknown", ""))


@cache
def _redactions() -> dict[str, str]:
    languages = (ENGLISH, catalogue("fr"))
    return {_spaced(render(text, one)): kind for kind, text in REDACTIONS.items() for one in languages}


@cache
def _known() -> tuple[dict[str, str], list[tuple[str, str]]]:
    languages = (ENGLISH, catalogue("fr"))
    names = {_spaced(render(text, one)): name for name, text in HEADINGS.items() for one in languages}
    beginnings = [
        (_spaced(render(heading_of(name, "\n"), one)).partition("\n")[0], name) for name in MANY for one in languages
    ]
    return names, beginnings


def _spaced(words: str) -> str:
    """As it is read: forums make plain blanks of others."""
    return words.replace("\u00a0", " ")
