"""Secrets on several lines: private keys, sections, and what stands under a heading that says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cozydiag.redaction.rule import Span
from cozydiag.redaction.values import is_elsewhere, is_hidden, is_none

PRIVATE_KEY = "<private-key>"

_BEGIN = re.compile(r"-{4,5}BEGIN (?P<what>[A-Z0-9 ]{1,60}?)-{4,5}", re.IGNORECASE)
_END = re.compile(r"-{4,5}END (?P<what>[A-Z0-9 ]{1,60}?)-{4,5}", re.IGNORECASE)
_PRIVATE = re.compile(r"PRIVATE|STATIC KEY|SECRET", re.IGNORECASE)
_MATERIAL = re.compile(r"[A-Za-z0-9+/]{1,120}={0,2}|[0-9a-fA-F]{32}|[A-Za-z0-9+/]{20,}={0,2}")
_FULL_LINE = re.compile(r"[ \t>|\"']{0,40}(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})[\"',\\nr]{0,6}[ \t]*")
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): .*", re.IGNORECASE)
_PARTS = re.compile(r"[ \t]*(?:priv|privateExponent|prime\d|exponent\d|coefficient):[ \t]*", re.IGNORECASE)
_HEX_LINE = re.compile(r"[ \t]+(?:[0-9a-f]{2}:){3,}[0-9a-f]{0,2}:?[ \t]*", re.IGNORECASE)
_PUTTY = re.compile(r"Private-Lines:[ \t]*(?P<count>\d{1,4})", re.IGNORECASE)

_HELD = 400
"""Lines at most that wait for what they belong to."""


def without_keys(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with one stand-in for each private key: also for one without its end, or without its beginning."""
    held: list[str] = []
    state, swallowed = "", 0
    for line in lines:
        if not state and not held and _is_ordinary(line):
            yield line
            continue
        begin, end = _BEGIN.search(line), _END.search(line)
        if held and not _FULL_LINE.fullmatch(line):
            if end and _PRIVATE.search(end["what"]) or _is_tail(line, held):
                held.append(line) if not end else None
                yield PRIVATE_KEY
                held = []
                if end:
                    continue
                state = "private"
                continue
            yield from [PRIVATE_KEY] if len(held) > 1 else held
            held = []
        if begin and _PRIVATE.search(begin["what"]):
            if end and end.start() > begin.start():
                state = ""
                yield line  # on one line: `shapes` knows it
            else:
                yield line[: begin.start()] + PRIVATE_KEY
                state, swallowed = "private", 0
            continue
        if state == "private":
            if end:
                state = ""
                continue
            if _is_material(line, swallowed):
                swallowed += 1
                continue
            state = ""
        if state == "hex":
            if _HEX_LINE.fullmatch(line):
                continue
            state = ""
        if begin:
            state = "public"
        elif end:
            if _PRIVATE.search(end["what"]):
                yield PRIVATE_KEY
                state = ""
                continue
            state = ""
        elif _PARTS.fullmatch(line):
            state = "hex"
            yield line + " " + PRIVATE_KEY
            continue
        elif _PUTTY.match(line.strip()):
            state, swallowed = "private", 0
            yield line
            yield PRIVATE_KEY
            continue
        elif state != "public" and _FULL_LINE.fullmatch(line):
            held.append(line)
            if len(held) > _HELD:
                yield PRIVATE_KEY
                held, state = [], "private"
            continue
        yield line
    yield from [PRIVATE_KEY] if len(held) > 1 else held


def _is_ordinary(line: str) -> bool:
    """Whether no key can begin in this line: a quick look."""
    if "----" in line or "Private-L" in line:
        return False
    bare = line.strip()
    return (len(bare) < 64 or " " in bare) and not bare.endswith(":")


def _is_tail(line: str, held: list[str]) -> bool:
    """Whether it is the last, shorter line of what is held."""
    return len(held) > 1 and re.fullmatch(r"[ \t>|\"']{0,40}[A-Za-z0-9+/]{4,75}={1,2}[\"',\\nr]{0,6}[ \t]*", line) is not None


def _is_material(line: str, swallowed: int) -> bool:
    """Whether it goes on with a key, as far as one line can tell; a log may have put something before it."""
    bare = line.strip().strip("\"',>|\\").strip()
    bare = bare.removesuffix("\\n").removesuffix("\\r")
    if not bare:
        return swallowed < 4
    if _HEADER.fullmatch(bare):
        return True
    last = bare.rsplit(None, 1)[-1]
    if last != bare:
        return re.fullmatch(r"[A-Za-z0-9+/]{40,}={0,2}", last) is not None
    if _MATERIAL.fullmatch(bare) is None:
        return False
    return len(bare) >= 20 or bare.endswith("=") or not bare.isalpha()


# -- sections and headings ---------------------------------------------------------------------------------

_SECTION = re.compile(r"[ \t]*\[(?P<name>[\w.:/ -]{1,80})\][ \t]*(?:[#;].*)?")
_SETTING = re.compile(r"[ \t]*[\w.@+-]{1,100}[ \t]{0,40}=[ \t]{0,40}(?P<value>\S.*)")
_SECRET_SECTIONS = frozenset({"admins"})

