"""cozy-stack's `cozy.yml`: read line by line, because it may be a Go template and no YAML before it is rendered.

Only what stands under plain keys is known. `cozy.yml.local` is laid over it (cozy-stack, `pkg/config/config`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.logs import one_line

FOLDER: Final = "/etc/cozy"
FILES: Final = tuple(
    f"{FOLDER}/{name}{local}" for name in ("cozy.yml", "cozy.yaml") for local in ("", ".local")
)  # fmt: skip
"""In the order in which they are read: what comes later wins."""

_LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w.-]+):(?:\s+(?P<value>.*?))?\s*$")


class Setting(NamedTuple):
    """``value`` without quotes; None where a template stands there, which only cozy-stack can render."""

    value: str | None
    origin: str


class Settings(NamedTuple):
    """The settings by dotted key. ``closed`` are files that this user may not read."""

    values: Mapping[str, Setting] = {}
    files: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def get(self, key: str, otherwise: str = "") -> str:
        found = self.values.get(key)
        return otherwise if found is None or found.value is None else found.value

    def origin(self, key: str) -> str:
        found = self.values.get(key)
        return "" if found is None or found.value is None else found.origin


def read(host: Host, paths: Iterable[str] = FILES) -> Settings:
    """What the files say together."""
    values: dict[str, Setting] = {}
    files, closed = [], []
    for path in paths:
        content = host.read(path)
        if isinstance(content, bytes):
            values.update(parse(path, content))
            files.append(path)
        elif content.kind == "permission":
            closed.append(path)
    return Settings(values, tuple(files), tuple(closed))


def parse(path: str, content: bytes) -> dict[str, Setting]:
    """Scalars by dotted key, each with `path:line`. Lists and blocks of text are left out."""
    found: dict[str, Setting] = {}
    above: list[tuple[int, str]] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        match = _LINE.match(line.replace("\t", "    "))
        if match is None:
            continue
        indent = len(match["indent"])
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, match["key"]))
        value = _scalar(match["value"] or "")
        if value != "":
            found[".".join(key for _, key in above)] = Setting(value, f"{path}:{number}")
    return found


def _scalar(words: str) -> str | None:
    """Quotes and comments taken off; "" for what is no scalar, None for a template."""
    if "{{" in words:
        return None
    if words[:1] in ("'", '"'):
        return one_line(words[1:].partition(words[0])[0])
    words = one_line(words)
    words = "" if words.startswith("#") else re.split(r"\s#", words)[0].strip()
    return "" if words[:1] in ("|", ">", "[", "{", "&", "*") else words
