"""Stand-in for cozy-data-system: opens the database `cozy`, then answers on its port (really 9101).

As the real one, ``/`` answers 200 as long as the program lives; what needs data asks CouchDB each time.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time

from cozydiag.sandbox.programs.wire import (
    Answer,
    Reply,
    Request,
    Respond,
    UnreachableError,
    ask,
    fail,
    failure,
    log,
    say,
    serve,
)

ROWS: dict[str, list[dict[str, object]]] = {
    "/request/application/all/": [
        {"name": "files", "slug": "files", "state": "stopped", "port": 0, "version": "1.2.12"},
        {"name": "import-from-google", "slug": "import-from-google", "state": "installed", "type": "static"},
    ],
    "/request/user/all/": [{"docType": "User", "owner": True, "activated": True}],
}


class CouchError(Exception):
    """CouchDB could not be reached or said no; the words are those of the real data-system's log."""


class Database:
    def __init__(self, port: int, login: tuple[str, str]) -> None:
        self.port, self.login = port, login

    def open(self) -> None:
        """Asks for the database. Raises CouchError."""
        try:
            answer = ask("GET", self.port, "/cozy", login=self.login, agent="cozy-data-system")
        except UnreachableError as error:
            raise CouchError(f"Error: {error} (localhost:{self.port})") from None
        if answer.status != 200:
            raise CouchError(f"CouchError: {reason(answer)}")


def reason(answer: Answer) -> str:
    try:
        said = json.loads(answer.body)
        return f"{said['error']}: {said['reason']}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status}"


def credentials(path: str) -> tuple[str, str]:
    try:
        with open(path, encoding="utf-8") as lines:
            name, password = lines.read().split()
            return name, password
    except (OSError, ValueError):
        fail(f"No CouchDB credentials file found: {path}")


def start(database: Database) -> None:
    """The start of the real one: a database that does not open ends the program with its own messages."""
    try:
        database.open()
    except CouchError as error:
        if str(error).startswith("Error: "):
            log("error", "lib/db", f"Error: {error}")
        else:
            log("info", "lib/db", f"Database cozy on localhost:{database.port} doesn't exist.")
            log("info", "lib/db", "Error on database creation : ")
            log("info", "lib/db", str(error))
        raise SystemExit(1) from None
    log("info", "lib/db", f"Database cozy on localhost:{database.port} connected.")


def responder(database: Database) -> Respond:
    def respond(request: Request) -> Reply:
        if request.path == "/":
            return Reply(200, "<strong>Cozy Data System</strong><br /> revision: none tag: stand-in", kind="text/html")
        if "authorization" not in request.headers:
            return Reply(401, '{"error":"Application is not authenticated"}')
        if request.path not in ROWS:
            return Reply(404, '{"error":"not found"}')
        try:
            database.open()
        except CouchError as error:
            log("error", "lib/db", str(error))
            return failure(str(error))
        return Reply(200, json.dumps([{"value": row} for row in ROWS[request.path]]))

    return respond


def crash(seconds: float) -> None:
    """Ends the program after a while, as an uncaught exception in a timer does to node."""
    time.sleep(seconds)
    log("error", "lib/feed", "TypeError: Cannot read property 'emit' of undefined")
    os._exit(1)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--couchdb", type=int, required=True, help="port of CouchDB")
    options.add_argument("--credentials", required=True, help="file with the login and the password")
    options.add_argument("--crash-after", type=float, metavar="SECONDS")
    given = options.parse_args()
    say("cozy-data-system stand-in: starting")
    database = Database(given.couchdb, credentials(given.credentials))
    start(database)
    if given.crash_after is not None:
        threading.Thread(target=crash, args=(given.crash_after,), daemon=True).start()
    serve("cozy-data-system", given.port, responder(database))


if __name__ == "__main__":
    main()
