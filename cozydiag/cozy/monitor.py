"""What `cozy-monitor` says, read whatever it puts around it; and where that is not so.

It calls a part "up" unless the connection is refused, so also one that answers 500, 401 or resets; it forces colours
into pipes, prints lines before its JSON, and none at all where home's list cannot be read (cozy-monitor 1.4.5,
`src/helpers.coffee`, `src/main.coffee`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cozydiag.findings import ok, skip, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.stack.words import name_of
from cozydiag.text import Text, t

LABELS: Final[Mapping[str, str]] = {
    "postfix": "mta", "mta": "mta", "couch": "couchdb", "couchdb": "couchdb", "haibu": "cozy.controller",
    "controller": "cozy.controller", "ds": "cozy.data-system", "data-system": "cozy.data-system",
    "index": "cozy.indexer", "indexer": "cozy.indexer", "home": "cozy.home", "proxy": "cozy.proxy",
}  # fmt: skip
"""The labels of all its versions (0.8.1 to 1.4.5), each with the role that it means."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_STATE = re.compile(r"^([\w.@-]+): (up|down|stopped)(?: \(static\))?$")
_VERSION = re.compile(r"^([\w.@-]+): v?(\d[\w.+-]*)\b")
_ROUTE = re.compile(r"^([\w.@-]+) => (\d+)$")
_NOTE = re.compile(r"^(error|info) - (.*)$")


class Said(NamedTuple):
    """``parts`` by role and ``apps`` by name: up, down or stopped. ``module`` is the state in `module-status`.
    ``errors`` are its own complaints."""

    parts: Mapping[str, str]
    apps: Mapping[str, str]
    versions: Mapping[str, str]
    routes: Mapping[str, int]
    module: str = ""
    errors: tuple[str, ...] = ()


def read(output: str) -> Said:
    """The output of `status`, `module-status`, `versions` or `routes`, with or without --json and --raw."""
    lines = [_COLOUR.sub("", line).rstrip() for line in output.splitlines()]
    pairs: dict[str, str] = {}
    routes: dict[str, int] = {}
    module, errors = "", []
    for line in _without_json(lines, pairs):
        if note := _NOTE.match(line):
            module = note[2] if note[2] in ("up", "down") else module
            errors += [note[2]] if note[1] == "error" else []
        elif found := _STATE.match(line) or _VERSION.match(line):
            pairs[found[1]] = found[2]
        elif route := _ROUTE.match(line):
            routes[route[1]] = int(route[2])
    states = {name: state for name, state in pairs.items() if state in ("up", "down", "stopped")}
    return Said(
        {LABELS[name]: state for name, state in states.items() if name in LABELS},
        {name: state for name, state in states.items() if name not in LABELS},
        {name: version for name, version in pairs.items() if name not in states},
        routes,
        module,
        tuple(errors),
    )


def _without_json(lines: list[str], pairs: dict[str, str]) -> Iterator[str]:
    """The lines outside of a JSON object, whose words go into ``pairs``."""
    first = next((number for number, line in enumerate(lines) if line == "{"), None)
    last = next((number for number in range(len(lines) - 1, -1, -1) if lines[number] == "}"), None)
    if first is None or last is None:
        yield from lines
        return
    try:
        found = json.loads("\n".join(lines[first : last + 1]))
    except (ValueError, RecursionError):
        found = {}
    pairs.update({str(name): word for name, word in found.items() if isinstance(word, str)})
    yield from (*lines[:first], *lines[last + 1 :])


def look(host: Host, stack: Stack) -> Iterator[Finding]:
    """Compares what it says of the parts with what they answer. Of user apps it calls everything down that does not
    answer 200 or 403: that is no contradiction worth a word."""
    done = host.run(("cozy-monitor", "status", "--raw"))
    if isinstance(done, Failure):
        yield skip(t("cozy-monitor was not compared with what was seen: {why}", why=done.detail))
        return
    said = read((done.stdout + b"\n" + done.stderr).decode("utf-8", "replace"))
    wrong = [finding for role, state in said.parts.items() for finding in _wrong(host, stack, role, state)]
    yield from wrong
    if not said.parts:
        yield skip(t("cozy-monitor says nothing of the parts of the Cozy"))
    elif not wrong:
        yield ok(t("what cozy-monitor says of the parts of the Cozy is right"))


def _wrong(host: Host, stack: Stack, role: str, state: str) -> Iterator[Finding]:
    if role in ("mta", "cozy.indexer"):
        return
    seen = answering(host, stack, role)
    if (state == "up") is (seen is None):
        return
    name = name_of(role, role)
    text = (
        t("cozy-monitor calls {name} down, but it answers", name=name)
        if seen is None
        else t("cozy-monitor calls {name} up, but {why}", name=name, why=seen)
    )
    yield warn(
        "cozy.monitor_wrong",
        text,
        t("Do not go by cozy-monitor here: it looks for a connection, not for an answer."),
        role=role,
        affects=(),
        proof=host.see("cozy-monitor status", f"{name}: {state}"),
        by_hand="sudo cozy-monitor status",
        restart_helps=None,
    )


_MARKS: Final[Mapping[str, tuple[str, bytes]]] = {
    "cozy.controller": ("/", b"ontroller"),
    "cozy.data-system": ("/", b"Cozy Data System"),
    "cozy.home": ("/api/applications/", b'"rows"'),
    "cozy.proxy": ("/status", b'"proxy"'),
    "couchdb": ("/", b'"couchdb"'),
}
_OLD_CONTROLLER = (b"No drones specified", b"Cannot GET /")


def answering(host: Host, stack: Stack, role: str) -> Text | None:
    """None where the part gives its own, proper answer; else what is wrong with it."""
    path, mark = _MARKS[role]
    url = stack.config.couchdb.url if role == "couchdb" else stack.part(role.partition(".")[2]).url
    answer = host.get(url.rstrip("/") + path)
    if isinstance(answer, Failure):
        return t("it gives no answer: {why}", why=answer.detail)
    old = role == "cozy.controller" and any(words in answer.body for words in _OLD_CONTROLLER)
    if mark in answer.body or old or (role == "couchdb" and "CouchDB" in answer.header("Server")):
        return None
    return t("its answer is HTTP {status}", status=answer.status)
