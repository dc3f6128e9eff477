"""The recorded answers of a real CouchDB, and which of them a request gets in each state."""

from __future__ import annotations

import json
import os
import time
from typing import NamedTuple

RECORDINGS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "recordings")
RECORDED_DATABASE, DATABASE = "appdb", "cozy"
"""The only change made to the recordings: the database is renamed. (And the date is today's.)"""

ADMIN, MEMBER, OTHER, NOBODY = "admin:adminpw", "app:apppw", "other:otherpw", ""
HEALTHY = ("healthy-admin", "healthy-user", "healthy-anon")
FOLDERS = {"maintenance": ("maintenance-true", *HEALTHY), "no-system-dbs": ("no-system-dbs", *HEALTHY)}
"""Where the answers of a state are looked for, in this order; the healthy ones for every other state."""

MISBEHAVIOURS = ("refuse", "hang", "reset", "drip", "cut")
STATES = ("healthy", "maintenance", "no-system-dbs", "wrong-password", "locked-out", "database-missing", *MISBEHAVIOURS)


_FAULTS = {7: "refuse", 28: "hang", 18: "cut", 52: "reset", 56: "reset"}
"""What curl's exit codes mean for whoever asks (curl(1), EXIT CODES)."""


class Recorded(NamedTuple):
    """``fault`` is one of MISBEHAVIOURS where the recorded server did not answer, or not to the end."""

    status: str  # "200 OK"
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str = ""

    def raw(self, head_only: bool) -> bytes:
        """The whole answer, with a true length (the recordings joined chunked bodies) and today's date."""
        today = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        lines = [f"HTTP/1.1 {self.status}", f"Content-Length: {len(self.body)}", f"Date: {today}"]
        lines += [f"{key}: {value}" for key, value in self.headers]
        lines += ["X-Cozydiag-Stand-In: 1", "", ""]
        return "\r\n".join(lines).encode() + (b"" if head_only else self.body)


Key = tuple[str, str, str]  # method, path, "user:password"


def load(folder: str, recordings: str = RECORDINGS, database: str = DATABASE) -> dict[Key, Recorded]:
    found: dict[Key, Recorded] = {}
    place = os.path.join(recordings, folder)
    with open(os.path.join(place, "index.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            path = request["path"].replace(f"/{RECORDED_DATABASE}", f"/{database}")
            with open(os.path.join(place, request["name"] + ".http"), "rb") as answer:
                recorded = parse(answer.read(), database)
            fault = _FAULTS.get(request.get("curl_rc", 0), "")
            found[request["method"], path, request["auth"]] = recorded._replace(fault=fault)
    return found


def parse(answer: bytes, database: str = DATABASE) -> Recorded:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(": ") for line in lines)
    kept = tuple((k, v) for k, _, v in headers if k.lower() not in ("content-length", "transfer-encoding", "date"))
    return Recorded(status.partition(" ")[2], kept, body.replace(RECORDED_DATABASE.encode(), database.encode()))


class Replay:
    def __init__(self) -> None:
        folders = {*HEALTHY, "maintenance-true", "no-system-dbs", "auth-wrong-password", "auth-locked-out"}
        self.folders = {folder: load(folder) for folder in folders}

    def refuses(self, state: str) -> bool:
        """Whether nobody listens in this state."""
        return state == "refuse"

    def answer(self, state: str, method: str, path: str, login: str) -> Recorded:
        """What CouchDB answers in this state to ``login`` ("user:password", empty for nobody)."""
        if (login and state == "wrong-password") or login not in (ADMIN, MEMBER, NOBODY):
            return self.folders["auth-wrong-password"]["GET", "/_session", "admin:WRONG"]
        if state == "locked-out" and login == ADMIN:
            return self.folders["auth-locked-out"]["GET", "/_session", ADMIN]
        if state == "maintenance" and login == MEMBER:  # its account is in a database that does not open
            return self.folders["maintenance-true"]["GET", f"/{DATABASE}", MEMBER]
        if state == "database-missing":
            return self.without_database(method, path, login)
        return self.lookup(state, method, path, login)

    def without_database(self, method: str, path: str, login: str) -> Recorded:
        if in_database(path):
            return self.lookup("healthy", "GET", "/nosuch", login)
        answer = self.lookup("healthy", method, path, login)
        return answer._replace(body=answer.body.replace(f',"{DATABASE}"'.encode(), b""))

    def lookup(self, state: str, method: str, path: str, login: str) -> Recorded:
        asked = "GET" if method == "HEAD" else method
        for folder in FOLDERS.get(state, HEALTHY):
            recorded = self.folders[folder]
            for wanted in (path, path.partition("?")[0]):
                if (asked, wanted, login) in recorded:
                    return recorded[asked, wanted, login]
            if in_database(path) and folder == "maintenance-true":
                return recorded["GET", f"/{DATABASE}", ADMIN]
        other = f"/{DATABASE}/nodoc" if in_database(path) else "/nosuch"
        return self.lookup("healthy", "GET", other, login)


def in_database(path: str) -> bool:
    return path == f"/{DATABASE}" or path.startswith((f"/{DATABASE}/", f"/{DATABASE}?"))


class States:
    """Any folder of recordings as a state, by method, path and login, with what a healthy server would have said to
    what was not recorded in it."""

    def __init__(self, recordings: str, database: str = RECORDED_DATABASE) -> None:
        self.recordings = recordings
        self.database = database
        self._loaded: dict[str, dict[Key, Recorded]] = {}

    def refuses(self, state: str) -> bool:
        """Whether nobody listened in this state: every connection was refused."""
        if state in MISBEHAVIOURS:
            return state == "refuse"
        return {recorded.fault for recorded in self._of(state).values()} == {"refuse"}

    def answer(self, state: str, method: str, path: str, login: str) -> Recorded:
        """What the server answered in ``state``. Raises FileNotFoundError where there is no such recording."""
        here = self._of(state)
        bare = path.partition("?")[0]
        found = self._pick(here, method, (path, bare), login)
        if found is not None:
            return found
        faults = {recorded.fault for recorded in here.values()}
        if len(faults) == 1 and faults != {""}:  # it answered nobody
            return next(iter(here.values()))
        session = here.get(("GET", "/_session", login))
        if login and session is not None and int(session.status[:3]) in (401, 403) and bare not in ("/", "/_up"):
            return session
        admins = here.get((method, bare, ADMIN)) if not login else None
        if admins is not None and admins.status.startswith("404"):  # what is missing is so for everybody
            return admins
        return self._healthy(method, (path, bare), login)

    def _healthy(self, method: str, paths: tuple[str, ...], login: str) -> Recorded:
        folder = {ADMIN: "healthy-admin", MEMBER: "healthy-user", OTHER: "healthy-other-user", NOBODY: "healthy-anon"}
        if login not in folder:
            return self._of("auth-wrong-password")["GET", "/_session", "admin:WRONG"]
        found = self._pick(self._of(folder[login]), method, paths, login)
        return found or self._of("healthy-admin")["GET", "/nosuch", ADMIN]

    def _pick(self, of: dict[Key, Recorded], method: str, paths: tuple[str, ...], login: str) -> Recorded | None:
        asked = "GET" if method == "HEAD" else method
        return next((of[asked, path, login] for path in paths if (asked, path, login) in of), None)

    def _of(self, state: str) -> dict[Key, Recorded]:
        if state not in self._loaded:
            self._loaded[state] = load(state, self.recordings, self.database)
        return self._loaded[state]
