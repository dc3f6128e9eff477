"""Stand-in for cozy-home: the list of applications, which it gets from the data-system (really 9103)."""

from __future__ import annotations

import argparse
import json

from cozydiag.sandbox.programs.wire import Reply, Request, Respond, UnreachableError, ask, failure, log, serve

TOKEN = ("home", "sandbox")


def applications(data_system: int) -> Reply:
    try:
        answer = ask("POST", data_system, "/request/application/all/", login=TOKEN, agent="cozy-home")
    except UnreachableError as error:
        log("error", "controllers/applications", f"Error: {error}")
        return failure(f"Error: {error}")
    if answer.status != 200:
        said = answer.body.decode("utf-8", "replace")
        log("error", "controllers/applications", said)
        return Reply(500, said)
    return Reply(200, json.dumps({"rows": [row["value"] for row in json.loads(answer.body)]}))


def responder(data_system: int) -> Respond:
    def respond(request: Request) -> Reply:
        if request.path == "/":
            return Reply(200, "<!DOCTYPE html><title>Cozy - Home</title>", kind="text/html")
        if request.path.rstrip("/") == "/api/applications":
            return applications(data_system)
        return Reply(404, '{"error":"not found"}')

    return respond


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--data-system", type=int, required=True, help="port of the data-system")
    given = options.parse_args()
    serve("cozy-home", given.port, responder(given.data_system))


if __name__ == "__main__":
    main()
