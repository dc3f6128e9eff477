"""Why it was down, in the words of afterwards."""

from __future__ import annotations

from cozydiag.model import Cause
from cozydiag.text import Text, t

_MEMORY = ("out of memory", "memory was used up", "oom-kill", "oom_kill", "std::bad_alloc", "cannot allocate memory")

_PAST = {
    "check.timeout": t("it had stopped answering"),
    "certificate.not_reloaded": t("it still showed the old certificate"),
    "couchdb.out_of_memory": t("it had run out of memory"),
    "couchdb.stalled": t("a part of it had stalled"),
    "nginx.no_workers": t("it had no workers left"),
    "proxy.resting": t("it did not ask the program behind it"),
    "service.breaks_off": t("it ended connections without an answer"),
    "service.crash_loop": t("it had crashed again and again"),
    "service.degraded": t("a part of it had ended"),
    "service.down": t("it had ended"),
    "service.error": t("it answered with errors"),
    "service.failed": t("it had ended with an error"),
    "service.hung": t("it had stopped answering"),
    "service.not_listening": t("it ran, but did not listen"),
    "service.stopped": t("it had been stopped"),
    "service.stuck": t("it was stuck"),
    "supervisor.down": t("it had ended"),
}


_EXISTS = ("file_exists", "database already exists")
"""A database that an app wants to create: it was restarted for ever once, and the database was there all the time. What
is full, taken or read-only is looked at itself: a log also tells of what has passed."""


def past(cause: Cause) -> Text | None:
    """None where there are no words for it."""
    return _PAST["couchdb.out_of_memory"] if of_memory(cause) else _PAST.get(cause.code)


def of_memory(cause: Cause) -> bool:
    """Whether it ended for want of memory."""
    return cause.code == "couchdb.out_of_memory" or any(word in _seen(cause) for word in _MEMORY)


def lasting(cause: Cause) -> Text | None:
    """Why a restart would meet the same again, by what was seen."""
    if any(word in _seen(cause) for word in _EXISTS):
        return t("its log says that a database exists already, which it wants to create")
    return None


def _seen(cause: Cause) -> str:
    from cozydiag.text.catalogue import ENGLISH, render

    return " ".join((render(cause.text, ENGLISH), *(one.line for one in cause.evidence))).lower()
