"""The entry point: fast answers first, then the command line, then out without waiting for hung threads."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from cozydiag import __version__

        print(f"cozydiag {__version__}")
        return
    traced = "coverage" in sys.modules or "--debug" in sys.argv
    if not traced:
        import gc

        gc.disable()  # a run is too short for it to pay (measured: 6 % of the whole)
    try:
        from cozydiag.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it was still being imported
        code = 130
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads on: what is left must not be tried again at exit, where it would change the code
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if traced:
        sys.exit(code)
    os._exit(code)  # tearing the interpreter down costs two more interpreters, and a hung thread would stop it


if __name__ == "__main__":
    main()
