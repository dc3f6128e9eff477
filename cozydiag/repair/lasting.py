"""How long what was mended is watched: each service in its own time."""

from __future__ import annotations

from cozydiag.config import Config
from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.repair import owners
from cozydiag.repair.act import Outcome
from cozydiag.repair.plan import Action
from cozydiag.stack import Stack

_SLOW = {"couchdb": 3.0, "cozy.controller": 6.0}
"""How many times as long as others they take: CouchDB opens its databases, the controller starts every app."""

FAIL_TIMEOUT = 10.0
"""Seconds for which nginx does not ask an upstream that failed once (ngx_http_upstream_module, `fail_timeout`): what is
behind it may be well already."""


def patience(action: Action, config: Config) -> float:
    """Seconds that what failed may take to be well. nginx in front needs its own, unless less was asked for."""
    settle = config.timing.settle
    behind_nginx = any(name.startswith(("proxy.", "site.")) for name in action.cause.explains)
    own = settle * _SLOW.get(action.service.role or "", 1.0)
    return max(own, min(settle, FAIL_TIMEOUT) + settle / 2) if behind_nginx else own


def stable(action: Action, config: Config) -> float:
    """Seconds between the first look that finds it well and the one that has to find it so again."""
    return config.repair.stable * min(3.0, _SLOW.get(action.service.role or "", 1.0))


def changed(host: Host, stack: Stack, outcome: Outcome) -> bool:
    """Whether what was acted on runs no more, or as another process or invocation than after the act, where that is
    known."""
    service = outcome.service
    manager = owners.manager_of(host, stack, service)
    try:
        life = manager.life(host, service) if manager is not None else None
    except GivenUp:
        return False  # what failed is well all the same
    if life is None or isinstance(life, Failure):
        return life is not None
    known = (outcome.pid_after, life.pid), (outcome.invocation, life.invocation)
    return not life.running or any(before and now and before != now for before, now in known)
