"""Why a cozy-stack does not answer: its last words, as `cozy-stack serve` has them (`cmd/serve.go`, `pkg/config`)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from cozydiag.cozy import silent
from cozydiag.cozy.flavour import Flavour
from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Condition, State
from cozydiag.model import FAILING, Evidence, Finding, Status
from cozydiag.stack import Part, Stack, ownership
from cozydiag.stack.unwell import unwell
from cozydiag.text import Text, t


class Reason(NamedTuple):
    """What a line of its log means. ``couchdb``: CouchDB is what it waits for."""

    line: re.Pattern[str]
    code: str
    text: Text
    advice: Text
    couchdb: bool = False


_REASONS: Final = (
    Reason(
        re.compile(r"Could not find config file .?cozy-admin-passphrase"),
        "cozystack.passphrase_missing",
        t("cozy-stack does not start: its admin passphrase was never set"),
        t("Run `sudo cozy-stack config passwd /etc/cozy/cozy-admin-passphrase`, and give the file to cozy-stack."),
    ),
    Reason(
        re.compile(r"Invalid responde code: 401|CouchDB\(unauthorized\)|Name or password is incorrect"),
        "cozystack.couchdb_login",
        t("cozy-stack does not start: CouchDB refuses its user and password"),
        t("Correct couchdb.url in /etc/cozy/cozy.yml.local, then start it."),
        couchdb=True,
    ),
    Reason(
        re.compile(r"failed contact couchdb|[Cc]ould not reach Couchdb"),
        "cozystack.couchdb",
        t("cozy-stack does not start: it cannot reach CouchDB"),
        t("Start CouchDB; cozy-stack comes back by itself. If CouchDB runs, couchdb.url in cozy.yml leads elsewhere."),
        couchdb=True,
    ),
    Reason(
        re.compile(r"Unix syslog delivery error"),
        "cozystack.syslog",
        t("cozy-stack does not start: it is to log to syslog, and nobody takes that"),
        t("Install rsyslog, or set log.syslog to false in cozy.yml."),
    ),
    Reason(
        re.compile(r"failed to setup the keyring"),
        "cozystack.keyring",
        t("cozy-stack does not start: the keys of its vault are missing, or closed to it"),
        t("Put vault.enc and vault.dec back from a backup, owned by cozy-stack, mode 0600: new ones make what was "
          "encrypted with the old ones useless."),
    ),
    Reason(
        re.compile(r"permission denied"),
        "cozystack.permission",
        t("cozy-stack does not start: its user may not use a file or folder"),
        t("Give what the line names to the user cozy-stack."),
    ),
    Reason(
        re.compile(r"configuration file template|[Tt]emplate error|yaml: |Filesystem path should|Subdomains mode should"
                   r"|[Uu]nable to open and parse|Unable to read the config|Unsupported Config"),
        "cozystack.config",
        t("cozy-stack does not start: its configuration is broken"),
        t("Correct cozy.yml and cozy.yml.local where the line says, then start it."),
    ),
    Reason(
        re.compile(r"as root not allowed|start with the root user"),
        "cozystack.root",
        t("cozy-stack does not start: it refuses to run as root"),
        t("Set User=cozy-stack in its unit."),
    ),
)  # fmt: skip

_ALIVE: Final = (State.RUNNING, State.STARTING)


def why_not(host: Host, stack: Stack, flavour: Flavour, part: Part, why: Failure) -> Finding:
    """The finding for a cozy-stack that gave no answer."""
    proof = host.evidence[-1]
    if why.kind not in ("refused", "unreachable"):
        return silent.silent(host, stack, part, why)
    found = _condition(host, stack, flavour)
    manager = ownership.manager_of(stack, host, found) if found is not None else None
    if found is None or manager is None:
        return silent.silent(host, stack, part, why, proof)
    if found.state in _ALIVE:  # it tries CouchDB eight times before it gives up
        log = manager.log(host, found.service, 40)
        told = reason([] if isinstance(log, Failure) else log, found)
    else:
        told = unwell(host, stack, manager, found)
    if told is not None and told.status in (*FAILING, Status.WARN):
        return told
    return silent.silent(host, stack, part, why, proof)


def reason(lines: list[str], found: Condition) -> Finding | None:
    """What the last line that says something means."""
    for line in reversed(lines):
        for one in _REASONS:
            if one.line.search(line):
                return fail(
                    one.code,
                    one.text,
                    one.advice,
                    role="cozy.stack",
                    proof=Evidence(f"{found.service.address} log", line[:300]),
                    by_hand=f"cozydiag services logs {found.service.address}",
                    restart_helps=False,
                    affects=("cozy.stack",),
                    waits_for=("couchdb",) if one.couchdb else (),
                    service=found.service.address,
                )
    return None


def _condition(host: Host, stack: Stack, flavour: Flavour) -> Condition | None:
    """What its manager says of it: by the container's or the unit's name, else whoever plays the role."""
    owned = [one.services for one in stack.owned(host)]
    every = [found for services in owned if not isinstance(services, Failure) for found in services]
    names = {flavour.name, f"{flavour.name}.service", flavour.container.address if flavour.container else ""}
    same = [one for one in every if one.service.address in names or one.service.unit in names]
    return next(iter([*same, *(one for one in every if one.role == "cozy.stack")]), None)
