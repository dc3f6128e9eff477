"""A table of the configuration, read key by key; a key that nobody reads is a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from cozydiag.config.error import ConfigError, at, nearest
from cozydiag.config.file import File
from cozydiag.config.kinds import Wrong
from cozydiag.config.lines import Key, dotted
from cozydiag.config.values import Setting
from cozydiag.text import Text, t

T = TypeVar("T")
D = TypeVar("D")

DEFAULT = "default"


class Table:
    """``settings`` is filled with each value that is read. Every method raises ConfigError."""

    def __init__(
        self, file: File | None, settings: dict[str, Setting], keys: tuple[Key, ...], values: dict[str, Any]
    ) -> None:
        self._file = file
        self._settings = settings
        self._keys = keys
        self._values = values
        self._known: list[str] = []

    def value(self, name: str, kind: Callable[[str, object], T], default: D) -> T | D:
        """The value of ``name``; ``kind`` checks it and gives it its type."""
        self._known.append(name)
        if name not in self._values:
            self.record(name, default, DEFAULT)
            return default
        try:
            value = kind(dotted((*self._keys, name)), self._values[name])
        except Wrong as wrong:
            raise self.error(name, wrong.text) from None
        self.record(name, value, self._origin(name))
        return value

    def record(self, name: str, value: object, origin: str) -> None:
        self._settings[dotted((*self._keys, name))] = Setting(value, origin)

    def required(self, name: str, kind: Callable[[str, object], T]) -> T:
        if name not in self._values:
            raise self.error(None, t("{key} is missing", key=dotted((*self._keys, name))))
        value = self.value(name, kind, None)
        assert value is not None  # noqa: S101 - for the type checker
        return value

    def table(self, name: str) -> Table:
        """The table ``name``, an empty one if there is none."""
        self._known.append(name)
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise self.error(name, t("{key} must be a table", key=dotted((*self._keys, name))))
        return Table(self._file, self._settings, (*self._keys, name), value)

    def tables(self, name: str) -> list[Table]:
        """The tables of the array ``name``."""
        self._known.append(name)
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            problem = t("{key} must be tables, each under {header}", key=name, header=f"[[{name}]]")
            raise self.error(name, problem)
        return [Table(self._file, self._settings, (name, number), item) for number, item in enumerate(value)]

    def each(self, known: list[str] | None = None) -> Iterator[str]:
        """The names in this table; all must be among the ``known`` ones, if these are given."""
        self._known += self._values if known is None else known
        self.end()
        yield from self._values

    def free(self) -> dict[str, Any]:
        """All that is in this table, as it is."""
        for name in self.each():
            self.record(name, self._values[name], self._origin(name))
        return self._values

    def flat(self) -> None:
        """No tables may be in this one: where there are, a name with a dot was written without quotes."""
        for name, value in self._values.items():
            if isinstance(value, dict):
                *around, first = self._keys
                header = dotted((*around, f"{first}.{name}"))
                problem = t("a name with a dot needs quotes here: write {header}", header=f"[{header}]")
                raise self.error(name, problem)

    def end(self) -> None:
        """Nothing else may be in this table."""
        for name in self._values:
            if name not in self._known:
                raise self.error(name, unknown(dotted((*self._keys, name)), name, self._known))

    def error(self, name: str | None, problem: Text) -> ConfigError:
        keys = self._keys if name is None else (*self._keys, name)
        return self._file.error(keys, problem) if self._file else at(dotted(keys), None, problem)

    def _origin(self, name: str) -> str:
        if self._file is None:
            return DEFAULT
        line = self._file.line((*self._keys, name))
        return self._file.path if line is None else f"{self._file.path}:{line}"


def unknown(key: str, name: str, known: list[str]) -> Text:
    """That ``key`` is not one, and which was probably meant."""
    near = nearest(name, known)
    if near is not None:
        return t("{key} is not known; did you mean {near}?", key=key, near=near)
    if not known:
        return t("{key} is not known; nothing can be set here", key=key)
    return t("{key} is not known; what can be set here is {known}", key=key, known=", ".join(sorted(known)))
