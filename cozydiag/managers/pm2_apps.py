"""What PM2 says of its apps, in the house's words (`constants.js`, `lib/God.js`; seen with PM2 5.4.3 and 7.0.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

from cozydiag.host.logs import one_line
from cozydiag.managers import pm2_saved
from cozydiag.managers.node import keep, number
from cozydiag.managers.service import Condition, Service, State

LAUNCH: Final = 120.0
"""Seconds after which an app that has not said that it is ready is stuck: PM2 itself waits 3 s unless told."""


class App(NamedTuple):
    """One process of PM2. Times are epoch seconds, 0.0 when unknown; ``pid`` is 0 when there is none.

    ``created`` is when somebody last started or restarted it, ``since`` when PM2 last did.
    """

    id: int
    name: str
    script: str
    mode: str
    status: str
    pid: int
    since: float
    created: float
    restarts: int
    exit_code: int | None
    autorestart: bool
    watch: bool
    errors: str
    output: str
    patience: float
    line: tuple[str, ...] = ()

    def start(self, instances: int) -> tuple[str, ...]:
        """What would start so many of it anew."""
        places = range(len(self.line))
        return tuple(str(instances) if at and self.line[at - 1] == "-i" else self.line[at] for at in places)

    @property
    def revived(self) -> bool:
        """Its present process was started by PM2 itself, because the one before had ended."""
        return self.restarts > 0 and 0 < self.created < self.since - 0.5


def read(entries: Any, keep_secret: Callable[[str], object]) -> list[App] | None:
    """The apps of an answer to `getMonitorData`; None when that is no list of apps. Environments end here."""
    if not isinstance(entries, list):
        return None
    apps = []
    for entry in entries:
        environment = entry.get("pm2_env") if isinstance(entry, dict) else None
        if not isinstance(environment, dict) or "status" not in environment:
            return None
        keep(environment, keep_secret)
        keep(environment.get("env"), keep_secret)
        if isinstance(entry.get("pm_id"), int):  # a string while it makes room for its successor (`_old_3`)
            apps.append(_app(entry, environment))
    return apps


def _app(entry: dict[str, Any], said: dict[str, Any]) -> App:
    status, code = one_line(str(said["status"]), 40), said.get("exit_code")
    name = one_line(str(entry.get("name") or said.get("name") or entry["pm_id"]), 200)
    pid = int(number(entry.get("pid")))
    return App(
        id=entry["pm_id"],
        name=name,
        script=one_line(str(said.get("pm_exec_path", ""))),
        mode=one_line(str(said.get("exec_mode", "")), 40).removesuffix("_mode"),
        status=status,
        pid=pid if status in ("online", "launching", "stopping", "errored") else 0,  # else it is of the process before
        since=number(said.get("pm_uptime")) / 1000,
        created=number(said.get("created_at")) / 1000,
        restarts=int(number(said.get("restart_time"))),
        exit_code=code if isinstance(code, int) else None,
        autorestart=said.get("autorestart") not in (False, "false"),
        watch=bool(said.get("watch")),
        errors=str(said.get("pm_err_log_path", "")),
        output=str(said.get("pm_out_log_path", "")),
        patience=((number(said.get("kill_timeout")) or 1600) + (number(said.get("listen_timeout")) or 3000)) / 1000,
        line=pm2_saved.command(said, name, 1),
    )


def state(app: App, now: float) -> State:
    """Of one process, as far as one sample can tell."""
    if app.status == "stopped":
        if app.autorestart or app.exit_code is None:
            return State.STOPPED
        return State.FAILED if app.exit_code else State.FINISHED
    if app.status == "launching":
        return State.HUNG if 0 < app.since < now - LAUNCH else State.STARTING
    if app.status == "errored":
        return State.HUNG if app.pid else State.FAILED  # with a process: it could not be killed
    if app.status == "waiting restart":
        return State.CRASH_LOOPING if app.restarts else State.FAILED
    return {"online": State.RUNNING, "stopping": State.STOPPING}.get(app.status, State.UNKNOWN)


def services(apps: Sequence[App]) -> list[list[App]]:
    """The apps as people see them: the instances of one script under one name together."""
    groups: dict[tuple[str, str, str], list[App]] = {}
    for app in sorted(apps):
        groups.setdefault((app.name, app.script, app.mode), []).append(app)
    return list(groups.values())


_WORST: Final = (
    State.CRASH_LOOPING, State.FAILED, State.HUNG, State.UNKNOWN, State.STARTING, State.STOPPING, State.STOPPED,
    State.FINISHED,
)  # fmt: skip


def worst(group: Sequence[App], looping: Collection[int], now: float) -> tuple[State, App]:
    """The state of a service and the instance that it is told by; ``looping`` are ids known to crash for ever."""
    states = [(State.CRASH_LOOPING if app.id in looping else state(app, now), app) for app in group]
    for one in _WORST:
        found = next((app for said, app in states if said is one), None)
        if found is not None:
            some = any(said is State.RUNNING for said, _ in states) and one is not State.STARTING
            return (State.DEGRADED if some else one), found
    return State.RUNNING, max(group, key=lambda app: app.since)


def condition(group: Sequence[App], looping: Collection[int], now: float, service: Service) -> Condition:
    """What is known of a service without its log and without what was saved."""
    said, told = worst(group, looping, now)
    running = [app for app in group if app.pid and app.status == "online" and app.id not in looping]
    statuses = dict.fromkeys(app.status for app in group)
    counts = (f"{sum(app.status == status for app in group)} {status}" for status in statuses)
    stuck = "it never said that it is ready" if told.status == "launching" else "it could not be ended"
    return Condition(
        service,
        said,
        mode=told.mode,
        wanted=None if said is State.UNKNOWN else said not in (State.STOPPING, State.STOPPED, State.FINISHED),
        instances=(len(running), len(group)),
        since=max(app.since for app in (running or group)) or None,
        pids=tuple(app.pid for app in group if app.pid),
        restarts=sum(app.restarts for app in group),
        exit_code=None if said is State.RUNNING else told.exit_code,
        why=stuck if said is State.HUNG else "",
        words=told.status if len(group) == 1 else ", ".join(counts),
        watch=any(app.watch for app in group),
    )
