"""One act on one service: tested, written down before and after, proven by a new process that stays.

The exit codes of the tools are never believed: `systemctl start` succeeds for a binary that does not exist,
`pm2 restart` for an app that dies at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.managers.service import Service
from cozydiag.masking import masked
from cozydiag.repair import owners, proxies
from cozydiag.repair.proof import INSTANCE, prove
from cozydiag.stack import Stack
from cozydiag.state import Lock, LockBusy, State
from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, render

LOCK = "repair"
"""Whoever acts holds the lock of this name."""

KIND = "act"
"""The kind of the journal's lines about acts."""


class Outcome(NamedTuple):
    """What came of it: `verified` (a new process that stays), `failed`, `refused` (nothing was touched) or `busy`
    (another cozydiag is at work). ``text`` says it to people. ``entry`` is its line of the journal, 0 without one."""

    service: Service
    verb: str
    result: str
    text: Text
    pid_before: int = 0
    pid_after: int = 0
    seconds: float = 0.0
    entry: int = 0

    def record(self) -> dict[str, Any]:
        """The result as the journal keeps it."""
        text = render(self.text, ENGLISH)
        return {"result": self.result, "text": text, "pid": self.pid_after, "seconds": round(self.seconds, 1)}


def act(
    host: Host,
    stack: Stack,
    state: State,
    service: Service,
    verb: str,
    *,
    why: str = "",
    by: str = "",
    lock: Lock | None = None,
) -> Outcome:
    """Start, stop, restart or reload one service through the tool that owns it, and prove it.

    ``why`` and ``by`` go into the journal. ``lock`` is the caller's, who holds it over several acts. Never raises for
    what the service or its manager does.
    """
    notes = {"why": why, "by": by}
    if lock is not None:
        return _act(host, stack, state, service, verb, notes)
    taken = state.lock(LOCK)
    if isinstance(taken, LockBusy):
        return Outcome(service, verb, "busy" if taken.held else "refused", taken.why)
    with taken:
        return _act(host, stack, state, service, verb, notes)


def _act(host: Host, stack: Stack, state: State, service: Service, verb: str, notes: dict[str, str]) -> Outcome:
    manager = owners.manager_of(host, stack, service)
    if manager is None:
        return Outcome(service, verb, "refused", t("{manager} cannot be used from here", manager=service.manager))
    refused = _test(host, stack, service) if verb != "stop" else None
    if refused is not None:
        return Outcome(service, verb, "refused", masked(refused, stack.masks()))
    entry = state.append(KIND, {"service": service.address, "verb": verb, **notes}, at=host.clock.now())
    if entry is None:
        text = t("nothing is done without a journal, and it cannot be written in {folder}", folder=state.folder)
        return Outcome(service, verb, "refused", text)
    began = host.clock.monotonic()
    result, text, before, after = prove(host, manager, service, verb, stack.config.timing.proof)
    seconds = host.clock.monotonic() - began
    outcome = Outcome(service, verb, result, masked(text, stack.masks()), before, after, seconds, entry)
    state.update(entry, outcome.record())  # an intent without a result is a run that was cut off
    return outcome


def _test(host: Host, stack: Stack, service: Service) -> Text | None:
    """Why a proxy must not be touched: by its own test, and by what that does not see."""
    proxy = proxies.behind(host, stack, service)
    if proxy is None:
        return None
    return proxies.refused(host, proxy) or _unseen(host, stack)


def _unseen(host: Host, stack: Stack) -> Text | None:
    """What that test does not see: another program on the port, a certificate that is not that of its key."""
    from cozydiag.site import before_reload
    from cozydiag.stack import fronts

    view = host.within(10.0, INSTANCE)
    for proxy in fronts.in_use(stack, view):
        finding = before_reload.refusal(view, stack, proxy)
        if finding is not None:
            return t("it would not come back: {why}", why=finding.text)
    return None
