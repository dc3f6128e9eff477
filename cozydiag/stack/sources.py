"""The sources that checks with ``each`` go through. They read files, sockets of managers and configuration only."""

from __future__ import annotations

from cozydiag.config.values import Site as Configured
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding, Status
from cozydiag.stack import ELSEWHERE, Items, Mount, Site, Stack
from cozydiag.text import t

_DATA = ("/var/lib/couchdb", "/usr/local/var/lib/couchdb", "/opt/couchdb/data", "/usr/local/cozy", "/var/log", "/tmp")  # noqa: S108
"""Where a Cozy and its CouchDB write, by package and by source install (cozy-debian, couchdb-pkg)."""


def programs(stack: Stack, host: Host) -> Items:
    """The programs of supervisord; none when it does not answer, which is a check of its own."""
    seen = stack.supervisor(host)
    return Items() if isinstance(seen, Failure) else Items(seen.programs)


def managers(stack: Stack, host: Host) -> Items:
    """Each manager of services with what it said; the main supervisord has checks of its own."""
    return Items((*stack.owned(host), *stack.owned_elsewhere(host)))


def services(stack: Stack, host: Host) -> Items:
    """The services of every manager that answers, but for those of the main supervisord, and for the apps of a Cozy v2,
    which are a source of their own."""
    found = [owned.services for owned in (*stack.owned(host), *stack.owned_elsewhere(host))]
    every = (one for services in found if not isinstance(services, Failure) for one in services)
    return Items(tuple(one for one in every if not (one.role or "").startswith("cozy.app.")))


def apps(stack: Stack, host: Host) -> Items:
    """The user's apps of a Cozy v2, as home lists them."""
    if not stack.config.discover:
        return Items()
    from cozydiag.cozy import apps

    return Items(apps.listed(stack, host))


def stacks(stack: Stack, host: Host) -> Items:
    """Each cozy-stack (v3)."""
    if not stack.config.discover and "stack" not in stack.config.parts:
        return Items()
    return Items(tuple(one for one in stack.flavours(host) if one.kind == "v3"))


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
    """The configured sites, else those of the proxies here that lead to a part of the stack."""
    if stack.config.sites:
        ours = not stack.config.discover or bool(stack.flavours(host))
        return Items(tuple(_configured(site, ours) for site in stack.config.sites))
    if not stack.config.discover:
        return Items()
    from cozydiag.stack import found

    return found.sites(stack, host)


def _configured(site: Configured, ours: bool) -> Site:
    """On another machine nobody knows what is at fault."""
    origin, role = (ELSEWHERE, "site") if site.elsewhere else ("configuration", "proxy")
    return Site(site.url, site.host, site.address, site.tls, origin, role, ours)
