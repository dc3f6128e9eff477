"""The sources that checks with ``each`` go through. They read files, sockets of managers and configuration only."""

from __future__ import annotations

import os

from cozydiag.config.values import Site as Configured
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding, Status
from cozydiag.proxies import nginx
from cozydiag.proxies.protocol import Listen, Server
from cozydiag.stack import ELSEWHERE, Items, Mount, Site, Stack
from cozydiag.stack.words import ourselves
from cozydiag.text import t

_DATA = ("/var/lib/couchdb", "/usr/local/var/lib/couchdb", "/opt/couchdb/data", "/usr/local/cozy", "/var/log", "/tmp")  # noqa: S108
"""Where a Cozy and its CouchDB write, by package and by source install (cozy-debian, couchdb-pkg)."""


def programs(stack: Stack, host: Host) -> Items:
    """The programs of supervisord; none when it does not answer, which is a check of its own."""
    seen = stack.supervisor(host)
    return Items() if isinstance(seen, Failure) else Items(seen.programs)


def managers(stack: Stack, host: Host) -> Items:
    """Each manager of services with what it said; the main supervisord has checks of its own."""
    return Items(stack.owned(host))


def services(stack: Stack, host: Host) -> Items:
    """The services of every manager that answers, but for those of the main supervisord."""
    found = [owned.services for owned in stack.owned(host)]
    return Items(tuple(one for services in found if not isinstance(services, Failure) for one in services))


def mounts(stack: Stack, host: Host) -> Items:
    """The file systems under what matters, each once."""
    paths = [path for path in (stack.config.paths.state, stack.config.paths.logs) if path]
    if stack.config.discover:
        paths = ["/", *_DATA, *paths]
    found: dict[int, Mount] = {}
    gaps = []
    for path in paths:
        disk = host.disk(path)
        if isinstance(disk, Failure):
            if disk.kind == "permission":
                text = t("{path} could not be looked at: {why}", path=path, why=disk.detail)
                gaps.append(Finding(Status.UNKNOWN, "host.unreadable", text))
        else:
            found.setdefault(disk.device, Mount(path, disk.mount))
    return Items(tuple(found.values()), tuple(gaps))


def sites(stack: Stack, host: Host) -> Items:
    """The configured sites, else those of nginx that lead to a part of the stack."""
    if stack.config.sites:
        return Items(tuple(map(_configured, stack.config.sites)))
    if not stack.config.discover:
        return Items()
    return discovered(stack, host)


def _configured(site: Configured) -> Site:
    """On another machine nobody knows what is at fault."""
    origin, role = (ELSEWHERE, "site") if site.elsewhere else ("configuration", "proxy")
    return Site(site.url, site.host, site.address, site.tls, origin, role)


def discovered(stack: Stack, host: Host) -> Items:
    """The servers of nginx's configuration whose upstream is a part of the stack: not a thousand others."""
    path = next((p for p in nginx.CONFIGURATIONS if not isinstance(host.stat(p), Failure)), None)
    path = stack.config.proxy.conf or path
    if path is None:
        return Items()
    read = nginx.parse(path)
    ours = {part.address[1] for part in stack.parts()}
    found: dict[str, Site] = {}
    for server in read.servers:
        local = [upstream for upstream in server.upstreams if upstream.host in ("127.0.0.1", "localhost", "::1")]
        if any(upstream.port in ours for upstream in local):
            site = _site(server)
            found.setdefault(site.host, site)
    gaps = tuple(_gap(stack, path) for path in read.unreadable)
    return Items(tuple(found.values()), gaps)


def _site(server: Server) -> Site:
    name = next((n for n in server.names if n and n[0] not in "*~_"), "localhost")
    listen = next((one for one in server.listens if one.port), Listen("", 443 if server.tls else 80, server.tls))
    target = {"": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(listen.address, listen.address)
    scheme = "https" if listen.tls else "http"
    usual = listen.port == (443 if listen.tls else 80)
    url = f"{scheme}://{name}/" if usual else f"{scheme}://{name}:{listen.port}/"
    return Site(url, name, (target, listen.port), listen.tls, f"{server.path}:{server.line}")


def _gap(stack: Stack, path: str) -> Finding:
    text = t("{path} cannot be read without root, so sites in it are not known", path=os.path.abspath(path))
    return Finding(Status.UNKNOWN, "nginx.unreadable", text, unlock=ourselves("status", stack.config))
