"""Logs of which each line is JSON: the journal's, Docker's, forever's, log-cache's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from cozydiag.host.logs import clean, one_line

Parts = tuple["float | None", str, str, str, str]
"""Time, origin, instance, channel, text."""


def plain(line: str) -> str:
    """The line as people read it: what is JSON of a platform's as syslog would have written it."""
    parts = parse(line) if line[:1] == "{" else None
    if parts is None:
        return line
    at, origin, instance, channel, text = parts
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime(at)) if at is not None else ""
    who = f"{origin}[{instance}]: " if origin and instance else f"{origin}: " if origin else ""
    return f"{stamp}{who}{channel + ' ' if channel else ''}{text}".replace("\n", "\n    ")


def parse(line: str) -> Parts | None:
    """The record in one line; None where it is some program's own JSON, whose words are looked at as they are."""
    import json

    try:
        table = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(table, dict):
        return None
    if "MESSAGE" in table or "__REALTIME_TIMESTAMP" in table:
        return _journal(table)
    if isinstance(table.get("log"), str) and "time" in table:
        return _docker(table)
    if isinstance(table.get("log"), dict) and "timestamp" in table:
        return _log_cache(table)
    message = table.get("message")
    if isinstance(message, str) and message.startswith(("Forever ", "Script ")):
        return None, "forever", "", "", one_line(message)
    return None


def message_of(value: object) -> str:
    """The journal's MESSAGE: a list of byte values when it is not UTF-8 or has colours in it, and null when it is too
    long (systemd.journal-fields(7), JOURNAL EXPORT FORMATS)."""
    if isinstance(value, list):
        try:
            return clean(bytes(value)).rstrip("\n")
        except (TypeError, ValueError):
            return ""
    return clean(str(value or "")).rstrip("\n")


def _journal(table: Mapping[str, Any]) -> Parts:
    at = str(table.get("__REALTIME_TIMESTAMP") or table.get("_SOURCE_REALTIME_TIMESTAMP") or "")
    origin = str(table.get("SYSLOG_IDENTIFIER") or table.get("_COMM") or table.get("_SYSTEMD_UNIT") or "")
    priority = str(table.get("PRIORITY") or "")
    channel = "ERR" if priority in ("0", "1", "2", "3") else ""
    instance, text = one_line(str(table.get("_PID") or ""), 20), message_of(table.get("MESSAGE"))
    return int(at) / 1e6 if at.isdigit() else None, one_line(origin, 100), instance, channel, text


def _docker(table: Mapping[str, Any]) -> Parts:
    from cozydiag.logs import times

    channel = {"stdout": "OUT", "stderr": "ERR"}.get(str(table.get("stream")), "")
    return times.of(str(table["time"])), "", "", channel, one_line(table["log"].rstrip("\n"))


def _log_cache(table: Mapping[str, Any]) -> Parts | None:
    from base64 import b64decode

    try:
        text = one_line(b64decode(str(table["log"].get("payload") or "")).rstrip(b"\n"))
        at = int(table["timestamp"]) / 1e9
    except ValueError:
        return None
    tags = table.get("tags")
    origin = str(tags.get("source_type") or "") if isinstance(tags, dict) else ""
    channel = "ERR" if str(table["log"].get("type")) in ("ERR", "1") else "OUT"
    return at, one_line(origin, 100), one_line(str(table.get("instance_id") or ""), 40), channel, text
