"""What it means that CouchDB's address is silent, or that somebody else answers there."""

from __future__ import annotations

from cozydiag.couchdb import access
from cozydiag.couchdb.client import Reply
from cozydiag.findings import fail, skip, unknown
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.stack.ports import holder, state_of
from cozydiag.stack.words import ourselves
from cozydiag.text import Text, t

_ROLE = "couchdb"


def by_hand(stack: Stack, path: str) -> str:
    return f"curl -sS -i --max-time 5 {stack.config.couchdb.url.rstrip('/')}{path}"


def meaning(host: Host, stack: Stack, why: Failure) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    proof = host.evidence[-1]
    if why.kind == "refused" and not stack.expected(host, _ROLE):
        return skip(t("there is no CouchDB here"))
    if why.kind == "given_up":  # it was never asked: that it is slow is no proof that it is down
        return unknown("service.not_asked", t("{name} was not asked: {why}", name="CouchDB", why=why.detail))
    if why.kind == "timeout":
        return _full_table(host, stack) or _silent(host, stack, proof)
    if why.kind == "protocol":
        return stranger(host, stack, why.detail)
    if why.kind in ("closed", "reset"):
        return fail(
            "service.breaks_off",
            t("CouchDB takes connections at {place} and ends them without an answer", place=place),
            t("Read its log and look at its disk and memory, then restart it."),
            role=_ROLE,
            proof=proof,
            by_hand=by_hand(stack, "/"),
            restart_helps=None,
        )
    if why.kind in ("name", "resolver"):
        return _nameless(stack, why, proof)
    if why.kind == "tls":
        return _untrusted(stack, why, proof)
    ended = _was_ended(host, stack)
    return fail(
        "service.down",
        _down(place, _each(host, stack, why), bool(ended)),
        t("Start CouchDB with the tool that owns it, then read its log if it does not stay."),
        role=_ROLE,
        proof=Evidence("log", ended) if ended else proof,
        by_hand=by_hand(stack, "/"),
        restart_helps=True,
    )


def _down(place: str, why: str, ended: bool) -> Text:
    if ended:
        return t("nothing answers at {place}: CouchDB was ended in an orderly way and not started again", place=place)
    return t("nothing answers at {place}, the address of CouchDB: {why}", place=place, why=why)


def _each(host: Host, stack: Stack, why: Failure) -> str:
    """Each address of a name apart: one may be refused and another be lost on the way."""
    from cozydiag.couchdb import addresses

    failed = addresses.tried(host, stack.config.couchdb.address)
    return "; ".join(f"{address}: {one.detail}" for address, one in failed if one) or why.detail


def _untrusted(stack: Stack, why: Failure, proof: Evidence) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    return fail(
        "couchdb.tls",
        t("CouchDB at {place} shows a certificate that this machine does not trust: {why}", place=place,
          why=why.detail),
        t("Renew it, or let this machine know its authority (/usr/local/share/ca-certificates, then "
          "update-ca-certificates). The apps refuse it for the same reason."),
        role=_ROLE,
        proof=proof,
        by_hand=by_hand(stack, "/"),
        restart_helps=False,
    )  # fmt: skip


def _nameless(stack: Stack, why: Failure, proof: Evidence) -> Finding:
    name = stack.config.couchdb.address[0]
    return fail(
        "couchdb.name_unknown",
        t("the name of CouchDB's server, {name}, leads to no address: {why}", name=name, why=why.detail),
        t("Correct `url` in the section couchdb of cozydiag's configuration and the same name in the apps' own, or "
          "bring the name back (`getent hosts {name}`).", name=name),
        role=_ROLE,
        proof=proof,
        by_hand=f"getent hosts {name}",
        restart_helps=False,
    )  # fmt: skip


def _was_ended(host: Host, stack: Stack) -> str:
    section = access.log(stack, host)
    if not isinstance(section, bytes):
        return ""
    from cozydiag.couchdb import logs

    return logs.was_ended(section)


def _silent(host: Host, stack: Stack, proof: Evidence) -> Finding:
    return _out_of_files(host, stack) or _hung(host, stack, proof)


