"""How large a database is, and how much of that is of no use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cozydiag.couchdb.client import path_of
from cozydiag.findings import warn
from cozydiag.model import Evidence, Finding
from cozydiag.text import Bytes, Percent, t

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


WASTE = 1 << 29
"""Bytes of a file that are of no use, from which smoosh compacts by itself (`slack` in default.ini of 3.x)."""


def fragmented(name: str, info: Mapping[str, Any]) -> Finding | None:
    size = size_of(info)
    if size is None or size.fragmentation < 70 or size.file - size.active < WASTE:
        return None
    return warn(
        "couchdb.fragmented",
        t("{percent} of the file of the database {name} ({size}) is of no use", percent=Percent(size.fragmentation),
          name=name, size=Bytes(size.file)),
        t("Compact it at a quiet time, with at least {room} free on the same disk: POST /{name}/_compact as an "
          "administrator. In 1.x nothing does that by itself.", room=Bytes(size.active), name=name),
        role="couchdb",
        proof=Evidence(f"GET {path_of(name)}", f"{size.active} of {size.file} bytes in use"),
        restart_helps=False,
    )  # fmt: skip
