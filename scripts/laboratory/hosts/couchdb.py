"""The sandbox's stand-in of CouchDB with a database of another name, the first argument: cozy-stack has its own."""

from __future__ import annotations

import sys

from cozydiag.sandbox.programs import couchdb, replay


def main() -> None:
    replay.DATABASE = sys.argv.pop(1)
    replay.load.__defaults__ = (replay.RECORDINGS, replay.DATABASE)
    couchdb.main()


if __name__ == "__main__":
    main()
