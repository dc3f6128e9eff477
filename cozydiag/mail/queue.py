"""What waits in postfix's queue, and why."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cozydiag.host import Failure, Host
from cozydiag.host.logs import one_line
from cozydiag.text import Text, t

SPOOL: Final = "/var/spool/postfix"
_QUEUES: Final = ("maildrop", "incoming", "active", "deferred", "hold")
_ADDRESS = re.compile(r"<?[\w.+=-]+@[\w.-]+>?")
"""Addresses of people are in no output."""


class Message(NamedTuple):
    """``arrived`` in epoch seconds; ``reason`` why it was not delivered yet, "" where that was not tried."""

    queue: str
    arrived: float
    reason: str


def is_empty(host: Host) -> bool | None:
    """Whether nothing waits; False where this user cannot see it, None where there are no queues. They may have folders
    of one letter or digit."""
    there = False
    for queue in _QUEUES:
        names = host.listdir(f"{SPOOL}/{queue}")
        if isinstance(names, Failure):
            if names.kind != "missing":
                return False
            continue
        there = True
        for name in names:
            below = host.listdir(f"{SPOOL}/{queue}/{name}") if len(name) == 1 else [name]
            if isinstance(below, Failure) or below:
                return False
    return True if there else None


def messages(host: Host, keep_secret: Callable[..., None]) -> list[Message] | Failure:
    """From `postqueue -j`, an object a line; it works for every user, and with postfix down for root. Whose mail it is
    is given to ``keep_secret``, as far as evidence shows it."""
    done = host.run(("postqueue", "-j"), max_output=4 << 20)
    if isinstance(done, Failure):
        return done
    keep_secret(
        *(match.group().strip("<>") for match in _ADDRESS.finditer(done.stdout[:4096].decode("utf-8", "replace")))
    )
    if done.code:
        return Failure("error", one_line(done.stderr.strip().split(b"\n", 1)[0], 200))
    found = []
    for line in done.stdout.splitlines():
        message = _message(line)
        if message is None:
            return Failure("protocol", "postqueue says something unknown")
        found.append(message)
    return found


def _message(line: bytes) -> Message | None:
    try:
        data = json.loads(line)
        recipients = data.get("recipients") or [{}]
        reason = next((str(one["delay_reason"]) for one in recipients if one.get("delay_reason")), "")
        return Message(str(data["queue_name"]), float(data["arrival_time"]), without_people(reason))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def without_people(reason: str) -> str:
    return _ADDRESS.sub("…@…", one_line(reason, 300))


def usual_reason(found: Sequence[Message]) -> str:
    """What most of them wait for, "" where none was tried."""
    reasons = Counter(one.reason for one in found if one.reason)
    return reasons.most_common(1)[0][0] if reasons else ""


_MEANINGS: Final = (
    (re.compile(r"Name service error|[Hh]ost not found|Host or domain name not found"),
     t("Names are not resolved: see whether the name is right, and whether this machine's resolver answers.")),
    (re.compile(r"SASL|authentication failed|\b535\b|\b530\b"),
     t("The relay refuses the user or the password: correct them, then `sudo postqueue -f`.")),
    (re.compile(r"[Bb]lock|[Bb]lacklist|[Ss]pamhaus|reputation|poor|listed"),
     t("The others take this machine for a sender of unwanted mail: send through your provider's relay.")),
    (re.compile(r"Relay access denied|relaying denied|not permitted to relay"),
     t("The relay does not take this machine's mail: it wants a login, or another relay is meant.")),
    (re.compile(r":25: Connection timed out|timed out while receiving the initial server greeting"),
     t("Nobody answers there. Many providers close port 25 to the outside: send through a relay, on port 587.")),
    (re.compile(r"Connection refused|No route to host|Network is unreachable|Connection timed out|lost connection"),
     t("Where the mail should go nobody takes it: see whether that address and its port are right.")),
)  # fmt: skip
"""By the words of postfix's own `smtp` program, and those of well-known servers."""


def advice(reason: str) -> Text:
    """What to do about it."""
    found = next((text for pattern, text in _MEANINGS if pattern.search(reason)), None)
    return found or t("Read what postfix says of one of them.")
