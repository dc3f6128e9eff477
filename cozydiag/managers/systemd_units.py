"""What the properties of a unit mean (`systemctl show`, observed with systemd 252 on twenty broken units)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cozydiag.managers.service import Condition, Service, State

PROPERTIES: Final = (
    "Id", "Names", "LoadState", "LoadError", "ActiveState", "SubState", "Result", "Type", "UnitFileState", "MainPID",
    "ExecMainCode", "ExecMainStatus", "NRestarts", "RestartUSec", "ConditionResult",
    "ConditionTimestampMonotonic", "StateChangeTimestampMonotonic", "ActiveEnterTimestampMonotonic", "Requires",
    "BindsTo", "Requisite", "Job", "InvocationID",
)  # fmt: skip

KNOWN: Final = (
    "nginx.service", "apache2.service", "httpd.service", "caddy.service", "haproxy.service", "couchdb.service",
    "cozy-stack.service", "supervisor.service", "supervisord.service", "postfix.service", "postfix@-.service",
    "exim4.service", "redis-server.service", "docker.service", "podman.service", "pm2-*.service", "cozy-*.service",
)  # fmt: skip
"""The units of a Cozy's world. Patterns match what systemd has in memory."""

DUMMIES: Final[Mapping[str, str]] = {"postfix.service": "postfix@-.service"}
"""Units that are active (exited) whatever their service does, and the instance that they start, which is the real one
(Debian up to 12). Only the dummy is enabled."""

YOUNG: Final = 30.0
LOOP: Final = 3
"""So many automatic restarts, the last less than YOUNG seconds ago, are a crash loop. NRestarts counts from the last
start by hand, and says nothing of when."""

STUCK: Final = 90.0
"""Seconds that a start, stop or reload may take: systemd's own default (DefaultTimeoutStartSec)."""

_EXITS: Final[Mapping[int, str]] = {
    200: "CHDIR, its WorkingDirectory does not exist or is closed to it",
    203: "EXEC, its program does not exist or cannot be executed",
    208: "STDIN, its standard input cannot be opened",
    209: "STDOUT, its standard output cannot be opened",
    216: "GROUP, its Group does not exist",
    217: "USER, its User does not exist",
    226: "NAMESPACE, a folder that it is given does not exist",
    238: "STATE_DIRECTORY, its StateDirectory cannot be made",
}
"""Codes with which systemd itself ends before the program begins (systemd.exec(5), PROCESS EXIT CODES)."""

Properties = Mapping[str, str]


def condition(unit: Properties, now: float, monotonic: float) -> Condition:
    """``unit`` in the house's words. ``monotonic`` is CLOCK_MONOTONIC, which systemd counts by; both in seconds."""
    changed = _seconds(unit, "StateChangeTimestampMonotonic") or _seconds(unit, "ActiveEnterTimestampMonotonic")
    age = monotonic - changed if changed else 0.0
    state = _state(unit, age)
    name = unit.get("Id", "")
    pid = _number(unit, "MainPID")
    running = int(state is State.RUNNING or (state is State.CRASH_LOOPING and pid > 0))
    file_state = unit.get("UnitFileState", "")
    return Condition(
        Service("systemd", name),
        state,
        mode=unit.get("Type", ""),
        wanted=_wanted(unit, state),
        instances=(running, 1),
        since=now - age if changed else None,
        pids=(pid,) if pid else (),
        restarts=_number(unit, "NRestarts") if "NRestarts" in unit else None,
        exit_code=_exit_code(unit),
        why=_why(unit, state),
        hopeless=unit.get("LoadState") in ("bad-setting", "error") or _number(unit, "ExecMainStatus") in _EXITS,
        words=_words(unit),
        boot={"enabled": True, "enabled-runtime": False, "generated": True, "disabled": False, "masked": False,
              "linked": False, "transient": False}.get(file_state),
        boot_line=f"systemctl enable {name}" if file_state in ("disabled", "enabled-runtime", "linked") else "",
        invocation=unit.get("InvocationID", ""),
    )  # fmt: skip


