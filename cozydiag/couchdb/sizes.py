"""How large a database is, and how much of that is of no use."""

from __future__ import annotations

from typing import Any, NamedTuple

SMALL = 1 << 20
"""Bytes below which a file is always fragmented, and nobody minds (a fresh `_users`: 84 %)."""


class Size(NamedTuple):
    """Bytes in the file and bytes of what is in use; the rest is what a compaction would give back."""

    name: str
    documents: int
    file: int
    active: int

    @property
    def fragmentation(self) -> float:
        """Percent of the file that is of no use."""
        return 100.0 * max(0, self.file - self.active) / self.file if self.file else 0.0


def size_of(info: Any) -> Size | None:
    """From what `GET /{db}` says: `sizes` of 2.x and later, `disk_size` and `data_size` of 1.x."""
    if not isinstance(info, dict) or not isinstance(info.get("db_name"), str):
        return None
    sizes = info.get("sizes")
    both = (sizes.get("file"), sizes.get("active")) if isinstance(sizes, dict) else ()
    both = both or (info.get("disk_size"), info.get("data_size"))
    file, active = (value if isinstance(value, int) else 0 for value in both)
    documents = info.get("doc_count")
    return Size(info["db_name"], documents if isinstance(documents, int) else 0, file, active)
