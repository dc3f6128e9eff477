"""The settings in force, for people: which value, from where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cozydiag.config.kinds import Address
from cozydiag.config.lines import dotted
from cozydiag.config.values import Config, Secret, is_hidden

_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_HIDDEN = "***"


def explain(config: Config) -> list[tuple[str, str, str]]:
    """Every setting as (key, value as in TOML, origin); secrets as ***, what is not set as -."""
    return [
        (row, shown, setting.origin)
        for key, setting in config.settings.items()
        for row, shown in _rows(key, setting.value)
    ]


def may_be_found(config: Config, key: str) -> bool:
    """Whether nobody has configured this address, so that it is looked for on the machine."""
    is_address = key == "couchdb.url" or (key.startswith("parts.") and key.endswith(".url"))
    return config.discover and is_address and config.settings[key].origin == "default"


def _rows(key: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _rows(f"{key}.{dotted((name,))}", inner)
    elif isinstance(value, Address):
        yield key, _shown(key, value.url)
        if value.user is not None:
            yield from ((f"{key.removesuffix('url')}{name}", _HIDDEN) for name in ("user", "password"))
    else:
        yield key, _shown(key, value)


def _shown(key: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Secret) or (value and is_hidden(key)):
        return _HIDDEN
    if isinstance(value, tuple):  # an address to connect to
        host, port = value
        value = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _USERINFO.sub(f"{_HIDDEN}@", json.dumps(value, ensure_ascii=False, default=str))
