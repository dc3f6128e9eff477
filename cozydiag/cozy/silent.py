"""A part of the Cozy that gives no HTTP answer: hung, another program, still starting, or nothing there."""

from __future__ import annotations

from cozydiag.cozy.flavour import Place
from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.managers import supervisord
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Part, Stack
from cozydiag.stack.judged import LISTENS, SLOW
from cozydiag.stack.ports import holder, state_of
from cozydiag.stack.words import name_of, ourselves
from cozydiag.text import t

GONE = t("Its program is gone, and npm has it no more: back up CouchDB and /usr/local/cozy, and plan the move to a "
         "cozy-stack.")  # fmt: skip
"""cozy-controller and cozy-monitor were taken from npm's registry: nobody can install them again."""


def silent(host: Host, stack: Stack, part: Part, why: Failure, proof: Evidence | None = None) -> Finding:
    """The finding for ``why`` there was no answer. ``proof`` is what was seen, where something else was since then."""
    proof = proof or host.evidence[-1]
    if why.kind == "given_up":
        return unknown("service.not_asked", t("{name} was not asked: {why}", name=_name(part), why=why.detail))
    if why.kind == "timeout":
        return _hung(host, stack, part, proof)
    if why.kind == "protocol":
        return stranger(host, part, why.detail)
    if why.kind in ("closed", "reset"):
        return _sharper(host, stack, _breaks_off(part, proof))
    if why.kind == "refused" and not stack.expected(host, part.role):
        return skip(t("there is no {name} of a Cozy here", name=_name(part)))
    return _starting(host, stack, part, proof) or _down(host, stack, part, why, proof)


def any_answer(host: Host, stack: Stack, place: Place) -> Finding:
    """For a part of which nothing more is known than where it listens."""
    parsed = urls.parse(place.url)
    part = Part(place.role.partition(".")[2], place.role, place.url, (parsed.host, parsed.port) if parsed else ("", 0))
    answer = host.get(place.url)
    if isinstance(answer, Failure):
        return silent(host, stack, part, answer)
    if answer.status >= 500:
        return error(host, stack, part, answer)
    return ok(t("{name} answers (HTTP {status})", name=_name(part), status=answer.status))


def _name(part: Part) -> str:
    return name_of(part.role, part.name)


def _place(part: Part) -> str:
    return f"{part.address[0]}:{part.address[1]}"


def _by_hand(part: Part) -> str:
    return f"curl -sS -i --max-time 5 {part.url}"


def _hung(host: Host, stack: Stack, part: Part, proof: Evidence) -> Finding:
    program = stack.program(host, part.role)
    stopped = state_of(host, part.address[1], program.pid if program else 0) == "T"
    return fail(
        "service.hung",
        t("{name} was stopped by a signal (SIGSTOP): it takes connections and answers none", name=_name(part))
        if stopped
        else t("{name} takes connections at {place} but does not answer", name=_name(part), place=_place(part)),
        t("Restart it."),
        role=part.role,
        proof=proof,
        by_hand=_by_hand(part),
        restart_helps=True,
        commands=(ourselves("fix --restart", stack.config),),
        own=stopped,
    )


def _breaks_off(part: Part, proof: Evidence) -> Finding:
    return fail(
        "service.breaks_off",
        t("{name} takes connections at {place} and ends them without an answer", name=_name(part), place=_place(part)),
        t("Read its log, then restart it."),
        role=part.role,
        proof=proof,
        by_hand=_by_hand(part),
        restart_helps=None,
    )


def _starting(host: Host, stack: Stack, part: Part, proof: Evidence) -> Finding | None:
    """Running for so short a time that it may not listen yet."""
    program = stack.program(host, part.role)
    if program is None or program.state != supervisord.RUNNING or program.age >= SLOW.get(part.role, LISTENS):
        return None
    return warn(
        "service.starting",
        t("{name} is running but does not listen yet; it may still be starting", name=_name(part)),
        t("It listens last of all, when every app is up: wait some minutes; a restart would only begin anew.")
        if part.role in SLOW
        else t("Wait half a minute and look again; a restart would only begin anew."),
        role=part.role,
        proof=proof,
        restart_helps=False,
        service=program.service,
    )


def _started_by(host: Host, stack: Stack, part: Part) -> tuple[str, ...]:
    """The controller, of a part that no manager has for itself: it starts them, and ends them with it."""
    if part.role in ("cozy.controller", "cozy.stack") or stack.program(host, part.role) is not None:
        return ()
    owned = (one.services for one in stack.owned(host))
    roles = {one.role for services in owned if not isinstance(services, Failure) for one in services}
    return () if part.role in roles else ("cozy.controller",)


def _down(host: Host, stack: Stack, part: Part, why: Failure, proof: Evidence) -> Finding:
    """Of the parts that are no longer to be had from npm it says so where their program is gone."""
    lost = part.role == "cozy.controller" and not _is_installed(host, stack)
    return fail(
        "service.down",
        t("nothing answers at {place}, the address of {name}: {why}",
          place=_place(part), name=_name(part), why=why.detail),
        GONE
        if lost
        else t("Start it, then read its log if it does not stay."),
        role=part.role,
        proof=proof,
        by_hand=_by_hand(part),
        restart_helps=not lost,
        waits_for=_started_by(host, stack, part),
    )  # fmt: skip


_PROGRAMS = ("/usr/local/bin/cozy-controller", "/usr/bin/cozy-controller")


def _is_installed(host: Host, stack: Stack) -> bool:
    """Where nobody looked, or somebody looks after it, it is taken to be."""
    return not stack.config.discover or stack.program(host, "cozy.controller") is not None or not is_gone(host)


def is_gone(host: Host) -> bool:
    """cozy-controller's program is nowhere where npm puts it. Where this user may not look it is taken to be there."""
    seen = [host.stat(path) for path in _PROGRAMS]
    return all(isinstance(one, Failure) and one.kind == "missing" for one in seen)


def _sharper(host: Host, stack: Stack, finding: Finding) -> Finding:
    from cozydiag.stack import complaints

    return complaints.sharper(host, stack, finding)


def error(host: Host, stack: Stack, part: Part, answer: Answer) -> Finding:
    """It answers, and says that something is wrong with it; its log may say what."""
    found = fail(
        "service.error",
        t("{name} answers with an error: HTTP {status} {words}",
          name=_name(part), status=answer.status, words=answer.text()[:160]),
        t("Read its log."),
        role=part.role,
        by_hand=_by_hand(part),
        proof=host.evidence[-1],
        certainty="likely",
    )  # fmt: skip
    return _sharper(host, stack, found)


def stranger(host: Host, part: Part, answer: Answer | str) -> Finding:
    """Something answers that is not this part."""
    seen = answer if isinstance(answer, str) else f"HTTP {answer.status} {answer.text()[:80]}"
    proof = host.see(part.url, seen)
    other = holder(host, part.address[1])
    return fail(
        "service.port_taken",
        t("another program answers at {name}'s port {port}: {other}",
          name=_name(part), port=str(part.address[1]), other=str(other or seen)),
        t("End that program or give it another port; only then start {name}.", name=_name(part)),
        role=part.role,
        proof=proof,
        by_hand=f"sudo ss -ltnp 'sport = :{part.address[1]}'",
        restart_helps=False,
    )  # fmt: skip
