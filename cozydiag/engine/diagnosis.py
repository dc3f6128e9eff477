"""From results to causes: what fails because of something else is explained by it, the rest is a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cozydiag.engine.relate import Instance, related
from cozydiag.model import FAILING, Cause, Check, Evidence, Finding, Result, Status
from cozydiag.stack import ROLES
from cozydiag.text import Text, t


class Diagnosis:
    """The graph of one run. ``results`` carry ``explained_by``; ``causes`` stand worst first."""

    def __init__(self, checks: Mapping[str, Check], results: Sequence[Result], services: Mapping[str, str]) -> None:
        self.checks = checks
        self.services = services
        self.by_name = {result.instance: result for result in results}
        self.instances: dict[str, list[Instance]] = {}
        for result in results:
            if result.id in checks:
                instance = Instance(checks[result.id], result.subject, _Item(result.role))
                self.instances.setdefault(result.id, []).append(instance)
        self.explained = {name: self._reasons(result) for name, result in self.by_name.items()}
        self._open_circles()
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
                for other in related(instance, name, self.instances):
                    self._follow(self.by_name[other.name], result, found, set())
        waits_for = {role for finding in result.findings for role in finding.waits_for}
        for other_result in self.by_name.values():
            if other_result.status not in FAILING or other_result is result:
                continue
            if any(finding.role in waits_for for finding in other_result.findings):
                found[other_result.instance] = None
        return tuple(found)

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
        rooted = {name for name, reasons in self.explained.items() if not reasons}
        while True:
            while new := {n for n, reasons in self.explained.items() if n not in rooted and rooted & {*reasons}}:
                rooted |= new
            name = next((name for name in self.explained if name not in rooted), None)
            if name is None:
                return
            self.explained[name] = ()
            rooted.add(name)

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
        reached = {cause.instance, *merged}
        grew = True
        while grew:
            grew = False
            for name, result in self.by_name.items():
                if name not in reached and reached.intersection((*self.explained[name], *result.blocked_by)):
                    reached.add(name)
                    grew = True
        return tuple(name for name in self.by_name if name in reached and name != cause.instance)


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
