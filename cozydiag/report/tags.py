"""What a machine reads at the end of a line that people read: `CouchDB is stopped [service.stopped #3fa2c1 @role=…]`.

A tag is `[code #mark name=value … @name=value … ~seal]`. The mark stands for the template of the sentence, so that
whoever reads the report can have it in another language; names are its fields, names with @ are about the finding, and
the seal tells a line that was changed on its way. A value is a bare word, a JSON string, a number with its kind
(`i:5984 p:93.1 b:2500000 s:3.5 w:1795000000.0`), or a text of its own in braces.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from cozydiag.text import Bytes, Param, Percent, Seconds, Text, When
from cozydiag.text.catalogue import fields
from cozydiag.text.templates import templates

UNSEALED = "~0000"

_VERBATIM = "{words}"
_BARE = re.compile(r"[^\s\[\]{}=\"]+")
_KINDS: Mapping[str, Callable[[Any], Param]] = {"i": int, "p": Percent, "b": Bytes, "s": Seconds, "w": When}
_LETTER = re.compile(r"[ipbsw]:")
_SEAL = re.compile(r" ~([0-9a-f]{4})\]$")


class Tag(NamedTuple):
    """``mark`` is "" where the sentence has no template of ours; ``params`` are its fields, ``about`` those with @."""

    code: str
    mark: str
    params: dict[str, Param]
    about: dict[str, str]


def mark(template: str) -> str:
    """The six letters that stand for a template."""
    return hashlib.blake2b(template.encode(), digest_size=3).hexdigest()


def tag(code: str, text: Text, **about: str | None) -> str:
    """The tag of a sentence."""
    words = [code or "-", *_text(text), *(f"@{name}={_string(one)}" for name, one in about.items() if one is not None)]
    return f"[{' '.join(words)} {UNSEALED}]"


def sealed(line: str) -> str:
    """``line`` with the seal of what it says now."""
    return _SEAL.sub(lambda _: f" ~{_check(line)}]", line)


def rewritten(line: str, hide: Callable[[str], str]) -> str:
    """``line``, its words and each value of its tag hidden apart, so that the tag stays one."""
    found = split(line)
    if found is None:
        return hide(line)
    words, one, behind = found
    fields = [*([f"#{one.mark}"] if one.mark else []), *(f"{name}={_value(_hidden(value, hide))}"
              for name, value in one.params.items()),
              *(f"@{name}={_string(hide(value))}" for name, value in one.about.items())]  # fmt: skip
    return f"{hide(words)} [{' '.join([one.code or '-', *fields, UNSEALED])}]{behind}"


def _hidden(value: Param, hide: Callable[[str], str]) -> Param:
    if isinstance(value, Text):
        return value._replace(params=tuple((name, _hidden(one, hide)) for name, one in value.params))
    return hide(value) if type(value) is str else value


def intact(line: str) -> bool:
    """Whether a line with a tag still says what it said when it was sealed."""
    found = _SEAL.search(line)
    return found is not None and found[1] == _check(line)


def _check(line: str) -> str:
    """Blanks do not count: forums change them."""
    return f"{zlib.crc32(''.join(_SEAL.sub(' ]', line).split()).encode()) & 0xFFFF:04x}"


def split(line: str) -> tuple[str, Tag, str] | None:
    """A line as what people read, its tag, and what stands behind it; None where it has no tag.

    Ours ends the line. What looks like one in the words before it, or in a value within it, does not; where none ends
    the line, it was changed on its way, and the last that can be read is taken for it.
    """
    other = None
    for found in re.finditer(r" \[(?=[a-z0-9_.-]+ )", line):
        parsed = _Reader(line, found.end()).tag()
        if parsed is None:
            continue
        one, end = parsed
        other = line[: found.start()], one, line[end:]
        if end == len(line):
            break
    return other


def _text(text: Text) -> list[str]:
    if text.template in ("", _VERBATIM):
        return []
    params = [f"{name}={_value(value)}" for name, value in text.params]
    return [f"#{mark(text.template)}", *params, *([f"@n={text.n}"] if text.many is not None else [])]


def _value(value: Param) -> str:
    if isinstance(value, Text):
        return "{" + " ".join(_text(value) or [_string(dict(value.params).get("words", ""))]) + "}"
    for letter, kind in _KINDS.items():
        if type(value) is kind:
            return f"{letter}:{value!r}" if letter in "ib" else f"{letter}:{float(value):.12g}"
    if isinstance(value, (int, float)):
        return f"i:{int(value)}"
    return _string(value)


def _string(value: object) -> str:
    words = str(value)
    if _BARE.fullmatch(words) and not _LETTER.match(words) and words[0] not in "#@~":
        return words
    return json.dumps(words, ensure_ascii=False)


class _Reader:
    """Reads one tag from ``at`` on; every method gives None where there is none."""

    def __init__(self, line: str, at: int) -> None:
        self.line = line
        self.at = at

    def tag(self) -> tuple[Tag, int] | None:
        code = self._word(r"[a-z0-9_.-]+")
        found = self._fields("]")
        if code is None or found is None:
            return None
        params, about, template = found
        return Tag("" if code == "-" else code, template, params, about), self.at

    def _fields(self, end: str) -> tuple[dict[str, Param], dict[str, str], str] | None:
        params: dict[str, Param] = {}
        about: dict[str, str] = {}
        template = ""
        while True:
            self._word(r" *")
            if self._word(re.escape(end)) is not None:
                return params, about, template
            if (found := self._word(r"#[0-9a-f]{6}")) is not None:
                template = found[1:]
            elif self._word(r"~[0-9a-f]{4}") is not None:
                continue
            elif (name := self._word(r"@?\w+=")) is not None:
                value = self._value()
                if value is None:
                    return None
                if name[0] == "@":
                    about[name[1:-1]] = str(value)
                else:
                    params[name[:-1]] = value
            else:
                return None

    def _value(self) -> Param | None:
        if self._word(r"\{") is not None:
            return self._inner()
        if (quoted := self._word(r'"(?:[^"\\]|\\.)*"')) is not None:
            try:
                return str(json.loads(quoted))
            except ValueError:
                return None
        bare = self._word(_BARE.pattern)
        if bare is not None and _LETTER.match(bare):
            try:
                return _KINDS[bare[0]](bare[2:] if bare[0] not in "ib" else int(bare[2:]))
            except ValueError:
                return bare
        return bare

    def _inner(self) -> Param | None:
        quoted = self._value() if self.line[self.at : self.at + 1] not in ("#", "@") else None
        if quoted is not None:
            return quoted if self._word(r" *\}") is not None else None
        found = self._fields("}")
        if found is None:
            return None
        params, about, template = found
        return text_of(template, params, about)

    def _word(self, pattern: str) -> str | None:
        found = re.compile(pattern).match(self.line, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]


def text_of(mark_: str, params: Mapping[str, Param], about: Mapping[str, str], sentence: str = "") -> Text:
    """The text that a mark and its fields stand for; ``sentence`` as it is where the mark is not known here."""
    template, many = _known().get(mark_, ("", None))
    if not template or not fields(template) <= {*params, "n"}:
        return Text(_VERBATIM, (("words", sentence),))
    number = about.get("n", "")
    n = int(number) if many is not None and number.lstrip("-").isdigit() else 0
    return Text(template, tuple(params.items()), many, n)


@cache
def _known() -> Mapping[str, tuple[str, str | None]]:
    return {mark(one): (one, many) for one, many in templates()}
