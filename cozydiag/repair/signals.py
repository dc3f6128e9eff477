"""What has begun comes to its end: Ctrl-C, SIGTERM and a lost terminal have to wait."""

from __future__ import annotations

import signal
from types import FrameType


class Deferred:
    """While it holds, these signals are noted in ``came`` and not obeyed; those that were ignored stay so (nohup)."""

    _CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.came = False
        self._before: list[object] = []

    def __enter__(self) -> Deferred:
        self._before = [signal.getsignal(number) for number in self._CAUGHT]
        for number, before in zip(self._CAUGHT, self._before, strict=True):
            if before is not signal.SIG_IGN:
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(self._CAUGHT, self._before, strict=True):
            signal.signal(number, handler)  # type: ignore[arg-type]  # what getsignal() gave

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
