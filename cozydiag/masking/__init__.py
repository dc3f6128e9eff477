"""Secrets, made unreadable in all that is shown: by what is known of them, and by where secrets usually stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar

from cozydiag.masking.forms import escaped, forms
from cozydiag.text import Text

__all__ = ["HIDDEN", "Masks", "masked"]

T = TypeVar("T")

HIDDEN = "***"

_SHORT = 4
"""Characters below which a secret is masked as a whole word only: it stands in too many others by chance."""

_NAME_FORM = 6
"""Characters that an encoded name must have: shorter ones turn up by chance."""


class Masks:
    """Hides the ``secrets`` in every form they can be written in, and credentials that nobody knows by their place.

    ``names`` (users) are less than secrets: hidden where they stand alone, not in paths and longer names.
    """

    def __init__(self, secrets: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        secrets = {secret for secret in secrets if secret.strip("*")}
        names = {name for name in names if name.strip("*")} - secrets
        self._secrets = sorted((secret for secret in secrets if len(secret) >= _SHORT), key=_longest_first)
        literals = {form for secret in self._secrets for form in forms(secret)}
        literals |= {form for name in names for form in forms(name) if form != name and len(form) >= _NAME_FORM}
        self._literals = sorted(literals, key=_longest_first)
        words = [rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in secrets if len(secret) < _SHORT]
        words += [rf"(?<![\w/.-]){re.escape(name)}(?![\w/-]|\.\w)" for name in names]
        self._words = re.compile("|".join(words)) if words else None
        self._escaped: re.Pattern[str] | None = None

    def mask(self, text: str) -> str:
        """``text`` with ``***`` for each secret. Masking twice is masking once."""
        while (once := self._known(_in_context(text))) != text:  # what one rule leaves can be another's
            text = once
        return text

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is hidden wherever it stands, the longest first."""
        return tuple(self._secrets)

    def hide(self, text: str) -> str:
        """``text`` without the known secrets; what only looks like one stays."""
        while (once := self._known(text)) != text:
            text = once
        return text

    def finds(self, text: str) -> bool:
        """Whether a known secret is in ``text``, in any form."""
        return self._known(text) != text

    def _known(self, text: str) -> str:
        for literal in self._literals:
            if literal in text:
                text = text.replace(literal, HIDDEN)
        if self._secrets and ("\\" in text or ("%" in text and re.search("%[0-9A-Fa-f]{2}", text))):
            text = self._escaped_pattern().sub(HIDDEN, text)
        return self._words.sub(HIDDEN, text) if self._words else text

    def _escaped_pattern(self) -> re.Pattern[str]:
        """Compiled at the first text that has something escaped in it."""
        if self._escaped is None:
            self._escaped = re.compile("|".join(map(escaped, self._secrets)))
        return self._escaped


def _longest_first(form: str) -> tuple[int, str]:
    return -len(form), form


_IDENTITIES = frozenset({
    "id", "subject", "code", "role", "instance", "service", "affects", "waits_for", "explains", "blocked_by",
    "explained_by", "chain",
})  # fmt: skip
"""What programs read, and repairs act on: names that nobody keeps secret."""


class Hides(Protocol):
    def mask(self, text: str, /) -> str: ...


def masked(value: T, masks: Hides) -> T:
    """A report, or a part of one, with every string masked but the names that programs read."""
    return _masked(value, cache(masks.mask))  # type: ignore[no-any-return]


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if not value:  # most of a report: no commands, no role, nothing blocked
        return value
    if isinstance(value, str):
        return value if isinstance(value, Enum) else mask(value)
    if isinstance(value, Text):
        params = tuple((name, _masked(param, mask)) for name, param in value.params)
        many = None if value.many is None else _template(value.many, mask)
        return Text(_template(value.template, mask), params, many, value.n)
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is None:
            return tuple([_masked(part, mask) for part in value])
        parts = [part if name in _IDENTITIES else _masked(part, mask) for name, part in zip(names, value, strict=True)]
        return type(value)(*parts)
    return value


def _template(template: str, mask: Callable[[str], str]) -> str:
    """The words between the fields: a check of somebody's own may have put a value there."""
    if mask(template) == template:
        return template
    return "".join(part if part[:1] == "{" else mask(part) for part in re.split(r"(\{\w*\})", template))


# --- credentials that nobody knows, by where they stand: in URLs, in headers and cookies
#
# No pattern begins with a repetition, and what one has scanned no other start of it scans again: they are linear on
# hostile text.


def _in_context(text: str) -> str:
    """``text`` without the user and password of URLs, the values of Authorization, Cookie and Set-Cookie, and
    CouchDB's sessions. Where the end of a value is not sure, the rest of its line goes."""
    if ("@" in text and ":" in text) or "%40" in text:
        text = _url().sub(lambda url: (url[1] or url[3]) + HIDDEN + (url[2] or url[4]), text)
    words = text.lower()
    if "authorization" in words or "cookie" in words:
        text = _header().sub(_without_value, text)
    if "authsession" in words:
        text = _session().sub(rf"\1{HIDDEN}", text)
    return text


def _without_value(header: re.Match[str]) -> str:
    quote = header["quote"] or ""
    return f"{header['name']}{quote}{HIDDEN}{quote}"


@lru_cache(maxsize=1)
def _url() -> re.Pattern[str]:
    """`://user:password@`, its slashes escaped as some JSON has them, or all of it percent-encoded."""
    return re.compile(
        r'(:(?:\\*/){2})[^\s/"<>]*(@)'
        r'|(%3a%2f%2f)(?:(?!%2f|%40)[^\s/"<>])*(%40)',
        re.IGNORECASE,
    )


@lru_cache(maxsize=1)
def _header() -> re.Pattern[str]:
    """`Authorization: Basic …`, `"Cookie":"…"`, `'authorization', 'Bearer …'`. A value in quotes ends with the same
    quote, as often escaped; any other with its line."""
    return re.compile(
        r"""(?P<name>(?:authorization|cookie)(?:\\*["']?[ \t]*[:=]|\\*["'][ \t]*,|%3a)"""
        r"""(?!(?:[ \t+]|%20)*\\*["']?\*\*\*)(?:[ \t+]|%20)*)"""
        r"""(?:(?P<quote>\\*["']).*?(?<!\\)(?P=quote)|\S.*)""",
        re.IGNORECASE,
    )


@lru_cache(maxsize=1)
def _session() -> re.Pattern[str]:
    return re.compile(
        r"""(authsession(?:\\*["']?[ \t]*[:=][ \t]*|%3d)\\*["']?)(?!\*\*\*)[^\s;,&"'\\]+""", re.IGNORECASE
    )
