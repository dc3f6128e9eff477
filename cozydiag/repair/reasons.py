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


def past(cause: Cause) -> Text | None:
    """None where there are no words for it."""
    seen = " ".join((str(cause.text), *(one.line for one in cause.evidence))).lower()
    if any(word in seen for word in _MEMORY):
        return _PAST["couchdb.out_of_memory"]
    return _PAST.get(cause.code)
