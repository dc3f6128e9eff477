"""The states of the real managers and what each must be called. The first name of a case is the manager, the second
what is done, the third to which state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.managers import debian, docker, forever, pm2, strongpm, supervisord, systemd

ELSEWHERE: Mapping[str, str] = {
    "podman": "needs containers: its recorded answers are replayed by tests/unit/managers/test_podman.py",
    "cozy-monitor": "is no longer to be had: its recorded outputs are replayed by tests/unit/managers",
    "cloudfoundry": "is on other machines: a stand-in of its API is asked by tests/unit/managers",
}
"""Managers that the lab cannot have, and why."""


def _cases(manager: str, kind: str, codes: Mapping[str, str]) -> Iterable[Case]:
    for name, code in codes.items():
        case = f"{manager}-{name}" if kind != "act" else f"{manager}-success-of-{name}"
        yield Case(case, "managers", (manager, kind, name), (Cause(code, "None"),) if code else (), None)


def _all(
    manager: str,
    states: Mapping[str, str],
    acts: Iterable[str] = (),
    daemon: Mapping[str, str] | None = None,
    rest: str = "",
) -> Iterable[Case]:
    yield from _cases(manager, "state", states)
    yield from _cases(manager, "rest", {"nothing-else": rest})
    yield from _cases(manager, "act", dict.fromkeys(acts, ""))
    yield from _cases(manager, "daemon", daemon or {})


CASES = (
    *_all("supervisord", supervisord.STATES, ("loops",), supervisord.DAEMON),
    *_all("supervisord-second", supervisord.SECOND, (), supervisord.SECOND_DAEMON),
    *_all("pm2-7", pm2.STATES, ("crashes", "loops"), pm2.DAEMON),
    *_all("pm2-5", pm2.STATES, ("crashes", "loops"), pm2.DAEMON),
    *_all("forever", forever.STATES, ("loops", "given-up"), forever.DAEMON),
    *_all("systemd", systemd.STATES, ("cozy-203",)),
    *_all("strongpm", strongpm.STATES, ("crashes",), strongpm.DAEMON, "manager.exposed"),
    *_all("docker", docker.STATES, docker.LIES, docker.DAEMON),
    *_all("debian", debian.STATES, debian.ACTS),
    *_all("sysv", debian.SCRIPTS, (), debian.MASTER),
    *(Case(name, "managers", (name, "state", ""), (), None) for name in ELSEWHERE),
)

MANAGERS = tuple(dict.fromkeys(case.faults[0] for case in CASES))
