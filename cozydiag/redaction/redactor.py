"""All layers together."""

from __future__ import annotations

import json
import re
from binascii import Error, a2b_base64
from collections.abc import Iterable, Iterator
from typing import Final

from cozydiag.redaction import commands, keys, nginx, places, shapes
from cozydiag.redaction.blocks import BEGINNINGS, Headings, without_keys
from cozydiag.redaction.identity import Identity
from cozydiag.redaction.known import Known, unescaped
from cozydiag.redaction.pseudonyms import Pseudonyms
from cozydiag.redaction.rule import Rule, Rules, Span, merged, small
from cozydiag.redaction.values import is_hidden

_HEADING = Rule(BEGINNINGS, lambda *_: ())
"""It stands first, and says which lines `Headings` must see."""

RULES = Rules((_HEADING, *places.RULES, *keys.RULES, *commands.RULES, *nginx.RULES, *shapes.RULES))

WITHHELD: Final = "[withheld: it could not be redacted]"
"""Stands for what the redactor could not cope with. Never the text itself."""

LONGEST = 1 << 17
"""Characters of a line that are looked at; what is beyond is left out, and said to be."""

MARGIN = 8192
"""The last characters of a cut line go as well: they could be half a secret."""

LEFT_OUT: Final = " [the rest of this line is left out]"

_BATCH = 1 << 16
"""Characters that are looked at together."""

_ROUNDS = 6


class Redactor:
    """Takes secrets and names out of text; the same thing gets the same stand-in everywhere.

    ``identity`` is None where names and addresses may stay. ``shown`` has every stand-in that was used, by kind. With
    ``prefilter`` off every rule sees every line, which finds no more (a test holds that).
    """

    def __init__(
        self, identity: Identity | None = None, pseudonyms: Pseudonyms | None = None, *, prefilter: bool = True
    ) -> None:
        self.pseudonyms = pseudonyms or Pseudonyms()
        self.known = Known()
        self.shown: dict[str, set[str]] = {}
        self._identity = identity
        self._prefilter = prefilter
        if identity is not None:
            identity.use(self.pseudonyms, self.shown)

    def know(self, values: Iterable[str], kind: str = "secret") -> None:
        """Values that must be in no output. Weak ones (`cozy`, `1234`) are hidden by their place alone."""
        for value in values:
            self._learn(value, kind)

    def counts(self) -> dict[str, int]:
        """How many different things of each kind were hidden."""
        return {kind: len(stand_ins) for kind, stand_ins in sorted(self.shown.items()) if stand_ins}

    # -- text ----------------------------------------------------------------------------------------------

    def line(self, line: str) -> str:
        """One line that has nothing to do with those before it."""
        return "\n".join(self.lines([line]))

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines of one text, redacted; a private key becomes one line. It runs along with ``lines``."""
        headings = Headings()
        batch: list[str] = []
        size = 0
        for line in without_keys(_bounded(lines)):
            batch.append(line)
            size += len(line)
            if size > _BATCH:
                yield from self._batch(batch, headings)
                batch, size = [], 0
        yield from self._batch(batch, headings)

    def learn(self, lines: Iterable[str]) -> None:
        """Takes note of the secrets in a text that will be redacted later: they are hidden from its beginning then."""
        headings = Headings()
        batch: list[str] = []
        for line in without_keys(_bounded(lines)):
            batch.append(line)
            if len(batch) == 512:
                self._replaced_in(batch, headings)
                batch = []
        self._replaced_in(batch, headings)

    def again(self, lines: Iterable[str]) -> list[str]:
        """Lines that were redacted, without what was found out only after them."""
        found = list(lines)
        text = self._hide_known("\n".join(found))
        redacted = text.split("\n") if found else []
        return [WITHHELD if line != WITHHELD and self.known.leaks(line) else line for line in redacted]

    def leaks(self, text: str) -> list[int]:
        """The numbers of the lines (from 1) of a finished text in which a known value still is, in any form; 0 where it
        is in no single line."""
        if not self.known.leaks(text):
            return []
        return [number for number, line in enumerate(text.split("\n"), 1) if self.known.leaks(line)] or [0]

    # -- layers --------------------------------------------------------------------------------------------

    def _batch(self, batch: list[str], headings: Headings) -> list[str]:
        if not batch:
            return []
        done, quiet = self._replaced_in(batch, headings)
        hidden = self._hide_known("\n".join(done)).split("\n")
        after = hidden if self._identity is None else self._identity.hide("\n".join(hidden)).split("\n")
        # Where no rule was needed and names alone were replaced none is needed now: no stand-in of a name is a trigger.
        changed = [
            at
            for at, (old, known, new) in enumerate(zip(batch, hidden, after, strict=True))
            if old != new and (known != old or not quiet[at])
        ]
        for at, line in zip(changed, self._settled([after[at] for at in changed]), strict=True):
            after[at] = line
        return [_without_end(new) if len(old) > LONGEST else new for old, new in zip(batch, after, strict=True)]

    def _replaced_in(self, batch: list[str], headings: Headings) -> tuple[list[str], list[bool]]:
        """The lines, and of each whether no rule was needed."""
        if not batch:
            return [], []
        lows = _lowered(batch)
        needed = RULES.needed(lows) if self._prefilter else [None] * len(batch)
        done = [self._secrets(*one, headings) for one in zip(batch, lows, needed, strict=True)]
        return done, [numbers is not None and not numbers for numbers in needed]

    def _secrets(self, line: str, low: str, needed: frozenset[int] | None, headings: Headings) -> str:
        if not needed and needed is not None and not headings.waits:
            return line
        found = RULES.spans(line, low, needed)
        if needed is None or 0 in needed or headings.waits:
            found += headings.spans(line)
        return self._replaced(line, sorted(found)) if found else line

    def _named(self, text: str) -> str:
        text = self._hide_known(text)
        return text if self._identity is None else self._identity.hide(text)

    def _settled(self, lines: list[str]) -> list[str]:
        """What one rule leaves can be another's: until nothing changes, so that redacting twice is redacting once."""
        open_ones = [*range(len(lines))]
        for _ in range(_ROUNDS):
            if not open_ones:
                break
            lows = _lowered([lines[at] for at in open_ones])
            needed = RULES.needed(lows) if self._prefilter else [None] * len(lows)
            changed = []
            for at, low, numbers in zip(open_ones, lows, needed, strict=True):
                found = RULES.spans(lines[at], low, numbers) if numbers is None or numbers else []
                once = self._replaced(lines[at], found) if found else lines[at]
                if once != lines[at]:
                    lines[at] = self._named(once)
                    changed.append(at)
            open_ones = changed
        for at in open_ones:
            lines[at] = WITHHELD
        return lines

    def _replaced(self, line: str, found: list[Span]) -> str:
        kept = [span for span in found if not is_hidden(line[span.start : span.end])]
        for value, kind in dict.fromkeys((line[span.start : span.end], span.kind) for span in kept):
            self._learn(value, kind)
        pieces, at = [], 0
        shown: dict[tuple[str, str], str] = {}  # a hostile line has the same one ten thousand times
        for span in merged(kept):
            key = (span.kind, line[span.start : span.end])
            if key not in shown:
                shown[key] = self._stand_in(*key)
            pieces += [line[at : span.start], shown[key]]
            at = span.end
        return "".join([*pieces, line[at:]])

    def _hide_known(self, text: str) -> str:
        return self.known.hide(text, self._stand_in)

    # -- stand-ins -----------------------------------------------------------------------------------------

    def _stand_in(self, kind: str, value: str) -> str:
        if kind == "private-key":
            shown = "<private-key>"
        else:
            shown = f"<{kind}#{self.pseudonyms.number(kind, self._meant(value))}>"
        self.shown.setdefault(kind, set()).add(shown)
        return shown

    def _meant(self, value: str) -> str:
        """The secret that ``value`` is a form of, so that it gets the number of the secret."""
        return next((one for one in _behind(value) if one in self.known.values), value)

    def _learn(self, value: str, kind: str) -> None:
        for one in (value, *_behind(value)):
            self.known.add(one, kind)