def needed(unit: Properties) -> tuple[str, ...]:
    """The services without which a unit that is down would not have been started."""
    if unit.get("ActiveState") != "inactive" or unit.get("LoadState") != "loaded":
        return ()
    names = " ".join(unit.get(key, "") for key in ("Requires", "BindsTo", "Requisite")).split()
    return tuple(name for name in names if name.endswith(".service"))


def without(found: Condition, failed: str) -> Condition:
    """A service that was not started because ``failed``, which it requires, did not come up: somebody may want it,
    enabled or not."""
    return found._replace(state=State.FAILED, wanted=None, why=f"it requires {failed}, which has failed")


def _state(unit: Properties, age: float) -> State:
    load, active, sub = unit.get("LoadState", "loaded"), unit.get("ActiveState", ""), unit.get("SubState", "")
    if load == "masked":
        return State.DISABLED
    if load != "loaded":
        return State.FAILED if load in ("bad-setting", "error") else State.UNKNOWN
    if active == "active":
        return State.FINISHED if sub == "exited" else _running(unit, age)
    if active == "activating":
        return _starting(unit, sub, age)
    if active in ("deactivating", "reloading"):
        usual = State.RUNNING if active == "reloading" else State.STOPPING
        return State.HUNG if age > STUCK else usual
    if active == "failed":
        return State.FAILED
    return State.STOPPED if active == "inactive" else State.UNKNOWN


def _running(unit: Properties, age: float) -> State:
    loops = _number(unit, "NRestarts") >= LOOP and age < YOUNG
    return State.CRASH_LOOPING if loops else State.RUNNING


def _starting(unit: Properties, sub: str, age: float) -> State:
    """While it waits to be restarted it is down; a first time may stay the only one."""
    if sub.startswith("auto-restart"):
        return State.CRASH_LOOPING if _number(unit, "NRestarts") else State.FAILED
    return State.HUNG if age > STUCK and unit.get("Type") != "oneshot" else State.STARTING


def _wanted(unit: Properties, state: State) -> bool | None:
    """Enabled means that it should run; stopped although enabled may be somebody's wish, so nobody can tell."""
    if unit.get("LoadState") == "masked":
        return False
    if state in (State.STOPPED, State.STOPPING):
        return None if unit.get("UnitFileState") in ("enabled", "generated", "alias") else False
    return None if state is State.UNKNOWN else True


def _why(unit: Properties, state: State) -> str:
    if unit.get("LoadState") not in ("loaded", None):
        return unit.get("LoadError", "").partition(" ")[2].strip('"')
    if unit.get("ConditionResult") == "no" and _seconds(unit, "ConditionTimestampMonotonic"):
        return "not started: a Condition… of its unit file is not met"
    result, status = unit.get("Result", "success"), _number(unit, "ExecMainStatus")
    if state is State.HUNG:
        return f"{_words(unit)} does not end"
    if result == "success":
        return ""
    if result == "exit-code" and status:
        return f"exit code {status}" + (f"/{_EXITS[status]}" if status in _EXITS else "")
    if result in ("signal", "core-dump") and status:
        return f"killed by signal {status}"
    return {
        "timeout": "it was not ready, or did not end, within the time that its unit file gives it",
        "oom-kill": "killed: the memory was used up",
        "start-limit-hit": "it was started too often in a short time, and is not tried again",
    }.get(result, result)


def _words(unit: Properties) -> str:
    if unit.get("LoadState", "loaded") != "loaded":
        return unit.get("LoadState", "")
    result = unit.get("Result", "success")
    words = f"{unit.get('ActiveState', '')}/{unit.get('SubState', '')}"
    return words if result == "success" else f"{words} ({result})"


def _exit_code(unit: Properties) -> int | None:
    """As Python has it: negative for a signal. CLD_EXITED is 1, CLD_KILLED 2, CLD_DUMPED 3 (sigaction(2))."""
    code, status = _number(unit, "ExecMainCode"), _number(unit, "ExecMainStatus")
    return {1: status, 2: -status, 3: -status}.get(code)


def _number(unit: Properties, key: str) -> int:
    value = unit.get(key, "")
    return int(value) if value.isdigit() else 0


def _seconds(unit: Properties, key: str) -> float:
    return _number(unit, key) / 1e6
