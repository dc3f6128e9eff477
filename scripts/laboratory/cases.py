"""The cases of the lab: what is broken, what must be named, and what a repair has to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

Fix = Literal["repair", "refuse", "nothing"]


class Cause(NamedTuple):
    """What `status` names as broken."""

    code: str
    role: str


WARNINGS = frozenset({"nginx.config_on_disk", "proxy.config_on_disk", "supervisor.down_parts_alive"}) | {
    "certificate.incomplete", "certificate.key", "certificate.self_signed", "certificate.unknown_authority",
    "proxy.duplicate_name", "proxy.port_taken", "redirect.challenge", "redirect.missing",
    "proxy.host_changed", "proxy.no_websocket", "proxy.small_uploads", "proxy.short_timeout", "proxy.proto_lost",
    "cozy.close_wait", "cozy.node_version", "cozy.token_stale", "cozystack.domain", "cozystack.konnectors",
    "cozystack.no_instance", "host.packages_half", "service.complains",
}  # fmt: skip
"""The codes that are no failure yet."""


class Case(NamedTuple):
    """``faults`` are names of `cozydiag.sandbox.faults` or of `scripts.laboratory.faults`, injected in this order.

    ``fix_expected``: "repair" (healthy afterwards), "refuse" (nothing touched; it ends as `status` does), "nothing"
    (there is nothing to do), None where several causes want different things. ``may_touch``: the roles that a repair
    may restart besides those at fault. ``down``: what else is a warning is a failure, because the proxy does not run.
    """

    id: str
    group: str
    faults: tuple[str, ...]
    expected: tuple[Cause, ...]
    fix_expected: Fix | None
    may_touch: tuple[str, ...] = ()
    down: bool = False

    @property
    def exit_code(self) -> int:
        """What `status` has to end with."""
        if not self.expected:
            return 0
        return 1 if not self.down and all(cause.code in WARNINGS for cause in self.expected) else 2


def _healthy(id: str, *faults: str) -> Case:
    return Case(id, "well", faults, (), "nothing")


def _single(group: str, fault: str, code: str, role: str, fix: Fix) -> Case:
    return Case(fault, group, (fault,), (Cause(code, role),), fix)


def _two(id: str, faults: tuple[str, str], first: Cause, second: Cause, fix: Fix | None) -> Case:
    return Case(id, "two", faults, (first, second), fix)


DATA_SYSTEM, HOME, FRONT, CONTROLLER = "cozy.data-system", "cozy.home", "cozy.proxy", "cozy.controller"

HEALTHY = (
    _healthy("healthy"),
    _healthy("freshly-started", "parts-restarted"),
    _healthy("hang-over", "part-hung", "part-resumed"),
    _healthy("crash-loop-over", "crash-loop", "crash-loop-mended"),
    _healthy("nginx-newer-directive", "nginx-newer-directive"),
    _healthy("complained-on-its-way-up", "parts-restarted", "part-complains"),
)

PARTS = (
    _single("parts", "part-stopped", "service.stopped", HOME, "repair"),
    _single("parts", "data-system-stopped", "service.stopped", DATA_SYSTEM, "repair"),
    _single("parts", "controller-stopped", "service.stopped", CONTROLLER, "repair"),
    _single("parts", "front-stopped", "service.stopped", FRONT, "repair"),
    _single("parts", "part-fatal", "service.failed", HOME, "refuse"),
    _single("parts", "data-system-fatal", "service.failed", DATA_SYSTEM, "refuse"),
    _single("parts", "crash-loop", "service.crash_loop", DATA_SYSTEM, "refuse"),
    _single("parts", "part-hung", "service.hung", HOME, "repair"),
    _single("parts", "data-system-hung", "service.hung", DATA_SYSTEM, "repair"),
    _single("parts", "controller-hung", "service.hung", CONTROLLER, "repair"),
    _single("parts", "front-hung", "service.hung", FRONT, "repair"),
    _single("parts", "port-taken", "service.port_taken", HOME, "refuse"),
    Case("part-complains", "parts", ("parts-settled", "part-complains"), (Cause("service.complains", HOME),), "refuse"),
    Case(
        "part-complains-and-hangs",
        "parts",
        ("parts-settled", "part-complains", "part-hung"),
        (Cause("service.hung", HOME),),
        "repair",
    ),
)

COUCHDB = (
    _single("couchdb", "couchdb-stopped", "service.stopped", "couchdb", "repair"),
    _single("couchdb", "couchdb-hung", "service.hung", "couchdb", "repair"),
    _single("couchdb", "couchdb-port-taken", "service.port_taken", "couchdb", "refuse"),
    _single("couchdb", "couchdb-401", "couchdb.credentials_refused", "couchdb", "refuse"),
    _single("couchdb", "couchdb-locked-out", "couchdb.locked_out", "couchdb", "refuse"),
    _single("couchdb", "couchdb-login-malformed", "couchdb.credentials_malformed", "couchdb", "refuse"),
    _single("couchdb", "couchdb-database-missing", "couchdb.database_missing", "couchdb", "refuse"),
    _single("couchdb", "couchdb-maintenance", "couchdb.maintenance", "couchdb", "refuse"),
    Case(
        "data-system-waits-for-couchdb",
        "couchdb",
        ("couchdb-stopped", "data-system-restarted-in-vain"),
        (Cause("service.stopped", "couchdb"),),
        "repair",
        may_touch=(DATA_SYSTEM,),
    ),
    Case(
        "data-system-loops-without-couchdb",
        "couchdb",
        ("couchdb-stopped", "data-system-loops"),
        (Cause("service.stopped", "couchdb"),),
        "repair",
        may_touch=(DATA_SYSTEM,),
    ),
)

NGINX = (
    _single("nginx", "nginx-stopped", "service.stopped", "proxy", "repair"),
    Case(
        "nginx-stopped-newer-directive",
        "nginx",
        ("nginx-newer-directive", "nginx-stopped"),
        (Cause("service.stopped", "proxy"),),
        "repair",
    ),
    _single("nginx", "nginx-hung", "service.hung", "proxy", "repair"),
    _single("nginx", "nginx-config-down", "nginx.config", "proxy", "refuse"),
    _single("nginx", "nginx-config-disk", "nginx.config_on_disk", "proxy", "refuse"),
    _single("nginx", "wrong-upstream", "proxy.wrong_upstream", "proxy", "refuse"),
)

SUPERVISOR = (
    _single("supervisor", "supervisor-killed", "supervisor.down_parts_alive", "supervisor", "refuse"),
    _single("supervisor", "supervisor-and-parts-down", "supervisor.down", "supervisor", "refuse"),
    _single("supervisor", "supervisor-hung", "service.hung", "supervisor", "refuse"),
)

TWO = (
    _two(
        "home-and-database",
        ("part-stopped", "couchdb-database-missing"),
        Cause("service.stopped", HOME),
        Cause("couchdb.database_missing", "couchdb"),
        None,
    ),
    _two(
        "nginx-and-controller",
        ("nginx-stopped", "controller-stopped"),
        Cause("service.stopped", "proxy"),
        Cause("service.stopped", CONTROLLER),
        "repair",
    ),
    _two(
        "home-and-nginx-config",
        ("part-stopped", "nginx-config-down"),
        Cause("service.stopped", HOME),
        Cause("nginx.config", "proxy"),
        None,
    ),
    _two(
        "data-system-and-nginx-on-disk",
        ("data-system-fatal", "nginx-config-disk"),
        Cause("service.failed", DATA_SYSTEM),
        Cause("nginx.config_on_disk", "proxy"),
        "refuse",
    ),
    _two(
        "couchdb-and-upstream",
        ("wrong-upstream", "couchdb-stopped"),
        Cause("proxy.wrong_upstream", "proxy"),
        Cause("service.stopped", "couchdb"),
        None,
    ),
    _two(
        "supervisor-and-home",  # nobody is left who could tell that home was stopped
        ("part-stopped", "supervisor-killed"),
        Cause("supervisor.down_parts_alive", "supervisor"),
        Cause("service.down", HOME),
        None,
    ),
    _two(
        "home-and-front",
        ("part-stopped", "front-hung"),
        Cause("service.stopped", HOME),
        Cause("service.hung", FRONT),
        "repair",
    ),
    _two(
        "data-system-and-home",
        ("data-system-stopped", "part-hung"),
        Cause("service.stopped", DATA_SYSTEM),
        Cause("service.hung", HOME),
        "repair",
    ),
    _two(
        "login-and-controller",
        ("couchdb-401", "controller-hung"),
        Cause("couchdb.credentials_refused", "couchdb"),
        Cause("service.hung", CONTROLLER),
        None,
    ),
)


def _tls(fault: str, *codes: str) -> Case:
    fix: Fix | None = None if fault == "tls-not-reloaded" else "refuse"  # a restart helps, and then it is self-signed
    return Case(fault, "tls", (fault,), tuple(Cause(code, "proxy") for code in codes), fix)


TLS = (
    _tls("tls-self-signed", "certificate.self_signed"),
    _tls("tls-expired", "certificate.expired"),
    _tls("tls-not-yet", "certificate.not_yet"),
    _tls("tls-wrong-name", "certificate.name"),
    _tls("tls-incomplete", "certificate.incomplete"),
    _tls("tls-unknown-authority", "certificate.unknown_authority"),
    _tls("tls-not-reloaded", "certificate.not_reloaded"),
    _tls("tls-wrong-key", "certificate.self_signed", "certificate.key"),
    _tls("tls-apps-not-named", "certificate.self_signed", "certificate.subdomains"),
    _tls("tls-no-redirect", "certificate.self_signed", "redirect.missing"),
    _tls("tls-two-sites", "certificate.self_signed", "proxy.duplicate_name"),
    _tls("port-taken-before-reload", "proxy.port_taken"),
)
"""No authority signs for the lab: a certificate without a fault warns of itself."""

CASES = (*TLS, *HEALTHY, *PARTS, *COUCHDB, *NGINX, *SUPERVISOR, *TWO)
