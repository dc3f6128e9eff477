"""The words of cozydiag as frozen values: what checks yield, the engine makes and renderers show.

Named tuples: to define a dataclass takes a run four times as long.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, NamedTuple

from cozydiag.text import Text


class Status(str, Enum):
    """What came of a look at one thing. BLOCKED, TIMEOUT and ERROR are the engine's alone."""

    OK = "ok"
    SKIP = "skip"  # not installed, or not asked for
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"  # could not look
    BLOCKED = "blocked"  # not run: what it needs has failed
    TIMEOUT = "timeout"  # the check itself did not end in time
    ERROR = "error"  # the check itself is broken

    __str__ = str.__str__


FAILING = frozenset({Status.FAIL, Status.TIMEOUT})
"""The statuses that block and explain others."""

Certainty = Literal["certain", "likely"]


class Evidence(NamedTuple):
    """One thing seen: where (`GET http://127.0.0.1:9103/`, a file, a log) and the line that was there."""

    source: str
    line: str


class Finding(NamedTuple):
    """What a check says of its subject.

    ``code`` is stable and dotted (`couchdb.maintenance`); WARN and FAIL carry one, and advice.
    ``role`` is what is at fault (`cozy.home`), None when nothing is. ``proof`` is the deciding line.
    ``affects`` names the roles this failure takes down (None: whoever says so with ``because``).
    ``waits_for`` names roles whose own failure would be the reason of this one.
    ``own`` says that this was seen on the thing itself (it was stopped by a signal), so that no other failure can
    be its reason. ``unlock`` is the command that would let cozydiag look, for UNKNOWN.
    ``restart_helps`` is None where nobody can tell.
    """

    status: Status
    code: str
    text: Text
    role: str | None = None
    advice: Text | None = None
    commands: tuple[str, ...] = ()
    proof: Evidence | None = None
    by_hand: str | None = None
    certainty: Certainty = "certain"
    restart_helps: bool | None = None
    affects: tuple[str, ...] | None = None
    waits_for: tuple[str, ...] = ()
    unlock: str | None = None
    service: str | None = None
    own: bool = False


class Check(NamedTuple):
    """One look at one thing. ``function`` takes (host, stack), and an item of ``each`` where that is set."""

    id: str
    title: Text
    function: Callable[..., Any]
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    each: str | None = None
    role: str | None = None
    essential: bool = False
    timeout: float | None = None
    options: type[Any] | None = None
    origin: str = ""


class Result(NamedTuple):
    """The outcome of one instance of a check: ``id`` or ``id:subject``, split at the first colon."""

    id: str
    subject: str | None
    title: Text
    status: Status
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    blocked_by: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    seconds: float = 0.0
    essential: bool = False
    role: str | None = None

    @property
    def instance(self) -> str:
        return self.id if self.subject is None else f"{self.id}:{self.subject}"


class Cause(NamedTuple):
    """What is really wrong, and what it explains (instances of checks)."""

    code: str
    role: str | None
    subject: str | None
    instance: str
    severity: Status  # FAIL or WARN
    text: Text
    explains: tuple[str, ...]
    remedy: Text | None
    commands: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    certainty: Certainty
    restart_helps: bool | None
    by_hand: str | None
    service: str | None


class Known(NamedTuple):
    """A cause that somebody has decided to live with: why, and ``until`` when in words."""

    cause: Cause
    reason: str
    until: Text


class Report(NamedTuple):
    """Everything one run found; the only thing renderers see. ``started_at`` is in epoch seconds.

    ``front`` is what people call the proxy that serves here, "" where there is none.
    ``known`` are causes that alarm nobody, ``story`` is what the history says: since when, how often, what changed.
    """

    verdict: Status  # OK, WARN, FAIL or UNKNOWN
    causes: tuple[Cause, ...]
    results: tuple[Result, ...]
    chain: tuple[tuple[str, str], ...]
    host: str
    started_at: float
    seconds: float
    privileged: bool
    second_look: bool = False
    known: tuple[Known, ...] = ()
    story: tuple[Text, ...] = ()
    front: str = ""