def _out_of_files(host: Host, stack: Stack) -> Finding | None:
    """By its last words: who has no descriptor left writes that, and then nothing more."""
    section = access.log(stack, host)
    if not isinstance(section, bytes):
        return None
    from cozydiag.couchdb import logs

    seen = next((one for one in logs.faults(section) if one.what == "file_descriptors"), None)
    if seen is None or logs.end_of(section) - seen.at > logs.FRESH:
        return None
    from cozydiag.couchdb.meanings import WORDS

    ill = WORDS["file_descriptors"]("")
    return fail(ill.code, ill.text, ill.advice, role=_ROLE, proof=Evidence("log", seen.line), restart_helps=True)


def _hung(host: Host, stack: Stack, proof: Evidence) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    stopped = state_of(host, stack.config.couchdb.address[1]) == "T"
    return fail(
        "service.hung",
        t("CouchDB was stopped by a signal (SIGSTOP): it takes connections and answers none") if stopped
        else t("CouchDB takes connections at {place} but does not answer", place=place),
        t("Restart CouchDB. If it hangs again, look at its log, its open files and its disk."),
        role=_ROLE,
        proof=proof,
        by_hand=by_hand(stack, "/"),
        restart_helps=True,
        commands=(ourselves("fix --restart", stack.config),),
    )  # fmt: skip


def _full_table(host: Host, stack: Stack) -> Finding | None:
    """Silent because it has no file descriptor left for another connection: only root sees that."""
    listeners = host.listeners(stack.config.couchdb.address[1])
    pid = host.owner(listeners[0].inode) if listeners else None
    used = host.descriptors(pid) if pid else None
    if pid is None or used is None or used.used < used.limit:
        return None
    return fail(
        "couchdb.file_descriptors",
        t("CouchDB has used up its file descriptors: it takes no more connections, or opens no more files"),
        t("See who keeps so many connections open; then raise its limit (LimitNOFILE in its unit, `minfds` of "
          "supervisord). It goes on as soon as connections are closed."),
        role=_ROLE,
        proof=Evidence(f"/proc/{pid}/fd", f"{used.used} of {used.limit}"),
        by_hand=by_hand(stack, "/"),
        restart_helps=True,
    )  # fmt: skip


def no_couchdb(host: Host, stack: Stack, reply: Reply) -> Finding:
    """Somebody answers who is no CouchDB: a proxy that does not reach it, one that sends us on, or another program."""
    place = "{}:{}".format(*stack.config.couchdb.address)
    proof = Evidence("GET /", f"HTTP {reply.status}, Server: {reply.server or '-'}")
    if reply.status in (502, 503, 504):
        return fail(
            "couchdb.behind_proxy",
            t("a proxy answers at CouchDB's address {place}, and does not reach CouchDB: HTTP {status}", place=place,
              status=reply.status),
            t("Look at CouchDB on the machine that the proxy leads to, and at the proxy's own log."),
            role=_ROLE, proof=proof, by_hand=by_hand(stack, "/"), restart_helps=None,
        )  # fmt: skip
    if 300 <= reply.status < 400 and reply.location:
        return fail(
            "couchdb.redirected",
            t("CouchDB's address {place} leads on to another one, where no password is sent: {target}", place=place,
              target=_shown(reply.location)),
            t("If CouchDB is there, write that address into `url` in the section couchdb, and into the apps' "
              "settings."),
            role=_ROLE, proof=proof, by_hand=by_hand(stack, "/"), restart_helps=False,
        )  # fmt: skip
    return stranger(host, stack, proof.line)


def _shown(address: str) -> str:
    """Without a user and a password that may be in it."""
    scheme, mark, rest = one_line(address, 300).partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


def stranger(host: Host, stack: Stack, seen: str) -> Finding:
    place = "{}:{}".format(*stack.config.couchdb.address)
    proof = host.evidence[-1]
    other = holder(host, stack.config.couchdb.address[1])
    return fail(
        "service.port_taken",
        t("another program answers at CouchDB's address {place}: {other}", place=place, other=str(other or seen)),
        t("End that program or move it; only then start CouchDB."),
        role=_ROLE,
        proof=Evidence(proof.source, seen),
        by_hand=by_hand(stack, "/"),
        restart_helps=False,
    )
