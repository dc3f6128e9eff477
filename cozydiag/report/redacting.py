"""The redactor of this host: its own secrets, its own names, and the stand-ins of earlier reports."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from cozydiag.config import Config
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.redaction import Redactor, own, pseudonyms
from cozydiag.redaction.identity import Identity
from cozydiag.report.guard import Guard
from cozydiag.stack import Stack

MAP = "pseudonyms.json"


class Prepared(NamedTuple):
    """``map`` is where the stand-ins are kept, "" where they are not; ``problem`` why an old map could not be used."""

    guard: Guard
    own: own.Own
    map: str
    problem: Failure | None = None


def map_path(config: Config) -> str:
    return os.path.join(config.state_folder, MAP)


def prepare(host: Host, stack: Stack, *, identities: bool = True, keep_map: bool = False) -> Prepared:
    """``identities``: names and addresses get stand-ins, too. ``keep_map`` begins a map where there is none; one that
    is there goes on being used, so that the reports of one host can be compared."""
    path = map_path(stack.config)
    kept = pseudonyms.load(path, time.time())
    found = own.gather(host, stack)
    identity = Identity(found.domains, found.hosts, found.users) if identities else None
    redactor = Redactor(identity, kept.pseudonyms)
    redactor.know(found.secrets)
    use = keep_map or kept.pseudonyms is not None
    return Prepared(Guard(stack.masks(), redactor), found, path if use and kept.failure is None else "", kept.failure)


def remember(prepared: Prepared) -> Failure | None:
    """Keeps the stand-ins, where they are to be kept."""
    if not prepared.map:
        return None
    try:
        os.makedirs(os.path.dirname(prepared.map), 0o700, exist_ok=True)
    except OSError as error:
        return Failure("error", error.strerror or str(error))
    return pseudonyms.save(prepared.map, prepared.guard.redactor.pseudonyms, time.time())
