"""The cases of whole servers: the first name of a case is the server, the second what is broken on it."""

from __future__ import annotations

from scripts.laboratory.cases import Case, Cause

V2: dict[str, tuple[Cause, ...]] = {
    "healthy": (),
    "controller-stopped": (Cause("service.stopped", "cozy.controller"),),
    "disk-full": (Cause("host.disk_full", "host"),),
    "password-mismatch": (Cause("couchdb.credentials_refused", "couchdb"),),
    "login-unreadable": (Cause("cozy.login_unreadable", "cozy.data-system"),),
    "database-missing": (Cause("couchdb.database_missing", "couchdb"),),
    "data-closed": (Cause("couchdb.file_unreadable", "couchdb"),),
    "certificate-missing": (Cause("certificate.key", "proxy"),),
    "program-fatal": (Cause("service.failed", "cozy.controller"),),
    "node-version": (Cause("cozy.node_version", "cozy.data-system"),),
    "app-without-modules": (Cause("cozy.app_broken", "cozy.app.calendar"),),
    "app-without-memory": (Cause("cozy.app_memory", "cozy.app.calendar"),),
    "app-dead": (Cause("cozy.app_down", "cozy.app.calendar"),),
    "connections-pile-up": (Cause("cozy.close_wait", "cozy.proxy"),),
    "part-twice": (Cause("cozy.duplicates", "cozy.home"),),
    "token-stale": (Cause("cozy.token_stale", "cozy.home"),),
    "no-websocket": (Cause("proxy.no_websocket", "proxy"),),
    "small-uploads": (Cause("proxy.small_uploads", "proxy"),),
    "challenge-redirected": (Cause("redirect.challenge", "proxy"),),
    "no-mail": (Cause("service.stopped", "mail"),),
    "self-signed": (Cause("certificate.self_signed", "proxy"),),
    "data-system-down": (Cause("service.down", "cozy.data-system"),),
    "nginx-stopped": (Cause("service.stopped", "proxy"),),
    "packages-half": (Cause("host.packages_half", "host"),),
    "healthy-again": (),
}

V3: dict[str, tuple[Cause, ...]] = {
    "healthy": (),
    "bound-elsewhere": (Cause("proxy.upstream_refused", "proxy"),),
    "login-wrong": (Cause("couchdb.credentials_refused", "couchdb"),),
    "couchdb-away": (Cause("service.down", "couchdb"),),
    "couchdb-hangs": (Cause("service.hung", "couchdb"),),
    "system-databases-missing": (Cause("couchdb.system_databases_missing", "couchdb"),),
    "passphrase-missing": (Cause("cozystack.passphrase_missing", "cozy.stack"),),
    "passphrase-closed": (Cause("cozystack.permission", "cozy.stack"),),
    "vault-closed": (Cause("cozystack.keyring", "cozy.stack"),),
    "configuration-broken": (Cause("cozystack.config", "cozy.stack"),),
    "host-lost": (Cause("cozystack.host_header", "proxy"),),
    "instance-elsewhere": (Cause("cozystack.domain", "cozy.stack"),),
    "instance-missing": (Cause("cozystack.no_instance", "cozy.stack"),),
    "subdomains-without-address": (Cause("name.subdomains", "name"),),
    "apps-not-served": (Cause("cozystack.app_names", "proxy"),),
    "certificate-without-apps": (Cause("certificate.subdomains", "proxy"),),
    "no-websocket": (Cause("proxy.no_websocket", "proxy"),),
    "plain-on-443": (Cause("site.plain_443", "proxy"),),
    "konnectors-missing": (Cause("cozystack.konnectors", "cozy.stack"),),
    "smtps-without-tls": (Cause("mail.tls_missing", "mail"),),
    "port-taken": (Cause("service.port_taken", "cozy.stack"),),
    "redis-away": (Cause("cozystack.redis", "cozy.stack"),),
    "storage-lost": (Cause("cozystack.storage", "cozy.stack"),),
    "stack-stopped": (Cause("service.stopped", "cozy.stack"),),
    "no-mail": (Cause("service.stopped", "mail"),),
    "healthy-again": (),
}

BARE: dict[str, tuple[Cause, ...]] = {"nothing-here": ()}
GENERIC: dict[str, tuple[Cause, ...]] = {"healthy": (), "program-away": (Cause("proxy.upstream_refused", "proxy"),)}

REAL = {name: V3[name] for name in ("couchdb-away", "passphrase-missing", "configuration-broken")}
"""With the real cozy-stack, which starts with a real CouchDB only: how it does not start."""

NO_PROXY = ("certificate-missing",)

SERVERS = {
    "v2": "with stand-ins of the Cozy and CouchDB",
    "v3": "with stand-ins of cozy-stack and CouchDB",
    "bare": "",
    "generic": "",
    "v3-real": "with a stand-in of CouchDB",
}
"""What on them is not real."""


CASES = tuple(
    Case(f"{server}-{fault}", "hosts", (server, fault), expected, None, down=fault in NO_PROXY)
    for server, faults in zip(SERVERS, (V2, V3, BARE, GENERIC, REAL), strict=True)
    for fault, expected in faults.items()
)
