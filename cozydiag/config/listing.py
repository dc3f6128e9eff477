"""The settings in force, for people: which value, from where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cozydiag.config.kinds import Address
from cozydiag.config.lines import dotted
from cozydiag.config.values import Config, Secret

_SECRET = re.compile(r"pass|secret|token|key|credential|auth", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_HIDDEN = "***"


def explain(config: Config) -> list[tuple[str, str, str]]:
    """Every setting as (key, value as in TOML, origin); secrets as ***, what is not set as -."""
    return [
        (row, shown, setting.origin)
        for key, setting in config.settings.items()
        for row, shown in _rows(key, setting.value)
    ]


def secrets(config: Config) -> Iterator[str]:
    """The settings that no output may hold. Of [notify] not every word: `warning` is none, an address is.

    A user is a secret where no password stands beside it: it is a token then.
    """
    user, password = (word.reveal() if word else "" for word in (config.couchdb.user, config.couchdb.password))
    if user or password:
        yield from (password, f"{user}:{password}") if password else (user,)
    for key, setting in config.settings.items():
        yield from _secrets(key, setting.value)


def _secrets(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(key, inner)
    elif isinstance(value, str) and _hidden(key) and (_SECRET.search(key) or "://" in value):
        yield value


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
    if isinstance(value, Secret) or _hidden(key):
        return _HIDDEN
    if isinstance(value, tuple):  # an address to connect to
        host, port = value
        value = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _USERINFO.sub(f"{_HIDDEN}@", json.dumps(value, ensure_ascii=False, default=str))


def _hidden(key: str) -> bool:
    """What free tables hold: addresses to notify are as good as passwords."""
    table = key.partition(".")[0]
    return table == "notify" or (table in ("checks", "support") and _SECRET.search(key) is not None)
