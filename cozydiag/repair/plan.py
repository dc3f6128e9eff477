"""From causes to acts: the fewest that can help, and for every other cause the reason why none does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Service
from cozydiag.model import Cause, Report, Status
from cozydiag.repair import gates, owners
from cozydiag.repair.budget import Verdict
from cozydiag.stack import ROLES, Stack
from cozydiag.text import Text, t

_START = frozenset({"service.stopped", "service.down", "supervisor.down"})
"""Causes whose service does not run: it is started, unless it does. Everything else is restarted."""

_HARD = frozenset({
    "check.timeout", "nginx.no_workers", "proxy.orphans", "service.breaks_off", "service.crash_loop", "service.down",
    "service.failed", "service.hung", "service.stopped", "service.stuck", "site.no_answer",
})  # fmt: skip
"""Causes with which a reverse proxy is restarted. With all others it serves: a reload, which drops no connection, and
which its tool does not carry out when it would not come back."""

_CONFIGURATION = ("nginx.config", "nginx.config_on_disk", "proxy.config", "proxy.config_on_disk")
"""Causes with which a service would not come back. Where they are only likely, its own test decides, in `act`."""

_ORDER = (
    "supervisor", "couchdb", "cozy.controller", "cozy.data-system", "cozy.home", "cozy.proxy", "proxy",
)  # fmt: skip
"""Who must be there before whom; roles that are not known come last."""


class Action(NamedTuple):
    """One act. ``command`` is what a person would type for it; ``failing`` is what must be well afterwards. ``gate``
    says why it is not done now, where that is known."""

    service: Service
    verb: str
    command: str
    why: Text
    cause: Cause
    allowed: bool
    gate: Verdict | None = None

    @property
    def failing(self) -> tuple[str, ...]:
        return (self.cause.instance, *self.cause.explains)


class Refusal(NamedTuple):
    """A cause that no restart by us can mend; its steps are in ``cause.remedy`` and ``cause.commands``."""

    cause: Cause
    reason: Text


class Plan(NamedTuple):
    """In the order of dependences, lowest first."""

    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]


def make(host: Host, stack: Stack, report: Report) -> Plan:
    """What to do about the causes of ``report``."""
    actions: list[Action] = []
    refusals: list[Refusal] = []
    doomed = {cause.role for cause in report.causes if cause.code in _CONFIGURATION and cause.certainty == "certain"}
    for cause in sorted(report.causes, key=_rank):
        step = _step(host, stack, cause)
        if isinstance(step, Action) and cause.role in doomed:
            step = Refusal(cause, t("it would not come back: its configuration is broken"))
        if isinstance(step, Refusal):
            refusals.append(step)
        elif all(step.service.address != other.service.address for other in actions):
            actions.append(step)
    return Plan(tuple(actions), tuple(refusals))


def narrowed(plan: Plan, names: Sequence[str]) -> Plan:
    """Only what concerns services or roles of these names; all when there are none."""
    if not names:
        return plan
    actions = tuple(one for one in plan.actions if means(names, one))
    refusals = tuple(one for one in plan.refusals if {one.cause.role, one.cause.service}.intersection(names))
    return Plan(actions, refusals)


def means(names: Sequence[str], action: Action) -> bool:
    """Whether one of the names is that of its service (with or without its manager), or of its role."""
    service = action.service
    bare = service.unit.removesuffix(".service")
    called = {service.unit, bare, service.address, service.role, action.cause.role}
    return not names or bool(called.intersection(names))


def gated(plan: Plan, view: gates.View) -> Plan:
    """The same, each act with what forbids it now."""
    return plan._replace(actions=tuple(one._replace(gate=gates.verdict(view, one)) for one in plan.actions))


def _rank(cause: Cause) -> int:
    return _ORDER.index(cause.role) if cause.role in _ORDER else len(_ORDER)


def _step(host: Host, stack: Stack, cause: Cause) -> Action | Refusal:
    if cause.restart_helps is False:
        return Refusal(cause, t("the fault would still be there afterwards"))
    if cause.severity is Status.WARN and not cause.restart_helps:
        return Refusal(cause, t("it works; a warning is no reason for a restart"))
    service = owners.service_of(host, stack, cause.role, cause.service)
    if service is None:
        off = [one for one in owners.conditions(host, stack) if one.role == cause.role and gates.is_disabled(one)]
        if off and cause.role is not None:
            return Refusal(cause, gates.disabled(off[0]))
        name = ROLES.get(cause.role or "", cause.code)
        return Refusal(cause, t("no known tool manages {name}, so it cannot be started from here", name=name))
    verb = "start" if cause.code in _START and not _runs(host, stack, service) else "restart"
    if cause.role == "proxy" and cause.code not in _HARD and _can_reload(host, stack, service):
        verb = "reload"
    command = owners.line(host, stack, service, verb)
    if not command:
        return Refusal(cause, t("{manager} cannot be used from here", manager=service.manager))
    return Action(service, verb, command, cause.text, cause, owners.allowed(host, stack, service))


def _can_reload(host: Host, stack: Stack, service: Service) -> bool:
    manager = owners.manager_of(host, stack, service)
    return manager is not None and "reload" in manager.verbs


def _runs(host: Host, stack: Stack, service: Service) -> bool:
    """It can be running and not listen: to start it once more would change nothing."""
    manager = owners.manager_of(host, stack, service)
    try:
        life = manager.life(host.within(2.0, "plan"), service) if manager is not None else None
    except GivenUp:
        return False
    return life is not None and not isinstance(life, Failure) and life.running
