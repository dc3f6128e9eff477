"""The faults behind and in the four proxies, and what each must be called (facts: what was observed of each)."""

from __future__ import annotations

from typing import NamedTuple

from scripts.laboratory.cases import Case, Cause

PROXIES = ("nginx", "apache", "caddy", "haproxy")


class Fault(NamedTuple):
    """``behind`` is the kind of stand-in, "" for none; ``at`` where it is asked for: `tcp`, `unix`, `missing`, `stale`,
    `denied`, `name`, `moved` (the Cozy is elsewhere), `v6` (configured as ::1, listening on 127.0.0.1), `two` (a group
    that was dead when it was last asked) or `empty`. ``own`` is what is done to the proxy itself. ``cannot`` says which
    proxies cannot have it, and why. ``code`` may be several, with blanks between; ``instead`` has what it is called
    of proxies that show it otherwise."""

    id: str
    code: str
    behind: str = ""
    at: str = "tcp"
    scheme: str = "http"
    tls: bool = False
    own: str = ""
    cannot: dict[str, str] = {}  # noqa: RUF012  nobody writes into it
    instead: dict[str, str] = {}  # noqa: RUF012


BEHIND = (
    Fault("refused", "proxy.upstream_refused"),
    Fault("hangs", "proxy.upstream_hangs", "hangs"),
    Fault("queue-full", "proxy.upstream_full", "full"),
    Fault("closes-early", "proxy.upstream_closes", "closes"),
    Fault("resets", "proxy.upstream_closes", "resets"),
    Fault("no-http", "proxy.upstream_garbage", "garbage"),
    Fault("tls-for-plain", "proxy.upstream_tls", "well", tls=True),
    Fault("plain-for-tls", "proxy.upstream_plain", "well", scheme="https"),
    Fault("cozy-elsewhere", "proxy.wrong_upstream", at="moved"),
    Fault("other-family", "proxy.wrong_address", "well", at="v6"),
    Fault("ssh-there", "proxy.stranger", "ssh"),
    Fault("couchdb-there", "proxy.stranger", "couchdb"),
    Fault("socket-missing", "proxy.socket_missing", at="missing"),
    Fault("socket-stale", "proxy.socket_stale", at="stale"),
    Fault("socket-denied", "proxy.socket_denied", "well", at="denied"),
    Fault("name-unknown", "proxy.upstream_name", at="name"),
    Fault("headers-too-big", "proxy.headers_too_big", "big"),
    Fault("body-cut", "proxy.upstream_cut", "cut"),
    Fault("app-502", "site.app_error", "error-502"),
    Fault("stack-502", "site.app_error", "stack-502"),
    Fault("app-503", "site.app_error", "error-503"),
    Fault("app-500", "site.app_error", "error-500"),
    Fault("resting", "proxy.resting", "well", at="two"),
)
"""What is wrong with the program behind, or with the way to it."""

OWN = (
    Fault("well", "", "well"),
    Fault("too-many-files", "proxy.too_many_files", "well", own="files",
          cannot={"haproxy": "HAProxy takes no more connections than it may open files for"}),
    Fault("connections-used-up", "proxy.connections_used_up", "well", own="connections",
          cannot={"caddy": "Caddy has no limit of connections"}),
    Fault("module-off", "proxy.module_off", "well", own="module",
          cannot=dict.fromkeys(("nginx", "caddy", "haproxy"), "only Apache passes requests on by modules of a scheme")),
    Fault("group-empty", "proxy.no_upstream", at="empty",
          cannot=dict.fromkeys(("nginx", "apache", "caddy"), "an empty group is refused or answered otherwise")),
    Fault("stopped-by-signal", "service.hung", "well", own="stop"),
    Fault("not-running", "service.down", "well", own="down"),
    Fault("unknown-directive-down", "config", "well", own="unknown-down"),
    Fault("unknown-directive-on-disk", "config_on_disk", "well", own="unknown-disk"),
    Fault("missing-brace-down", "config", "well", own="cut-down",
          cannot={"haproxy": "its file has no braces"}),
    Fault("missing-brace-on-disk", "config_on_disk", "well", own="cut-disk",
          cannot={"haproxy": "its file has no braces"}),
    Fault("missing-include-down", "config", "well", own="include-down",
          cannot={"haproxy": "its file includes no others"}),
    Fault("missing-backend-down", "config", "well", own="backend-down",
          cannot=dict.fromkeys(("nginx", "apache", "caddy"), "an unknown group is taken for a name")),
    Fault("not-listening", "proxy.not_listening", "well", own="listen"),
    Fault("master-killed", "proxy.orphans", "well", own="orphans", cannot={"caddy": "it is one process"},
          instead={"haproxy": "service.down"}),  # its workers, and those of before a reload, end with their master
    Fault("worker-left", "service.hung", "well", own="left",
          cannot=dict.fromkeys(("nginx", "apache", "caddy"), "what its master leaves behind is another case")),
    Fault("start-page", "proxy.default_answers", "well", own="start-page"),
    Fault("other-name", "proxy.default_answers", "well", own="other-name"),
    Fault("port-taken", "proxy.port_taken", "well", own="port-taken"),
    Fault("port-taken-down", "proxy.port_taken", "well", own="port-taken-down"),
)  # fmt: skip
"""What is wrong with the proxy itself."""

