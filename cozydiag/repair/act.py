"""One act on one service: tested, written down before and after, proven by a new process that stays.

The exit codes of the tools are never believed: `systemctl start` succeeds for a binary that does not exist,
`pm2 restart` for an app that dies at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Life, Manager, Service
from cozydiag.repair import owners
from cozydiag.stack import Stack
from cozydiag.state import LockBusy, State
from cozydiag.text import Text, t, verbatim

STAY = 3.0
"""Seconds for which the new process must live on before it counts as one that stays."""

LOCK = "repair"
KIND = "act"


class Outcome(NamedTuple):
    """What came of it: `verified` (a new process that stays), `failed`, `refused` (nothing was touched) or `busy`
    (another cozydiag is at work). ``text`` says it to people."""

    service: Service
    verb: str
    result: str
    text: Text
    pid_before: int = 0
    pid_after: int = 0
    seconds: float = 0.0


def act(host: Host, stack: Stack, state: State, service: Service, verb: str, *, why: str = "", by: str = "") -> Outcome:
    """Start, restart or reload one service through the tool that owns it, and prove it.

    ``why`` and ``by`` go into the journal. Never raises for what the service or its manager does.
    """
    manager = owners.manager_of(host, stack, service)
    if manager is None:
        return Outcome(service, verb, "refused", t("{manager} cannot be used from here", manager=service.manager))
    refused = _test(host, stack, service)
    if refused is not None:
        return Outcome(service, verb, "refused", refused)
    lock = state.lock(LOCK)
    if isinstance(lock, LockBusy):
        return Outcome(service, verb, "busy", lock.why)
    with lock:
        return _journalled(host, state, manager, service, verb, {"why": why, "by": by})


def _journalled(
    host: Host, state: State, manager: Manager, service: Service, verb: str, notes: dict[str, str]
) -> Outcome:
    """The intent is on the disk before anything is touched; an intent without result is a run that was cut off."""
    entry = state.append(KIND, {"service": service.address, "verb": verb, **notes}, at=host.clock.now())
    if entry is None:
        text = t("nothing is done without a journal, and it cannot be written in {folder}", folder=state.folder)
        return Outcome(service, verb, "refused", text)
    began = host.clock.monotonic()
    outcome = _prove(host, manager, service, verb)._replace(seconds=host.clock.monotonic() - began)
    state.update(entry, {"result": outcome.result, "pid": outcome.pid_after, "seconds": round(outcome.seconds, 1)})
    return outcome


def _prove(host: Host, manager: Manager, service: Service, verb: str) -> Outcome:
    before = manager.life(host.within(5.0, "repair"), service)
    if isinstance(before, Failure):
        return Outcome(service, verb, "failed", t("its manager does not answer: {why}", why=before.detail))
    if before.pid:
        host.wake(before.pid)
    patience = manager.patience(host.within(5.0, "repair"), service)
    failure = manager.ask(host.within(patience, "repair"), service, verb)
    if failure is not None:
        text = t("its manager refused or did not finish: {why}", why=verbatim(failure.detail))
        return Outcome(service, verb, "failed", text, before.pid)
    alive = _await(host, manager, service, patience, lambda life: life.running and _is_new(life, before, verb))
    if alive is None or not alive.running:
        words = alive.words if alive is not None else "-"
        return Outcome(service, verb, "failed", t("it does not run: {words}", words=words), before.pid)
    later = _stays(host, manager, service, alive)
    if later is None:
        return Outcome(service, verb, "failed", t("it ran, but did not stay"), before.pid, alive.pid)
    text = t("it runs as a new process (PID {pid}) and stays", pid=str(alive.pid))
    return Outcome(service, verb, "verified", text, before.pid, alive.pid)


def _is_new(life: Life, before: Life, verb: str) -> bool:
    """Another process than before; after a reload, or a start of what ran already, the same one may go on."""
    return not before.running or verb == "reload" or life.pid != before.pid or not life.pid


def _await(
    host: Host, manager: Manager, service: Service, seconds: float, wanted: Callable[[Life], bool]
) -> Life | None:
    """The first life that is ``wanted``, else the last that was seen; ends early when the manager has given up."""
    end = host.clock.monotonic() + seconds
    last: Life | None = None
    while host.clock.monotonic() < end:
        life = manager.life(host.within(5.0, "repair"), service)
        if not isinstance(life, Failure):
            if wanted(life):
                return life
            last = life
            if life.words == "FATAL":
                return life
        host.clock.sleep(0.2)
    return last


def _stays(host: Host, manager: Manager, service: Service, alive: Life) -> Life | None:
    end = host.clock.monotonic() + STAY
    life: Life | Failure = alive
    while host.clock.monotonic() < end:
        host.clock.sleep(0.3)
        life = manager.life(host.within(5.0, "repair"), service)
        if isinstance(life, Failure) or not life.running or life.pid != alive.pid:
            return None
    return life if isinstance(life, Life) else None


def _test(host: Host, stack: Stack, service: Service) -> Text | None:
    """A proxy's own test before it is touched: with a broken configuration it would not come back.

    This is the one place where `nginx -t` is run: as root it creates the pid file, logs and folders.
    """
    if service.role != "proxy":
        return None
    program = stack.config.programs.get("nginx", "nginx")
    conf = ("-c", stack.config.proxy.conf) if stack.config.proxy.conf else ()
    done = host.within(10.0, "repair").run((program, "-t", *conf))
    if isinstance(done, Failure):
        return t("its configuration could not be tested: {why}", why=done.detail)
    if done.code == 0:
        return None
    from cozydiag.host.logs import clean

    lines = [line for line in clean(done.stderr).splitlines() if "[emerg]" in line or "[alert]" in line]
    told = lines[0] if lines else clean(done.stderr).strip()
    return t("its configuration does not pass its own test: {line}", line=told[:400])
