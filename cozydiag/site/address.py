"""One address that somebody typed: is it this machine's, and where to connect to for it."""

from __future__ import annotations

from cozydiag.config import Config
from cozydiag.config.values import Site as Configured
from cozydiag.host import Host, World
from cozydiag.host.failure import Failure
from cozydiag.host.url import Url
from cozydiag.stack import Stack, fronts

HERE = ("site.*", "proxy.*", "stack.*", "couchdb.*")
"""What a request for a site of this machine passes. All else is looked at too, and told where it explains one."""

OUTSIDE = ("site.name", "site.reach", "site.answer", "site.certificate", "site.redirect", "site.behind")
"""The checks that make sense for a site on another machine."""


def aimed(config: Config, url: Url) -> Config:
    """The settings with this one site instead of all others. On another machine nothing else is looked for."""
    host = Host(World(), config.timing.remote)
    known = next((site for site in config.sites if _is_it(site, url)), None)
    if known is not None:
        return config._replace(sites=(known._replace(url=_plain(url)),))
    found = host.resolve(url.host)
    addresses = [] if isinstance(found, Failure) else found
    ours = next((address for address in addresses if host.is_ours(address)), None)
    tls = url.scheme == "https"
    place = (ours, url.port) if ours is not None else _listens(config, host, url)
    if place is not None:
        return config._replace(sites=(Configured(_plain(url), url.host, place, tls),))
    away = Configured(_plain(url), url.host, (addresses[0] if addresses else url.host, url.port), tls, elsewhere=True)
    return config._replace(sites=(away,), discover=False)


def sensible(only: tuple[str, ...]) -> tuple[str, ...]:
    """Of the checks that were asked for those that make sense for another machine: all of them where none was."""
    from fnmatch import fnmatchcase

    if not only:
        return OUTSIDE
    return tuple(name for name in OUTSIDE if any(fnmatchcase(name, p.partition(":")[0]) for p in only)) or only


def _is_it(site: Configured, url: Url) -> bool:
    from cozydiag.host import url as urls

    parsed = urls.parse(site.url)
    return parsed is not None and (parsed.scheme, parsed.host, parsed.port) == (url.scheme, url.host, url.port)


def _listens(config: Config, host: Host, url: Url) -> tuple[str, int] | None:
    """Where a proxy of this machine listens for that very name, though the name leads to a router before it."""
    from cozydiag.proxies.serving import answers_to

    stack = Stack(config)
    for proxy in fronts.proxies(stack, host):
        read = fronts.configuration(stack, host, proxy)
        for server in () if isinstance(read, Failure) else read.servers:
            address = next((listen.address for listen in server.listens if listen.port == url.port), None)
            if address is not None and answers_to(server, url.host):
                return {"": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(address, address), url.port
    return None


def _plain(url: Url) -> str:
    """Without a user, a password and a query: the address stands in reports."""
    return f"{url.scheme}://{url.authority}{url.target.partition('?')[0]}"
