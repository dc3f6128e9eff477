"""True names in the place of stand-ins, on the machine that gave them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MAIL = re.compile(r"mail\d+")
_DOMAIN = r"(?:(?:@|%40)[\w.-]*\w)?"
"""`mail1` stands for a whole address, with the domain that is shown behind it."""


def revealed(text: str, names: Mapping[str, str]) -> tuple[str, int]:
    """The text with true names, and how many stand-ins were replaced. A stand-in is a whole word: `host1` is not in
    `host12`; the longest counts, so that `name1-drive.domain1.example` is one."""
    low = {shown.lower(): true for shown, true in names.items()}
    if not low:
        return text, 0
    words = [
        re.escape(word) + (_DOMAIN if _MAIL.fullmatch(word) else "") for word in sorted(low, key=len, reverse=True)
    ]
    found = re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])", re.IGNORECASE)
    return found.subn(lambda one: low[re.split("@|%40", one[0].lower())[0]], text)
