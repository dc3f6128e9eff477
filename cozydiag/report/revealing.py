"""True names in the place of stand-ins, on the machine that gave them."""

from __future__ import annotations

import re
from collections.abc import Mapping


def revealed(text: str, names: Mapping[str, str]) -> tuple[str, int]:
    """The text with true names, and how many stand-ins were replaced. A stand-in is a whole word: `host1` is not in
    `host12`; the longest counts, so that `name1-drive.domain1.example` is one."""
    if not names:
        return text, 0
    longest = sorted(names, key=len, reverse=True)
    found = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-])", re.IGNORECASE)
    low = {shown.lower(): true for shown, true in names.items()}
    return found.subn(lambda one: low[one[0].lower()], text)
