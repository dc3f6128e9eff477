"""From results to causes: what fails because of something else is explained by it, the rest is a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cozydiag.engine.relate import Instance, Instances
from cozydiag.model import FAILING, Cause, Check, Evidence, Finding, Result, Status
from cozydiag.stack import ROLES
from cozydiag.text import Text, t


class Diagnosis:
    """The graph of one run. ``results`` carry ``explained_by``; ``causes`` stand worst first."""

    def __init__(self, checks: Mapping[str, Check], results: Sequence[Result], services: Mapping[str, str]) -> None:
        self.checks = checks
        self.services = services
        self.by_name = {result.instance: result for result in results}
        self._place = {name: number for number, name in enumerate(self.by_name)}
        self._instances = Instances()
        self._failing: dict[str | None, list[str]] = {}  # by the roles of their findings
        for result in results:
            if result.id in checks:
                self._instances.add(result.id, Instance(checks[result.id], result.subject, _Item(result.role)))
        for name, result in self.by_name.items():
            for role in {finding.role for finding in result.findings} if result.status in FAILING else ():
                self._failing.setdefault(role, []).append(name)
        self.explained = {name: self._reasons(result) for name, result in self.by_name.items()}
        self._open_circles()
        self._behind = _turned((name, (*why, *self.by_name[name].blocked_by)) for name, why in self.explained.items())
        self.results = [r._replace(explained_by=self.explained[r.instance]) for r in results]
        self.causes = [*self._causes(Status.FAIL), *self._causes(Status.WARN)]

    def _reasons(self, result: Result) -> tuple[str, ...]:
        """The failing instances that explain ``result``; BLOCKED ones are followed to what blocks them."""
        if result.status not in FAILING and result.status is not Status.WARN:
            return ()
        if any(finding.own for finding in result.findings):
            return ()
        found: dict[str, None] = {}
        check = self.checks.get(result.id)
        if check is not None:
            instance = Instance(check, result.subject, _Item(result.role))
            for name in (*check.because, *check.needs):
                for other in self._instances.related(instance, name):
                    self._follow(self.by_name[other.name], result, found, set())
        waits_for = dict.fromkeys(role for finding in result.findings for role in finding.waits_for)
        found.update((name, None) for role in waits_for for name in self._failing.get(role, ()))
        return tuple(name for name in found if name != result.instance)

    def _follow(self, other: Result, result: Result, found: dict[str, None], seen: set[str]) -> None:
        seen.add(other.instance)
        if other.status in FAILING and _touches(other, result):
            found[other.instance] = None
        elif other.status is Status.BLOCKED:
            for name in other.blocked_by:
                if name in self.by_name and name not in seen:
                    self._follow(self.by_name[name], result, found, seen)

    def _open_circles(self) -> None:
        """Of failures that only explain each other, the first is taken for the cause: else nothing would be."""
        behind = _turned(self.explained.items())
        rooted: set[str] = set()
        _reach(rooted, (name for name, reasons in self.explained.items() if not reasons), behind)
        for name in self.explained:
            if name not in rooted:
                self.explained[name] = ()
                _reach(rooted, [name], behind)

    def _causes(self, severity: Status) -> list[Cause]:
        """One cause per role, from the first check in the order of dependences that nothing explains."""
        causes: list[Cause] = []
        merged: dict[str, list[str]] = {}
        for result in self.by_name.values():
            if self.explained[result.instance] or result.id not in self.checks:
                continue
            for finding in _of(result, severity):
                role = finding.role or result.role
                key = self._key(result, role) if severity is Status.FAIL else None
                if key is not None and key in merged:
                    merged[key].append(result.instance)
                    continue
                if key is not None:
                    merged[key] = []
                causes.append(self._cause(result, finding, role, severity))
        return [c._replace(explains=self._explains(c, merged.get(c.role or "", []))) for c in causes]

    def _key(self, result: Result, role: str | None) -> str | None:
        """What one cause is enough for: a service. Two full disks, or two sites, are two causes."""
        return None if role == "host" or self.checks[result.id].each in ("sites", "mounts") else role

    def _cause(self, result: Result, finding: Finding, role: str | None, severity: Status) -> Cause:
        service = finding.service or self.services.get(role or "")
        return Cause(
            finding.code, role, result.subject, result.instance, severity, finding.text, (), finding.advice,
            finding.commands, _seen(result, finding), finding.certainty, finding.restart_helps, finding.by_hand,
            service,
        )  # fmt: skip

    def _explains(self, cause: Cause, merged: Sequence[str]) -> tuple[str, ...]:
        """Everything that failed or could not be run because of this cause, near and far."""
        reached: set[str] = set()
        _reach(reached, (cause.instance, *merged), self._behind)
        return tuple(sorted(reached - {cause.instance}, key=self._place.__getitem__))


def _turned(reasons: Iterable[tuple[str, Iterable[str]]]) -> Mapping[str, list[str]]:
    """What stands behind each reason."""
    behind: dict[str, list[str]] = {}
    for name, why in reasons:
        for one in why:
            behind.setdefault(one, []).append(name)
    return behind


def _reach(known: set[str], names: Iterable[str], behind: Mapping[str, Sequence[str]]) -> None:
    """Adds ``names`` to those that are known, and all that stands behind them."""
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            waiting += behind.get(name, ())


class _Item:
    """Stands for the source's item, of which only the role is still needed."""

    def __init__(self, role: str | None) -> None:
        self.role = role


