"""Texts as they are kept: a template and its parameters, so that each reader gets them in his own language."""

from __future__ import annotations

from typing import Any

from cozydiag.text import Bytes, Param, Percent, Seconds, Text, When

_KINDS = {"Percent": Percent, "Bytes": Bytes, "Seconds": Seconds, "When": When}


def as_data(text: Text) -> dict[str, Any]:
    """What JSON can hold of it: all."""
    params = [[name, type(value).__name__, as_data(value) if isinstance(value, Text) else value]
              for name, value in text.params]  # fmt: skip
    return {"template": text.template, "params": params, "many": text.many, "n": text.n}


def from_data(data: Any) -> Text | None:
    """None for what is none."""
    try:
        params = tuple((str(name), _param(kind, value)) for name, kind, value in data["params"])
        return Text(str(data["template"]), params, data["many"], int(data["n"]))
    except (KeyError, TypeError, ValueError):
        return None


def _param(kind: str, value: Any) -> Param:
    if kind == "Text":
        found = from_data(value)
        if found is None:
            raise ValueError(kind)
        return found
    found_kind = _KINDS.get(kind)
    if found_kind is not None:
        number: Param = found_kind(value)
        return number
    return int(value) if kind == "int" else str(value)
