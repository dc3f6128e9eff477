"""The managers of services: whether each answers, and how its services are. The main supervisord has its own checks."""

from __future__ import annotations

from cozydiag.api import (
    Condition,
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Owned,
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
from cozydiag.managers import discovery, supervisord
from cozydiag.stack import ownership, strangers
from cozydiag.stack.words import ourselves

_LOGIN = {"cloudfoundry": "cf login"}
"""What lets its owner in again. Elsewhere the configuration must hold a password."""


@check("manager.answers", t("Each manager of services answers"), each="managers")
def answers(host: Host, stack: Stack, owned: Owned) -> Iterator[Finding]:
    name, said = owned.subject, owned.services
    if owned.manager.name in strangers.RECORDED:
        yield skip(t("{name} is no daemon: there is nobody to ask", name=name))
    elif not isinstance(said, Failure):
        yield ok(plural("{name} looks after {n} service", "{name} looks after {n} services", n=len(said), name=name))
    else:
        yield _unheard(stack, owned, said) or _silent(owned, said)


def _unheard(stack: Stack, owned: Owned, said: Failure) -> Finding | None:
    """What says nothing against the manager."""
    name = owned.subject
    if said.kind in ("permission", "locked"):
        text = t("{name} cannot be asked by this user: {why}", name=name, why=said.detail)
        return unknown("manager.permission", text, unlock=ourselves("status", stack.config))
    if said.kind == "login":
        text = t("{name} wants a login: {why}", name=name, why=said.detail)
        return unknown("manager.login", text, unlock=_LOGIN.get(owned.manager.name))
    if said.kind == "missing":
        return skip(t("{name} is not running here", name=name))
    if said.kind == "given_up":
        return unknown("manager.unasked", t("{name} was not asked: {why}", name=name, why=said.detail))
    if said.kind == "slow":
        return unknown("manager.slow", t("{name} answers, but not in time: {why}", name=name, why=said.detail))
    return None


def _silent(owned: Owned, said: Failure) -> Finding:
    name, place = owned.subject, owned.manager.place
    if said.kind == "timeout":
        return broken(owned, "manager.hung", t("{name} does not answer in time", name=name), said)
    if said.kind == "refused":
        text = t("{name} is gone: its socket is still there, and nobody answers", name=name)
        if place.startswith("http"):
            text = t("{name} is gone: nobody answers at {place}", name=name, place=place)
        return broken(owned, "manager.down", text, said)
    text = t("{name} gives no proper answer: {why}", name=name, why=said.detail)
    return broken(owned, "manager.answer", text, said)


def broken(owned: Owned, code: str, text: Text, why: Failure) -> Finding:
    return fail(
        code,
        text,
        t("See whether its process lives. What it has started may still run, but nobody restarts it."),
        affects=(),
        proof=Evidence(owned.manager.place or owned.subject, why.detail),
    )


@check("manager.service", t("Every service that should run is running"), each="services", because=["proxy.config"])
def service(host: Host, stack: Stack, service: Condition) -> Iterator[Finding]:
    from cozydiag.stack.judged import judged  # where no manager has a service it is not needed

    yield judged(host, stack, service)


@check("manager.log", t("No running service complains"),
       because=["host.disk", "couchdb.reach", "couchdb.up", "couchdb.login", "couchdb.database"])  # fmt: skip
def log(host: Host, stack: Stack) -> Iterator[Finding]:
    """Of supervisord's programs only: to read another log costs a process or a request, in every run of a healthy
    server. CouchDB's log has its own check."""
    seen = stack.supervisor(host)
    running = () if isinstance(seen, Failure) else [p for p in seen.programs if p.state == supervisord.RUNNING]
    view = host.within(host.deadline.remaining(), host.instance)  # a hundred calm logs are no evidence
    ends = [
        (program, path, supervisord.loud_end(view, program, path))
        for program in running
        if program.role != "couchdb"
        for path in program.logs
    ]
    loud = [(program, path, end) for program, path, end in ends if isinstance(end, bytes) and end]
    found: list[Finding] = []
    if loud:
        from cozydiag.stack import complaints

        found = complaints.of_programs(host, stack, loud)
        yield from found
    if all(isinstance(end, Failure) for _, _, end in ends):
        yield skip(t("there is no log of a running program that can be read"))
    elif not found:
        yield ok(t("no running program writes of a known problem"))


@check("manager.orphans", t("What holds a service's port belongs to its manager"), because=["supervisor.running"])
def orphans(host: Host, stack: Stack) -> Iterator[Finding]:
    found, looked = strangers.orphans(host, stack), strangers.holders(host, stack)
    for orphan in found:
        yield warn(
            "service.orphan",
            t("port {port} of {name} is held by {holder}, which no manager looks after",
              port=str(orphan.port), name=orphan.name, holder=str(orphan.holder)),
            t("Nothing restarts it, and {name} cannot be started beside it: end that process, then start {name}.",
              name=orphan.name),
            role=orphan.role,
            affects=(),
            proof=Evidence(f"/proc/{orphan.holder.pid}", str(orphan.holder)),
            by_hand=f"ps -fp {orphan.holder.pid}",
            restart_helps=False,
        )  # fmt: skip
    if not looked:
        yield skip(t("nobody is seen on the ports of the chain"))
    elif not found:
        yield ok(t("no process holds a port of a service that is not its own"))


@check("manager.owners", t("Each service has one manager only"))
def owners(host: Host, stack: Stack) -> Iterator[Finding]:
    claims = strangers.claims(host, stack)
    found = strangers.owned_twice(claims)
    for twice in found:
        yield warn(
            "service.two_owners",
            t("{name} is looked after twice: by {first} and by {second}",
              name=twice.name, first=twice.first, second=twice.second),
            t("Whichever starts it second finds its port taken: disable one of the two."),
            role=twice.role,
            affects=(),
            proof=Evidence(twice.first, twice.second),
            restart_helps=False,
        )  # fmt: skip
    if not claims:
        yield skip(t("no manager has a service of the chain"))
    elif not found:
        yield ok(t("no service has two managers"))


@check("manager.exposed", t("No manager takes orders without a password"))
def exposed(host: Host, stack: Stack) -> Iterator[Finding]:
    answering = strangers.answering(host, stack)
    found = [(manager, place) for manager in answering if (place := manager.exposed(host)) is not None]
    for manager, place in found:
        yield warn(
            "manager.exposed",
            t("{manager} takes orders at {place} from everybody, without a password",
              manager=ownership.title(manager), place=place),
            t("Whoever reaches that address can run programs as its user: set a password, or bind it to a socket."),
            affects=(),
            proof=Evidence(ownership.title(manager), place),
            restart_helps=False,
        )  # fmt: skip
    if not answering:
        yield skip(t("there is none here"))
    elif not found:
        yield ok(t("no manager takes orders from everybody"))


@check("manager.terminal", t("No service hangs on a terminal"))
def terminal(host: Host, stack: Stack) -> Iterator[Finding]:
    looked = strangers.holders(host, stack)
    found = [held for held, process in looked if process.terminal]
    for one in found:
        yield warn(
            "service.terminal",
            t("{name} runs in the foreground of a terminal ({holder}): it ends when that is closed",
              name=one.name, holder=str(one.holder)),
            t("Give it to a manager of services."),
            role=one.role,
            affects=(),
            proof=Evidence(f"/proc/{one.holder.pid}/stat", str(one.holder)),
            restart_helps=False,
        )  # fmt: skip
    if not looked:
        yield skip(t("nobody is seen on the ports of the chain"))
    elif not found:
        yield ok(t("no service ends with a terminal"))


@check("manager.known", t("Every manager of services here is known"))
def known(host: Host, stack: Stack) -> Iterator[Finding]:
    found = discovery.unsupported(host) if stack.config.discover else ()
    for name in found:
        yield unknown("manager.unknown", t("{name} looks after services here, and cozydiag cannot ask it", name=name))
    if not found:
        yield skip(t("there is no other"))
