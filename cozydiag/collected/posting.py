"""What was collected, as a report that may be posted: the diagnosis, and the files and logs behind it, redacted."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.collected.host import CollectedHost
from cozydiag.collected.reading import Diagnosed
from cozydiag.redaction import Redactor, own
from cozydiag.redaction.identity import Identity
from cozydiag.report import tagged
from cozydiag.report.full import hidden, written
from cozydiag.report.guard import Guard
from cozydiag.report.headings import HEAD, HEADINGS, heading_of
from cozydiag.report.plain import speaker
from cozydiag.report.sections import Section
from cozydiag.text import Text
from cozydiag.text.catalogue import Catalogue

_SHOWN = ("file", "command", "answer")


def posted(found: Diagnosed, head: Text, layout: str, catalogue: Catalogue) -> str:
    """In the format ``layout`` of `report`. Raises LeakError where a secret is left in it."""
    say = speaker(catalogue)
    guard = _guard(found)
    sections = [
        Section(HEAD, [say(head)], name="head"),
        Section(say(HEADINGS["verdict"]), list(tagged.verdict(found.report, say, catalogue)), name="verdict"),
        Section(say(HEADINGS["results"]), list(tagged.results(found.report, say)), name="results"),
        *(Section(say(heading_of(name, title)), lines, log=name == "logs", name=name)
          for name, title, lines in _texts(found)),
    ]  # fmt: skip
    shown = guard.sections(sections, say)
    counted = [say(text) for text in hidden(guard.redactor.counts())]
    return written([*shown, Section(say(HEADINGS["hidden"]), counted, name="hidden")], layout, catalogue, guard)


def _texts(found: Diagnosed) -> Iterator[tuple[str, str, list[str]]]:
    """Configurations, then answers and outputs, then logs; nothing of /proc, which is in the results."""
    for one in found.collected.sections:
        if one.kind in _SHOWN and one.lines and not one.name.startswith(("/proc/", "/sys/")):
            lines = [line.decode("utf-8", "replace") for line in one.lines]
            yield "logs" if "end" in one.states else "configuration", one.name, lines


def _guard(found: Diagnosed) -> Guard:
    """The redactor of that machine: its names, and whatever its files give away."""
    host = CollectedHost(found.tables, 60.0)
    known = own.gather(host, found.stack)
    hosts = (*known.hosts, found.tables.name)
    redactor = Redactor(Identity((*known.domains, *found.tables.names, *hosts), hosts, known.users))
    redactor.know(known.secrets)
    return Guard(found.stack.masks(), redactor)
