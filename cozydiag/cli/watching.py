"""`cozydiag status --watch`: one screen that stays, looked at anew from time to time. q or Ctrl-C ends it."""

from __future__ import annotations

import io
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cozydiag.cli.common import Problem, language, say, symbols
from cozydiag.model import Report
from cozydiag.report.terminal import Terminal
from cozydiag.text import Seconds, When, t

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # the other screen, without a cursor; and back
_HOME, _TO_LINE_END, _TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"


def watch(look: Callable[[], Report], seconds: float) -> Report:
    """Look every ``seconds`` until somebody has seen enough; the last report."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Problem(t("--watch needs a terminal; for a file use `cozydiag status`, for a timer `cozydiag cron`"))
    with _screen() as resized:
        while True:
            began = time.monotonic()
            report = look()
            _draw(report, seconds)
            while (left := seconds - (time.monotonic() - began)) > 0:
                if _asked_to_end(left, resized):
                    return report
                if resized:
                    resized.clear()
                    _draw(report, seconds)


def _draw(report: Report, seconds: float) -> None:
    """Each line over the old one, and only then away with what is left: nothing flickers."""
    width, height = shutil.get_terminal_size()
    drawn = io.StringIO()
    Terminal(drawn, language(), symbols(), width, always=True).show(report)
    lines = drawn.getvalue().splitlines()
    foot = say(t("{when}, again every {age}. q ends it.", when=When(report.started_at), age=Seconds(seconds)))
    shown = lines[: max(1, height - 2)]
    whole = f"{_TO_LINE_END}\r\n".join([*shown, "", foot[: width - 1]])
    sys.stdout.write(f"{_HOME}{whole}{_TO_LINE_END}{_TO_SCREEN_END}")
    sys.stdout.flush()


def _asked_to_end(seconds: float, resized: list[int]) -> bool:
    """Waits for a key, or until the window is another size."""
    try:
        ready, _, _ = select.select([0], [], [], min(seconds, 0.5) if not resized else 0)
    except InterruptedError:
        return False
    if not ready:
        return False
    keys = os.read(0, 64)
    return not keys or bool({b"q", b"Q", b"\x03", b"\x04", b"\x1b"} & {keys[i : i + 1] for i in range(len(keys))})


@contextmanager
def _screen() -> Iterator[list[int]]:
    """The terminal's other screen, keys without Enter; all as it was afterwards, whatever happens."""
    resized: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        resized.append(number)

    before = termios.tcgetattr(0)
    handler = signal.signal(signal.SIGWINCH, note)
    try:
        tty.setcbreak(0)
        sys.stdout.write(_ENTER)
        yield resized
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)
