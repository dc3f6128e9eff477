"""Sites that nobody configured: those of the proxies here that lead to a part of the stack, not a thousand others.
Where there is no Cozy, those that lead to any program of this machine.

To parse a thousand sites takes a second, so that what came of it is remembered for as long as no file has changed.
"""

from __future__ import annotations

import os
from typing import Any

from cozydiag.config.places import state_folder
from cozydiag.host import Host, files
from cozydiag.host.failure import Failure
from cozydiag.model import Finding, Status
from cozydiag.proxies.protocol import Configuration, Listen, Proxy, Server
from cozydiag.stack import Items, Site, Stack, fronts
from cozydiag.stack.words import ourselves
from cozydiag.text import plural, t

MANY = 30
"""So many files are worth to be remembered: fewer are parsed as fast as SQLite is opened."""

OTHERS = 20
"""So many sites of other programs are looked at: each costs requests."""

_LOCAL = ("127.0.0.1", "localhost", "::1")


def sites(stack: Stack, host: Host) -> Items:
    """The sites of all proxies that should run, each name once, and what could not be read."""
    items, gaps = _leading(stack, host, others=False)
    if items or not stack.config.discover or stack.flavours(host):
        return Items(items, gaps)
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
    return tuple(site for site in every if site not in ours)


def _leading(stack: Stack, host: Host, *, others: bool) -> tuple[tuple[Site, ...], tuple[Finding, ...]]:
    """The sites that lead to a part of the stack; with ``others`` those that lead to any local program."""
    found: dict[str, Site] = {}
    gaps: list[Finding] = []
    for proxy in fronts.in_use(stack, host):
        kept = _remembered(stack, proxy, others)
        if kept is None:
            read = fronts.configuration(stack, host, proxy)
            if isinstance(read, Failure):
                continue
            kept = [_site(server, others) for server in read.servers if _is_ours(stack, server, others)]
            gaps += [_gap(stack, path) for path in read.unreadable]
            _remember(stack, proxy, read, kept, others)
        for site in kept:
            found.setdefault(site.host, site)
    return tuple(found.values()), tuple(gaps)


def _is_ours(stack: Stack, server: Server, others: bool) -> bool:
    if others:
        return any(upstream.unix or upstream.host in _LOCAL for upstream in server.upstreams)
    ours = {part.address for part in stack.parts()}
    ports = {port for _, port in ours}
    return any((up.host in _LOCAL and up.port in ports) or (up.host, up.port) in ours for up in server.upstreams)


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


# -- what is remembered --------------------------------------------------------------------------------


def _key(stack: Stack, proxy: Proxy, others: bool) -> str:
    ports = "others" if others else ",".join(str(part.address[1]) for part in stack.parts())
    return f"sites of {proxy.name} {proxy.configuration} {ports}"


def _remembered(stack: Stack, proxy: Proxy, others: bool) -> list[Site] | None:
    """None where nothing is, or a file or folder of the configuration is another than then."""
    folder = state_folder(stack.config.paths.state, os.environ)
    if proxy.name not in ("nginx", "apache") or not os.path.exists(f"{folder}/state.db"):
        return None
    from cozydiag.state import open_state

    state = open_state(folder)
    try:
        kept = state.get(_key(stack, proxy, others))
    finally:
        state.close()
    try:
        if not kept or any(_print(path) != seen for path, seen in kept["files"].items()):
            return None
        return [Site(url, name, (place[0], place[1]), tls, origin) for url, name, place, tls, origin in kept["sites"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # of another version
        return None


def _remember(stack: Stack, proxy: Proxy, read: Configuration, found: list[Site], others: bool) -> None:
    """Only what was read whole; the folders are kept too, which a new file changes."""
    if len(read.files) < MANY or proxy.name not in ("nginx", "apache") or read.unreadable or read.mistakes:
        return
    paths = dict.fromkeys((*read.files, *(os.path.dirname(path) for path in read.files)))
    from cozydiag.state import open_state

    state = open_state(state_folder(stack.config.paths.state, os.environ))
    try:
        rows: list[Any] = [[*site[:2], list(site.address), site.tls, site.origin] for site in found]
        state.set(_key(stack, proxy, others), {"files": {path: _print(path) for path in paths}, "sites": rows})
    finally:
        state.close()


def _print(path: str) -> list[int] | None:
    """What tells one state of a file from another; no evidence is kept of a thousand of them."""
    seen = files.stat(path)
    return None if isinstance(seen, Failure) else [seen.st_mtime_ns, seen.st_size, seen.st_ino]
