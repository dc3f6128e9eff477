"""What forever's monitors say of their scripts (`forever-monitor/monitor.js`, seen with forever 4.0.3)."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.logs import one_line
from cozydiag.managers.node import is_hopeless, keep, number, reason
from cozydiag.managers.service import Condition, Service, State

YOUNG: Final = 30.0
"""Seconds; a start longer ago is no sign of a crash loop."""

_OFTEN: Final = 3
_END = "Forever detected script "  # `exited with code: 1`, `was killed by signal: SIGKILL`
_OWN = ("Forever detected ", "Forever restarting ", "Script restart attempt #", "restarting script because ")
_CODE = re.compile(r"exited with code: (\d+)")


class Script(NamedTuple):
    """A script and its monitor, by its answer to `data`. ``ctime``: its last start, epoch seconds. ``running``: its
    monitor goes on trying; the process ``pid`` may be gone all the same."""

    socket: str
    uid: str
    file: str
    folder: str
    arguments: tuple[str, ...]
    monitor: int
    pid: int
    ctime: float
    running: bool
    restarts: int
    log: str

    @property
    def name(self) -> str:
        """Its uid, or the file where that is one of the four letters that forever makes up."""
        made_up = len(self.uid) == 4 and not (self.uid.isalpha() and self.uid.islower())
        return os.path.basename(self.file) if made_up and self.file else self.uid

    @property
    def start(self) -> tuple[str, ...]:
        """What would start it anew."""
        where = ("--sourceDir", self.folder) if self.folder else ()
        return ("forever", "start", "-a", "--uid", self.uid, *where, self.file, *self.arguments)


def read(socket: str, said: Any, keep_secret: Callable[[str], object]) -> Script | None:
    """A script of the answer to `data`; None when it is none. The environment ends here."""
    if not isinstance(said, dict) or "uid" not in said or "running" not in said:
        return None
    keep(said.get("env"), keep_secret)
    spawned = said.get("spawnWith")
    keep(spawned.get("env") if isinstance(spawned, dict) else None, keep_secret)
    arguments = said.get("args")
    return Script(
        socket,
        uid=one_line(str(said["uid"]), 200),
        file=one_line(str(said.get("file", ""))),
        folder=one_line(str(said.get("sourceDir") or "")),
        arguments=tuple(one_line(str(one)) for one in arguments) if isinstance(arguments, list) else (),
        monitor=int(number(said.get("foreverPid"))),
        pid=int(number(said.get("pid"))),
        ctime=number(said.get("ctime")) / 1000,
        running=said["running"] is True,
        restarts=int(number(said.get("restarts"))),
        log=str(said.get("logFile", "")),
    )


def is_alive(host: Host, script: Script) -> bool:
    """Between two tries its monitor still gives the number of the process that has ended."""
    found = host.process(script.pid) if script.running and script.pid else None
    return found is not None and found.state != "Z"


def is_own(line: str) -> bool:
    """Whether forever wrote this line, and not the script."""
    return any(words in line for words in _OWN)


def condition(script: Script, log: Sequence[str], alive: bool, now: float, service: Service) -> Condition:
    """The log is forever's: what the script wrote and how it ended, without times."""
    ends = [line for line in log if _END in line]
    crashes = all("exited with code" in line for line in ends[-_OFTEN:]) and len(ends) >= _OFTEN
    code = _CODE.search(ends[-1]) if ends else None
    state = _state(script, alive, now - script.ctime < YOUNG and crashes, code[1] if code else "")
    why = ""
    if state in (State.FAILED, State.CRASH_LOOPING):
        why = reason(line for line in log if not is_own(line))
    return Condition(
        service,
        state,
        wanted=state is not State.FINISHED,
        instances=(int(state is State.RUNNING), 1),
        since=script.ctime or None,
        pids=(script.pid,) if alive else (),
        restarts=script.restarts,
        exit_code=int(code[1]) if code and not alive else None,
        why=why,
        words=_words(script, alive),
        boot=False,
        hopeless=is_hopeless(why),
    )


def _state(script: Script, alive: bool, crashes: bool, code: str) -> State:
    if not script.running:  # given up: too often (`-m`), or too soon (`--minUptime`)
        return State.FINISHED if code == "0" else State.FAILED
    if not alive:  # it waits for the next try (`--spinSleepTime`)
        return State.CRASH_LOOPING if script.restarts > 1 else State.FAILED
    return State.CRASH_LOOPING if crashes and script.restarts >= _OFTEN else State.RUNNING


def _words(script: Script, alive: bool) -> str:
    if not script.running:
        return "STOPPED"  # as `forever list` has it
    return "running" if alive else "waits for its next start"
