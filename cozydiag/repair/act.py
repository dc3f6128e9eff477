"""One act on one service: tested, written down before and after, proven by a new process that stays.

The exit codes of the tools are never believed: `systemctl start` succeeds for a binary that does not exist,
`pm2 restart` for an app that dies at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Life, Manager, Service
from cozydiag.masking import masked
from cozydiag.repair import owners
from cozydiag.stack import Stack
from cozydiag.state import Lock, LockBusy, State
from cozydiag.text import Text, t, verbatim
from cozydiag.text.catalogue import ENGLISH, render

LOCK = "repair"
"""Whoever acts holds the lock of this name."""

KIND = "act"
"""The kind of the journal's lines about acts."""

_LOOK = 5.0  # seconds for one question to a manager


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
    outcome = _prove(host, manager, service, verb, stack.config.timing.proof)
    text = masked(outcome.text, stack.masks())
    outcome = outcome._replace(text=text, seconds=host.clock.monotonic() - began, entry=entry)
    state.update(entry, outcome.record())  # an intent without a result is a run that was cut off
    return outcome


def _prove(host: Host, manager: Manager, service: Service, verb: str, stay: float) -> Outcome:
    before = manager.life(_view(host), service)
    if isinstance(before, Failure):
        return Outcome(service, verb, "failed", t("its manager does not answer: {why}", why=before.detail))
    if before.pid:
        host.wake(before.pid)
    patience = manager.patience(_view(host), service)
    workers = set(host.children(before.pid)) if verb == "reload" and service.role == "proxy" and before.pid else None
    failure = manager.ask(host.within(patience, LOCK), service, verb)
    if failure is not None:
        text = t("its manager refused or did not finish: {why}", why=verbatim(failure.detail))
        return Outcome(service, verb, "failed", text, before.pid)
    if verb == "stop":
        return _gone(host, manager, service, before, patience, stay)
    alive = _await(host, manager, service, patience, lambda life: life.running and _is_new(life, before, verb))
    if isinstance(alive, Failure):
        text = t("its manager does not answer: {why}", why=alive.detail)
        return Outcome(service, verb, "failed", text, before.pid)
    if not alive.running:
        return Outcome(service, verb, "failed", t("it does not run: {words}", words=alive.words), before.pid)
    if not _is_new(alive, before, verb):
        text = t("it still is the same process (PID {pid})", pid=str(alive.pid))
        return Outcome(service, verb, "failed", text, before.pid, alive.pid)
    if not _stays(host, manager, service, alive, stay):
        return Outcome(service, verb, "failed", t("it started, but did not keep running"), before.pid, alive.pid)
    text = t("it runs as a new process (PID {pid}) and keeps running", pid=str(alive.pid))
    if workers is not None and not set(host.children(alive.pid)) - workers:
        text = t("it has no new workers: it still runs with what it had loaded before")
        return Outcome(service, verb, "failed", text, before.pid, alive.pid)
    if alive.pid in (0, before.pid):
        text = t("it runs and stays")
    return Outcome(service, verb, "verified", text, before.pid, alive.pid)


def _gone(host: Host, manager: Manager, service: Service, before: Life, patience: float, stay: float) -> Outcome:
    """A stop is proven by an end that lasts, of the process too: managers let go of what they cannot end."""
    last = _await(host, manager, service, patience, lambda life: not life.running and not life.pid)
    if isinstance(last, Failure):
        text = t("its manager does not answer: {why}", why=last.detail)
        return Outcome(service, "stop", "failed", text, before.pid)
    process = host.process(before.pid) if before.pid else None
    if last.running or (process is not None and process.state != "Z"):
        return Outcome(service, "stop", "failed", t("it still runs: {words}", words=last.words), before.pid, last.pid)
    host.clock.sleep(stay)
    again = manager.life(_view(host), service)
    if not isinstance(again, Failure) and (again.running or again.pid):
        text = t("it was stopped, and something started it again (PID {pid})", pid=str(again.pid))
        return Outcome(service, "stop", "failed", text, before.pid, again.pid)
    return Outcome(service, "stop", "verified", t("it has ended and stays down"), before.pid)


def _view(host: Host) -> Host:
    return host.within(_LOOK, LOCK)


def _is_new(life: Life, before: Life, verb: str) -> bool:
    """Another process than before; after a reload, or a start of what ran already, the same one may go on."""
    return not before.running or verb != "restart" or life.pid != before.pid or not life.pid


def _await(
    host: Host, manager: Manager, service: Service, seconds: float, wanted: Callable[[Life], bool]
) -> Life | Failure:
    """The first life that is ``wanted``, or is down with nothing more to come; else what was seen last."""
    end = host.clock.monotonic() + seconds
    while True:
        life = manager.life(_view(host), service)
        if not isinstance(life, Failure) and (wanted(life) or not (life.running or life.busy)):
            return life
        if host.clock.monotonic() >= end:
            return life
        host.clock.sleep(0.2)


def _stays(host: Host, manager: Manager, service: Service, alive: Life, seconds: float) -> bool:
    end = host.clock.monotonic() + seconds
    while (left := end - host.clock.monotonic()) > 0:
        host.clock.sleep(min(0.3, left))
        life = manager.life(_view(host), service)
        if isinstance(life, Failure) or not life.running or life.pid != alive.pid:
            return False
    return True


def _test(host: Host, stack: Stack, service: Service) -> Text | None:
    """A proxy's own test before it is touched: with a broken configuration it would not come back.

    This is the one place where `nginx -t` is run: as root it creates the pid file, logs and folders.
    """
    if service.role != "proxy":
        return None
    program = stack.config.programs.get("nginx", "nginx")
    conf = ("-c", stack.config.proxy.conf) if stack.config.proxy.conf else ()
    done = host.within(10.0, LOCK).run((program, "-t", *conf))
    if isinstance(done, Failure):
        return t("its configuration could not be tested: {why}", why=done.detail)
    if done.code == 0:
        return _unseen(host, stack)
    from cozydiag.host.logs import one_line

    said = done.stderr.strip()
    told = next((line for mark in (b"[emerg]", b"[alert]") for line in said.splitlines() if mark in line), said)
    return t("its configuration does not pass its own test: {line}", line=one_line(told, 400))


def _unseen(host: Host, stack: Stack) -> Text | None:
    """What that test does not see: another program on the port, a certificate that is not that of its key."""
    from cozydiag.site import before_reload
    from cozydiag.stack import fronts

    view = host.within(10.0, LOCK)
    for proxy in fronts.in_use(stack, view):
        finding = before_reload.refusal(view, stack, proxy)
        if finding is not None:
            return t("it would not come back: {why}", why=finding.text)
    return None
