"""The process supervisor: supervisord and what it runs."""

from __future__ import annotations

from itertools import pairwise

from cozydiag.api import (
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Program,
    Seconds,
    Stack,
    Text,
    check,
    fail,
    ok,
    plural,
    skip,
    t,
    unknown,
    warn,
)
from cozydiag.managers import supervisord
from cozydiag.stack import ROLES
from cozydiag.stack.words import name_of, ourselves, supervisorctl

YOUNG = 30.0
"""Seconds; what has run for less may be in a crash loop that looks healthy at this moment."""

WAIT = t("Wait half a minute and look again; a restart would only begin anew.")

LOOP = 3
"""Unexpected exits within ten minutes that make a crash loop."""


@check("supervisor.running", t("supervisord answers"), role="supervisor",
       because=["manager.service"], essential=True)  # fmt: skip
def running(host: Host, stack: Stack) -> Iterator[Finding]:
    socket = stack.socket(host)
    seen = stack.supervisor(host)
    if not isinstance(seen, Failure):
        yield ok(
            plural("supervisord looks after {n} program", "supervisord looks after {n} programs", n=len(seen.programs))
        )
    elif seen.kind == "permission":
        text = t("supervisord's socket {socket} is closed to this user", socket=socket)
        yield unknown("supervisor.permission", text, unlock=ourselves("status", stack.config))
    elif seen.kind in ("login", "locked"):
        yield _not_let_in(stack, socket, seen)
    elif seen.kind == "slow":
        yield unknown("supervisor.slow", t("supervisord answers, but its list of programs does not come in time"))
    elif seen.kind in ("missing", "refused"):
        yield _down(host, stack, socket, seen)
    elif seen.kind == "timeout":
        yield fail(
            "service.hung",
            t("supervisord accepts connections but does not answer"),
            t("See whether the process is stopped (state T). If it is, `kill -CONT` it; if not, stop and start it."),
            role="supervisor",
            affects=(),
            proof=Evidence(socket, seen.detail),
            by_hand=supervisorctl(host, stack, "status"),
        )
    else:
        yield fail(
            "supervisor.answer",
            t("what answers on supervisord's socket is not supervisord: {why}", why=seen.detail),
            t("See which program owns {socket}.", socket=socket),
            role="supervisor",
            affects=(),
        )


def _not_let_in(stack: Stack, socket: str, seen: Failure) -> Finding:
    text = t("supervisord wants a user and a password on its socket {socket}: {why}", socket=socket, why=seen.detail)
    if seen.kind == "locked":
        return unknown("supervisor.permission", text, unlock=ourselves("status", stack.config))
    return unknown("supervisor.login", text)


def _down(host: Host, stack: Stack, socket: str, seen: Failure) -> Finding:
    """No supervisord: not installed, or gone, with or without what it ran."""
    configuration = stack.config.supervisord.conf or next(
        (path for path in supervisord.CONFIGURATIONS if not isinstance(host.stat(path), Failure)), None
    )
    if not configuration and not stack.config.supervisord.socket:
        return skip(t("supervisord is not installed here"))
    proof = Evidence(socket, seen.detail)
    commands = _start_commands(stack, configuration)
    roles = stack.supervised_roles()
    alive = [role for role in roles if _answers(host, stack, role)]
    if alive:
        names = ", ".join(ROLES.get(role, role) for role in alive)
        return warn(
            "supervisor.down_parts_alive",
            t("supervisord is gone, but what it started still runs: {names}", names=names),
            t(
                "Nothing restarts these parts now. Starting supervisord at once would start them a second time on "
                "ports that are taken: first end what it left behind, then start supervisord."
            ),
            role="supervisor",
            proof=proof,
            restart_helps=False,
            by_hand=supervisorctl(host, stack, "status"),
        )
    return fail(
        "supervisor.down",
        t("neither supervisord nor any of its programs is running"),
        t("Start supervisord; it starts the rest."),
        role="supervisor",
        commands=commands,
        proof=proof,
        affects=roles,
        restart_helps=True,
        by_hand=supervisorctl(host, stack, "status"),
    )


def _answers(host: Host, stack: Stack, role: str) -> bool:
    address = stack.address_of(role)
    return address is not None and host.connect(*address) is None


def _start_commands(stack: Stack, configuration: str | None) -> tuple[str, ...]:
    if stack.config.discover:
        return ("sudo systemctl start supervisor",)
    return (f"supervisord -c {configuration}",) if configuration else ()


