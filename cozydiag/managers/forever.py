"""forever, asked over the sockets of its monitors: there is one for each script, and no daemon above them.

Its own `list` deletes the sockets of dead monitors, and waits for ever for one that hangs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.host.processes import Process
from cozydiag.managers import forever_scripts, node
from cozydiag.managers.forever_scripts import Script
from cozydiag.managers.node import Place
from cozydiag.managers.service import Condition, Life, Service, State, Surroundings, Verb

_MONITOR: Final = "forever/bin/monitor"


def find(host: Host, around: Surroundings) -> tuple[Forever, ...]:
    """Every folder of forever that has sockets, and the configured ones."""
    usual = {f"{home.folder}/.forever" for home in around.homes}
    others = {folder for folder in _bound(host) if folder not in usual} if around.discover else set()
    bound = [(folder, node.owner(host, folder)) for folder in sorted(others)]
    places = node.places(host, around, bound, ".forever", "FOREVER_ROOT")
    named = {folder.rstrip("/") for folder in around.named}
    return tuple(
        Forever(place, around.keep_secret)
        for place in places
        if place.folder in named or not _has_nothing(host, f"{place.folder}/sock")
    )


def _bound(host: Host) -> Iterator[str]:
    """Folders of monitors that run, from the table of bound sockets: no process shows its FOREVER_ROOT."""
    content = host.read("/proc/net/unix", max_bytes=16 << 20)
    for line in () if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines():
        folder, found, _ = line[line.find("/") :].partition("/sock/worker.")
        if found and line.endswith(".sock"):
            yield folder


def _has_nothing(host: Host, folder: str) -> bool:
    names = host.listdir(folder)
    return names.kind != "permission" if isinstance(names, Failure) else not names


class Seen(NamedTuple):
    """What the sockets of one folder gave: scripts, and how many monitors hang or are gone."""

    scripts: tuple[Script, ...]
    hung: tuple[str, ...]
    gone: int


class Forever:
    """The monitors of one folder (`FOREVER_ROOT`). Services are addressed by their uids: indexes shift."""

    name = "forever"
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(self, home: Place, keep_secret: Callable[[str], object] = len) -> None:
        self.home = home
        self.user = home.user
        self.place = home.folder
        self.keep_secret = keep_secret

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        seen = self._look(host)
        if isinstance(seen, Failure):
            return seen
        found = [self._condition(host, script) for script in seen.scripts]
        silent = list(self._silent(host, seen))
        nameless = seen.hung[sum(not one.start_line for one in silent) :]
        return (*found, *silent, *(self._hung(name, (), "its monitor does not answer") for name in nameless))

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        """Without what forever itself writes there after each end."""
        script = self._script(host, service)
        if isinstance(script, Failure):
            return script
        path = script.log if script else f"{self.home.folder}/{service.id or service.unit}.log"
        found = node.log(host, self.home, path, 3 * lines)
        if isinstance(found, Failure):
            return found
        return ([line for line in found if not forever_scripts.is_own(line)] or found)[-lines:]

    def allowed(self, host: Host) -> bool:
        return host.may_write(f"{self.home.folder}/sock")

    def exposed(self, host: Host) -> None:  # noqa: ARG002  its sockets are its user's alone
        return None

    def life(self, host: Host, service: Service) -> Life | Failure:
        """A monitor that was told to stop its script ends with it, so what is in no list is stopped."""
        script = self._script(host, service)
        if isinstance(script, Failure):
            return script
        if script is None:
            return Life(False, 0, "no monitor looks after it")
        alive = forever_scripts.is_alive(host, script)
        return Life(alive, script.pid if alive else 0, "running" if alive else "not running", busy=script.running)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        """`forever start` would begin a second monitor: what has been given up comes back by a restart."""
        return (*self.home.prefix, "forever", "stop" if verb == "stop" else "restart", service.id or service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        script = self._script(host, service)
        if isinstance(script, Failure):
            return script
        if script is None:
            return Failure("missing", f"forever has no {service.unit}, and does not know how it was started")
        if verb == "stop":
            return self._stop(host, service, script)
        if verb == "start" and forever_scripts.is_alive(host, script):
            return None
        answer = _ask(host, script.socket, "restart")
        return answer if isinstance(answer, Failure) else None

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002  it kills at once
        return 15.0

    def _stop(self, host: Host, service: Service, script: Script) -> Failure | None:
        """A stop is lost on a script that waits for its next try, and then never answered (forever #791): it is
        repeated. What closes without a word has ended."""
        while host.deadline.remaining() > 0:
            view = host.within(min(1.0, host.deadline.remaining()), host.instance)
            answer = _ask(view, script.socket, "stop")
            if not isinstance(answer, Failure) or answer.kind in ("closed", "reset", "refused", "missing"):
                return None
            if answer.kind != "timeout":
                return answer
            while host.deadline.remaining() > 0 and not forever_scripts.is_alive(host, script):
                host.clock.sleep(0.02)
                now = self._script(host, service)
                if now is None:
                    return None
                script = script if isinstance(now, Failure) else now
        return Failure("timeout", f"{service.unit} ends and is started too fast to be stopped")

    def _look(self, host: Host) -> Seen | Failure:
        """Each monitor has half of the time that is left: one that hangs takes nothing from the others."""
        folder = f"{self.home.folder}/sock"
        names = host.listdir(folder)
        if isinstance(names, Failure):
            return names
        scripts, hung, gone = [], [], 0
        closed: Failure | None = None
        for name in names:
            view = host.within(host.deadline.remaining() / 2, host.instance)
            said = _ask(view, f"{folder}/{name}", "data")
            host.evidence.extend(view.evidence)
            if not isinstance(said, Failure):
                script = forever_scripts.read(f"{folder}/{name}", said, self.keep_secret)
                closed = closed if script else Failure("protocol", f"{one_line(name)} does not answer as forever does")
                scripts += [script] if script else []
            elif said.kind in ("timeout", "given_up"):
                hung.append(one_line(name))
            elif said.kind in ("refused", "missing", "closed", "reset"):
                gone += 1
            else:
                closed = said
        return closed if closed and not scripts else Seen(tuple(scripts), tuple(hung), gone)

    def _script(self, host: Host, service: Service) -> Script | Failure | None:
        seen = self._look(host)
        if isinstance(seen, Failure):
            return seen
        found = (one for one in seen.scripts if service.id == one.uid or (not service.id and service.unit == one.name))
        script = next(found, None)
        return Failure("timeout", "a monitor does not answer") if script is None and seen.hung else script

    def _condition(self, host: Host, script: Script) -> Condition:
        service = Service("forever", script.name, None, None, self.user, script.uid)
        log = node.log(host, self.home, script.log, 200)
        lines = [] if isinstance(log, Failure) else log
        alive = forever_scripts.is_alive(host, script)
        found = forever_scripts.condition(script, lines, alive, host.clock.now(), service)
        line = shlex.join((*self.home.prefix, *script.start))
        return found._replace(boot_line=f"@reboot {shlex.join(script.start)}", command=line)

    def _silent(self, host: Host, seen: Seen) -> Iterator[Condition]:
        """Scripts whose monitors hang or are gone, from the pid files that these wrote."""
        known = {script.uid for script in seen.scripts}
        names = host.listdir(f"{self.home.folder}/pids") if seen.hung or seen.gone else []
        for name in [] if isinstance(names, Failure) else names:
            uid = one_line(name.removesuffix(".pid"), 200)
            if uid in known or not name.endswith(".pid"):
                continue
            process = self._process(host, f"{self.home.folder}/pids/{name}")
            monitor = host.process(process.ppid) if process else None
            if process and monitor and any(word.endswith(_MONITOR) for word in monitor.cmdline):
                if seen.hung:
                    yield self._hung(uid, (process.pid,), f"its monitor (process {monitor.pid}) does not answer")
            elif seen.gone:
                yield self._lost(uid, process)

    def _process(self, host: Host, path: str) -> Process | None:
        """The process of a pid file, if it is the one that it was written for: that is done at its start."""
        pid, written = host.pid_from_file(path), host.stat(path)
        found = host.process(pid) if pid else None
        if found is None or isinstance(written, Failure) or found.state == "Z":
            return None
        return found if abs(found.started - written.st_mtime) < 5.0 else None

    def _hung(self, uid: str, pids: tuple[int, ...], why: str) -> Condition:
        service = Service("forever", uid, None, None, self.user, uid)
        return Condition(service, State.HUNG, wanted=True, pids=pids, why=why, words="no answer", boot=False)

    def _lost(self, uid: str, process: Process | None) -> Condition:
        """Its monitor is gone, as after a reboot; its process may live on, and nobody would start it again."""
        words = process.cmdline[1:] if process else ("SCRIPT",)
        start = shlex.join((*self.home.prefix, "forever", "start", "-a", "--uid", uid, *words))
        return Condition(
            Service("forever", uid, None, None, self.user, uid),
            State.HUNG if process else State.STOPPED,
            wanted=True,
            instances=(int(process is not None), 1),
            pids=(process.pid,) if process else (),
            words="its monitor is gone",
            boot=False,
            start_line=start,
        )


def _ask(host: Host, socket: str, question: str) -> Any | Failure:
    """What a monitor gives back: one line of JSON there and back (`nssocket`)."""
    answer = host.exchange(socket, json.dumps([question, None]).encode() + b"\n", lambda seen: seen.endswith(b"\n"))
    if isinstance(answer, Failure):
        return answer
    said: Any = None
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        pass
    if not isinstance(said, list) or not said or said[0] not in (question, "data"):
        return Failure("protocol", "the answer is not forever's")
    return said[-1]
