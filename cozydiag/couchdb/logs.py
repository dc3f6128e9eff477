"""What CouchDB's own log says of its present start; requests (`[notice]`) are left out: anybody may put words there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.host.logs import one_line

FRESH = 600.0
"""Seconds: what may have passed since (a full disk) counts for so long after its last line."""

_STARTS = (b"Preflight check: Checking For Monsters", b"Preflight check: Asserting Admin", b" is starting.",
           b"Apache CouchDB has started. Time to relax.")  # fmt: skip
"""The first lines of a start, of which the earliest one counts (3.2.2, 3.0, 2.0 and 1.x know fewer of them)."""

_UP = (b"Apache CouchDB has started on ", b"has started on http")
"""The only line that proves a listener: `Time to relax.` also stands in the logs of failed starts."""


class Trouble(NamedTuple):
    """A line of the log that means something. ``what`` names the entry of the table, ``detail`` a file or number in
    the line, ``at`` its epoch seconds, 0.0 where it carries no time."""

    what: str
    line: str
    detail: str
    at: float


class _Pattern(NamedTuple):
    what: str
    needle: bytes
    pattern: str = ""


_FAULTS = (
    _Pattern("data_lost", b"creating missing database: shards/", r"missing database: (shards/\S+)"),
    _Pattern("file_damaged", b"file_corruption", r"(/[^\s\",]+\.couch)"),
    _Pattern("file_damaged", b"read_beyond_eof", r"read_beyond_eof,\\?\"([^\"\\]+)"),
    _Pattern("file_damaged", b"invalid_compression", r"(/[^\s\",]+\.couch)"),
    _Pattern("file_damaged", b"File corruption in ", r"corruption in (\S+)"),
    _Pattern("file_damaged", b"checksum", r"^\[(?:error|critical|alert|emergency)\].*?(/\S+\.couch)?.{0,200}checksum"),
    _Pattern("view_damaged", b".view", r"(?:read_beyond_eof|corruption|invalid_compression).*?(/[^\s\",\\]+\.view)"),
    _Pattern("disk_error", b"{error,eio}"),
    _Pattern("disk_full", b"{error,enospc}"),
    _Pattern("read_only", b"{error,erofs}"),
    _Pattern("read_only", b": read-only file system", r"file (\S+): read-only"),
    _Pattern("file_descriptors", b"emfile"),
    _Pattern("file_descriptors", b"{error,enfile}"),
    _Pattern("file_unreadable", b": permission denied", r"file (\S+): permission denied"),
    _Pattern("node_renamed", b"copies on nodes that are currently up", r"(\d+) shards in cluster"),
    _Pattern("no_users", b"because the _users database does not exist"),
    _Pattern("too_many_open", b"all_dbs_active"),
    _Pattern("javascript", b"OS Process Error", r"exit_status,(126|127|134|139)"),
    _Pattern("javascript", b"died epipe"),
    _Pattern("javascript", b"couchjs: not found"),
    _Pattern("view_slow", b"OS process timed out"),
    _Pattern("view_throws", b"function raised exception", r"(with doc\._id \S+)?$"),
    _Pattern("view_language", b"unknown_query_language", r"unknown_query_language[^\"]*(?:\"([^\"\\]+))?"),
    _Pattern("reduce_overflow", b"reduce_overflow_error"),
    _Pattern("certificate", b"{options,{certfile,", r"certfile,\\?\"([^\"\\]+)"),
)
"""After couch_file.erl, couch_bt_engine.erl, mem3_sync_event_listener.erl, couch_server.erl, couch_proc_manager.erl
(3.3 to 3.5); a ``pattern`` that does not fit makes the line no sign."""

_BOOT = (
    _Pattern("no_admin", b"No Admin Account Found"),
    _Pattern("no_admin", b'will no longer run in "Admin Party"'),
    _Pattern("monster", b"Monster detected"),
    _Pattern("javascript_missing", b"{couch_quickjs,{missing,", r"missing,\\?\"([^\"\\]+)"),
    _Pattern("cookie_file", b"Failed to create cookie file", r"cookie file '([^']+)'"),
    _Pattern("cookie_file", b"must be accessible by owner only", r"Cookie file (\S+) must"),
    _Pattern("name_in_use", b"in use by another Erlang node", r"the name (\S+) seems"),
    _Pattern("name", b"nodistribution"),
    _Pattern("port_taken", b"eaddrinuse"),
    _Pattern("address", b"eaddrnotavail"),
    _Pattern("port_closed", b"Failure to start Mochiweb: eacces"),
    _Pattern("port", b"list_to_integer", r"list_to_integer,\[\\?\"([^\"\\]*)"),
    _Pattern("flag", b"nknown flag", r"nknown flag:?\s*(\S+)"),
    _Pattern("config", b"application_start_failure,config,"),
    _Pattern("log", b"application_start_failure,couch_log,"),
    _Pattern("data_unreadable", b"application_start_failure,mem3,", r"\{error,eacces\}"),
    _Pattern("data_read_only", b"application_start_failure,mem3,", r"\{error,erofs\}"),
    _Pattern("data_full", b"application_start_failure,mem3,", r"\{error,enospc\}"),
    _Pattern("data_missing", b"application_start_failure,mem3,", r"\{not_found,no_db_file\}"),
    _Pattern("data_unreadable", b"{failed_to_start_child,mem3_", r"case_clause,\{error,eacces\}"),
    _Pattern("data_read_only", b"{failed_to_start_child,mem3_", r"case_clause,\{error,erofs\}"),
    _Pattern("data_full", b"{failed_to_start_child,mem3_", r"case_clause,\{error,enospc\}"),
    _Pattern("data_missing", b"{failed_to_start_child,mem3_", r"case_clause,\{not_found,no_db_file\}"),
    _Pattern("memory", b"eheap_alloc: Cannot allocate", r"allocate (\d+) bytes"),
    _Pattern("killed", b"(beam.smp)", r"Killed process (\d+) \(beam\.smp\)"),
    _Pattern("other", b"application_start_failure,", r"application_start_failure,(\w+)"),
)
"""Why the virtual machine ends: on stderr, in the log, or both."""


def since_start(content: bytes) -> bytes:
    """The part of a log that belongs to the last start; all of it where no start is in it."""
    last = max(content.rfind(mark) for mark in _STARTS)
    if last < 0:
        return content
    for mark in _STARTS:  # the first line of that same start: no other stands between
        first = content.rfind(mark, 0, last)
        if first >= 0 and not any(up in content[first:last] for up in _UP) and content.count(b"\n", first, last) < 40:
            last = first
    return content[content.rfind(b"\n", 0, last) + 1 :]


def has_listened(section: bytes) -> bool:
    return any(up in section for up in _UP)


def faults(section: bytes) -> list[Trouble]:
    """The signs of trouble in a running server, in the order of their weight, each kind once with its last line."""
    return _found(section, _FAULTS)


def boot_failures(*texts: bytes) -> list[Trouble]:
    """Why the last start failed, the most telling first; [] where the texts do not say."""
    return _found(b"\n".join(texts), _BOOT)


def warnings_of(section: bytes, user: str) -> str:
    """The last line that says that ``user`` gave a wrong password: with Basic it is written for known users only."""
    wanted = f"Authentication failed for user {user} from ".encode()
    return _line_at(section, section.rfind(wanted)) if wanted in section else ""


_REFUSED = rb"> ([0-9a-f]{10}) \S+ \S+ \S+ GET /_session 401 "


def is_unknown(section: bytes, user: str) -> bool:
    """Whether the last refused `GET /_session` was one of which the log does not say that ``user`` gave a wrong
    password: then CouchDB found no account of that name (chttpd_auth_cache.erl, couch_httpd_auth.erl)."""
    refused = re.findall(_REFUSED, section)
    if not refused:
        return False
    return refused[-1] + f" couch_httpd_auth: Authentication failed for user {user} from ".encode() not in section


def failures(section: bytes, user: str) -> list[float]:
    """When ``user`` failed to log in, epoch seconds, oldest first."""
    wanted = f"Authentication failed for user {user} from ".encode()
    found, at = [], section.find(wanted)
    while at >= 0:
        found.append(_time(section, at))
        at = section.find(wanted, at + 1)
    return found


def was_ended(section: bytes) -> str:
    """The line that says that CouchDB was ended in an orderly way, where that is the last thing that it wrote."""
    at = section.rfind(b"SIGTERM received - shutting down")
    return _line_at(section, at) if at >= 0 and section.count(b"\n", at) < 40 else ""


def is_fresh(trouble: Trouble, now: float) -> bool:
    return now - trouble.at < FRESH


def is_last(trouble: Trouble, section: bytes) -> bool:
    """Whether the log has nothing from later on, so that nothing in it says that it is over. What comes without any
    time (the writer `journald`) is the end of a log."""
    return end_of(section) - trouble.at < FRESH


def is_talkative(section: bytes) -> bool:
    """Whether the log has more in it than trouble: `level` info or notice, as it comes (default.ini, `[log]`)."""
    return b"[notice]" in section or b"[info]" in section


def end_of(section: bytes) -> float:
    """When the last line with a time was written, epoch seconds; 0.0 where none has one."""
    return _time(section, len(section))


def _found(text: bytes, patterns: Sequence[_Pattern]) -> list[Trouble]:
    troubles: dict[str, Trouble] = {}
    for one in patterns:
        if one.what not in troubles and one.needle in text and (trouble := _last(text, one)) is not None:
            troubles[one.what] = trouble
    return list(troubles.values())


def _last(text: bytes, wanted: _Pattern) -> Trouble | None:
    at = len(text)
    for _ in range(200):  # lines that only look like it
        at = text.rfind(wanted.needle, 0, at)
        if at < 0:
            return None
        line = _line_at(text, at)
        found = re.search(wanted.pattern, line) if wanted.pattern else None
        if wanted.what == "file_damaged" and ".view" in line:  # an index: CouchDB makes it anew by itself
            continue
        if _is_request(line) or (wanted.pattern and found is None):
            continue
        if " Log :: " in line and wanted.what != "view_throws":  # what a view's function says is anybody's word
            continue
        return Trouble(wanted.what, line, found[1] if found and found.lastindex else "", _time(text, at))
    return None


def _is_request(line: str) -> bool:
    """A line for a request, in which anybody may put words: `[notice]`, and in 1.x an `[info]` with an address."""
    return line.startswith("[notice]") or re.search(r"\[info\] \[<[\d.]+>\] \S+ - \S+ [A-Z]+ /", line) is not None


def _line_at(text: bytes, at: int) -> str:
    start = text.rfind(b"\n", 0, at) + 1
    end = text.find(b"\n", at)
    return one_line(text[start : min(end if end >= 0 else len(text), start + 1000)])


_STAMP = rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)"
_STAMP_1X = rb"\[\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\]"
_MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"


def _time(text: bytes, at: int) -> float:
    """Of the line, or of the nearest one above it that carries a time (terms go over several lines)."""
    from calendar import timegm

    end = text.find(b"\n", at)
    before = text[max(0, at - 20_000) : end if end >= 0 else len(text)]
    if stamps := re.findall(_STAMP, before):
        return float(timegm(tuple(map(int, stamps[-1]))))
    if stamps := re.findall(_STAMP_1X, before):
        day, month, year, *clock = stamps[-1]
        return float(timegm((int(year), _MONTHS.find(month) // 3 + 1, int(day), *map(int, clock))))
    return 0.0
