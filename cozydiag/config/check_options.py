"""The options of a check, from its own table of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from cozydiag.config.error import ConfigError, at
from cozydiag.config.lines import dotted
from cozydiag.config.table import unknown
from cozydiag.config.values import Config
from cozydiag.text import Text, t

T = TypeVar("T")


def options(config: Config, check_id: str, cls: type[T]) -> T:
    """``cls``, a named tuple or a frozen dataclass, filled from the table of ``check_id``; its own defaults for what is
    not there.

    Fields are of type bool, int, float, str or tuple[str, ...], or a subclass of one of these.
    Raises ConfigError for an option that does not exist, has a wrong type, or is missing and has no default.
    """
    values = config.checks.get(check_id, {})
    types = get_type_hints(cls)
    known = _fields(cls)
    _refuse_others(config, check_id, list(known))
    found = {name: _value(config, (check_id, name), types[name], values[name]) for name in known if name in values}
    for name, required in known.items():
        if required and name not in found:
            raise _error(config, (check_id,), t("{key} is missing", key=dotted(("checks", check_id, name))))
    return cls(**found)


def verify(config: Config, known: Iterable[tuple[str, type[Any] | None]]) -> None:
    """Raises ConfigError when a table is for a check that does not exist, or its options cannot be used."""
    classes = dict(known)
    for check_id in config.checks:
        if check_id not in classes:
            problem = unknown(dotted(("checks", check_id)), check_id, list(classes))
            raise _error(config, (check_id,), problem)
        cls = classes[check_id]
        if cls is None:
            _refuse_others(config, check_id, [])
        else:
            options(config, check_id, cls)


def _refuse_others(config: Config, check_id: str, known: list[str]) -> None:
    for name in config.checks.get(check_id, {}):
        if name not in known:
            problem = unknown(dotted(("checks", check_id, name)), name, known)
            raise _error(config, (check_id, name), problem)


def _fields(cls: type[Any]) -> dict[str, bool]:
    """The names of its fields, and whether each must be given."""
    if issubclass(cls, tuple):
        return {name: name not in cls._field_defaults for name in cls._fields}  # type: ignore[attr-defined]
    from dataclasses import MISSING, fields  # only a check of somebody else's pays for it

    return {one.name: one.init and one.default is MISSING and one.default_factory is MISSING for one in fields(cls)}


def _value(config: Config, keys: tuple[str, str], wanted: Any, value: object) -> Any:
    if get_origin(wanted) is tuple:
        if isinstance(value, list) and all(type(item) is get_args(wanted)[0] for item in value):
            return tuple(value)
    elif type(value) in _accepted(wanted):
        return wanted(value)
    raise _error(config, keys, _must_be(wanted, dotted(("checks", *keys))))


def _accepted(wanted: type[Any]) -> tuple[type[Any], ...]:
    """The types of TOML that ``wanted`` is made of; true and false are no numbers."""
    if issubclass(wanted, bool):
        return (bool,)
    return (int, float) if issubclass(wanted, float) else (int,) if issubclass(wanted, int) else (str,)


def _must_be(wanted: Any, key: str) -> Text:
    if get_origin(wanted) is tuple:
        return t("{key} must be a list of texts in quotes", key=key)
    if issubclass(wanted, bool):
        return t("{key} must be true or false", key=key)
    if issubclass(wanted, float):
        return t("{key} must be a number", key=key)
    return (
        t("{key} must be a whole number", key=key)
        if issubclass(wanted, int)
        else t("{key} must be text in quotes", key=key)
    )


def _error(config: Config, keys: tuple[str, ...], problem: Text) -> ConfigError:
    path = ("checks", *keys)
    return config.file.error(path, problem) if config.file else at(dotted(path), None, problem)
