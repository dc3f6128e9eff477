"""Sizes, times and places as configurations of proxies write them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.I)
_TIMES = re.compile(r"(\d+)(ms|us|s|m|h|d|w|)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def size(written: str, otherwise: int) -> int:
    """`1024M` in bytes; ``otherwise`` where nothing readable is written."""
    found = _SIZE.fullmatch(written)
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()] if found else otherwise


def seconds(written: str, otherwise: float, unit: str = "s") -> float:
    """`1h 30m` in seconds; ``unit`` is meant where none is written (nginx: s; HAProxy: ms)."""
    parts = _TIMES.findall(written)
    if not parts or _TIMES.sub("", written).strip():
        return otherwise
    return sum(int(number) * _SECONDS[name or unit] for number, name in parts)


def endpoint(written: str, port: int) -> tuple[str, int]:
    """`[::1]:80` as ("::1", 80); ``port`` where none is written."""
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        digits = rest.removeprefix(":")
    elif written.count(":") > 1:
        return written, port
    else:
        host, _, digits = written.partition(":")
    return host, int(digits) if digits.isdigit() else port
