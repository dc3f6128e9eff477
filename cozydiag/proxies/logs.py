"""The last line that a proxy logged since a moment: in its files, else in the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence

LINES = 200
"""So many lines from the end of each log are looked at."""

_NOISE = ("upstream server temporarily disabled", "AH00959", "AH01114", "AH01079", "<BADREQ>")
"""Said after the reason, and less than it; or of who only knocked, which HAProxy calls a bad request."""

Moment = Callable[[str], "float | None"]
"""When a line was written (epoch seconds); None where it does not say."""


def last_line(host: Host, logs: Iterable[str], since: float, words: tuple[str, ...], moment: Moment) -> Evidence | None:
    """The newest line in ``logs`` that was written since, and has one of ``words`` in it where there are any."""
    best: tuple[float, str, str] | None = None
    for path in logs:
        lines = host.within(min(1.0, host.deadline.remaining()), host.instance).tail(path, LINES)
        for line in [] if isinstance(lines, Failure) else reversed(lines):
            at = moment(line)
            if at is None:
                continue
            if at < since:
                break
            if (not words or any(word in line for word in words)) and not any(word in line for word in _NOISE):
                if best is None or at > best[0]:
                    best = (at, path, line)
                break
    return host.see(best[1], best[2]) if best else None


def journal_line(host: Host, unit: str, since: float, words: tuple[str, ...]) -> Evidence | None:
    """The same from the journal of a unit; only systemd has one."""
    if isinstance(host.stat("/run/systemd/system"), Failure):
        return None
    argv = ("journalctl", "--no-pager", "-q", "-o", "cat", "-n", str(LINES), "-u", unit, f"--since=@{int(since)}")
    done = host.run(argv)
    if isinstance(done, Failure) or done.code:
        return None
    lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    found = [line for line in lines if not words or any(word in line for word in words)]
    return host.see(f"journal of {unit}", found[-1]) if found else None


def local(text: str, form: str) -> float | None:
    """A time without a zone, as the machine's own clock shows it (nginx, Apache and HAProxy write so)."""
    try:
        return time.mktime(time.strptime(text, form))
    except (ValueError, OverflowError):
        return None
