"""The way to each site: its name, its certificate, the plain port beside it."""

from __future__ import annotations

from cozydiag.api import Failure, Finding, Host, Iterator, Site, Stack, check, fail, ok, skip, t
from cozydiag.host.url import is_address
from cozydiag.stack import fronts

_TICK = 0.02  # seconds: the kernel counts starts in hundredths


@check("site.name", t("The site's name leads here"), each="sites", role="name")
def name(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if site.host == "localhost" or site.host.endswith(".localhost"):
        yield ok(t("{site} always means this machine", site=site.host))
    elif is_address(site.host):
        yield skip(t("{site} is an address and needs no name", site=site.host))
    else:
        from cozydiag.site import name

        yield from name.look(host, site)


@check("proxy.before_reload", t("The reverse proxy could load its configuration"), role="proxy")
def before_reload(host: Host, stack: Stack) -> Iterator[Finding]:
    """What is loaded is parsed again only where there are certificates, which are renewed without it."""
    sites = stack.once("sites", host, stack.source("sites")).items
    proxies = fronts.in_use(stack, host)
    for proxy in proxies:
        found = fronts.running(stack, host, proxy)
        waits = found is None or fronts.changed(stack, host, proxy) > found.loaded + _TICK
        if not waits and not any(site.tls for site in sites):
            yield ok(t("nothing waits to be loaded"))
        else:
            from cozydiag.site import before_reload

            yield from before_reload.look(host, stack, proxy, sites)
    if not proxies:
        yield skip(t("no reverse proxy is installed here"))


@check("host.firewall", t("The firewall lets people through to the sites"), role="host")
def firewall(host: Host, stack: Stack) -> Iterator[Finding]:
    sites = stack.once("sites", host, stack.source("sites")).items
    open_ones = [site for site in sites if not site.far_away and not site.address[0].startswith("127.")]
    if not stack.config.discover and not open_ones:
        yield skip(t("no site is meant for other machines"))
        return
    from cozydiag.site import firewall

    yield from firewall.look(host, stack, sites)


@check("site.reach", t("The site takes connections from outside"), each="sites", because=["site.name"], essential=True)
def reach(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.far_away:
        yield skip(t("{site} is on this machine", site=site.host))
        return
    from cozydiag.site import outside

    yield from outside.reach(host, site)


@check("site.answer", t("The site answers from outside"), each="sites", needs=["site.reach"], essential=True)
def answer(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.far_away:
        yield skip(t("{site} is on this machine", site=site.host))
        return
    from cozydiag.site import outside

    yield outside.answer(host, site)


@check("site.behind", t("What is behind the site"), each="sites")
def behind(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.far_away:
        yield skip(t("{site} is on this machine", site=site.host))
        return
    from cozydiag.site import outside

    yield outside.behind(site)


@check(
    "site.certificate",
    t("The site's certificate is trusted, for its name, and up to date"),
    each="sites",
    needs=["site.reach", "proxy.running"],
    because=["host.clock"],
)
def certificate(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.tls:
        if site.address[1] == 443 and isinstance(host.handshake(site.host, site.address), Failure):
            yield _plain(host, site)
        else:
            yield skip(t("{site} is asked for without TLS", site=site.host))
        return
    from cozydiag.site import certificate

    yield from certificate.look(host, stack, site)


def _plain(host: Host, site: Site) -> Finding:
    """Browsers call that SSL_ERROR_RX_RECORD_TOO_LONG."""
    return fail(
        "site.plain_443",
        t("port 443 of {site} speaks plain HTTP, where every browser expects TLS and shows an error", site=site.host),
        t("Put `ssl` behind its `listen 443` and name its certificate (nginx), or `SSLEngine on` (Apache); reload."),
        role="proxy",
        affects=(),
        proof=host.see(site.origin, "port 443 without TLS"),
        by_hand=f"curl -sS -I --max-time 5 https://{site.host}/",
        restart_helps=False,
    )


@check("site.subdomains", t("The apps' own names work"), each="sites", needs=["proxy.running"])
def subdomains(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.tls and not stack.config.discover:
        yield skip(t("{site} is asked for without TLS", site=site.host))
        return
    from cozydiag.site import subdomains

    yield from subdomains.look(host, stack, site)


@check(
    "site.redirect",
    t("The port without TLS sends people to https"),
    each="sites",
    needs=["site.reach", "proxy.running"],
)
def redirect(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.tls:
        yield skip(t("{site} is asked for without TLS", site=site.host))
        return
    from cozydiag.site import redirect

    yield from redirect.look(host, stack, site)
