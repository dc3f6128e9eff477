"""The five things a check can say, in the words that checks use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cozydiag.model import Certainty, Evidence, Finding, Status
from cozydiag.text import Text


def ok(text: Text, *, role: str | None = None) -> Finding:
    """It was looked at, and it is well."""
    return Finding(Status.OK, "", text, role)


def skip(text: Text) -> Finding:
    """There is nothing to look at: not installed, not configured."""
    return Finding(Status.SKIP, "", text)


def unknown(code: str, text: Text, *, unlock: str | None = None) -> Finding:
    """It could not be looked at. ``unlock``: the command, to be typed as it stands, that would allow it."""
    return Finding(Status.UNKNOWN, code, text, unlock=unlock)


def _bad(
    status: Status,
    code: str,
    text: Text,
    advice: Text,
    *,
    role: str | None = None,
    commands: Sequence[str] = (),
    proof: Evidence | None = None,
    by_hand: str | None = None,
    certainty: Certainty = "certain",
    restart_helps: bool | None = None,
    affects: Sequence[str] | None = None,
    waits_for: Sequence[str] = (),
    service: str | None = None,
    own: bool = False,
) -> Finding:
    return Finding(
        status, code, text, role, advice, tuple(commands), proof, by_hand, certainty, restart_helps,
        None if affects is None else tuple(affects), tuple(waits_for), None, service, own,
    )  # fmt: skip


warn = partial(_bad, Status.WARN)
"""It works, but not for long or not well: code, text, advice, and the fields of ``Finding`` by name."""

fail = partial(_bad, Status.FAIL)
"""It is broken: code, text, advice, and the fields of ``Finding`` by name."""
