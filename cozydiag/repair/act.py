"""One act on one service: tested, written down before and after, proven by a new process that stays.

The exit codes of the tools are never believed: `systemctl start` succeeds for a binary that does not exist,
`pm2 restart` for an app that dies at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.managers.service import Manager, Service
from cozydiag.masking import masked
from cozydiag.repair import evidence, owners, proxies
from cozydiag.repair.ledger import ACT
from cozydiag.repair.moments import Moment
from cozydiag.repair.proof import prove
from cozydiag.stack import Stack
from cozydiag.state import Lock, LockBusy, State, texts
from cozydiag.text import Text, t
from cozydiag.text.catalogue import ENGLISH, render

LOCK = "repair"
"""Whoever acts holds the lock of this name."""

KIND = ACT
"""The kind of the journal's lines about acts."""

Reached = Callable[[str], object]
"""Is told the name of each point that a repair has reached: before and after everything that is written or done."""


class Outcome(NamedTuple):
    """What came of it: `verified` (a new process that stays), `failed`, `unknown` (its manager was asked, and nobody
    can see what came of it), `refused` (nothing was touched) or `busy` (another cozydiag is at work). ``text`` says it
    to people. ``entry`` is its line of the journal, 0 without one; ``invocation`` that of the process after, where its
    manager gives any."""

    service: Service
    verb: str
    result: str
    text: Text
    pid_before: int = 0
    pid_after: int = 0
    seconds: float = 0.0
    entry: int = 0
    invocation: str = ""

    def record(self) -> dict[str, Any]:
        """The result as the journal keeps it."""
        return {"result": self.result, **words(self.text), "pid": self.pid_after, "seconds": round(self.seconds, 1)}


def words(text: Text) -> dict[str, Any]:
    """A text as the journal keeps it: in English, and for every language."""
    return {"text": render(text, ENGLISH), "said": texts.as_data(text)}


class Occasion(NamedTuple):
    """Of what an act is a part. ``incident`` is its id, "" for one of its own; ``seen`` are lines of the checks that
    failed; ``force``: what does not end may be killed."""

    incident: str = ""
    seen: Sequence[str] = ()
    force: bool = False
    reached: Reached = len


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
    occasion: Occasion = Occasion(),  # noqa: B008  it never changes
) -> Outcome:
    """Start, stop, restart or reload one service through the tool that owns it, and prove it.

    ``why`` and ``by`` go into the journal. ``lock`` is the caller's, who holds it over several acts. Never raises for
    what the service or its manager does.
    """
    notes = {"why": why, "by": by}
    if lock is not None:
        return _act(host, stack, state, service, verb, notes, occasion)
    taken = state.lock(LOCK)
    if isinstance(taken, LockBusy):
        return Outcome(service, verb, "busy" if taken.held else "refused", taken.why)
    with taken:
        return _act(host, stack, state, service, verb, notes, occasion)


def recover(state: State) -> list[str]:
    """Closes the lines of acts whose cozydiag was cut off, and gives their services: nobody knows what came of them,
    and they count. Only for who holds the lock."""
    cut_off = [entry for entry in state.latest(KIND, 50) if entry.result is None]
    for entry in cut_off:
        state.update(entry.id, {"result": "unknown", **words(t("cozydiag was cut off before it was done"))})
    return [str(entry.data.get("service")) for entry in cut_off if isinstance(entry.data, dict)]


def _act(
    host: Host, stack: Stack, state: State, service: Service, verb: str, notes: dict[str, Any], occasion: Occasion
) -> Outcome:
    manager = owners.manager_of(host, stack, service)
    if manager is None:
        return Outcome(service, verb, "refused", t("{manager} cannot be used from here", manager=service.manager))
    refused = proxies.forbids(host, stack, service) if verb != "stop" else None
    if refused is not None:
        return Outcome(service, verb, "refused", _hidden(refused, stack))
    reached = occasion.reached
    notes["incident"] = occasion.incident or evidence.name(host.clock.now())
    reached("before the evidence")
    evidence.keep(state.folder, notes["incident"], evidence.gather(host, stack, manager, service, occasion.seen))
    reached("before the intent")
    data = {"service": service.address, "verb": verb, **notes, "moment": Moment.now(host.clock)}
    entry = state.append(KIND, data, at=host.clock.now())
    if entry is None:
        text = t("nothing is done without a journal, and it cannot be written in {folder}", folder=state.folder)
        return Outcome(service, verb, "refused", text)
    reached("after the intent")
    outcome = _proven(host, stack, manager, service, verb, occasion)._replace(entry=entry)
    reached("before the result")
    state.update(entry, outcome.record())  # an intent without a result is a run that was cut off
    reached("after the result")
    return outcome


def _hidden(text: Text, stack: Stack) -> Text:
    """It can hold a line of a log."""
    from cozydiag.redaction.lines import Strict

    return masked(text, Strict(stack.masks()))


def _proven(host: Host, stack: Stack, manager: Manager, service: Service, verb: str, occasion: Occasion) -> Outcome:
    began, at = host.clock.monotonic(), host.clock.now()
    stateful = service.role == "couchdb" or {service.unit, service.address} & set(stack.config.repair.stateful)
    may_kill = occasion.force and not stateful
    proof = prove(host, manager, service, verb, stack.config.timing.proof, may_kill=may_kill, reached=occasion.reached)
    seconds = host.clock.monotonic() - began
    text = proof.text
    if proof.result == "failed" and service.role == "proxy":
        text = proxies.in_its_words(host, stack, service, text, at)
    text = _hidden(text, stack)
    return Outcome(
        service, verb, proof.result, text, proof.pid_before, proof.pid_after, seconds, invocation=proof.invocation
    )
