"""Values that are known to be secret, found again in every form they can be written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cozydiag.masking.forms import escaped, forms

LEAST = 6
"""Characters of a value that is hidden wherever it turns up: shorter ones stand in too many others by chance."""

_TILE = 4
"""Bytes of a tile. Every seven bytes in a row hold a whole one, wherever they begin."""

_COMMON = frozenset(
    ["password", "passwords", "passwort", "changeme", "required", "disabled", "enabled", "undefined", "localhost",
     "production", "development", "couchdb", "couchdb-admin", "cozycloud", "cozy-home", "cozy-proxy", "supervisor",
     "supervisord", "nginx", "default", "example", "unknown", "missing", "incorrect", "administrator", "anonymous",
     "database", "username", "service", "services", "optional", "function", "success", "failure", "invalid",
     "expired", "redacted", "filtered", "internal", "external", "standard", "sha256", "sha512", "ed25519", "pbkdf2",
     "argon2id", "bcrypt", "scrypt", "base64"]
)  # fmt: skip
"""Words of our own reports and of every log. A password that is one of them is hidden by its place alone."""

_ESCAPED = re.compile(
    r"%[0-9A-Fa-f]{2}|\\+u[0-9A-Fa-f]{4}|\\+[\"'/\\bfnrt]|&(?:amp|lt|gt|quot|apos|#\d{1,4}|#x[0-9a-fA-F]{1,4});"
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def is_strong(value: str) -> bool:
    """Whether ``value`` says so much that it means itself wherever it stands."""
    word = value.lower()
    if len(value) < LEAST or word in _COMMON or "***" in value:
        return False
    if len(set(value)) < 4 or value.isdigit() or re.fullmatch(r"[\d.:/ -]+", value):
        return False
    has_digit = any(letter.isdigit() for letter in value)
    mixed = not value.isalpha() or (value != word and value != value.upper() and not value.istitle())
    return len(value) >= 8 if not has_digit and not mixed else True


class Known:
    """The values, and an index of four-byte tiles of all their forms: what a text costs does not grow with them."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}  # each value and its kind
        self._owner: dict[str, str] = {}  # each form and the value it is of
        self._forms: dict[int, set[str]] = {}  # each tile and the forms that have it
        self._tiles: frozenset[int] = frozenset()

    def add(self, value: str, kind: str = "secret") -> bool:
        """Whether ``value`` is new, and strong enough to be looked for."""
        if value in self.values or not is_strong(value):
            return False
        self.values[value] = kind
        for form in forms(value) | _spelled(value):
            if len(form.encode("utf-8", "surrogatepass")) >= LEAST + 1 or form == value:
                self._owner.setdefault(form, value)
                for tile in _tiles_of(form):
                    self._forms.setdefault(tile, set()).add(form)
        self._tiles = frozenset(self._forms)
        return True

    def __len__(self) -> int:
        return len(self.values)

    def hide(self, text: str, shown: Callable[[str, str], str]) -> str:
        """``text`` with ``shown(kind, value)`` in the place of every known value in it."""
        if not self.values:
            return text
        for form in self._found(text):
            value = self._owner[form]
            text = text.replace(form, shown(self.values[value], value))
        if "\\" in text or "%" in text or "&" in text:
            plain = unescaped(text)
            if plain != text:
                for form in self._found(plain):
                    value = self._owner[form]
                    text = re.sub(escaped(form), lambda _, value=value: shown(self.values[value], value), text)  # type: ignore[misc]
        return text

    def leaks(self, text: str) -> bool:
        """Whether a known value is in ``text``, in any form."""
        return bool(self.values) and any(self._found(one) for one in _ways_to_read(text))

    def _found(self, text: str) -> list[str]:
        """The forms that are in ``text``, the longest first."""
        found = [form for form in self._candidates(text) if form in text]
        return sorted(found, key=lambda form: (-len(form), form))

    def _candidates(self, text: str) -> Iterable[str]:
        raw = text.encode("utf-8", "surrogatepass")
        view = memoryview(raw[: len(raw) // _TILE * _TILE]).cast("I")
        hit = self._tiles.intersection(view)
        short = (value for value in self.values if len(value) < 2 * _TILE - 1)
        return {*short, *(form for tile in hit for form in self._forms[tile])}


def _tiles_of(form: str) -> Iterator[int]:
    import sys

    raw = form.encode("utf-8", "surrogatepass")[: 2 * _TILE - 1]  # one of these is whole wherever the form stands
    for at in range(len(raw) - _TILE + 1):
        yield int.from_bytes(raw[at : at + _TILE], sys.byteorder)


def _spelled(value: str) -> set[str]:
    """As HTML has it. URLs and JSON escape letters one by one, in too many mixtures: see `unescaped`."""
    if not any(letter in value for letter in "&<>\"'"):
        return set()
    html = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = html.replace('"', "&quot;")
    return {
        html,
        quoted,
        quoted.replace("'", "&#39;"),
        quoted.replace("'", "&#x27;"),
        html.replace('"', "&#34;").replace("'", "&#39;"),
    }


def _ways_to_read(text: str) -> Iterator[str]:
    """``text``, and what it says behind one, two and three coats of escapes."""
    yield text
    for _ in range(3):
        plain = unescaped(text)
        if plain == text:
            return
        yield plain
        text = plain


def unescaped(text: str) -> str:
    """What percent signs, backslashes and HTML's names stand for; bytes that are no UTF-8 become `?`."""
    if "%" in text:
        text = re.sub(r"(?:%[0-9A-Fa-f]{2})+", _percent, text)
    return _ESCAPED.sub(_escape, text) if "\\" in text or "&" in text else text


def _percent(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace")


def _escape(found: re.Match[str]) -> str:
    said = found[0]
    if said[0] == "&":
        return _html(said[1:-1])
    bare = said.lstrip("\\")
    if bare[:1] == "u" and len(bare) == 5:
        return chr(int(bare[1:], 16))
    return _LETTERS.get(bare, bare or "\\")


def _html(name: str) -> str:
    if name[0] != "#":
        return _NAMED[name]
    return chr(int(name[2:], 16) if name[1] in "xX" else int(name[1:]))
