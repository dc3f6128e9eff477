"""The cases of the managers: each manager is started once, with all its states, and is gone at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from scripts.laboratory.cases import Case, Cause
from scripts.laboratory.judge import Judged, Judgement
from scripts.laboratory.made import Made
from scripts.laboratory.managers import debian, docker, forever, pm2, strongpm, supervisord, systemd
from scripts.laboratory.managers.cases import ELSEWHERE
from scripts.laboratory.managers.scene import Scene, new_causes, of_the_rest, said

MAKERS: Final[Mapping[str, Callable[[], AbstractContextManager[Scene]]]] = {
    "supervisord": partial(supervisord.scene, second=False),
    "supervisord-second": partial(supervisord.scene, second=True),
    "pm2-7": partial(pm2.scene, pm2.VERSIONS[0]),
    "pm2-5": partial(pm2.scene, pm2.VERSIONS[1]),
    "forever": forever.scene,
    "systemd": systemd.scene,
    "strongpm": strongpm.scene,
    "docker": docker.scene,
    "debian": debian.scene,
    "sysv": debian.scripts,
}


def judged(scenes: Made[Scene], case: Case) -> Judged:
    name = case.faults[0]
    if name in ELSEWHERE:
        return Judged(None, ELSEWHERE[name])
    return scenes.judged(name, lambda scene: _judge(case, scene))


def _judge(case: Case, scene: Scene) -> Judgement:
    _, kind, name = case.faults
    if kind == "act":
        return _act(scene, name)
    if kind == "daemon":
        report = scene.without_daemon[name]
        return _told(case, new_causes(scene.report, report))._replace(report=report)
    if kind == "rest":  # which speaks for all the states that are in the one report
        return _told(case, of_the_rest(scene.report, scene.addresses.values()))._replace(report=scene.report)
    return _state(case, scene, name)


def _state(case: Case, scene: Scene, name: str) -> Judgement:
    """Exactly one finding, and exactly one cause where it is a fault."""
    expected = tuple(cause.code for cause in case.expected)
    findings, causes = said(scene.report, scene.addresses[name])
    found = tuple(Cause(code, "None") for code in findings if code)
    wanted = tuple(code for code in expected if code not in _NO_CAUSE)
    problems = [] if findings == (expected or ("",)) else [f"found {', '.join(findings) or 'nothing'}"]
    problems += [] if causes == wanted else [f"causes: {', '.join(causes) or 'none'}"]
    false = Counter(causes) - Counter(wanted)
    return Judgement(found, false.total(), False, tuple(problems))


_NO_CAUSE = ("service.unknown",)
"""What could not be told is no cause."""


def _act(scene: Scene, name: str) -> Judgement:
    """Its own program calls it a success, and the service is dead: cozydiag must not believe it."""
    code, run = scene.acts[name]
    problems = [] if code == 0 else [f"its own program ended with {code}, and not with 0"]
    problems += [] if run.code == 2 else [f"cozydiag ended with {run.code}: {run.stderr[-200:]}"]
    return Judgement((), 0, False, tuple(problems))


def _told(case: Case, codes: Sequence[str]) -> Judgement:
    """``codes`` are what is expected, and nothing else."""
    expected = [cause.code for cause in case.expected]
    false = Counter(codes) - Counter(expected)
    problems = () if Counter(codes) == Counter(expected) else (f"causes: {', '.join(codes) or 'none'}",)
    return Judgement(tuple(Cause(code, "None") for code in codes), false.total(), False, problems)
