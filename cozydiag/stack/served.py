"""What the proxies here were told of a site."""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.proxies import nginx
from cozydiag.proxies.protocol import Configuration, Server
from cozydiag.stack import Site, Stack


def configuration(stack: Stack, host: Host) -> Configuration | None:
    """The proxy's configuration as it is on disk, read once a run; None where there is none."""
    return stack.once("configuration of the proxy", host, lambda host: _read(stack, host))


def _read(stack: Stack, host: Host) -> Configuration | None:
    path = stack.config.proxy.conf
    if path is None and stack.config.discover:
        path = next((path for path in nginx.CONFIGURATIONS if not isinstance(host.stat(path), Failure)), None)
    return nginx.parse(path) if path is not None and not isinstance(host.stat(path), Failure) else None


def server(stack: Stack, host: Host, site: Site) -> Server | None:
    """The server that answers for ``site`` on this machine, as far as the configuration tells."""
    from cozydiag.proxies.serving import serving

    read = None if site.far_away else configuration(stack, host)
    return serving(read.servers, site.host, *site.address) if read is not None else None