def _lowered(lines: list[str]) -> list[str]:
    """The lines in small letters, each letter in its place."""
    text = "\n".join(lines)
    low = text.lower()
    return low.split("\n") if len(low) == len(text) else list(map(small, lines))


def _behind(value: str) -> Iterator[str]:
    """What a value says when it is escaped, or a login in Base64."""
    plain = unescaped(value)
    if plain != value and "\ufffd" not in plain:
        yield plain
    yield from _as_json(value)
    if len(value) <= 512:
        yield from (part for part in _PARTS.split(value) if part != value and _RANDOM.fullmatch(part))
    if 8 <= len(value) <= 512 and re.fullmatch(r"[A-Za-z0-9_+/-]+={0,2}", value):
        try:
            raw = a2b_base64(
                value.rstrip("=").replace("-", "+").replace("_", "/") + "=" * (-len(value.rstrip("=")) % 4)
            )
            said = raw.decode()
        except (Error, UnicodeDecodeError):
            return
        if said.isprintable() and ":" in said:
            yield said.partition(":")[2]


_PARTS = re.compile(r"[$,/:=\"' ]")
_RANDOM = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w+.-]{16,}")
"""Of a hash, of a header of several settings: the part that is the secret, without the salt and the scheme."""


def _as_json(value: str) -> Iterator[str]:
    """What a string of JSON says, and what one inside it does: there a backslash is never two things at once."""
    for _ in range(2):
        if "\\" not in value:
            return
        try:
            said = json.loads(f'"{value}"')
        except ValueError:
            return
        if isinstance(said, str) and said.isprintable():
            yield said
        value = said


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line if len(line) <= LONGEST else line[:LONGEST] + LEFT_OUT


def _without_end(line: str) -> str:
    """Of a cut line the end goes after it was redacted: it could be half a secret, which nothing finds."""
    return line.removesuffix(LEFT_OUT)[:-MARGIN] + LEFT_OUT
