"""Started, but out of the apps' reach: what they see of CouchDB where they go another way than cozydiag does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Evidence, Finding, Host, Iterator, Program, Stack, check, fail, ok, skip, t
from cozydiag.couchdb import access

if TYPE_CHECKING:
    from cozydiag.couchdb.apps_view import View

_ROLE = "couchdb"
_APPS = ("cozy.data-system", "cozy.home")
"""What asks CouchDB, in the order of its weight."""


_TELLING = (b"couch_host=", b"couch_port=", b"_proxy=")
"""What in an app's environment can lead it elsewhere."""


@check("couchdb.apps", t("The apps reach CouchDB in their own way"), role=_ROLE,
       needs=["couchdb.reach", "couchdb.login"], because=["couchdb.up", "couchdb.log"])  # fmt: skip
def apps(host: Host, stack: Stack) -> Iterator[Finding]:
    """Their environment is read by root only. Nobody is asked where it holds neither another address nor a proxy."""
    if host.euid() != 0:
        yield skip(t("only root sees how the apps reach CouchDB"))
        return
    role = next((role for role in _APPS if stack.program(host, role) is not None), None)
    program = stack.program(host, role) if role else None
    lost = _lost_to_localhost(host, stack, program) if program is not None else None
    if lost is not None:
        yield lost
        return
    process = host.process(program.pid) if program is not None and program.pid else None
    if process is None:
        yield skip(t("no app runs that could be asked"))
        return
    environment = host.read(f"/proc/{process.pid}/environ", max_bytes=1 << 17)
    if isinstance(environment, bytes) and not any(word in environment.lower() for word in _TELLING):
        yield ok(t("the apps reach CouchDB as cozydiag does"))
        return
    from cozydiag.couchdb import apps_view

    usual = stack.config.couchdb.address
    view = apps_view.of(host, process, usual)
    if view is None:
        yield skip(t("no app runs that could be asked"))
    elif not apps_view.differs(view, usual):
        yield ok(t("the apps reach CouchDB as cozydiag does"))
    else:
        stack.keep_secret(*(value.rpartition("@")[0].partition("://")[2] for _, value in view.proxies))
        same = (view.host, view.port) == usual  # to another server no login is sent
        account = access.known(stack, host) if same else None
        seen = apps_view.look(host, view, account)
        if account is not None and seen in (401, 403):
            account.turned_away(int(seen))
        yield _judged(view, seen)


def _lost_to_localhost(host: Host, stack: Stack, program: Program) -> Finding | None:
    """Its last words say that it was refused at another address of `localhost` than the one that CouchDB has."""
    place, port = stack.config.couchdb.address
    part = stack.address_of(program.role)
    if part is None or host.listeners(part[1]):
        return None
    from cozydiag.managers import supervisord

    words = f"ECONNREFUSED ::1:{port}"
    line = next((one for one in supervisord.log_tail(host, stack.socket(host), program)[-20:] if words in one), None)
    if line is None or place == "::1" or any(one.address in ("::1", "::") for one in host.listeners(port)):
        return None
    return fail(
        "couchdb.localhost",
        t("for {name} `localhost` is ::1, where CouchDB does not listen: it has {place}", name=program.name,
          place=f"{place}:{port}"),
        t("Write 127.0.0.1 instead of localhost into the app's settings (COUCH_HOST), or let CouchDB listen on ::1 as "
          "well (bind_address). Node.js takes ::1 first from version 17 on."),
        role=_ROLE,
        proof=Evidence(f"{program.service} log", line),
        restart_helps=False,
    )  # fmt: skip


def _judged(view: View, seen: int | str) -> Finding:
    if seen == "unknown":
        return skip(t("it could not be tried as the apps do it: setpriv or curl is missing"))
    if seen == 200:
        return ok(t("the apps reach CouchDB at {place}", place=view.place))
    names = ", ".join(name for name, _ in view.proxies) or "COUCH_HOST"
    return fail(
        "couchdb.out_of_reach",
        t("CouchDB answers here, but not to the apps at {place}: {why}", place=view.place, why=str(seen)),
        t("See {names} in the environment of process {pid}: an app must reach CouchDB directly (no_proxy), at an "
          "address where it listens. `localhost` can be ::1 for the app and 127.0.0.1 for CouchDB.",
          names=names, pid=view.pid),
        role=_ROLE,
        proof=Evidence(f"process {view.pid}, user {view.uid}", f"{view.place}: {seen}"),
        restart_helps=False,
    )  # fmt: skip
