"""CouchDB's disk, files, settings and log, seen from this machine: also when every answer over HTTP is green."""

from __future__ import annotations

from cozydiag.api import Failure, Finding, Host, Iterator, Stack, check, skip, t
from cozydiag.couchdb import access

_ROLE = "couchdb"


@check("couchdb.storage", t("CouchDB can write where its data are"), role=_ROLE, because=["host.disk"])
def storage(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.data:
        yield skip(t("CouchDB's data folder is not on this machine, or not known"))
        return
    from cozydiag.couchdb import disks

    yield from disks.of(host, stack, place)


@check("couchdb.files", t("CouchDB's files are whole"), role=_ROLE,
       because=["host.disk", "couchdb.storage"])  # fmt: skip
def data(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.data:
        yield skip(t("CouchDB's data folder is not on this machine, or not known"))
        return
    from cozydiag.couchdb import damage

    yield from damage.of(host, stack, place)


@check("couchdb.settings", t("CouchDB's own settings make sense"), role=_ROLE)
def settings(host: Host, stack: Stack) -> Iterator[Finding]:
    place = access.place(stack, host)
    if place is None or not place.files:
        yield skip(t("CouchDB's settings are not on this machine, or closed to this user"))
        return
    from cozydiag.couchdb import wrong_settings

    yield from wrong_settings.of(stack, place)


@check("couchdb.log", t("CouchDB's log is free of trouble"), role=_ROLE, because=["host.disk", "couchdb.storage"])
def log(host: Host, stack: Stack) -> Iterator[Finding]:
    """Since it was started; and why it did not start, where it is down."""
    silent = isinstance(access.root(stack, host), Failure)
    if silent and stack.expected(host, _ROLE):
        from cozydiag.couchdb import boot, logged

        failed = boot.trouble(stack, host)
        if failed is not None:
            yield logged.bad(boot.MEANINGS[failed.what](failed.detail), failed)
            return
    section = access.log(stack, host)
    if section is None:
        yield skip(t("no log of CouchDB is known"))
    elif isinstance(section, Failure):
        yield skip(t("CouchDB's log cannot be read: {why}", why=section.detail))
    else:
        from cozydiag.couchdb import logged

        yield from logged.judged(section, host.clock.now(), silent=silent)
