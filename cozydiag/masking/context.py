"""Credentials that nobody knows, by where they stand: in URLs, in headers and cookies.

No pattern begins with a repetition, and what one has scanned no other start of it scans again: they are linear on
hostile text.
"""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN = "***"


def in_context(text: str) -> str:
    """``text`` without the user and password of URLs, the values of Authorization, Cookie and Set-Cookie, and
    CouchDB's sessions. Where the end of a value is not sure, the rest of its line goes."""
    if "@" in text or "%40" in text:
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
