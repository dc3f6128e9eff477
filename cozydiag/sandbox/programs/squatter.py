"""Another program that holds a port: goes into the background once it listens, so its exit status tells.

python -m cozydiag.sandbox.programs.squatter PORT
"""

from __future__ import annotations

import os
import sys
from functools import partial

from cozydiag.sandbox.programs.wire import PartHandler, Reply, Request, listen


def another(_: Request) -> Reply:
    return Reply(200, "Another program.", kind="text/html")


def main() -> None:
    server = listen(int(sys.argv[1]), partial(PartHandler, another))
    if os.fork():
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    server.serve_forever()


if __name__ == "__main__":
    main()
