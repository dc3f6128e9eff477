"""The proxies in front of the stack, and the way of a site through them."""

from functools import partial
from typing import NamedTuple

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.proxies import discovery
from cozydiag.proxies.protocol import Configuration, Location, Proxy, Running, Server
from cozydiag.stack import Site, Stack


class Way(NamedTuple):
    """What a site's requests pass: a proxy, one of its servers, one of its locations."""

    proxy: Proxy
    configuration: Configuration
    server: Server
    location: Location | None


def proxies(stack: Stack, host: Host) -> tuple[Proxy, ...]:
    """Every proxy that is here, whether it runs or not."""
    return stack.once("proxies", host, lambda host: discovery.proxies(host, stack.config))


def in_use(stack: Stack, host: Host) -> tuple[Proxy, ...]:
    """Those that should run: those that do, else all that are here. What is installed beside one that serves may well
    be off."""
    here = proxies(stack, host)
    if len(here) < 2:
        return here
    return tuple(proxy for proxy in here if running(stack, host, proxy) is not None) or here


def running(stack: Stack, host: Host, proxy: Proxy) -> Running | None:
    return stack.once(f"{proxy.name} running", host, proxy.running)


def changed(stack: Stack, host: Host, proxy: Proxy) -> float:
    """`Proxy.changed`, looked at once a run: there may be a thousand files."""
    return stack.once(f"{proxy.name} changed", host, proxy.changed)


def configuration(stack: Stack, host: Host, proxy: Proxy) -> Configuration | Failure:
    """All that it was told, read once a run."""
    return stack.once(f"{proxy.name} configuration", host, partial(_read, proxy))


def _read(proxy: Proxy, host: Host) -> Configuration | Failure:
    view = host.within(max(2.0, host.deadline.remaining()), host.instance)
    read = proxy.read(view)
    host.evidence += view.evidence
    return read


def ours(stack: Stack, host: Host, proxy: Proxy) -> Configuration | Failure:
    """What matters of it to the sites of this run, however many others it has; remembered from run to run."""
    return stack.once(f"{proxy.name} ours", host, partial(_ours, stack, proxy))


def _ours(stack: Stack, proxy: Proxy, host: Host) -> Configuration | Failure:
    from cozydiag.proxies.serving import concerning
    from cozydiag.stack import kept

    sites = stack.once("sites", host, stack.source("sites")).items
    places = [(site.host, *site.address) for site in sites]
    what = "sites " + " ".join(f"{name} {address}:{port}" for name, address, port in places)
    known = kept.configuration(kept.recall(stack, host, proxy, what))
    if known is not None:
        host.see(proxy.configuration, "has not changed since it was read")
        return known
    read = configuration(stack, host, proxy)
    if isinstance(read, Failure) or len(read.files) < kept.MANY:
        return read
    read = read._replace(servers=concerning(read.servers, places))
    kept.keep(stack, proxy, read, what, kept.plain(read))
    return read


def names(stack: Stack, host: Host, proxy: Proxy) -> list[list[str]] | Failure:
    """The names of each of its sites, also of those that are none of ours; remembered from run to run. A Failure where
    some of its configuration cannot be read."""

    def look(host: Host) -> list[list[str]] | Failure:
        from cozydiag.stack import kept

        known = kept.recall(stack, host, proxy, _NAMES)
        if isinstance(known, list):
            return known
        read = configuration(stack, host, proxy)
        if isinstance(read, Failure):
            return read
        if read.unreadable:
            return Failure("permission", read.unreadable[0])
        found = [list(server.names) for server in read.servers]
        kept.keep(stack, proxy, read, _NAMES, found)
        return found

    return stack.once(f"{proxy.name} names", host, look)


_NAMES = "names of all sites"


def way(stack: Stack, host: Host, site: Site) -> Way | None:
    """The way of a site on this machine, as far as configurations tell. What runs goes before what does not."""
    from cozydiag.proxies.serving import leading, serving

    here = proxies(stack, host)
    if len(here) > 1:
        here = tuple(sorted(here, key=lambda proxy: running(stack, host, proxy) is None))
    for proxy in here:
        read = ours(stack, host, proxy)
        server = None if isinstance(read, Failure) else serving(read.servers, site.host, *site.address)
        if server is not None and not isinstance(read, Failure):
            return Way(proxy, read, server, leading(server, path_of(site.url)))
    return None


def path_of(url: str) -> str:
    """What stands behind the name of the host."""
    rest = url.partition("://")[2]
    return "/" + rest.partition("/")[2]
