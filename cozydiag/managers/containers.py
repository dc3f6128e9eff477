"""What an inspected container says, in the house's words: Docker and podman hand over the same object.

Seen with dockerd 20.10 and podman 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.service import Condition, Container, Life, Service, State

PROJECT, COMPOSED = "com.docker.compose.project", "com.docker.compose.service"
"""The labels by which compose finds its containers again."""

UNIT = "PODMAN_SYSTEMD_UNIT"
"""The label by which podman knows that a unit of systemd starts and stops a container."""

_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where to connect for what is published on all addresses."""

_BY_HAND: Final = {130: "SIGINT", 137: "SIGKILL", 143: "SIGTERM"}
"""128 and the number of the signal: `docker stop` leaves 143, or 137 after its patience."""

_KEPT: Final = ("always", "unless-stopped")
_YOUNG: Final = 30.0  # seconds
_LONG_WAIT: Final = 0.8
"""Seconds. Docker waits 0.1 s before a restart and twice as long before each next one, until a life of ten seconds:
who has waited so long has died three times in a row (moby, `restartmanager.go`)."""


class Ending(NamedTuple):
    """How a container that does not run came to that."""

    state: State
    wanted: bool | None
    why: str = ""


def table(value: object) -> Mapping[str, Any]:
    """``value`` where it is a JSON object, else an empty one: what comes from outside may have any shape."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def stamp(text: object) -> float | None:
    """Epoch seconds of `2026-11-21T09:06:14.246073069Z`; None for "never" (the year 1) and for what is no time."""
    from datetime import datetime, timezone

    if not isinstance(text, str) or len(text) < 19 or text.startswith("0001"):
        return None
    try:
        whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
    rest, fraction = text[19:], ""
    if rest.startswith("."):
        digits = len(rest[1:]) - len(rest[1:].lstrip("0123456789"))
        fraction, rest = rest[: 1 + digits], rest[1 + digits :]
    return whole + (float(f"0{fraction}") if len(fraction) > 1 else 0.0) - _offset(rest)


def _offset(zone: str) -> float:
    """Seconds east of Greenwich in `+02:00`; podman writes local times."""
    sign, hours, minutes = zone[:1], zone[1:3], zone[4:6]
    if sign not in ("+", "-") or not (hours.isdigit() and minutes.isdigit()):
        return 0.0
    return (int(hours) * 3600 + int(minutes) * 60) * (1 if sign == "+" else -1)


def name_of(inspected: Mapping[str, Any]) -> str:
    """`PROJECT/SERVICE` for what compose has made, else the container's own name."""
    labels = table(table(inspected.get("Config")).get("Labels"))
    own = one_line(str(inspected.get("Name") or inspected.get("Id", "")[:12]).lstrip("/"), 200)
    if not (labels.get(PROJECT) and labels.get(COMPOSED)):
        return own
    made = one_line(f"{labels[PROJECT]}/{labels[COMPOSED]}", 200)
    copy = str(labels.get("com.docker.compose.container-number", "1"))
    return made if copy == "1" else f"{made}/{one_line(copy, 10)}"


def unit_of(inspected: Mapping[str, Any]) -> str:
    """The unit of systemd that starts and stops it, "" where there is none."""
    return one_line(str(table(table(inspected.get("Config")).get("Labels")).get(UNIT) or ""), 200)


def service_of(inspected: Mapping[str, Any], manager: str, user: str | None) -> Service:
    place = _place(inspected)
    role = "cozy.stack" if container(inspected).program == "cozy-stack" else None
    return Service(manager, name_of(inspected), role, place, user, id=str(inspected.get("Id", ""))[:12])


def _place(inspected: Mapping[str, Any]) -> tuple[str, int] | None:
    """The first published TCP port of a container that runs."""
    found = []
    for inside, doors in table(table(inspected.get("NetworkSettings")).get("Ports")).items():
        for door in doors if isinstance(doors, list) and inside.endswith("/tcp") else ():
            port, address = str(table(door).get("HostPort", "")), str(table(door).get("HostIp", ""))
            if port.isdigit() and 0 < int(port) < 65536:
                found.append((int(port), _LOCAL.get(address, address)))
    return (min(found)[1], min(found)[0]) if found else None


