"""How a finished text leaves: into a file for its owner alone, or to stdout to the last byte."""

import os
import stat
import sys

from cozydiag.cli.common import UNWRITTEN, Problem, say, write
from cozydiag.text import Text, t


def hand_over(text: str, output: str | None) -> None:
    """Raises Problem where it cannot be written whole."""
    if output is not None:
        _into_file(output, text)
        return
    _warn_of_readers()
    _deliver(text)


def warn(text: Text) -> None:
    print(f"cozydiag: {say(text)}", file=sys.stderr)


def progress(text: Text | None) -> None:
    """What is being done, for somebody who waits for a file; None takes it away again."""
    if sys.stderr.isatty() and not sys.stdout.isatty():
        print("\r\x1b[K" + (say(text) + " …" if text is not None else ""), end="", file=sys.stderr, flush=True)


def _into_file(path: str, text: str) -> None:
    from cozydiag.redaction.private_file import replace

    failure = replace(path, [text.encode("utf-8", "replace")])
    if failure is not None:
        raise Problem(t("{path} was not written: {why}", path=path, why=failure.detail), UNWRITTEN)


def _deliver(text: str) -> None:
    try:
        write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise Problem(t("the report could not be written whole: {why}", why=why), UNWRITTEN) from None


def _warn_of_readers() -> None:
    """Logs are nobody else's business, and a shell makes files that all can read."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
            path = os.readlink(f"/proc/self/fd/{sys.stdout.fileno()}")
            warn(t("other users can read {path}. To keep it to yourself: chmod 600 {path}", path=path))
    except OSError:  # stdout is something else than a file
        pass
