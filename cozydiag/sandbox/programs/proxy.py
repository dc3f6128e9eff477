"""Stand-in for cozy-proxy: the login page, /status and /routes (really 9104)."""

from __future__ import annotations

import argparse
import json

from cozydiag.sandbox.programs.wire import Reply, Request, Respond, UnreachableError, ask, failure, log, serve

ALIVE = (200, 401, 403)  # cozy-proxy server/lib/status_checker.coffee
STATUS_LIMIT = 5.0
"""Seconds one part may take in /status. The real one waits for ever."""
TOKEN = ("proxy", "sandbox")
LOGIN_PAGE = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Cozy - Your private personal cloud</title>'
ME = "cozy-proxy"


class Parts(argparse.Namespace):
    port: int
    couchdb: int
    data_system: int
    controller: int
    home: int


def alive(method: str, port: int, path: str) -> bool:
    try:
        return ask(method, port, path, agent=ME, limit=STATUS_LIMIT).status in ALIVE
    except UnreachableError:
        return False


def registered(parts: Parts) -> bool:
    try:
        answer = ask("POST", parts.data_system, "/request/user/all/", login=TOKEN, agent=ME, limit=STATUS_LIMIT)
        return answer.status == 200
    except UnreachableError:
        return False


def status(parts: Parts) -> Reply:
    """What the real one says: always HTTP 200, the keys in this order."""
    found = {
        "couchdb": alive("GET", parts.couchdb, "/"),
        "datasystem": alive("GET", parts.data_system, "/"),
        "controller": alive("GET", parts.controller, "/drones/running"),
        "home": alive("GET", parts.home, "/"),
        "registered": registered(parts),
        "proxy": True,
    }
    return Reply(200, json.dumps(found, separators=(",", ":")))


def users(parts: Parts) -> str | None:
    """Asks the data-system for the owner's account: None when it answers, else its reason or node's."""
    try:
        answer = ask("POST", parts.data_system, "/request/user/all/", login=TOKEN, agent=ME)
    except UnreachableError as error:
        return f"Error: {error}"
    return None if answer.status == 200 else f"Error: {json.loads(answer.body).get('error')}"


def front(parts: Parts) -> Reply:
    if users(parts) is not None:
        log("error", "app:error", "Error: no user found")
        return Reply(401, '{"error":"no user found","trans":"no user found"}')
    moved = '<p>Found. Redirecting to <a href="/login">/login</a></p>'
    return Reply(302, moved, kind="text/html", headers=(("Location", "/login"), ("Vary", "Accept")))


def login(parts: Parts) -> Reply:
    wrong = users(parts)
    if wrong is not None:
        log("error", "app:error", wrong)
        return failure(wrong)
    return Reply(200, LOGIN_PAGE, kind="text/html", headers=(("X-Cozy-Login-Page", "true"),))


def routes(parts: Parts) -> Reply:
    """The applications that home knows; none when it cannot be asked."""
    try:
        rows = json.loads(ask("GET", parts.home, "/api/applications/", agent=ME).body)["rows"]
    except (UnreachableError, ValueError, KeyError):
        log("error", "lib:router", "Cannot retrieve applications list.")
        return Reply(200, "{}")
    known = {row["slug"]: {"port": row.get("port"), "state": row["state"]} for row in rows}
    return Reply(200, json.dumps(known, separators=(",", ":")))


def responder(parts: Parts) -> Respond:
    pages = {"/": front, "/status": status, "/login": login, "/routes": routes}

    def respond(request: Request) -> Reply:
        page = pages.get(request.path.partition("?")[0])
        return page(parts) if page else Reply(404, "")

    return respond


def main() -> None:
    options = argparse.ArgumentParser()
    for name in ("--port", "--couchdb", "--data-system", "--controller", "--home"):
        options.add_argument(name, type=int, required=True, metavar="PORT")
    parts = options.parse_args(namespace=Parts())
    serve(ME, parts.port, responder(parts))


if __name__ == "__main__":
    main()
