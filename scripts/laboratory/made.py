"""What is dear to make and serves many cases: each thing is made once, when it is first needed, and gone at the end."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Final, Generic, TypeVar

from scripts.laboratory.judge import Judged, Judgement
from scripts.laboratory.managers.scene import SceneError

T = TypeVar("T")

BROKEN: Final = (OSError, RuntimeError, subprocess.SubprocessError)


class Made(Generic[T]):
    """From `with` to its end. One case at a time looks at a thing, or breaks it."""

    def __init__(self, makers: Mapping[str, Callable[[], AbstractContextManager[T]]]) -> None:
        self._makers = makers
        self._stack = ExitStack()
        self._guard = threading.Lock()
        self._locks = {name: threading.Lock() for name in makers}
        self._made: dict[str, T | Exception] = {}

    def __enter__(self) -> Made[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def judged(self, name: str, look: Callable[[T], Judgement]) -> Judged:
        """What ``look`` says of the thing of that name, why it cannot be had here, or what broke."""
        with self._locks[name]:
            thing = self._thing(name)
            if isinstance(thing, SceneError):
                return Judged(None, str(thing))
            if isinstance(thing, Exception):
                return broken(thing)
            try:
                return Judged(look(thing), None)
            except BROKEN as error:
                return broken(error)

    def _thing(self, name: str) -> T | Exception:
        if name not in self._made:
            made = ExitStack()
            try:
                self._made[name] = made.enter_context(self._makers[name]())
            except (SceneError, *BROKEN) as error:
                self._made[name] = error
            with self._guard:
                self._stack.push(made)
        return self._made[name]


def broken(error: Exception) -> Judged:
    return Judged(Judgement((), 0, False, (f"the case could not be made: {error}"[:300],)), None)
