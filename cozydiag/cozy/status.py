"""What a cozy-stack says of itself: `/version`, `/status`, and the admin port (cozy-stack `web/status/status.go`).

Its `/status` asks CouchDB's `/_up` alone, which wants no login: that the login is right is looked at elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cozydiag.cozy import start
from cozydiag.cozy.flavour import Flavour
from cozydiag.cozy.silent import stranger
from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.host.logs import one_line
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Part, Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import t

ROLE = "cozy.stack"


def look(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    """Whether it answers, and what it finds wrong around it."""
    part = part_of(flavour)
    if part is None:
        yield _by_its_engine(host, stack, flavour)
        return
    answer = host.get(f"{part.url}/status")
    if isinstance(answer, Failure):
        yield start.why_not(host, stack, flavour, part, answer)
        return
    said = answer.json()
    if not isinstance(said, dict) or "couchdb" not in said:
        yield stranger(host, part, answer)
        return
    found = list(_ailing(part, said))
    yield from found
    if not found:
        yield from _well(host, part)


def part_of(flavour: Flavour) -> Part | None:
    """Where it is asked; None where it cannot be reached from here."""
    place = flavour.place(ROLE)
    parsed = urls.parse(place.url) if place is not None else None
    if place is None or parsed is None:
        return None
    return Part("stack", ROLE, place.url.rstrip("/"), (parsed.host, parsed.port))


def _by_its_engine(host: Host, stack: Stack, flavour: Flavour) -> Finding:
    """A container that publishes no port and whose network is closed to this machine."""
    held = flavour.container
    if held is not None and held.running and held.health == "healthy":
        return ok(t("{name} cannot be asked from here; its engine calls it healthy", name=flavour.name))
    if held is not None and held.health == "unhealthy":
        return fail(
            "cozystack.unhealthy",
            t("{name} is unhealthy, as its engine says", name=flavour.name),
            t("Read its log, then restart it."),
            role=ROLE,
            proof=Evidence(held.address, held.health),
            restart_helps=None,
            service=held.address,
        )
    if held is None and host.euid() != 0:
        text = t("{name} runs in a container whose engine does not answer this user", name=flavour.name)
        return unknown("cozystack.unreachable", text, unlock=ourselves("status", stack.config))
    text = t("{name} publishes no port and nobody looks at its health, so it cannot be asked", name=flavour.name)
    return unknown("cozystack.unreachable", text)


def _well(host: Host, part: Part) -> Iterator[Finding]:
    answer = host.get(f"{part.url}/version")
    said = None if isinstance(answer, Failure) else answer.json()
    version = one_line(str(said.get("version") or "?"), 40) if isinstance(said, dict) else "?"
    if isinstance(said, dict) and said.get("build_mode") == "development":
        yield warn(
            "cozystack.development",
            t("this cozy-stack was built for development: its protections are off"),
            t("Install a released version before anybody else can reach it."),
            role=ROLE,
            affects=(),
            proof=Evidence(f"GET {part.url}/version", "build_mode: development"),
            restart_helps=False,
        )
    else:
        yield ok(t("cozy-stack {version} answers and is well", version=version))


def _ailing(part: Part, said: dict[str, Any]) -> Iterator[Finding]:
    """Each of its three looks that failed; the words are Go's."""
    wrong = {
        key: one_line(str(said[key]), 300)
        for key in ("couchdb", "cache", "fs")
        if said.get(key, "healthy") != "healthy"
    }
    by_hand = f"curl -sS -i --max-time 5 {part.url}/status"
    for key, why in wrong.items():
        proof = Evidence(f"GET {part.url}/status", f"{key}: {why}")
        if key == "couchdb":
            yield of_couchdb(why, proof, by_hand)
        elif key == "cache":
            yield fail(
                "cozystack.redis",
                t("cozy-stack cannot reach its Redis: {why}", why=why),
                t("Start Redis, or take it out of cozy.yml: one cozy-stack alone needs none."),
                role=ROLE, proof=proof, by_hand=by_hand, restart_helps=False,
            )  # fmt: skip
        else:
            yield fail(
                "cozystack.storage",
                t("cozy-stack cannot use the folder of its files: {why}", why=why),
                t("See whether its disk is mounted, and whether the folder (fs.url in cozy.yml) is cozy-stack's."),
                role=ROLE, proof=proof, by_hand=by_hand, restart_helps=False,
            )  # fmt: skip


def of_couchdb(why: str, proof: Evidence, by_hand: str) -> Finding:
    """What is between cozy-stack and its CouchDB."""
    if "code: 401" in why or "unauthorized" in why:
        return fail(
            "cozystack.couchdb_login",
            t("CouchDB refuses cozy-stack: wrong user or password, or it answers nobody without a login"),
            t("Put a right user and password into couchdb.url, or `require_valid_user_except_for_up = true` into "
              "CouchDB's section chttpd; then restart cozy-stack."),
            role=ROLE, proof=proof, by_hand=by_hand, restart_helps=False, waits_for=("couchdb",),
        )  # fmt: skip
    text = t("cozy-stack cannot reach its CouchDB: {why}", why=why)
    if "code: 404" in why:
        text = t("CouchDB tells cozy-stack that it is in maintenance")
    return fail(
        "cozystack.couchdb",
        text,
        t("Start CouchDB; cozy-stack comes back by itself. If CouchDB runs, couchdb.url in cozy.yml leads elsewhere."),
        role=ROLE, proof=proof, by_hand=by_hand, restart_helps=False, waits_for=("couchdb",),
    )  # fmt: skip


def admin(host: Host, flavour: Flavour) -> Finding:
    """The admin port wants a password for everything: 401 is what it must say."""
    place = flavour.place("cozy.admin")
    if place is None or not place.url:
        return skip(t("the admin port of {name} cannot be reached from here", name=flavour.name))
    answer = host.get(f"{place.url}/version")
    if isinstance(answer, Failure):
        return _no_admin(host, flavour, place.url, answer)
    if answer.status in (401, 403):
        return ok(t("the admin port of cozy-stack answers and wants a password"))
    return _open_admin(place.url, answer)


def _no_admin(host: Host, flavour: Flavour, url: str, why: Failure) -> Finding:
    if flavour.container is not None:
        return skip(t("the admin port of {name} cannot be reached from here", name=flavour.name))
    return warn(
        "cozystack.admin_down",
        t("cozy-stack's admin port does not answer at {url}: {why}", url=url, why=why.detail),
        t("Commands such as `cozy-stack instances ls` need it: see admin.host and admin.port in cozy.yml."),
        role=ROLE,
        affects=(),
        proof=host.evidence[-1],
        by_hand=f"curl -sS -i --max-time 5 {url}/version",
        restart_helps=None,
    )


def _open_admin(url: str, answer: Answer) -> Finding:
    return warn(
        "cozystack.admin_open",
        t("cozy-stack's admin port at {url} answers HTTP {status} to somebody without a password",
          url=url, status=answer.status),
        t("See which program that is; cozy-stack itself answers 401 there, unless it was built for development."),
        role=ROLE,
        affects=(),
        proof=Evidence(f"GET {url}/version", f"HTTP {answer.status}"),
        by_hand=f"curl -sS -i --max-time 5 {url}/version",
        restart_helps=False,
    )  # fmt: skip
