"""Containers as the collector's `inspect` tells of them, in the words of Docker's API and of podman's commands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cozydiag.collected.tables import Tables
from cozydiag.host import Answer, Failure
from cozydiag.host.commands import Completed

_LOGS = re.compile(r"/containers/([0-9a-f]{12,64})/logs")
_ONE = re.compile(r"/containers/([0-9a-f]{12,64})/json")
_SAYS = (
    ("ermission denied", Failure("permission", "permission denied")),
    ("refused", Failure("refused", "connection refused")),
)  # fmt: skip


def docker(tables: Tables, url: str) -> Answer | Failure | None:
    """What the Engine API would have said; None where it was not asked that."""
    target = urlsplit(url)
    logs, one = _LOGS.fullmatch(target.path), _ONE.fullmatch(target.path)
    if logs is not None:
        most = parse_qs(target.query).get("tail", ["100"])[0]
        return _log_answer(_log(tables, "docker", logs[1], most))
    found = _inspected(tables, "docker")
    if found is None or isinstance(found, Failure):
        return found
    if target.path == "/containers/json":
        return _json([{"Id": each["Id"]} for each in found])
    if one is not None:
        known = next((each for each in found if str(each["Id"]).startswith(one[1])), None)
        return _json(known) if known is not None else None
    return None


def podman(tables: Tables, argv: Sequence[str]) -> Completed | Failure | None:
    """What `podman` would have printed; None where it was not asked that."""
    words = argv[1:]
    if words[:1] == ("logs",) and len(words) > 3:
        return _log(tables, "podman", words[-1], words[2])
    found = _inspected(tables, "podman")
    if found is None or isinstance(found, Failure):
        return found
    if words[:2] == ("ps", "-a"):
        return _printed([{"Id": each["Id"], "IsInfra": each.get("IsInfra")} for each in found])
    if words[:1] == ("inspect",):
        names = words[words.index("--") + 1 :] if "--" in words else ()
        return _printed([each for each in found if _is_named(each, names)])
    return None


def _is_named(inspected: dict[str, Any], names: Sequence[str]) -> bool:
    own = str(inspected.get("Name", "")).lstrip("/")
    return any(name == own or str(inspected["Id"]).startswith(name) for name in names)


def _inspected(tables: Tables, program: str) -> list[dict[str, Any]] | Failure | None:
    """Every container there, whole; None where some of them is not known."""
    listed, done = tables.commands.get(f"{program} ps"), tables.commands.get(f"{program} inspect")
    if not isinstance(listed, Completed):
        return listed
    if listed.code:
        said = listed.stdout.decode("utf-8", "replace")
        return next((failure for words, failure in _SAYS if words in said), None)
    ids = [line for line in listed.stdout.decode("ascii", "replace").split() if len(line) == 64]
    if not isinstance(done, Completed):
        return [] if not ids else None
    found = _objects(done.stdout.decode("utf-8", "replace"))
    return found if {each["Id"] for each in found} >= set(ids) else None


def _objects(text: str) -> list[dict[str, Any]]:
    """One JSON object after the other, as far as they can be read."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := text.find("{", at)) >= 0:
        try:
            one, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(one, dict) and isinstance(one.get("Id"), str) and isinstance(one.get("State"), dict):
            found.append(one)
    return found


def _log(tables: Tables, program: str, name: str, most: str) -> Completed | Failure | None:
    found = (done for line, done in tables.commands.items() if line.startswith(f"{program} logs {name}"))
    done = next(found, None)
    if not isinstance(done, Completed) or not most.isdigit():
        return done
    return Completed(done.code, b"\n".join(done.stdout.splitlines()[-int(most[:6]) :]), b"")


def _log_answer(done: Completed | Failure | None) -> Answer | Failure | None:
    return Answer(200, "OK", (), done.stdout, False) if isinstance(done, Completed) else done


def _json(value: Any) -> Answer:
    return Answer(200, "OK", (("Content-Type", "application/json"),), json.dumps(value).encode(), False)


def _printed(value: Any) -> Completed:
    return Completed(0, json.dumps(value).encode(), b"")
