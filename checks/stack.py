"""What this server is, and the parts of a Cozy v2 stack, each asked in its own way (`cozy-monitor` calls a 500 and a
reset "up")."""

from __future__ import annotations

from cozydiag.api import Failure, Finding, Host, Iterator, Stack, check, ok, plural, skip, t, warn
from cozydiag.host.http import Answer
from cozydiag.stack import Part
from cozydiag.stack.words import name_of

_DATABASE = ["couchdb.reach", "couchdb.up", "couchdb.login", "couchdb.database"]
_SUPERVISOR = ["supervisor.running", "supervisor.program", "manager.service"]


@check("stack.kind", t("What kind of server this is"))
def kind(host: Host, stack: Stack) -> Iterator[Finding]:
    if not stack.config.discover:
        yield skip(t("nothing is searched for: discover is false"))
        return
    from cozydiag.cozy.kind import look

    yield from look(host, stack)


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
        yield _other(host, stack, part, answer)


@check("stack.data-system", t("The data-system answers"), role="cozy.data-system",
       because=[*_SUPERVISOR, *_DATABASE, "cozy.secrets"], essential=True)  # fmt: skip
def data_system(host: Host, stack: Stack) -> Iterator[Finding]:
    part = stack.part("data-system")
    answer = host.get(part.url)
    if isinstance(answer, Failure):
        yield _silent(host, stack, part, answer)
    elif "Cozy Data System" in answer.text():
        yield ok(t("the data-system answers"))
    else:
        yield _other(host, stack, part, answer)


@check("stack.home", t("Home answers and can read its applications"), role="cozy.home",
       because=[*_SUPERVISOR, *_DATABASE, "stack.data-system", "cozy.secrets"], essential=True)  # fmt: skip
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
    else:
        yield _other(host, stack, part, answer, error=isinstance(data, dict) and "error" in data)


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
    else:
        yield _other(host, stack, part, answer)


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
        address, claim = stack.address_of(role), said.get(key)
        if address is None or not isinstance(claim, bool) or claim is (host.connect(*address) is None):
            continue
        wrong = True
        yield warn(
            "stack.contradiction",
            t("the Cozy's proxy says that {name} is up, but it takes no connections", name=name_of(role, key)) if claim
            else t("the Cozy's proxy says that {name} is down, but it takes connections", name=name_of(role, key)),
            t("If it lasts, restart the Cozy's proxy: it may hold on to a dead connection."),
            role="cozy.proxy",
            affects=(),
            certainty="likely",
        )  # fmt: skip
    if not wrong:
        yield ok(t("what the Cozy's proxy says of the others is right"))


# -- what is the same for all parts ---------------------------------------------------------------------


def _silent(host: Host, stack: Stack, part: Part, why: Failure) -> Finding:
    from cozydiag.cozy.silent import silent

    return silent(host, stack, part, why)


def _other(host: Host, stack: Stack, part: Part, answer: Answer, *, error: bool = False) -> Finding:
    """An answer that is not as it should be: the part's own error, or another program's."""
    from cozydiag.cozy import silent

    own = (error or answer.status >= 500) and part.name != "controller"
    return silent.error(host, stack, part, answer) if own else silent.stranger(host, part, answer)