_LISTING = re.compile(
    r"(?:#|==>|---+|\$|.{0,80}[#$%>][ \t]+(?:sudo[ \t]+)?(?:cat|head|tail|more|less)|(?:sudo[ \t]+)?cat|file|fichier|contents? of|contenu de)[ \t:]*\S{0,200}?"
    r"(?P<what>couchdb\.login|[\w-]{1,40}\.token|stack\.token|admin-passphrase|\.erlang\.cookie|erlang\.cookie|[\w-]{0,40}(?:passphrase|password|passwd|secret)(?:\.txt)?)[ \t]*(?:<==|:|---+|====*)?[ \t]*",
    re.IGNORECASE,
)
_LISTED = ("login", "token", "passphrase", "cookie", "password", "passwd", "secret", ".txt")
_BARE = re.compile(r"[ \t]*(?P<value>\S{4,400})[ \t]*")
_BLOCK_KEY = re.compile(
    r"(?P<indent>[ \t]*)(?:- )?[\"']?[\w.-]{0,60}?(?:pass(?:word|wd|phrase)?|secret|token|private_?key|api_?key|credential)\w{0,20}[\"']?[ \t]*:[ \t]*[|>][+-]?\d?[ \t]*",
    re.IGNORECASE,
)
_BLOCK_ENDS = frozenset("|>+-0123456789")
_LABEL = re.compile(
    r"[ \t,{-]*[\"']?(?:name|key|variable)[\"']?[ \t]*[:=][ \t]*[\"']?[\w.-]{0,60}?(?:pass(?:word|wd|phrase)?|secret|token|api_?key|private_?key|credential)[\w.-]{0,40}[\"']?[ \t]*,?[ \t]*",
    re.IGNORECASE,
)
_LABEL_BEGINS = frozenset("\"'nNkKvV-,{")
_VALUE = re.compile(r"[ \t]*[\"']?value[\"']?[ \t]*[:=][ \t]*(?P<mark>[\"']?)(?P<value>\S.*?)(?P=mark)[ \t]*,?[ \t]*[}]?[ \t]*", re.IGNORECASE)
_PUTTY_MAC = re.compile(r"[ \t]*Private-(?:MAC|Hash):[ \t]*(?P<value>[0-9a-f]{16,})[ \t]*", re.IGNORECASE)


class Headings:
    """Reads line by line, and says what the lines before make of this one."""

    def __init__(self) -> None:
        self._section = ""
        self._listing: list[bool] = []  # for each of the next lines: whether it is secret
        self._indent = -1
        self._labelled = False

    @property
    def waits(self) -> bool:
        """Whether what was read makes something of the next line. Where it does not, only a line with a word that the
        rules look for can begin anything."""
        return self._section in _SECRET_SECTIONS or bool(self._listing) or self._indent >= 0 or self._labelled

    def spans(self, line: str) -> Iterator[Span]:
        yield from self._in_section(line)
        yield from self._in_listing(line)
        yield from self._in_block(line)
        may_label = line.lstrip()[:1] in _LABEL_BEGINS
        labelled, self._labelled = self._labelled, may_label and _LABEL.fullmatch(line) is not None
        found = _VALUE.fullmatch(line) if labelled else _PUTTY_MAC.fullmatch(line) if "Private-" in line else None
        if found and not is_none(found["value"]) and not is_elsewhere(found["value"]):
            yield Span(*found.span("value"))

    def _in_section(self, line: str) -> Iterator[Span]:
        """Whatever stands in `[admins]` is a password or its hash; what is no setting ends it."""
        if "[" in line and (found := _SECTION.fullmatch(line)):
            self._section = found["name"].lower()
        elif self._section in _SECRET_SECTIONS:
            bare = line.strip()
            setting = _SETTING.fullmatch(line)
            if setting and not is_hidden(setting["value"]):
                yield Span(setting.start("value"), setting.start("value") + len(setting["value"].rstrip()))
            elif bare and bare[0] not in ";#" and not setting:
                self._section = ""

    def _in_listing(self, line: str) -> Iterator[Span]:
        """`cat /etc/cozy/couchdb.login`, and then two bare lines: the user, the password."""
        if self._listing:
            found = _BARE.fullmatch(line)
            secret = self._listing.pop(0)
            if found is None or "=" in found["value"][:-2] and _SETTING.fullmatch(line):
                self._listing = []
            elif secret and not is_hidden(found["value"]):
                yield Span(*found.span("value"))
            return
        if line.rstrip(" \t<=:-").lower().endswith(_LISTED) and (found := _LISTING.fullmatch(line)):
            self._listing = [False, True] if found["what"].lower() == "couchdb.login" else [True]

    def _in_block(self, line: str) -> Iterator[Span]:
        """YAML: `password: |`, and its lines."""
        indent = len(line) - len(line.lstrip())
        if self._indent >= 0 and line.strip():
            if indent > self._indent:
                if not is_hidden(line.strip()):
                    yield Span(indent, len(line.rstrip()))
                return
            self._indent = -1
        if line.rstrip()[-1:] in _BLOCK_ENDS and (found := _BLOCK_KEY.fullmatch(line)):
            self._indent = len(found["indent"])
