"""The lines in which managers and platforms speak of lives, as their sources have them."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Kind = Literal["start_asked", "started", "stop_asked", "stopped", "crashed", "given_up", "request", "answered"]


class Sign(NamedTuple):
    """A ``literal`` and an expression over the first line of a record; ``origins`` are beginnings of the origin, where
    the words alone are too common. Groups: service, instance, detail, code."""

    sort: str
    kind: Kind
    literal: str
    expression: re.Pattern[str]
    origins: tuple[str, ...] = ()


_UNIT = r"(?P<service>[\w@.:\\-]{1,120}\.service)"
_CF_APP = ("APP",)
_CF_EVENT = ("EVENT",)
_SYSTEMD = ("systemd", "init")


def _sign(sort: str, kind: Kind, literal: str, expression: str, origins: tuple[str, ...] = ()) -> Sign:
    return Sign(sort, kind, literal, re.compile(expression), origins)


SIGNS: Final = (
    # Cloud Foundry: cloud_controller_ng app_event_repository.rb, executor run_step.go
    _sign(
        "cf-start", "start_asked", "app with guid", r"(?:Starting|Restarting|Restarted|Started) app with guid", ("API",)
    ),
    _sign("cf-start", "start_asked", "STARTED", r"Updated app with guid \S+ \(\{.{0,200}STARTED", ("API",)),
    _sign("cf-stop", "stop_asked", "app with guid", r"(?:Stopping|Stopped) app with guid", ("API",)),
    _sign("cf-stop", "stop_asked", "STOPPED", r"Updated app with guid \S+ \(\{.{0,200}STOPPED", ("API",)),
    _sign(
        "cf-crash",
        "crashed",
        "Process has crashed",
        r'Process has crashed with type: "(?P<detail>[^"]{1,80})"',
        ("API",),
    ),
    _sign(
        "cf-exited", "crashed", "App instance exited", r"App instance exited with guid (?P<detail>.{1,1500})", ("API",)
    ),
    _sign("cf-healthy", "started", "ontainer became healthy", r"[Cc]ontainer became healthy", ("CELL", "HEALTH")),
    _sign("cf-created", "start_asked", "uccessfully created container", r"uccessfully created container", ("CELL",)),
    _sign("cf-destroyed", "stopped", "estroy", r"(?i)(?:destroying|successfully destroyed) container", ("CELL",)),
    _sign("cf-status", "stopped", "Exit status", r"^Exit status (?P<code>0|143)\b", _CF_APP),
    _sign("cf-status", "crashed", "Exit status", r"^(?P<detail>Exit status (?P<code>\d+).{0,80})", _CF_APP),
    _sign(
        "cf-event-crash",
        "crashed",
        "app.crash",
        r"^app\.crash\s.{0,300}?(?:exit_description: (?P<detail>.{1,200}))?$",
        _CF_EVENT,
    ),
    _sign("cf-event-audit", "crashed", "process.crash", r"^audit\.app\.process\.crash\b", _CF_EVENT),
    _sign("cf-event-start", "start_asked", "audit.app.", r"^audit\.app\.(?:start|restart|restage)\b", _CF_EVENT),
    _sign("cf-event-stop", "stop_asked", "audit.app.", r"^audit\.app\.stop\b", _CF_EVENT),
    # supervisord: supervisor/process.py
    _sign("sv-spawned", "start_asked", "spawned: '", r"spawned: '(?P<service>[^']{1,120})' with pid"),
    _sign("sv-running", "started", "entered RUNNING", r"success: (?P<service>\S{1,120}) entered RUNNING state"),
    _sign(
        "sv-exited",
        "crashed",
        "; not expected)",
        r"exited: (?P<service>\S{1,120}) \((?P<detail>[^;]{1,80}); not expected\)",
    ),
    _sign(
        "sv-exited", "stopped", "; expected)", r"exited: (?P<service>\S{1,120}) \((?P<detail>[^;]{1,80}); expected\)"
    ),
    _sign("sv-stop", "stop_asked", "waiting for ", r"^waiting for (?P<service>\S{1,120}) to (?:stop|die)"),
    _sign("sv-stopped", "stopped", "stopped: ", r"^stopped: (?P<service>\S{1,120}) \((?P<detail>[^)]{1,80})\)"),
    _sign("sv-fatal", "given_up", "entered FATAL", r"gave up: (?P<service>\S{1,120}) entered FATAL state"),
    # systemd: src/core/service.c, job.c
    _sign(
        "sd-exited",
        "stopped",
        "rocess exited, code=",
        _UNIT + r": Main process exited, code=\w+, status=(?:0/|143|15/TERM)",
    ),
    _sign(
        "sd-exited",
        "crashed",
        "rocess exited, code=",
        _UNIT + r": Main process exited, (?P<detail>code=\w+, status=\S{1,30})",
    ),
    _sign(
        "sd-limit", "given_up", "repeated too quickly", r"(?:" + _UNIT + r": )?[Ss]tart request repeated too quickly"
    ),
    _sign(
        "sd-start",
        "start_asked",
        "Starting ",
        r"^Starting (?P<service>\S.{0,120}?)(?: - .{0,200})?(?:\.\.\.|…)$",
        _SYSTEMD,
    ),
    _sign("sd-started", "started", "Started ", r"^Started (?P<service>\S.{0,120}?)(?: - .{0,200})?\.?$", _SYSTEMD),
    _sign(
        "sd-stop",
        "stop_asked",
        "Stopping ",
        r"^Stopping (?P<service>\S.{0,120}?)(?: - .{0,200})?(?:\.\.\.|…)$",
        _SYSTEMD,
    ),
    _sign("sd-stopped", "stopped", "eactivated successfully", _UNIT + r": Deactivated successfully"),
    _sign("sd-stopped", "stopped", "Succeeded.", _UNIT + r": Succeeded\."),
    # PM2: lib/God.js
    _sign(
        "pm-start", "start_asked", "] starting in", r"App \[(?P<service>[^:\]]{1,100}):(?P<instance>\d+)\] starting in"
    ),
    _sign("pm-online", "started", "] online", r"App \[(?P<service>[^:\]]{1,100}):(?P<instance>\d+)\] online"),
    _sign("pm-stop", "stop_asked", "Stopping app:", r"Stopping app:(?P<service>\S.{0,100}?) id:(?P<instance>\d+)"),
    _sign(
        "pm-exited",
        "stopped",
        "] exited with code [",
        r"App \[(?P<service>[^:\]]{1,100}):(?P<instance>\d+)\] exited with code \[0\]",
    ),
    _sign(
        "pm-exited",
        "crashed",
        "] exited with code [",
        r"App \[(?P<service>[^:\]]{1,100}):(?P<instance>\d+)\] exited with (?P<detail>code \[\d+\])",
    ),
    _sign(
        "pm-gave-up",
        "given_up",
        "too many unstable restarts",
        r"Script (?P<service>\S{1,300}) had too many unstable restarts",
    ),
    # forever-monitor: lib/forever-monitor/monitor.js; docker compose
    _sign(
        "fo-exited",
        "crashed",
        "detected script exited with code",
        r"Forever detected script (?P<detail>exited with code: (?!0\b|143\b)\w{1,10})",
    ),
    _sign(
        "fo-killed",
        "crashed",
        "detected script was killed",
        r"Forever detected script (?P<detail>was killed by signal: (?!SIGTERM)\w{1,20})",
    ),
    _sign("fo-gave-up", "given_up", "has exited after", r"Script restart attempt failed|has exited after \d+ restarts"),
    _sign("do-exited", "stopped", " exited with code ", r"^(?P<service>[\w.-]{1,120}) exited with code (?:0|143)\b"),
    _sign(
        "do-exited", "crashed", " exited with code ", r"^(?P<service>[\w.-]{1,120}) (?P<detail>exited with code \d+)"
    ),
    _sign("do-looping", "given_up", "Restarting (", r"\bRestarting \((?P<code>\d+)\) .{1,40} ago"),
    # CouchDB: couch_sup.erl
    _sign("couch-up", "started", "has started on http", r"Apache CouchDB has started on http"),
    _sign("couch-stop", "stop_asked", "SIGTERM received", r"SIGTERM received - shutting down"),
)
