"""The journal of systemd, read by its own program."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line


def tail(host: Host, unit: str, lines: int) -> list[str] | Failure:
    """The last ``lines`` messages of a unit and of systemd about it, newest last; [] for an unknown unit."""
    found = _entries(host, unit, lines, "MESSAGE")
    return found if isinstance(found, Failure) else [text for line in found if (text := _message(line))]


_WIDEST = 1 << 16
"""Characters of an entry: of a message every byte can be written as a number."""


def raw(host: Host, unit: str, lines: int) -> list[str] | Failure:
    """The same with who wrote each and when, as JSON."""
    found = _entries(host, unit, lines, "MESSAGE,SYSLOG_IDENTIFIER,PRIORITY,_PID")
    return found if isinstance(found, Failure) else [one_line(line, _WIDEST) for line in found]


def _entries(host: Host, unit: str, lines: int, fields: str) -> list[bytes] | Failure:
    argv = ("journalctl", "--no-pager", "-q", "-o", "json", f"--output-fields={fields}", "-n", str(lines), "-u", unit)
    done = host.run(argv, max_output=4 << 20)
    if isinstance(done, Failure):
        return done
    if done.code:
        said = one_line(done.stderr.strip(), 300)
        kind = "permission" if "permission" in said or not said else "error"
        return Failure(kind, said or "the journal may not be read by this user")
    return list(done.stdout.splitlines())


def _message(line: bytes) -> str:
    """A MESSAGE is a list of byte values when it is not UTF-8 or has colours in it, and null when it is too long
    (systemd.journal-fields(7), JOURNAL EXPORT FORMATS)."""
    import json

    try:
        message = json.loads(line)["MESSAGE"]
        return one_line(bytes(message) if isinstance(message, list) else str(message or ""))
    except (ValueError, KeyError, TypeError):
        return ""
