"""PM2, asked over each user's `rpc.sock`: its own command would start a daemon where none runs, and take 300 ms."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import amp, node, pm2_apps, pm2_saved
from cozydiag.managers.node import Place
from cozydiag.managers.pm2_apps import App
from cozydiag.managers.pm2_saved import Saved
from cozydiag.managers.service import VERBS, Condition, Life, Service, State, Surroundings, Verb

YOUNG: Final = 30.0
"""Seconds; a process that PM2 revived longer ago is no sign of a crash loop."""

_RECENT: Final = 120.0
_OFTEN: Final = 3
"""So many ends within so many seconds are a crash loop."""

_TITLE = re.compile(r"PM2 v\S+: God Daemon \((/.*?)\)?$")

_METHODS: Final = {
    "start": "restartProcessId", "stop": "stopProcessId", "restart": "restartProcessId", "reload": "reloadProcessId"
}  # fmt: skip
"""`restartProcessId` starts what is stopped; `reloadProcessId` leaves no gap in cluster mode (`lib/God/Reload.js`)."""


def find(host: Host, around: Surroundings) -> tuple[PM2, ...]:
    """Every folder with a daemon, its remains or a saved list, and the configured ones."""
    titles = ((_TITLE.match(" ".join(one.cmdline).strip()), one.uid) for one in around.processes)
    alive = [(title[1], uid) for title, uid in titles if title is not None]
    told = (*pm2_saved.everywhere(host, around.homes), *around.remembered()) if around.discover else ()
    known = [(folder, node.owner(host, folder)) for folder in told]
    places = node.places(host, around, (*alive, *known), ".pm2", "PM2_HOME")
    certain = {*(folder.rstrip("/") for folder in around.named), *(folder for folder, _ in alive)}
    return tuple(
        PM2(place, around.keep_secret) for place in places if place.folder in certain or _was_used(host, place.folder)
    )


def _was_used(host: Host, folder: str) -> bool:
    seen = (host.stat(f"{folder}/{name}") for name in ("rpc.sock", "dump.pm2"))
    return any(not isinstance(one, Failure) or one.kind == "permission" for one in seen)


class PM2:
    """The daemon of one folder (`PM2_HOME`). Services are addressed by their ids: names may be given twice."""

    name = "pm2"
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, home: Place, keep_secret: Callable[[str], object] = len) -> None:
        self.home = home
        self.user = home.user
        self.place = f"{home.folder}/rpc.sock"
        self.keep_secret = keep_secret

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """Those of the daemon's list, then those that were saved and are not in it."""
        saved = pm2_saved.read(host, self.home, self.keep_secret)
        saved = {} if isinstance(saved, Failure) else saved
        boot = pm2_saved.starts_at_boot(host, self.home)
        apps = self._apps(host)
        if isinstance(apps, Failure):
            # Without a daemon, what was saved should run only where something would have started it.
            lost = [self._lost(one, ("pm2", "resurrect"), boot) for one in saved.values() if one.wanted and boot]
            return tuple(lost) if lost and apps.kind == "missing" else apps
        now = host.clock.now()
        looping = self._looping(host, apps, now)
        listed = [self._condition(host, group, looping, now) for group in pm2_apps.services(apps)]
        names = {app.name for app in apps}
        lost = [self._lost(one, one.line, boot) for one in saved.values() if one.wanted and one.name not in names]
        return (*(self._at_boot(one, saved, boot) for one in listed), *lost)

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """What it wrote to stderr; to stdout where it wrote nothing there."""
        group = self._group(host, service)
        if isinstance(group, Failure):
            return group
        _, told = pm2_apps.worst(group, (), host.clock.now())
        errors = node.log(host, self.home, told.errors, lines)
        return errors if errors and not isinstance(errors, Failure) else node.log(host, self.home, told.output, lines)

    def allowed(self, host: Host) -> bool:
        return host.may_write(self.place)

    def exposed(self, host: Host) -> str | None:
        return node.open_to_all(host, self.place)

    def life(self, host: Host, service: Service) -> Life | Failure:
        """Running when all instances are; the process is the youngest, so that no restart goes unseen."""
        group = self._group(host, service)
        if isinstance(group, Failure):
            return group
        statuses = [app.status for app in group]
        running = all(app.status == "online" and app.pid for app in group)
        youngest = max(group, key=lambda app: app.since)
        busy = any(status in ("launching", "stopping", "waiting restart") for status in statuses)
        return Life(running, youngest.pid, ", ".join(statuses), busy)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        """What was saved and is in no list has no id: only as a whole can it be started."""
        words = (verb, *service.id.split()) if service.id else ("resurrect",)
        return (*self.home.prefix, "pm2", *words)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """One instance after the other. PM2 refuses to restart what waits for its next try, so that is stopped."""
        group = self._group(host, service)
        if isinstance(group, Failure):
            return group
        for app in group:
            if verb == "start" and app.status in ("online", "launching"):
                continue
            if verb != "stop" and app.status == "waiting restart":
                stopped = amp.call(host, self.place, "stopProcessId", app.id)
                if isinstance(stopped, Failure):
                    return stopped
            argument: Any = app.id if verb == "stop" else {"id": app.id, "env": {}}
            done = amp.call(host, self.place, _METHODS[verb], argument)
            if isinstance(done, Failure):
                return done
        return None

    def patience(self, host: Host, service: Service) -> float:
        """`kill_timeout` until PM2 kills, `listen_timeout` until it calls a start a success; for each instance."""
        group = self._group(host, service)
        return 20.0 if isinstance(group, Failure) else 5.0 + sum(app.patience for app in group)

    def _apps(self, host: Host) -> list[App] | Failure:
        said = amp.call(host, self.place, "getMonitorData", {})
        if isinstance(said, Failure):
            return self._without_socket(host, said) if said.kind == "missing" else said
        apps = pm2_apps.read(said, self.keep_secret)
        return Failure("protocol", "the answer is no list of apps") if apps is None else apps

    def _without_socket(self, host: Host, missing: Failure) -> Failure:
        """No daemon, or one that has lost its socket."""
        pid = host.pid_from_file(f"{self.home.folder}/pm2.pid")
        daemon = host.process(pid) if pid else None
        if daemon is None or not any(_TITLE.match(word) for word in daemon.cmdline):
            return missing
        return Failure("closed", f"its daemon runs (process {pid}), and its socket {self.place} is gone")

    def _group(self, host: Host, service: Service) -> list[App] | Failure:
        apps = self._apps(host)
        if isinstance(apps, Failure):
            return apps
        ids = service.id.split()
        found = [app for app in apps if (str(app.id) in ids if ids else app.name == service.unit)]
        return found or Failure("missing", f"PM2 has no {service.unit} in its list")

    def _looping(self, host: Host, apps: Sequence[App], now: float) -> set[int]:
        """The ids of those that end again and again, and look well in between. PM2 counts restarts by people and by
        itself as one; its own log has the ends."""
        suspects = [app for app in apps if app.status == "online" and app.revived and now - app.since < YOUNG]
        if not suspects:
            return set()
        told = node.log(host, self.home, f"{self.home.folder}/pm2.log", 4000)
        if isinstance(told, Failure):
            return {app.id for app in suspects if app.restarts >= _OFTEN}
        return {app.id for app in suspects if _ends(told, app, now - _RECENT) >= _OFTEN}

    def _condition(self, host: Host, group: Sequence[App], looping: Collection[int], now: float) -> Condition:
        ids = " ".join(str(app.id) for app in group)
        found = pm2_apps.condition(group, looping, now, Service("pm2", group[0].name, None, None, self.user, ids))
        found = found._replace(command=pm2_saved.line(self.home, group[0].start(len(group))))
        if found.state not in (State.FAILED, State.CRASH_LOOPING, State.DEGRADED):
            return found
        _, told = pm2_apps.worst(group, looping, now)
        lines = node.log(host, self.home, told.errors, 40)
        why = "" if isinstance(lines, Failure) else node.reason(lines)
        return found._replace(why=why, hopeless=node.is_hopeless(why))

    def _at_boot(self, found: Condition, saved: Collection[str], started: bool) -> Condition:
        """``started``: something starts PM2 with the machine."""
        listed = found.service.unit in saved
        save = pm2_saved.line(self.home, ("pm2", "save"))
        missing = (*(() if started else (self._startup(),)), *(() if listed else (save,)))
        return found._replace(boot=started and listed, boot_line=" && ".join(missing))

    def _startup(self) -> str:
        """`--hp` is the home folder in which `.pm2` lies; any other folder goes by the environment."""
        usual = self.home.folder.endswith("/.pm2")
        before = () if usual else ("env", f"PM2_HOME={self.home.folder}")
        after = ("--hp", self.home.folder.removesuffix("/.pm2")) if usual else ()
        return shlex.join((*before, "pm2", "startup", "-u", self.home.account, *after))

    def _lost(self, one: Saved, words: tuple[str, ...], boot: bool) -> Condition:
        return Condition(
            Service("pm2", one.name, None, None, self.user),
            State.STOPPED,
            mode=one.mode,
            wanted=True,
            instances=(0, one.instances),
            words="saved, and not in the list",
            boot=boot,
            boot_line="" if boot else self._startup(),
            start_line=pm2_saved.line(self.home, words),
        )


def _ends(log: Sequence[str], app: App, since: float) -> int:
    """How often it has ended by itself after ``since``: nobody stopped or restarted it after ``created``."""
    mark = f" App [{app.name}:{app.id}] exited with code "
    return sum(mark in line and _time(line) >= max(since, app.created) for line in reversed(log))


def _time(line: str) -> float:
    """`2026-11-21T08:20:57: …` in local time; 0.0 where a line does not begin so."""
    try:
        return time.mktime(time.strptime(line[:19], "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0
