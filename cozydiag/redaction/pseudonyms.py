"""Stand-ins: numbers in order of first appearance, the same for the same thing, in one report or in all of one host."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from cozydiag.host.failure import Failure
from cozydiag.host.files import read

DAYS = 30
"""A map that is older is not used any more, and taken away."""

_MOST = 16 << 20
"""Bytes of a map; a larger one is none of ours."""


class Pseudonyms:
    """Counters leak nothing, where a hash of an address or of a name could be guessed.

    ``names`` are the true names behind the stand-ins, which `reveal` puts back. Of a secret nothing is kept but a keyed
    digest, so that it gets the same number the next time.
    """

    def __init__(self, names: Mapping[str, str] | None = None, digests: Mapping[str, int] | None = None,
                 key: bytes = b"", created: float = 0.0) -> None:  # fmt: skip
        self.names: dict[str, str] = dict(names or {})
        self.created = created
        self._key = key
        self._digests = dict(digests or {})
        self._numbers: dict[tuple[str, str], int] = {}
        self._next: dict[str, int] = {}
        for digest, number in self._digests.items():
            kind = digest.partition(":")[0]
            self._next[kind] = max(self._next.get(kind, 0), number)

    def number(self, kind: str, value: str) -> int:
        """The number of ``value`` among those of its kind, from 1."""
        found = self._numbers.get((kind, value))
        if found is None:
            found = self._digests.get(self._digest(kind, value), 0) if self._key else 0
            if not found:
                found = self._next[kind] = self._next.get(kind, 0) + 1
            self._numbers[kind, value] = found
        return found

    def name(self, shown: str, true: str) -> str:
        """``shown``, which stands for ``true`` from now on."""
        self.names[shown] = true
        return shown

    def _digest(self, kind: str, value: str) -> str:
        from hashlib import blake2b

        return f"{kind}:{blake2b(value.encode('utf-8', 'surrogatepass'), key=self._key, digest_size=16).hexdigest()}"

    # -- the private map ---------------------------------------------------------------------------------

    def as_data(self, now: float) -> dict[str, Any]:
        self._key = self._key or os.urandom(32)
        digests = {self._digest(*what): number for what, number in self._numbers.items()}
        return {
            "version": 1,
            "created": self.created or now,
            "key": self._key.hex(),
            "names": self.names,
            "numbers": {**self._digests, **digests},
        }


class StandIns:
    """Numbers come from ``pseudonyms``; every stand-in that is used is put into ``shown``, by kind."""

    def __init__(self, pseudonyms: Pseudonyms, shown: dict[str, set[str]]) -> None:
        self.number = pseudonyms.number
        self._pseudonyms, self._shown = pseudonyms, shown

    def used(self, kind: str, shown: str, true: str) -> str:
        """``shown``, which stands for ``true``."""
        self._shown.setdefault(kind, set()).add(shown)
        return self._pseudonyms.name(shown, true)

    def numbered(self, kind: str, prefix: str, true: str, suffix: str = "") -> str:
        """The prefix, a number of its own, and the suffix."""
        return self.used(kind, f"{prefix}{self.number(prefix, true)}{suffix}", true)


class Map(NamedTuple):
    """A map that was read: ``pseudonyms`` is None where there is none, or none that is still good."""

    pseudonyms: Pseudonyms | None
    failure: Failure | None = None


def load(path: str, now: float) -> Map:
    """The map at ``path``. One that is too old is taken away; one that others could write is not believed."""
    content = read(path, max_bytes=_MOST, follow=False)
    if isinstance(content, Failure):
        return Map(None, None if content.kind == "missing" else content)
    seen = os.lstat(path)
    if seen.st_uid not in (0, os.geteuid()) or seen.st_mode & 0o077:
        return Map(None, Failure("permission", f"{path} is not private (chmod 600 {path})"))
    try:
        found = json.loads(content)
        made = float(found["created"])
        known = Pseudonyms(
            {str(shown): str(true) for shown, true in found["names"].items()},
            {str(digest): int(number) for digest, number in found["numbers"].items()},
            bytes.fromhex(found["key"]),
            made,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Map(None, Failure("protocol", f"{path} is not a map of stand-ins"))
    if not 0 <= now - made <= DAYS * 86400:
        os.unlink(path)
        return Map(None)
    return Map(known)


def save(path: str, pseudonyms: Pseudonyms, now: float) -> Failure | None:
    """The map, for its owner alone, whole or not at all."""
    from cozydiag.redaction.private_file import replace

    return replace(path, [json.dumps(pseudonyms.as_data(now), indent=1).encode(), b"\n"])
