"""What to say of a service that is not as it should be, whichever manager owns it."""

from __future__ import annotations

from cozydiag.findings import fail, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, Manager, State
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.ownership import YOUNG, line, title
from cozydiag.stack.ports import holder
from cozydiag.stack.why import port_taken, telling, waits_for
from cozydiag.stack.words import name_of, ourselves
from cozydiag.text import Text, plural, t

_LINES = 100
"""Of the log of a dead service: a traceback can be long, and a crash loop has one after the other."""

WATCHED = 3
"""Restarts, the last just now, from which on a watched service is more than being worked on."""


def unwell(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding:
    """The finding for any state but running and finished."""
    name = called(found)
    if found.start_line:
        return _lost(manager, found)
    if found.state in (State.STOPPED, State.STOPPING):
        return _stopped(host, stack, manager, found)
    if found.state is State.DISABLED:
        return skip(t("{name} is disabled, as somebody wanted", name=name))
    if found.state is State.CRASH_LOOPING:
        return loops(host, stack, manager, found)
    if found.state is State.FAILED:
        return _failed(host, stack, manager, found)
    if found.state is State.HUNG:
        return _hung(host, manager, found)
    if found.state is State.DEGRADED:
        return _degraded(host, manager, found)
    if found.state is State.STARTING:
        return starting(found)
    if found.state is State.NO_PERMISSION:
        text = t("{name} may not be looked at by this user", name=name)
        return unknown("manager.permission", text, unlock=ourselves("status", stack.config))
    text = t("{manager} does not know the state of {name}: {words}",
             manager=title(manager), name=name, words=found.words or "-")  # fmt: skip
    return unknown("service.unknown", text)


def called(found: Condition) -> str:
    return name_of(found.role, found.service.unit)


def seen(found: Condition) -> Evidence:
    """What the manager said."""
    return Evidence(found.service.address, f"{found.words} {found.why}".strip() or found.state)


def is_watched(host: Host, found: Condition) -> bool:
    """It has just been restarted, and not for the first time, because its files changed."""
    recent = found.since is not None and host.clock.now() - found.since < YOUNG
    return found.watch and recent and (found.restarts or 0) >= WATCHED


def loops(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding:
    """A crash loop, or restarts that its own watching brings about."""
    times, name = found.restarts or 1, called(found)
    if found.watch:
        return warn(
            "service.watch",
            plural("{name} is restarted whenever its files change (once so far)",
                   "{name} is restarted whenever its files change ({n} times so far)", n=times, name=name),
            t("Start it without watching: what it writes into its own folder restarts it as well."),
            role=found.role,
            proof=seen(found),
            restart_helps=False,
            affects=_roles(found),
            service=found.service.address,
        )  # fmt: skip
    text = plural("{name} crashes and is started again for ever (once by now)",
                  "{name} crashes and is started again for ever ({n} times by now)", n=times, name=name)  # fmt: skip
    return dead(host, stack, manager, found, "service.crash_loop", text)


def starting(found: Condition) -> Finding:
    return warn(
        "service.starting",
        t("{name} is still starting", name=called(found)),
        t("Wait half a minute and look again; a restart would only begin anew."),
        role=found.role,
        proof=seen(found),
        restart_helps=False,
        affects=_roles(found),
        service=found.service.address,
    )


def dead(host: Host, stack: Stack, manager: Manager, found: Condition, code: str, text: Text) -> Finding:
    """With the line of its log that says why, where it may be read."""
    from cozydiag.stack import known

    log = manager.log(host, found.service, _LINES)
    lines = [] if isinstance(log, Failure) else log
    taken = port_taken(host, stack, found.service.address, found.role, found.pids[0] if found.pids else 0, lines)
    if taken is not None:
        return taken
    if found.role == "cozy.stack":
        from cozydiag.cozy.start import reason

        named = reason(lines, found)
        if named is not None:
            return named
    cause = None if found.hopeless else known.cause(host, stack, lines, found.role)
    helps = False if found.hopeless or code == "service.crash_loop" else cause and cause.restart_helps
    again = line(host, manager, found.service, "restart")
    told = cause.line if cause else known.final(lines) or ("" if found.why and not lines else telling(lines))
    if cause is not None:
        text = t("{text}: {cause}", text=text, cause=cause.meaning)
    elif found.why:
        text = t("{text} ({why})", text=text, why=found.why)
    return fail(
        code,
        text,
        known.advice(cause, starts_by_itself=code == "service.crash_loop")
        if cause is not None
        else t("Mend that first: a restart would meet it again.")
        if found.hopeless
        else t("Read its log; a restart helps only if what it says has passed."),
        role=found.role,
        proof=host.see(f"{found.service.address} log", told) if told else seen(found),
        restart_helps=helps,
        commands=() if found.hopeless or code == "service.crash_loop" else (again,),
        by_hand=f"cozydiag services logs {found.service.address}",
        certainty=cause.certainty if cause is not None else "certain",
        affects=_roles(found),
        waits_for=waits_for(stack, lines, found.role),
        service=found.service.address,
    )


def _stopping(found: Condition) -> Finding:
    """On its way down by somebody's wish, or in the midst of a restart: soon one sees which."""
    if found.role is None:
        return skip(t("{name} is being stopped", name=called(found)))
    return warn(
        "service.stopping",
        t("{name} is being stopped", name=called(found)),
        t("Look again in half a minute: somebody stops or restarts it just now."),
        role=found.role,
        proof=seen(found),
        restart_helps=False,
        affects=_roles(found),
        service=found.service.address,
    )


def _stopped(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding:
    """Stopped is a fault where it should run; where nobody can tell, only of what the chain needs and nobody else
    does."""
    if found.state is State.STOPPING:
        return loops(host, stack, manager, found) if is_watched(host, found) else _stopping(found)
    unsaid = found.wanted is None and found.role is not None and not _served(host, found)
    if not (found.wanted or unsaid):
        return skip(t("{name} is stopped, as somebody wanted", name=called(found)))
    return fail(
        "service.stopped",
        t("{name} is stopped", name=called(found)),
        t("Start it."),
        role=found.role,
        commands=(line(host, manager, found.service, "start"),),
        proof=seen(found),
        restart_helps=True,
        affects=_roles(found),
        service=found.service.address,
    )


def _failed(host: Host, stack: Stack, manager: Manager, found: Condition) -> Finding:
    """What nobody wants to run had one thing to do (a container without ports and policy), and was left lying."""
    if found.wanted is not False or found.role is not None:
        return dead(host, stack, manager, found, "service.failed", t("{name} does not run", name=called(found)))
    return warn(
        "service.job_failed",
        t("{name} had one thing to do and failed ({why})", name=called(found), why=found.why or found.words),
        t("Read its log. Nothing waits for it."),
        proof=seen(found),
        by_hand=f"cozydiag services logs {found.service.address}",
        restart_helps=False,
        affects=(),
        service=found.service.address,
    )


def _served(host: Host, found: Condition) -> bool:
    """Somebody else answers where this service would."""
    place = found.service.place
    return place is not None and holder(host, place[1]) is not None


def _lost(manager: Manager, found: Condition) -> Finding:
    if found.pids:
        return warn(
            "service.unwatched",
            t("{name} runs on (PID {pid}), but {manager} has lost it: nothing restarts it when it ends",
              name=called(found), pid=str(found.pids[0]), manager=title(manager)),
            t("End that process, then start it with its whole command."),
            role=found.role,
            commands=(found.start_line,),
            proof=seen(found),
            restart_helps=False,
            affects=(),
            service=found.service.address,
        )  # fmt: skip
    return fail(
        "service.lost",
        t("{name} is missing from the list of {manager}: nothing starts it any more",
          name=called(found), manager=title(manager)),
        t("Start it with its whole command, then have the list saved."),
        role=found.role,
        commands=(found.start_line,),
        proof=seen(found),
        restart_helps=False,
        affects=_roles(found),
        service=found.service.address,
    )  # fmt: skip


def _hung(host: Host, manager: Manager, found: Condition) -> Finding:
    broken = warn if found.pids else fail  # what still runs may still serve
    return broken(
        "service.stuck",
        t("{name} is stuck: {words}", name=called(found), words=found.why or found.words),
        t("Read its log, then restart it."),
        role=found.role,
        proof=seen(found),
        commands=(line(host, manager, found.service, "restart"),),
        restart_helps=True,
        affects=_roles(found),
        service=found.service.address,
    )


def _degraded(host: Host, manager: Manager, found: Condition) -> Finding:
    running, wanted = found.instances
    return warn(
        "service.degraded",
        t("of {name} only {running} of {wanted} instances run", name=called(found), running=running, wanted=wanted),
        t("Read its log, then restart it."),
        role=found.role,
        proof=seen(found),
        commands=(line(host, manager, found.service, "restart"),),
        restart_helps=None,
        affects=(),
        service=found.service.address,
    )


def _roles(found: Condition) -> tuple[str, ...]:
    return (found.role,) if found.role else ()
