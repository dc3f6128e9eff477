"""Started, but out of the apps' reach: what they see of CouchDB where they go another way than cozydiag does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Evidence, Finding, Host, Iterator, Stack, check, fail, ok, skip, t
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
        account = access.known(stack, host)
        seen = apps_view.look(host, view, account)
        yield _judged(view, seen)


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