def container(inspected: Mapping[str, Any]) -> Container:
    """Where it can be asked, and where it keeps its data."""
    settings, network = table(inspected.get("Config")), table(inspected.get("NetworkSettings"))
    image = one_line(str(settings.get("Image") or ""), 200)
    command = [str(inspected.get("Path") or ""), *map(str, _list(inspected.get("Args")))]
    named = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    runs = next((word.rpartition("/")[2] for word in command if word.endswith("cozy-stack")), "")
    shared = bool(inspected.get("Pod"))  # podman shows the ports of a pod with each container in it
    ports = {**table(settings.get("ExposedPorts")), **({} if shared else table(network.get("Ports")))}
    own = [table(one).get("IPAddress") for one in table(network.get("Networks")).values()] or [network.get("IPAddress")]
    if table(inspected.get("HostConfig")).get("NetworkMode") == "host":
        own = ["127.0.0.1"]
    return Container(
        image,
        runs or named,
        tuple(str(address) for address in own if address),
        tuple(sorted(int(port[:-4]) for port in ports if port.endswith("/tcp") and port[:-4].isdigit())),
        tuple(_published(table(network.get("Ports")))),
        str(table(table(inspected.get("State")).get("Health")).get("Status") or "").replace("none", ""),
        tuple(_volume(table(mount)) for mount in _list(inspected.get("Mounts"))),
    )


def _published(ports: Mapping[str, Any]) -> Iterator[tuple[int, str, int]]:
    for inside, doors in ports.items():
        for door in _list(doors) if inside.endswith("/tcp") and inside[:-4].isdigit() else ():
            port, address = str(table(door).get("HostPort", "")), str(table(door).get("HostIp", ""))
            if port.isdigit() and 0 < int(port) < 65536:
                yield int(inside[:-4]), _LOCAL.get(address, address), int(port)


def _volume(mount: Mapping[str, Any]) -> tuple[str, str, bool]:
    """A volume that nobody named has 64 hexadecimal digits for a name, and stays behind when its container goes."""
    name = str(mount.get("Name") or mount.get("Source") or "")
    nameless = len(name) == 64 and all(digit in "0123456789abcdef" for digit in name)
    return one_line(str(mount.get("Destination") or ""), 300), one_line(name, 300), not nameless


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def in_time(host: Host, found: Sequence[Condition]) -> tuple[Condition, ...] | Failure:
    """``found``, unless the time was over before one of them could be looked at: that is one failure, not as many."""
    if found and host.deadline.remaining() <= 0 and all(one.state is State.UNKNOWN for one in found):
        return Failure("timeout", found[0].words or "no answer in time")
    return tuple(found)


def condition(inspected: Mapping[str, Any], manager: str, user: str | None, now: float) -> Condition:
    """One container. Times of ``inspected`` are by this machine's clock."""
    said, settings = table(inspected.get("State")), table(inspected.get("HostConfig"))
    policy = str(table(settings.get("RestartPolicy")).get("Name") or "no")
    running = bool(said.get("Running")) and not said.get("Restarting") and not said.get("Paused")
    started, finished = stamp(said.get("StartedAt")), stamp(said.get("FinishedAt"))
    pid, code = number(said.get("Pid")), number(said.get("ExitCode"))
    ending = _alive(inspected, now) if running or said.get("Paused") else _ended(inspected, policy, now, manager)
    service = service_of(inspected, manager, user)
    boot = _boots(inspected, policy, ending)
    return Condition(
        service,
        ending.state,
        mode=policy,
        wanted=ending.wanted,
        instances=(int(ending.state in (State.RUNNING, State.STARTING)), 1),
        since=started if running else finished,
        pids=(pid,) if pid else (),
        restarts=number(inspected.get("RestartCount")),
        exit_code=None if running or not finished else code,
        why=ending.why,
        words=_words(said),
        boot=boot,
        owner=f"systemd{f'@{user}' if user else ''}:{unit_of(inspected)}" if unit_of(inspected) else "",
        boot_line="" if boot or boot is None else _boot_line(inspected, manager, policy),
        container=container(inspected),
    )


def life(inspected: Mapping[str, Any]) -> Life:
    """Whether it runs now. An unhealthy one does: its process lives."""
    said = table(inspected.get("State"))
    busy = bool(said.get("Restarting")) or said.get("Status") in ("removing", "stopping")
    running = bool(said.get("Running")) and not busy and not said.get("Paused")
    words = " ".join(filter(None, (_words(said), one_line(str(said.get("Error") or ""), 300))))
    return Life(running, number(said.get("Pid")), words, busy)


def _words(said: Mapping[str, Any]) -> str:
    health = table(said.get("Health")).get("Status")
    more = f" ({health})" if health else "" if said.get("Running") else f" ({number(said.get('ExitCode'))})"
    return one_line(f"{said.get('Status') or 'unknown'}{more}", 80)