@check(
    "supervisor.program",
    t("Every program that should run is running"),
    each="programs",
    because=["supervisor.running", "proxy.config"],
    essential=True,
)
def program(host: Host, stack: Stack, program: Program) -> Iterator[Finding]:
    if program.state == supervisord.STOPPED:
        yield _stopped(host, stack, program)
    elif program.state in (supervisord.FATAL, supervisord.EXITED):
        yield _ended(host, stack, program)
    elif program.state in (supervisord.STARTING, supervisord.BACKOFF):
        yield _unsteady(host, stack, program)
    elif program.state == supervisord.RUNNING:
        young = program.age < YOUNG and bool(_exits(host, stack, program))
        yield _unsteady(host, stack, program) if young else _runs(program)
    elif program.state == supervisord.STOPPING:
        yield _on_its_way(
            program,
            t("{name} is being stopped", name=_name(program)),
            t("Look again in half a minute: somebody stops or restarts it just now."),
            "service.stopping",
        )
    else:
        text = t("supervisord does not know the state of {name}", name=program.name)
        yield unknown("supervisor.state", text, unlock=supervisorctl(host, stack, "status", program.name))


def _name(program: Program) -> str:
    return name_of(program.role, program.name)


def _runs(program: Program) -> Finding:
    return ok(t("{name} has been running for {age}", name=program.name, age=Seconds(program.age)))


def _stopped(host: Host, stack: Stack, program: Program) -> Finding:
    """Stopped is a fault only of what the chain needs: who stopped something else meant it."""
    if program.role is None:
        return skip(t("{name} is stopped, as somebody wanted", name=program.name))
    return fail(
        "service.stopped",
        t("{name} is stopped", name=_name(program)),
        t("Start it."),
        role=program.role,
        commands=(supervisorctl(host, stack, "start", program.name),),
        proof=host.see(program.service, "STOPPED" if program.start else "STOPPED, not started"),
        restart_helps=True,
        affects=(program.role,),
        service=program.service,
        by_hand=supervisorctl(host, stack, "status", program.name),
    )


def _ended(host: Host, stack: Stack, program: Program) -> Finding:
    """FATAL: supervisord has given it up. EXITED: it ended, as it should or not."""
    from cozydiag.stack.why import dead

    if program.state == supervisord.FATAL:
        return dead(host, stack, program, "service.failed", t("{name} does not start", name=_name(program)))
    if program.exitstatus in program.exitcodes and program.role is None:
        return ok(t("{name} has done its work and ended", name=program.name))
    return dead(host, stack, program, "service.failed", t("{name} has ended", name=_name(program)))


def _unsteady(host: Host, stack: Stack, program: Program) -> Finding:
    """One sample cannot tell a start from a crash loop: look again, and count what supervisord wrote down."""
    from cozydiag.stack.why import dead

    again = stack.supervisor_again(host)
    later = None if isinstance(again, Failure) else again.program(program.name)
    if later is not None and later.state == supervisord.FATAL:
        return _ended(host, stack, later)
    exits = _exits(host, stack, program)
    changed = later is not None and program.pid and later.pid and later.pid != program.pid
    survived = later is not None and later.state == supervisord.RUNNING and later.pid == program.pid
    if survived and not _outlived(program, exits) and _was_waiting(host, stack, program):
        return _on_its_way(program, t("{name} is still starting", name=_name(program)))
    if changed or (len(exits) >= LOOP and not (survived and _outlived(program, exits))):
        return dead(host, stack, program, "service.crash_loop", _loops(program, len(exits)))
    if later is not None and survived:
        return _runs(later)
    return _on_its_way(program, t("{name} is still starting", name=_name(program)))


def _outlived(program: Program, exits: list[supervisord.Exit]) -> bool:
    """It has lived twice as long as it ever did between its crashes: whatever killed it has been mended."""
    gaps = [later.at - earlier.at for earlier, later in pairwise(exits)]
    return program.age > 2 * max(gaps, default=0.0) + 1


def _was_waiting(host: Host, stack: Stack, program: Program) -> bool:
    """Its last words blame others that refused it, and these take connections now: this start may well be the one."""
    from cozydiag.stack.why import waits_for

    blamed = waits_for(stack, supervisord.log_tail(host, stack.socket(host), program), program.role)
    return bool(blamed) and all(_answers(host, stack, role) for role in blamed)


def _loops(program: Program, exits: int) -> Text:
    return plural(
        "{name} crashes and is started again for ever (once in ten minutes)",
        "{name} crashes and is started again for ever ({n} times in ten minutes)",
        n=max(exits, 1),
        name=_name(program),
    )


def _exits(host: Host, stack: Stack, program: Program) -> list[supervisord.Exit]:
    name = program.name.rpartition(":")[2]
    return [one for one in stack.unexpected_exits(host) if one.name == name]


def _on_its_way(program: Program, text: Text, advice: Text = WAIT, code: str = "service.starting") -> Finding:
    return warn(
        code,
        text,
        advice,
        role=program.role,
        proof=Evidence(program.service, program.statename),
        restart_helps=False,
        affects=(program.role,) if program.role else (),
        service=program.service,
    )
