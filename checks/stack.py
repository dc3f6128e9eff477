"""The parts of a Cozy v2 stack, each asked in its own way (`cozy-monitor` calls a 500 and a reset "up")."""

from __future__ import annotations

from cozydiag.api import Failure, Finding, Host, Iterator, Stack, check, fail, ok, plural, skip, t, warn
from cozydiag.host.http import Answer
from cozydiag.managers import supervisord
from cozydiag.stack import Part
from cozydiag.stack.ports import holder, state_of
from cozydiag.stack.words import name_of, ourselves

_GRACE = {"cozy.controller": 300.0}
"""Seconds: the controller listens only when all apps are started (cozy-controller autostart.coffee)."""

_DATABASE = ["couchdb.reach", "couchdb.up", "couchdb.login", "couchdb.database"]
_SUPERVISOR = ["supervisor.running", "supervisor.program", "manager.service"]


@check("stack.controller", t("The controller answers"), role="cozy.controller",
       because=[*_SUPERVISOR, "couchdb.reach"], essential=True)  # fmt: skip
def controller(host: Host, stack: Stack) -> Iterator[Finding]:
    part = stack.part("controller")
    answer = host.get(part.url)
    if isinstance(answer, Failure):
        yield _silent(host, stack, part, answer)
    elif "controller" in answer.text().lower() or b"No drones specified" in answer.body:
        yield ok(t("the controller answers"))
    elif answer.status == 404 and b"Cannot GET /" in answer.body:
        yield ok(t("the controller answers"))  # before 2.0
    else:
        yield _stranger(host, part, answer)


@check("stack.data-system", t("The data-system answers"), role="cozy.data-system",
       because=[*_SUPERVISOR, *_DATABASE], essential=True)  # fmt: skip
def data_system(host: Host, stack: Stack) -> Iterator[Finding]:
    part = stack.part("data-system")
    answer = host.get(part.url)
    if isinstance(answer, Failure):
        yield _silent(host, stack, part, answer)
    elif "Cozy Data System" in answer.text():
        yield ok(t("the data-system answers"))
    elif answer.status >= 500:
        yield _error(part, answer)
    else:
        yield _stranger(host, part, answer)


@check("stack.home", t("Home answers and can read its applications"), role="cozy.home",
       because=[*_SUPERVISOR, *_DATABASE, "stack.data-system"], essential=True)  # fmt: skip
def home(host: Host, stack: Stack) -> Iterator[Finding]:
    """The list of applications comes through the data-system out of CouchDB: it proves the whole way down."""
    part = stack.part("home")
    answer = host.get(part.url.rstrip("/") + "/api/applications/")
    if isinstance(answer, Failure):
        yield _silent(host, stack, part, answer)
        return
    data = answer.json()
    if answer.status == 200 and isinstance(data, dict) and isinstance(data.get("rows"), list):
        yield ok(
            plural(
                "home answers; it knows {n} application", "home answers; it knows {n} applications", n=len(data["rows"])
            )
        )
    elif answer.status >= 500 or (isinstance(data, dict) and "error" in data):
        yield _error(part, answer)
    else:
        yield _stranger(host, part, answer)


@check("stack.proxy", t("The Cozy's own proxy answers"), role="cozy.proxy",
       because=[*_SUPERVISOR, *_DATABASE, "stack.data-system", "stack.home", "stack.controller"],
       essential=True)  # fmt: skip
def proxy(host: Host, stack: Stack) -> Iterator[Finding]:
    """/status asks all the others, with no limit of its own (cozy-proxy status_checker.coffee): it hangs with them."""
    part = stack.part("proxy")
    answer = _status(host, stack)
    if isinstance(answer, Failure):
        yield _silent(host, stack, part, answer)
        return
    said = answer.json()
    if isinstance(said, dict) and "proxy" in said:
        yield ok(t("the Cozy's own proxy answers"))
    elif answer.status >= 500:
        yield _error(part, answer)
    else:
        yield _stranger(host, part, answer)


def _status(host: Host, stack: Stack) -> Answer | Failure:
    """What the proxy says of itself and the others; asked once, for both checks."""
    url = stack.part("proxy").url.rstrip("/") + "/status"
    return stack.once("proxy status", host, lambda host: host.get(url))


@check("stack.claims", t("What the Cozy's proxy says of the others is true"), role="cozy.proxy", needs=["stack.proxy"],
       because=[*_SUPERVISOR, *_DATABASE, "stack.data-system", "stack.home", "stack.controller"])  # fmt: skip