def _alive(inspected: Mapping[str, Any], now: float) -> Ending:
    said = table(inspected.get("State"))
    if said.get("Paused"):
        return Ending(State.HUNG, True, "paused")
    if _loops(inspected, now):
        return Ending(State.CRASH_LOOPING, True)
    health = table(said.get("Health"))
    log = health.get("Log")
    looks = [table(one) for one in log] if isinstance(log, list) else []
    if health.get("Status") == "unhealthy":
        output = one_line(str(looks[-1].get("Output") or "").strip(), 300) if looks else ""
        return Ending(State.HUNG, True, f"unhealthy: {output}" if output else "unhealthy")
    if health.get("Status") == "starting" and (looks or "ConmonPid" not in said):
        return Ending(State.STARTING, True)
    return Ending(State.RUNNING, True)  # podman looks at healths by timers of systemd: without, it never looks at all


def _loops(inspected: Mapping[str, Any], now: float) -> bool:
    """It runs at this moment, and has done so too often: see _LONG_WAIT, or its lives were short on the average."""
    said, restarts = table(inspected.get("State")), number(inspected.get("RestartCount"))
    started, finished = stamp(said.get("StartedAt")), stamp(said.get("FinishedAt"))
    created = stamp(inspected.get("Created"))
    if restarts < 3 or started is None or finished is None or now - started > _YOUNG:
        return False
    waited = started - finished >= _LONG_WAIT and now - started < 10
    return waited or (created is not None and (started - created) / restarts < _YOUNG)


def _ended(inspected: Mapping[str, Any], policy: str, now: float, manager: str) -> Ending:
    said, code = table(inspected.get("State")), number(table(inspected.get("State")).get("ExitCode"))
    error, status = one_line(str(said.get("Error") or ""), 300), said.get("Status")
    if said.get("Restarting"):
        return Ending(State.CRASH_LOOPING, True, error or f"exit {code}")
    if error or status == "dead" or (status == "created" and code):
        return Ending(State.FAILED, True, error or f"exit {code}")
    if status in ("removing", "stopping"):
        return Ending(State.STOPPING, None)
    if status in ("created", "configured", "initialized"):
        return Ending(State.STOPPED, None)
    if status not in ("exited", "stopped"):
        return Ending(State.UNKNOWN, None)
    if said.get("OOMKilled"):
        return Ending(State.FAILED, True, "killed: out of memory")
    if manager == "podman" and policy != "no" and code and code not in _BY_HAND:
        return _podman_ended(inspected, code, now)
    return _exited(inspected, policy, code)


def _podman_ended(inspected: Mapping[str, Any], code: int, now: float) -> Ending:
    """podman 4.3 says `exited` between two restarts, and `Restarting` never."""
    finished = stamp(table(inspected.get("State")).get("FinishedAt"))
    loops = number(inspected.get("RestartCount")) and finished is not None and now - finished < _YOUNG
    return Ending(State.CRASH_LOOPING if loops else State.FAILED, True, f"exit {code}")


def _exited(inspected: Mapping[str, Any], policy: str, code: int) -> Ending:
    """What the daemon would have started again, and did not, was stopped by somebody."""
    most = number(table(table(inspected.get("HostConfig")).get("RestartPolicy")).get("MaximumRetryCount"))
    restarts = number(inspected.get("RestartCount"))
    if policy in _KEPT or (policy == "on-failure" and code and not 0 < most <= restarts):
        return Ending(State.STOPPED, False)
    if policy == "on-failure" and code:
        return Ending(State.FAILED, True, f"exit {code}, given up after {restarts} restarts")
    if code in _BY_HAND:
        return Ending(State.STOPPED, None, f"ended by {_BY_HAND[code]}")
    if code:
        return Ending(State.FAILED, None if _serves(inspected) else False, f"exit {code}")
    return Ending(State.STOPPED, None) if _serves(inspected) else Ending(State.FINISHED, False)


def _serves(inspected: Mapping[str, Any]) -> bool:
    """It has a port, so it was not made to do one thing and end."""
    ports = table(inspected.get("Config")).get("ExposedPorts")
    return bool(ports or table(inspected.get("HostConfig")).get("PortBindings"))


def _boots(inspected: Mapping[str, Any], policy: str, ending: Ending) -> bool | None:
    """None: a unit of systemd looks after it. `unless-stopped` remembers that somebody stopped it."""
    if unit_of(inspected):
        return None
    return policy == "always" or (policy == "unless-stopped" and ending.state is not State.STOPPED)


def _boot_line(inspected: Mapping[str, Any], manager: str, policy: str) -> str:
    name = one_line(str(inspected.get("Name") or "").lstrip("/"), 200)
    verb = "start" if policy == "unless-stopped" else "update --restart unless-stopped"
    return f"{manager} {verb} {name}"
