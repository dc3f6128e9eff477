"""Stand-in for cozy-controller 2.5.10: waits for CouchDB, then answers on its port (really 9002)."""

from __future__ import annotations

import argparse
import time

from cozydiag.sandbox.programs.wire import Reply, Request, UnreachableError, ask, fail, say, serve

TRIES = 6  # of the real one, 5 s apart (cozy-controller server/lib/autostart.coffee)


def wait_for_couchdb(port: int, interval: float) -> bool:
    for _ in range(TRIES):
        try:
            ask("GET", port, "/", agent="cozy-controller", limit=interval)
            return True  # any answer will do
        except UnreachableError:
            time.sleep(interval)
    return False


def respond(request: Request) -> Reply:
    if request.path == "/":
        return Reply(200, "Cozy Controller version 2.5.10", kind="text/html")
    if request.path.startswith(("/drones/running", "/apps/", "/diskinfo")):
        wrong = "Token is not correct" if "x-auth-token" in request.headers else "Application is not authenticated"
        return Reply(401, wrong, kind="text/html")
    return Reply(404, f"Cannot {request.method} {request.path}\n", kind="text/html")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--couchdb", type=int, required=True, help="port of CouchDB")
    options.add_argument("--interval", type=float, default=5.0, help="seconds between two tries to reach CouchDB")
    given = options.parse_args()
    say("### Start Cozy Controller ###")
    if not wait_for_couchdb(given.couchdb, given.interval):
        fail("Error during autostart: \ncouchDB isn't started")
    serve("cozy-controller", given.port, respond)


if __name__ == "__main__":
    main()
