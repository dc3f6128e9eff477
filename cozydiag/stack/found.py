"""Sites that nobody configured: those of the proxies here that lead to a part of the stack, not a thousand others.
Where there is no Cozy, those that lead to any program of this machine.

To parse a thousand sites takes a second, so that what came of it is remembered for as long as no file has changed.
"""

from __future__ import annotations

import os

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.url import LOOPBACK
from cozydiag.model import Finding, Status
from cozydiag.proxies.protocol import Listen, Proxy, Server
from cozydiag.stack import Items, Site, Stack, fronts, kept
from cozydiag.stack.words import ourselves
from cozydiag.text import plural, t

OTHERS = 20
"""So many sites of other programs are looked at: each costs requests."""

_USUAL = {"v2": 9104, "v3": 8080}


def sites(stack: Stack, host: Host) -> Items:
    """The sites of all proxies that should run, each name once, and what could not be read."""
    items, gaps = _leading(stack, host, others=False)
    if items or not stack.config.discover:
        return Items(items, gaps)
    if kinds := {flavour.kind for flavour in stack.flavours(host)}:
        usual = tuple(port for kind, port in _USUAL.items() if kind in kinds)  # the Cozy has left it, the proxy has not
        return Items(*_leading(stack, host, others=False, more=usual))
    items, gaps = _leading(stack, host, others=True)
    if len(items) > OTHERS:
        text = plural("{n} more site of other programs was not looked at",
                      "{n} more sites of other programs were not looked at", n=len(items) - OTHERS)  # fmt: skip
        gaps += (Finding(Status.UNKNOWN, "site.others", text, unlock="cozydiag discover --write"),)
    return Items(items[:OTHERS], gaps)


def others(stack: Stack, host: Host) -> tuple[Site, ...]:
    """The sites of other programs beside those of a Cozy."""
    ours, _ = _leading(stack, host, others=False)
    every, _ = _leading(stack, host, others=True)
    known = {site.url for site in ours}
    return tuple(site for site in every if site.url not in known)


def _leading(
    stack: Stack, host: Host, *, others: bool, more: tuple[int, ...] = ()
) -> tuple[tuple[Site, ...], tuple[Finding, ...]]:
    """The sites that lead to a part of the stack, or to one of the ports ``more``; with ``others`` those that lead to
    any local program."""
    found: dict[str, Site] = {}
    gaps: list[Finding] = []
    ports = {part.address[1] for part in stack.parts()} | {*more}
    what = "sites leading to " + ("others" if others else ",".join(map(str, sorted(ports))))
    for proxy in fronts.in_use(stack, host):
        known = _remembered(stack, host, proxy, what)
        if known is None:
            read = fronts.configuration(stack, host, proxy)
            if isinstance(read, Failure):
                continue
            known = [_site(server, others) for server in read.servers if _is_ours(stack, server, ports, others)]
            gaps += [_gap(stack, path) for path in read.unreadable]
            kept.keep(stack, proxy, read, what, known)
        for site in known:
            found.setdefault(site.host, site)
    return tuple(found.values()), tuple(gaps)


def _is_ours(stack: Stack, server: Server, ports: set[int], others: bool) -> bool:
    if others:
        return any(upstream.unix or upstream.host in LOOPBACK for upstream in server.upstreams)
    ours = {part.address for part in stack.parts()}
    return any((up.host in LOOPBACK and up.port in ports) or (up.host, up.port) in ours for up in server.upstreams)


def _site(server: Server, others: bool) -> Site:
    name = next((n for n in server.names if n and n[0] not in "*~_"), "localhost")
    by_tls = sorted((one for one in server.listens if one.port), key=lambda one: not one.tls)
    listen = next(iter(by_tls), Listen("", 443 if server.tls else 80, server.tls))
    target = {"": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(listen.address, listen.address)
    scheme = "https" if listen.tls else "http"
    usual = listen.port == (443 if listen.tls else 80)
    url = f"{scheme}://{name}/" if usual else f"{scheme}://{name}:{listen.port}/"
    origin = f"{server.path}:{server.line}"
    return Site(url, name, (target, listen.port), listen.tls, origin, ours=not others)


def _gap(stack: Stack, path: str) -> Finding:
    text = t("{path} cannot be read without root, so sites in it are not known", path=os.path.abspath(path))
    return Finding(Status.UNKNOWN, "nginx.unreadable", text, unlock=ourselves("status", stack.config))


def _remembered(stack: Stack, host: Host, proxy: Proxy, what: str) -> list[Site] | None:
    """None where nothing is, or a file or folder of the configuration is another than then."""
    rows = kept.recall(stack, host, proxy, what)
    try:
        return None if rows is None else [Site(*row)._replace(address=(row[2][0], row[2][1])) for row in rows]
    except (IndexError, TypeError):  # of another version
        return None