_SELF = "certificate.self_signed"

TLS = (
    Fault("tls-self-signed", _SELF, "well", own="tls"),
    Fault("tls-expired", "certificate.expired", "well", own="tls-expired"),
    Fault("tls-not-yet", "certificate.not_yet", "well", own="tls-not-yet"),
    Fault("tls-wrong-name", "certificate.name", "well", own="tls-wrong-name"),
    Fault("tls-incomplete", "certificate.incomplete", "well", own="tls-incomplete"),
    Fault("tls-unknown-authority", "certificate.unknown_authority", "well", own="tls-unknown-authority"),
    Fault("tls-not-reloaded", "certificate.not_reloaded", "well", own="tls-not-reloaded"),
    Fault("tls-wrong-key", f"{_SELF} certificate.key", "well", own="tls-wrong-key"),
    Fault("tls-wrong-key-down", "certificate.key", "well", own="tls-wrong-key-down",
          instead={"haproxy": "proxy.config"}),
    Fault("tls-missing-down", "certificate.key", "well", own="tls-missing-down",
          instead={"apache": "proxy.config", "haproxy": "proxy.config"}),
    Fault("tls-apps-not-named", f"{_SELF} certificate.subdomains", "well", own="tls-apps"),
    Fault("tls-no-redirect", f"{_SELF} redirect.missing", "well", own="tls-plain"),
    Fault("tls-two-sites", f"{_SELF} proxy.duplicate_name", "well", own="tls-twice",
          cannot={"haproxy": "its rules are tried one by one, so that a name may well stand in two"},
          instead={"caddy": f"{_SELF} proxy.config_on_disk"}),
    Fault("tls-host-changed", f"{_SELF} proxy.host_changed", "well", own="tls-lacks-host"),
    Fault("tls-no-websocket", f"{_SELF} proxy.no_websocket", "well", own="tls-lacks-websocket",
          cannot=dict.fromkeys(("caddy", "haproxy"), "it passes WebSockets on without being told")),
    Fault("tls-small-uploads", f"{_SELF} proxy.small_uploads", "well", own="tls-lacks-uploads",
          cannot={"haproxy": "HAProxy has no limit of bodies"}),
    Fault("tls-short-timeout", f"{_SELF} proxy.short_timeout", "well", own="tls-lacks-quiet"),
    Fault("tls-proto-lost", f"{_SELF} proxy.proto_lost", "to-http", own="tls-lacks-proto",
          cannot={"caddy": "it tells the app without being told"}),
)  # fmt: skip
"""What is wrong with certificates and sites over TLS. No authority signs for the lab: a certificate without a fault
warns of itself."""

FAULTS = {fault.id: fault for fault in (*BEHIND, *OWN, *TLS)}


def _expected(proxy: str, fault: Fault) -> tuple[Cause, ...]:
    """nginx's configuration has had codes of its own since before the others were known."""
    codes = fault.instead.get(proxy, fault.code).split()
    house = "nginx" if proxy == "nginx" else "proxy"
    return tuple(Cause(f"{house}.{code}" if code.startswith("config") else code, "proxy") for code in codes)


CASES = tuple(
    Case(
        f"{proxy}-{fault.id}",
        "proxies",
        (proxy, fault.id),
        _expected(proxy, fault),
        None,
        down=fault.own.endswith("down"),
    )
    for proxy in PROXIES
    for fault in (*BEHIND, *OWN, *TLS)
)
