"""Started, but out of the apps' reach: what they see of CouchDB where they go another way than cozydiag does."""

from __future__ import annotations

from cozydiag.api import Evidence, Finding, Host, Iterator, Program, Stack, check, fail, ok, skip, t
from cozydiag.couchdb import access

_ROLE = "couchdb"
_TELLING = (b"couch_host=", b"couch_port=", b"couchdb_url=", b"_proxy=")
"""What in an app's environment can lead it elsewhere."""


@check("couchdb.apps", t("The apps reach CouchDB in their own way"), role=_ROLE,
       needs=["couchdb.reach", "couchdb.login"], because=["couchdb.up", "couchdb.log"])  # fmt: skip
def apps(host: Host, stack: Stack) -> Iterator[Finding]:
    """Their environment is read by root only. Nobody is asked where it holds neither another address nor a proxy."""
    if host.euid() != 0:
        yield skip(t("only root sees how the apps reach CouchDB"))
        return
    role = next((role for role in access.APPS if stack.program(host, role) is not None), None)
    program = stack.program(host, role) if role else None
    lost = _lost_to_localhost(host, stack, program) if program is not None else None
    if lost is not None:
        yield lost
        return
    process = access.app(stack, host)
    if process is None:
        yield skip(t("no app runs that could be asked"))
        return
    environment = host.read(f"/proc/{process.pid}/environ", max_bytes=1 << 17)
    if isinstance(environment, bytes) and not any(word in environment.lower() for word in _TELLING):
        yield ok(t("the apps reach CouchDB as cozydiag does"))
        return
    from cozydiag.couchdb import apps_view

    yield apps_view.finding(host, stack, process)


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
