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
_FULL_LINE = re.compile(
    r"[ \t>|\"']{0,40}(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})[\"',\\nr]{0,6}[ \t]*"
)
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): .*", re.IGNORECASE)
_PARTS = re.compile(r"[ \t]*(?:priv|privateExponent|prime\d|exponent\d|coefficient):[ \t]*", re.IGNORECASE)
_HEX_LINE = re.compile(r"[ \t]+(?:[0-9a-f]{2}:){3,}[0-9a-f]{0,2}:?[ \t]*", re.IGNORECASE)
_PUTTY = re.compile(r"Private-Lines:[ \t]*(?P<count>\d{1,4})", re.IGNORECASE)

_HELD = 400
"""Lines at most that wait for what they belong to."""


def without_keys(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with one stand-in for each private key: also for one without its end, or without its beginning."""
    reader = _Keys()
    for line in lines:
        if not reader.state and not reader.held and _is_ordinary(line):
            yield line
        else:
            yield from reader.read(line)
    yield from reader.released()


class _Keys:
    """``state`` is what the lines before have begun: a private key, what is public, the parts of a key in hex. ``held``
    are lines that look like the middle of a key, until it is known what they are of."""

    def __init__(self) -> None:
        self.state = ""
        self.held: list[str] = []
        self._swallowed = 0

    def read(self, line: str) -> Iterator[str]:
        begin, end = _BEGIN.search(line), _END.search(line)
        if self.held and not _FULL_LINE.fullmatch(line):
            if (end and _PRIVATE.search(end["what"])) or _is_tail(line, self.held):
                self.held, self.state = [], "" if end else "private"
                yield PRIVATE_KEY
                return
            yield from self.released()
        if begin and _PRIVATE.search(begin["what"]):
            yield self._begun(line, begin, end)
        elif not self._goes_on(line, end):
            yield from self._other(line, begin, end)

    def released(self) -> Iterator[str]:
        """What is held, as it may be shown: two such lines and more can only be a key."""
        held, self.held = self.held, []
        yield from [PRIVATE_KEY] if len(held) > 1 else held

    def _begun(self, line: str, begin: re.Match[str], end: re.Match[str] | None) -> str:
        if end and end.start() > begin.start():
            self.state = ""
            return line  # on one line: `shapes` knows it
        self.state, self._swallowed = "private", 0
        return line[: begin.start()] + PRIVATE_KEY

    def _goes_on(self, line: str, end: re.Match[str] | None) -> bool:
        """Whether it belongs to the private key before it."""
        if self.state == "private":
            if end:
                self.state = ""
                return True
            if _is_material(line, self._swallowed):
                self._swallowed += 1
                return True
            self.state = ""
        elif self.state == "hex":
            if _HEX_LINE.fullmatch(line):
                return True
            self.state = ""
        return False

    def _other(self, line: str, begin: re.Match[str] | None, end: re.Match[str] | None) -> Iterator[str]:
        if begin or end:
            self.state = "public" if begin else ""
            yield PRIVATE_KEY if not begin and end and _PRIVATE.search(end["what"]) else line
        elif _PARTS.fullmatch(line):
            self.state = "hex"
            yield f"{line} {PRIVATE_KEY}"
        elif _PUTTY.match(line.strip()):
            self.state, self._swallowed = "private", 0
            yield from (line, PRIVATE_KEY)
        elif self.state != "public" and _FULL_LINE.fullmatch(line):
            self.held.append(line)
            if len(self.held) > _HELD:
                self.held, self.state = [], "private"
                yield PRIVATE_KEY
        else:
            yield line


def _is_ordinary(line: str) -> bool:
    """Whether no key can begin in this line: a quick look."""
    if "----" in line or "Private-L" in line:
        return False
    bare = line.strip()
    return (len(bare) < 64 or " " in bare) and not bare.endswith(":")


def _is_tail(line: str, held: list[str]) -> bool:
    """Whether it is the last, shorter line of what is held."""
    return (
        len(held) > 1
        and re.fullmatch(r"[ \t>|\"']{0,40}[A-Za-z0-9+/]{4,75}={1,2}[\"',\\nr]{0,6}[ \t]*", line) is not None
    )


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
_PAIRS = re.compile(r"=.*[ \t][\w.-]+=")
"""A line of a log, with several settings."""

_SECRET_SECTIONS = frozenset({"admins"})

_LISTING = re.compile(
    r"(?:#|==>|---+|\$|.{0,80}[#$%>][ \t]+(?:sudo[ \t]+)?(?:cat|head|tail|more|less)|(?:sudo[ \t]+)?cat|file|fichier"
    r"|contents? of|contenu de)[ \t:]*\S{0,200}?"
    r"(?P<what>couchdb\.login|[\w-]{1,40}\.token|stack\.token|admin-passphrase|\.erlang\.cookie|erlang\.cookie"
    r"|[\w-]{0,40}(?:passphrase|password|passwd|secret)(?:\.txt)?)[ \t]*(?:<==|:|---+|====*)?[ \t]*",
    re.IGNORECASE,
)
_LISTED = ("login", "token", "passphrase", "cookie", "password", "passwd", "secret", ".txt")
_BARE = re.compile(r"[ \t]*(?P<value>\S{4,400})[ \t]*")
_BLOCK_KEY = re.compile(
    r"(?P<indent>[ \t]*)(?:- )?[\"']?[\w.-]{0,60}?(?:pass(?:word|wd|phrase)?|secret|token|private_?key|api_?key"
    r"|credential)\w{0,20}[\"']?[ \t]*:[ \t]*[|>][+-]?\d?[ \t]*",
    re.IGNORECASE,
)
_SPLIT_KEY = re.compile(
    r"[ \t{,]*[\"']?[\w.-]{0,60}?(?:pass(?:word|wd|phrase)?|secret|token|private_?key|api_?key|credential)\w{0,20}"
    r"[\"']?[ \t]*:[ \t]*",
    re.IGNORECASE,
)
_SPLIT_VALUE = re.compile(r"[ \t]*(?P<mark>[\"'])(?P<value>(?:\\.|(?!(?P=mark)).){3,1000})(?P=mark)[ \t]*[,}]*[ \t]*")
"""As JSON is folded where lines are short: a name, and the value below it."""

_BLOCK_ENDS = frozenset("|>+-0123456789")
_LABEL = re.compile(
    r"[ \t,{-]*[\"']?(?:name|key|variable)[\"']?[ \t]*[:=][ \t]*[\"']?[\w.-]{0,60}?(?:pass(?:word|wd|phrase)?|secret"
    r"|token|api_?key|private_?key|credential)[\w.-]{0,40}[\"']?[ \t]*,?[ \t]*",
    re.IGNORECASE,
)
_LABEL_BEGINS = frozenset("\"'nNkKvV-,{")
_VALUE = re.compile(
    r"[ \t]*[\"']?value[\"']?[ \t]*[:=][ \t]*(?P<mark>[\"']?)(?P<value>\S.*?)(?P=mark)[ \t]*,?[ \t]*[}]?[ \t]*",
    re.IGNORECASE,
)
_PUTTY_MAC = re.compile(r"[ \t]*Private-(?:MAC|Hash):[ \t]*(?P<value>[0-9a-f]{16,})[ \t]*", re.IGNORECASE)


BEGINNINGS = ("admins", "login", "pass", "secret", "token", "cookie", "key", "credential", "private")
"""Words without which no line begins anything."""


class Headings:
    """Reads line by line, and says what the lines before make of this one."""

    def __init__(self) -> None:
        self._section = ""
        self._listing: list[bool] = []  # for each of the next lines: whether it is secret
        self._indent = -1
        self._labelled = False
        self._split = False

    @property
    def waits(self) -> bool:
        """Whether what was read makes something of the next line. Where it does not, only a line with one of
        `BEGINNINGS` can begin anything."""
        return (
            self._section in _SECRET_SECTIONS
            or bool(self._listing)
            or self._indent >= 0
            or self._labelled
            or self._split
        )

    def spans(self, line: str) -> Iterator[Span]:
        yield from self._in_section(line)
        yield from self._in_listing(line)
        yield from self._in_block(line)
        yield from self._on_two_lines(line)
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
            setting = None if _PAIRS.search(bare) else _SETTING.fullmatch(line)
            if setting and not is_hidden(setting["value"]):
                yield Span(setting.start("value"), setting.start("value") + len(setting["value"].rstrip()))
            elif bare and bare[0] not in ";#" and not setting:
                self._section = ""

    def _in_listing(self, line: str) -> Iterator[Span]:
        """`cat /etc/cozy/couchdb.login`, and then two bare lines: the user, the password."""
        if self._listing:
            found = _BARE.fullmatch(line)
            secret = self._listing.pop(0)
            if found is None or ("=" in found["value"][:-2] and _SETTING.fullmatch(line)):
                self._listing = []
            elif secret and not is_hidden(found["value"]):
                yield Span(*found.span("value"))
            return
        if line.rstrip(" \t<=:-").lower().endswith(_LISTED) and (found := _LISTING.fullmatch(line)):
            self._listing = [False, True] if found["what"].lower() == "couchdb.login" else [True]

    def _on_two_lines(self, line: str) -> Iterator[Span]:
        """`"password":`, and its value on the next line."""
        found = _SPLIT_VALUE.fullmatch(line) if self._split else None
        self._split = line.rstrip()[-1:] == ":" and _SPLIT_KEY.fullmatch(line) is not None
        if found and not is_none(found["value"]) and not is_elsewhere(found["value"]):
            yield Span(*found.span("value"))

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