def claims(host: Host, stack: Stack) -> Iterator[Finding]:
    """A part that the proxy calls down although it answers us is one that the proxy cannot reach."""
    answer = _status(host, stack)
    said = None if isinstance(answer, Failure) else answer.json()
    if not isinstance(said, dict):
        yield skip(t("the Cozy's proxy says nothing of the others"))
        return
    roles = {
        "couchdb": "couchdb",
        "datasystem": "cozy.data-system",
        "controller": "cozy.controller",
        "home": "cozy.home",
    }
    wrong = False
    for key, role in roles.items():
        address = stack.address_of(role)
        if said.get(key) is False and address is not None and host.connect(*address) is None:
            wrong = True
            yield warn(
                "stack.contradiction",
                t("the Cozy's proxy says that {name} is down, but it takes connections", name=name_of(role, key)),
                t("If it lasts, restart the Cozy's proxy: it may hold on to a dead connection."),
                role="cozy.proxy",
                affects=(),
                certainty="likely",
            )
    if not wrong:
        yield ok(t("what the Cozy's proxy says of the others is right"))


# -- what is the same for all parts ---------------------------------------------------------------------


def _silent(host: Host, stack: Stack, part: Part, why: Failure) -> Finding:
    """No HTTP answer: hung, another program, still starting, or nothing there."""
    proof = host.evidence[-1]
    name, place = name_of(part.role, part.name), f"{part.address[0]}:{part.address[1]}"
    by_hand = f"curl -sS -i --max-time 5 {part.url}"
    if why.kind == "timeout":
        stopped = state_of(host, part.address[1], _pid(host, stack, part.role)) == "T"
        return fail(
            "service.hung",
            t("{name} was stopped by a signal (SIGSTOP): it takes connections and answers none", name=name) if stopped
            else t("{name} takes connections at {place} but does not answer", name=name, place=place),
            t("Restart it."),
            role=part.role,
            proof=proof,
            by_hand=by_hand,
            restart_helps=True,
            commands=(ourselves("fix --restart", stack.config),),
            own=stopped,
        )  # fmt: skip
    if why.kind == "protocol":
        return _stranger(host, part, why.detail)
    if why.kind in ("closed", "reset"):
        return fail(
            "service.breaks_off",
            t("{name} takes connections at {place} and ends them without an answer", name=name, place=place),
            t("Read its log, then restart it."),
            role=part.role,
            proof=proof,
            by_hand=by_hand,
            restart_helps=None,
        )
    if why.kind == "refused" and not stack.expected(host, part.role):
        return skip(t("there is no {name} of a Cozy here", name=name))
    program = stack.program(host, part.role)
    if program is not None and program.state == supervisord.RUNNING and program.age < _GRACE.get(part.role, 15.0):
        return warn(
            "service.starting",
            t("{name} is running but does not listen yet; it may still be starting", name=name),
            t("Wait half a minute and look again; a restart would only begin anew."),
            role=part.role,
            proof=proof,
            restart_helps=False,
            service=program.service,
        )
    return fail(
        "service.down",
        t("nothing answers at {place}, the address of {name}: {why}", name=name, place=place, why=why.detail),
        t("Start it, then read its log if it does not stay."),
        role=part.role,
        proof=proof,
        by_hand=by_hand,
        restart_helps=True,
    )


def _pid(host: Host, stack: Stack, role: str) -> int:
    program = stack.program(host, role)
    return program.pid if program is not None else 0


def _error(part: Part, answer: Answer) -> Finding:
    name = name_of(part.role, part.name)
    return fail(
        "service.error",
        t(
            "{name} answers with an error: HTTP {status} {words}",
            name=name,
            status=answer.status,
            words=answer.text()[:160],
        ),
        t("Read its log."),
        role=part.role,
        by_hand=f"curl -sS -i --max-time 5 {part.url}",
        certainty="likely",
    )


def _stranger(host: Host, part: Part, answer: Answer | str) -> Finding:
    """Something answers that is not this part."""
    seen = answer if isinstance(answer, str) else f"HTTP {answer.status} {answer.text()[:80]}"
    name = name_of(part.role, part.name)
    proof = host.see(part.url, seen)
    other = holder(host, part.address[1])
    return fail(
        "service.port_taken",
        t("another program answers at {name}'s port {port}: {other}",
          name=name, port=str(part.address[1]), other=str(other or seen)),
        t("End that program or give it another port; only then start {name}.", name=name),
        role=part.role,
        proof=proof,
        by_hand=f"sudo ss -ltnp 'sport = :{part.address[1]}'",
        restart_helps=False,
    )  # fmt: skip
