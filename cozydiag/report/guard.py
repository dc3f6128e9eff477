"""Between a report and the world: every section is redacted, and the finished text is searched once more."""

from __future__ import annotations

from cozydiag.host.logs import clean
from cozydiag.masking import Masks
from cozydiag.redaction import LONGEST, Redactor
from cozydiag.report import tags
from cozydiag.report.plain import Say
from cozydiag.report.sections import Section
from cozydiag.text import t

LINE = 4096
"""Characters of a line that are shown; it is cut after it was redacted, else half a secret could stay."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff"))


def harmless(line: str) -> str:
    """One line without what a terminal obeys and without letters that nobody sees, which could hide a secret."""
    if line.isascii() and line.isprintable():
        return line[: LONGEST + 1]
    return " ".join(clean(line, LONGEST + 1).split("\n")).translate(_INVISIBLE)


class LeakError(Exception):
    """A secret would have been written: in the section of this heading, in this line of it (0: in its heading)."""

    def __init__(self, heading: str, line: int) -> None:
        super().__init__(heading)
        self.heading = heading
        self.line = line


class Guard:
    """``masks`` has what the checks came to know, down to four letters; ``redactor`` does all the rest."""

    def __init__(self, masks: Masks, redactor: Redactor) -> None:
        self._masks = masks
        self.redactor = redactor

    def sections(self, sections: list[Section], say: Say) -> list[Section]:
        """The sections, redacted. One that cannot be is withheld; nothing of it stays."""
        once = [self._redacted(section, say) for section in sections]
        return [self._again(section, say) for section in once]

    def check(self, sections: list[Section]) -> None:
        """The last look, at what is about to be written. Raises LeakError."""
        for section in sections:
            if self.finds(section.heading):
                raise LeakError("?", 0)
            if self.finds("\n".join(section.lines)):
                numbers = (number for number, line in enumerate(section.lines, 1) if self.finds(line))
                raise LeakError(section.heading, next(numbers, 0))

    def hide(self, line: str) -> str:
        """What the redactor looks for only in its place, being short or a common word."""
        return self._masks.hide(line)

    def finds(self, text: str) -> bool:
        """Whether a known secret is in a finished text, of any format, in any form."""
        return self._masks.finds(text) or self.redactor.known.leaks(text)

    def _redacted(self, section: Section, say: Say) -> Section:
        try:
            heading = self.hide(self.redactor.line(harmless(section.heading)))
            given = list(map(harmless, section.lines))
            lines = [self.hide(line) for line in self.redactor.lines(given)]
            if section.name in ("verdict", "results") and len(lines) == len(given):
                lines = [self._with_tag(*both) for both in zip(given, lines, strict=True)]
        except Exception:  # noqa: BLE001  whatever it was, the text itself must not be shown
            return section._replace(heading="?", lines=[_withheld(say)])
        return section._replace(heading=heading, lines=lines)

    def _with_tag(self, line: str, shown: str) -> str:
        """``shown``, unless a rule took a part of its tag for one of a secret: then word by word."""
        if tags.split(line) is None or tags.split(shown) is not None:
            return shown
        return tags.rewritten(line, lambda words: self.hide(self.redactor.line(words)))

    def _again(self, section: Section, say: Say) -> Section:
        """With what was found out only after it."""
        try:
            heading, *lines = self.redactor.again([section.heading, *section.lines])
        except Exception:  # noqa: BLE001  as above
            return section._replace(heading="?", lines=[_withheld(say)])
        return section._replace(heading=heading, lines=[_cut(line) for line in lines])


def _withheld(say: Say) -> str:
    return say(t("Withheld: this section could not be redacted. Please report this."))


def _cut(line: str) -> str:
    return line if len(line) <= LINE else f"{line[: LINE - 40]} [+{len(line) - LINE + 40}]"
