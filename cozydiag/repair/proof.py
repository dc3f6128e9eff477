"""An act and its proof: what a tool says of its own success is never believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cozydiag.host import GivenUp, Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Life, Manager, Service
from cozydiag.repair import force
from cozydiag.text import Text, t, verbatim

INSTANCE = "repair"
"""The name under which repairs look at the machine."""

_PROXIES = ("nginx", "apache2", "httpd", "haproxy")
"""Services whose master stays and whose workers are all new after a reload."""

_LOOK = 5.0  # seconds for one question to a manager


class Proof(NamedTuple):
    """`verified`, `failed` or `unknown`, in words for people, and the process before and after; ``invocation`` is the
    one after, where its manager gives any."""

    result: str
    text: Text
    pid_before: int = 0
    pid_after: int = 0
    invocation: str = ""


def prove(
    host: Host,
    manager: Manager,
    service: Service,
    verb: str,
    stay: float,
    *,
    may_kill: bool = False,
    reached: Callable[[str], object] = len,
) -> Proof:
    """Ask for it, then look for ``stay`` seconds whether it lasts. ``may_kill``: what does not end in its manager's
    time is ended by SIGKILL, and asked for once more."""
    before = _before(host, manager, service)
    if isinstance(before, Failure):
        return _unanswered(before)._replace(result="failed")  # it was not asked for anything
    if before.pid:
        host.wake(before.pid)
    patience = manager.patience(_view(host), service)
    workers = _workers(host, service, before) if verb == "reload" else None
    reached("before it is asked")
    failure = manager.ask(host.within(patience, INSTANCE), service, verb)
    if failure is not None and may_kill and verb != "reload" and before.pid and force.end(host, before.pid):
        failure = manager.ask(host.within(patience, INSTANCE), service, verb)
    reached("after it was asked")
    if failure is not None:
        text = t("its manager refused or did not finish: {why}", why=verbatim(failure.detail))
        return Proof("failed", text, before.pid)
    if verb == "stop":
        return _ended(host, manager, service, before, patience, stay)
    proof = _runs(host, manager, service, verb, before, patience, stay)
    if proof.result == "verified" and workers is not None and not set(host.children(proof.pid_after)) - workers:
        text = t("it has no new workers: it still runs with what it had loaded before")
        return proof._replace(result="failed", text=text)
    if proof.result == "verified" and verb == "reload" and service.role == "proxy":
        life = manager.life(_view(host), service)
        if not isinstance(life, Failure) and (life.busy or "reloading" in life.words):  # Caddy, caddy issue 7385
            text = t("it is stuck in its reload, and later ones will hang too; restart it")
            return proof._replace(result="failed", text=text)
    return proof


def _before(host: Host, manager: Manager, service: Service) -> Life | Failure:
    try:
        return manager.life(_view(host), service)
    except GivenUp:
        return Failure("timeout", "others have waited there in vain")


def _unanswered(failure: Failure, pid: int = 0) -> Proof:
    if failure.kind == "missing":  # that is an answer
        return Proof("failed", t("it does not run: {words}", words=failure.detail), pid)
    return Proof("unknown", t("its manager does not answer: {why}", why=failure.detail), pid)


def _workers(host: Host, service: Service, before: Life) -> set[int] | None:
    """Of a proxy, which goes on with the old ones when it cannot load what is new."""
    proxy = service.role == "proxy" or service.unit.removesuffix(".service") in _PROXIES
    return set(host.children(before.pid)) or None if proxy and before.pid else None


def _runs(
    host: Host, manager: Manager, service: Service, verb: str, before: Life, patience: float, stay: float
) -> Proof:
    """A start or restart is proven by a new process, or a new invocation, that stays."""
    alive = _await(host, manager, service, patience, lambda life: life.running and _is_new(life, before, verb))
    if isinstance(alive, Failure):
        return _unanswered(alive, before.pid)
    if not alive.running:
        return Proof("failed", t("it does not run: {words}", words=alive.words), before.pid)
    if not _is_new(alive, before, verb):
        text = t("it still is the same process (PID {pid})", pid=str(alive.pid))
        if not alive.pid or alive.pid != before.pid:
            text = t("it was not started anew")
        return Proof("failed", text, before.pid, alive.pid)
    if not _stays(host, manager, service, alive, stay):
        return Proof("failed", t("it started, but did not keep running"), before.pid, alive.pid)
    text = t("it runs as a new process (PID {pid}) and keeps running", pid=str(alive.pid))
    if alive.pid in (0, before.pid):
        text = t("it runs and stays")
    return Proof("verified", text, before.pid, alive.pid, alive.invocation)


def _ended(host: Host, manager: Manager, service: Service, before: Life, patience: float, stay: float) -> Proof:
    """A stop is proven by an end that lasts, of the process too: managers let go of what they cannot end."""
    last = _await(host, manager, service, patience, lambda life: not life.running and not life.pid)
    if isinstance(last, Failure):
        return _unanswered(last, before.pid)
    process = host.process(before.pid) if before.pid else None
    if last.running or (process is not None and process.state != "Z"):
        return Proof("failed", t("it still runs: {words}", words=last.words), before.pid, last.pid)
    host.clock.sleep(stay)
    again = manager.life(_view(host), service)
    if not isinstance(again, Failure) and (again.running or again.pid):
        text = t("it was stopped, and something started it again (PID {pid})", pid=str(again.pid))
        return Proof("failed", text, before.pid, again.pid)
    return Proof("verified", t("it has ended and stays down"), before.pid)


def _view(host: Host) -> Host:
    return host.within(_LOOK, INSTANCE)


def _is_new(life: Life, before: Life, verb: str) -> bool:
    """Another process than before; after a reload, or a start of what ran already, the same one may go on."""
    return not before.running or verb != "restart" or life.is_another(before)


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
        if isinstance(life, Failure) or not life.running:
            return False
        if (life.pid, life.invocation) != (alive.pid, alive.invocation):
            return False
    return True