def _touches(other: Result, result: Result) -> bool:
    """Whether a failure reaches ``result``: the finding may name the roles it takes down."""
    failing = [finding for finding in other.findings if finding.status in FAILING]
    if not failing or result.role is None:
        return not failing or any(finding.affects is None for finding in failing)
    return any(finding.affects is None or result.role in finding.affects for finding in failing)


def _of(result: Result, severity: Status) -> list[Finding]:
    if severity is Status.FAIL and result.status is Status.TIMEOUT:
        text = t("{role} does not answer: {check}", role=ROLES.get(result.role or "", result.id), check=result.title)
        advice = t("See what it is doing, then restart it.")
        last = result.evidence[-1] if result.evidence else None
        return [Finding(Status.TIMEOUT, "check.timeout", text, result.role, advice, proof=last, certainty="likely")]
    return [finding for finding in result.findings if finding.status is severity]


def _seen(result: Result, finding: Finding) -> tuple[Evidence, ...]:
    """The proof. Without one, of what was read the last line that has most of the sentence's own words in it: what was
    merely read last may be about anything, and no line is better than that one."""
    if finding.proof is not None or len(result.evidence) < 2:
        return result.evidence if finding.proof is None else (finding.proof,)
    words = _words(finding.text)

    def shared(one: Evidence) -> int:
        return sum(word in f"{one.source}: {one.line}" for word in words)

    best = max(reversed(result.evidence), key=shared)
    return (best,) if shared(best) else ()


def _words(text: Text) -> set[str]:
    """The names in a sentence."""
    found = {value for _, value in text.params if isinstance(value, str) and value}
    return found.union(*(_words(value) for _, value in text.params if isinstance(value, Text)))


def verdict(results: Sequence[Result], causes: Sequence[Cause]) -> Status:
    """critical > unknown > warning > ok. What could not be looked at counts where it is essential, and a server where
    nothing essential was found is not a healthy one."""
    if any(cause.severity is Status.FAIL for cause in causes) or any(result.status in FAILING for result in results):
        return Status.FAIL
    essential = {result.status for result in results if result.essential}
    if essential & {Status.UNKNOWN, Status.ERROR, Status.BLOCKED} or nothing_here(results):
        return Status.UNKNOWN
    return Status.WARN if causes else Status.OK


def nothing_here(results: Sequence[Result]) -> bool:
    """A stack was looked for, and there is none on this machine: a lone nginx is not one."""
    parts = [r for r in results if r.essential and r.role is not None and r.role.startswith(("cozy.", "couchdb"))]
    seen = any(r.status is not Status.SKIP for r in results if r.essential and r.subject is not None)
    return bool(parts) and not seen and all(r.status is Status.SKIP for r in parts)
