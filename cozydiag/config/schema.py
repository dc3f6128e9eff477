"""Which keys there are, and what they become."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cozydiag.config import kinds
from cozydiag.config.error import at
from cozydiag.config.file import File
from cozydiag.config.table import Table
from cozydiag.config.values import (
    MANAGERS,
    PARTS,
    STACK_PARTS,
    CloudFoundry,
    Config,
    CouchDB,
    Notify,
    Part,
    Paths,
    Proxy,
    Repair,
    Service,
    Setting,
    Site,
    Supervisord,
    Timing,
)

COUCHDB_VARIABLE = "COZYDIAG_COUCHDB_URL"


def build(file: File | None, environ: Mapping[str, str]) -> Config:
    """The settings of ``file``, the defaults for what it leaves open. Raises ConfigError."""
    settings: dict[str, Setting] = {}
    top = Table(file, settings, (), file.values if file else {})
    config = Config(
        discover=top.value("discover", kinds.switch, True),
        programs=_programs(top.table("programs")),
        paths=_paths(top.table("paths")),
        supervisord=_supervisord(top.table("supervisord")),
        proxy=_proxy(top.table("proxy")),
        sites=tuple(map(_site, top.tables("sites"))),
        couchdb=_couchdb(top.table("couchdb"), environ),
        parts=_parts(top.table("parts")),
        services=_services(top.table("services")),
        managers=_managers(top.table("managers")),
        cloudfoundry=_cloudfoundry(top.table("cloudfoundry")),
        mail=_mail(top.table("mail")),
        timing=_timing(top.table("timing")),
        repair=_repair(top.table("repair")),
        checks=_checks(top.table("checks")),
        support=top.table("support").free(),
        notify=_notify(top.table("notify")),
        file=file,
        settings=settings,
        **({"drop_ins": os.path.join(os.path.dirname(os.path.abspath(file.path)), "checks.d")} if file else {}),
    )
    top.end()
    return config


def _programs(table: Table) -> dict[str, str]:
    return {name: table.required(name, kinds.path) for name in table.each()}


def _paths(table: Table) -> Paths:
    paths = Paths(table.value("state", kinds.path, None), table.value("logs", kinds.path, None))
    table.end()
    return paths


def _supervisord(table: Table) -> Supervisord:
    supervisord = Supervisord(table.value("socket", kinds.path, None), table.value("conf", kinds.path, None))
    table.end()
    return supervisord


def _proxy(table: Table) -> Proxy:
    nginx, apache, caddy, haproxy = map(table.table, ("nginx", "apache", "caddy", "haproxy"))
    table.end()
    proxy = Proxy(
        conf=nginx.value("conf", kinds.path, None),
        pid=nginx.value("pid", kinds.path, None),
        apache=apache.value("conf", kinds.path, None),
        caddy=caddy.value("conf", kinds.path, None),
        caddy_admin=caddy.value("admin", kinds.endpoint, None),
        haproxy=haproxy.value("conf", kinds.path, None),
        haproxy_socket=haproxy.value("socket", kinds.path, None),
    )
    for one in (nginx, apache, caddy, haproxy):
        one.end()
    return proxy


def _site(table: Table) -> Site:
    url = table.required("url", kinds.url)
    address = table.value("address", kinds.endpoint, (url.host, url.port))
    table.end()
    return Site(url.url, url.host, address, url.tls)


def _couchdb(table: Table, environ: Mapping[str, str]) -> CouchDB:
    usual = CouchDB()
    url = table.value("url", kinds.url_with_user, kinds.url("couchdb.url", usual.url))
    override = environ.get(COUCHDB_VARIABLE)
    if override:
        try:
            url = kinds.url_with_user("couchdb.url", override)
        except kinds.Wrong as wrong:
            raise at(COUCHDB_VARIABLE, None, wrong.text) from None
        table.record("url", url, f"environment {COUCHDB_VARIABLE}")
    couchdb = CouchDB(
        url.url,
        (url.host, url.port),
        table.value("credentials_file", kinds.path, usual.credentials_file),
        table.value("database", kinds.word, usual.database),
        url.user,
        url.password,
        *(table.value(name, kinds.path, None) for name in ("etc", "data", "log")),
    )
    table.end()
    return couchdb


def _parts(table: Table) -> dict[str, Part]:
    given = set(table.each([*PARTS, *STACK_PARTS]))
    parts = {}
    for name, port in (*PARTS.items(), *((name, port) for name, port in STACK_PARTS.items() if name in given)):
        part = table.table(name)
        usual = kinds.url("url", f"http://127.0.0.1:{port}")
        url = part.required("url", kinds.url) if name in given else part.value("url", kinds.url, usual)
        part.end()
        parts[name] = Part(url.url, (url.host, url.port))
    return parts


def _services(table: Table) -> dict[str, Service]:
    return {role: _service(table.table(role)) for role in table.each()}


def _service(table: Table) -> Service:
    table.flat()
    service = Service(table.required("manager", kinds.word), table.required("unit", kinds.word))
    table.end()
    return service


def _managers(table: Table) -> dict[str, tuple[str, ...]]:
    return {name: tuple(table.required(name, kinds.words)) for name in table.each(list(MANAGERS))}


def _cloudfoundry(table: Table) -> CloudFoundry | None:
    if not list(table.each(["home", "api", "space", "apps"])):
        return None
    home = table.required("home", kinds.path)
    api = table.value("api", kinds.url, None)
    apps = tuple(table.value("apps", kinds.words, []))
    return CloudFoundry(home, api.url if api else None, table.value("space", kinds.word, None), apps)


def _mail(table: Table) -> tuple[str, int] | None:
    address: tuple[str, int] | None = table.value("address", kinds.endpoint, None)
    table.end()
    return address


def _notify(table: Table) -> Notify:
    ping, kuma, webhook = (table.value(name, kinds.web, None) for name in ("ping", "kuma", "webhook"))
    notify = Notify(
        ping, kuma, webhook, tuple(table.value("apprise", kinds.words, [])),
        table.value("prometheus", kinds.path, None), table.value("remind", kinds.weeks, Notify().remind),
    )  # fmt: skip
    table.end()
    return notify


def _timing(table: Table) -> Timing:
    usual = Timing()
    timing = Timing(*(table.value(name, kinds.seconds, getattr(usual, name)) for name in Timing._fields))
    table.end()
    return timing


def _repair(table: Table) -> Repair:
    usual = Repair()
    values: dict[str, Any] = {
        "cooldown": tuple(table.value("cooldown", kinds.waits, list(usual.cooldown))),
        "stateful": tuple(table.value("stateful", kinds.words, list(usual.stateful))),
    }
    for name in Repair._fields:
        if name not in values:
            kind: Any = kinds.count if isinstance(getattr(usual, name), int) else kinds.seconds
            values[name] = table.value(name, kind, getattr(usual, name))
    table.end()
    return Repair(**values)


def _checks(table: Table) -> dict[str, dict[str, Any]]:
    checks = {}
    for name in table.each():
        options = table.table(name)
        options.flat()
        checks[name] = options.free()
    return checks
