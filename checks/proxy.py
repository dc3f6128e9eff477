"""The reverse proxies, and what comes through them."""

from __future__ import annotations

from cozydiag.api import Finding, Host, Iterator, Site, Stack, check, ok, plural, skip, t
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.proxies.protocol import NAMES, Proxy
from cozydiag.stack import fronts

_ROLE = "proxy"
_TICK = 0.02  # the kernel counts starts in hundredths of a second


@check("proxy.config", t("The reverse proxy's configuration can be read"), role=_ROLE)
def config(host: Host, stack: Stack) -> Iterator[Finding]:
    """Parsed only when it matters: the proxy is down, or files are newer than what it has loaded."""
    here = fronts.in_use(stack, host)
    for proxy in here:
        found = fronts.running(stack, host, proxy)
        if found is not None and fronts.changed(stack, host, proxy) <= found.loaded + _TICK:
            yield ok(t("{proxy} runs with the configuration that is on disk", proxy=NAMES[proxy.name]))
        else:
            from cozydiag.site import front

            yield front.configured(host, stack, proxy, serving=found is not None)
    if not here:
        yield skip(t("no reverse proxy is installed here"))


@check(
    "proxy.running",
    t("The reverse proxy is running"),
    role=_ROLE,
    because=["proxy.config", "proxy.before_reload", "supervisor.running", "supervisor.program"],
    essential=True,
)
def running(host: Host, stack: Stack) -> Iterator[Finding]:
    here = fronts.in_use(stack, host)
    for proxy in here:
        yield _runs(host, stack, proxy)
    for proxy in fronts.proxies(stack, host):
        if proxy not in here:
            yield ok(t("{proxy} is installed too and does not run", proxy=NAMES[proxy.name]))
    if not here:
        yield skip(t("no reverse proxy is installed here"))


def _runs(host: Host, stack: Stack, proxy: Proxy) -> Finding:
    found = fronts.running(stack, host, proxy)
    alone = found is None or not found.workers  # Caddy always, the others where something is wrong
    if found is None or alone or found.stopped or found.orphans:
        from cozydiag.site import front

        bad = front.down(host, stack, proxy) if found is None else front.unwell(host, stack, proxy, found)
        if bad is not None or found is None:
            return bad or front.down(host, stack, proxy)
    return ok(
        plural(
            "{proxy} runs as PID {pid} with {n} worker",
            "{proxy} runs as PID {pid} with {n} workers",
            n=len(found.workers),
            pid=str(found.master.pid),
            proxy=NAMES[proxy.name],
        )
    )


@check(
    "proxy.gateway",
    t("The reverse proxy reaches the Cozy"),
    each="sites",
    needs=["proxy.running"],
    because=["site.name", "stack.proxy", "stack.home", "stack.data-system", "couchdb.reach"],
    essential=True,
    timeout=6.0,
)
def gateway(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    began = host.clock.now()
    view = host.within(min(stack.config.timing.local, host.deadline.remaining()), host.instance)
    try:
        answer = view.get(site.url, connect_to=site.address, verify=False)
    finally:
        host.evidence += view.evidence
    if not isinstance(answer, Failure) and _asks_who_is_there(site, answer):
        yield ok(t("{site} answers through the reverse proxy (HTTP {status})", site=site.host, status=answer.status))
    else:
        from cozydiag.site import answers

        yield answers.look(host, stack, site, answer, began)


def _asks_who_is_there(site: Site, answer: Answer) -> bool:
    """What a Cozy says to those who have not logged in: it sends them to its own page for that. All else may come from
    another site that answers in its place."""
    place = answer.header("Location")
    own = (place[:1] == "/" and place[:2] != "//") or f"//{site.host}" in place
    return answer.status == 401 or (300 <= answer.status < 400 and own)


@check("proxy.passes", t("What a Cozy needs gets through the reverse proxy"), each="sites",
       because=["proxy.config", "cozystack.site"])  # fmt: skip
def passes(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.tls and not stack.config.discover:
        yield skip(t("{site} is asked for without TLS", site=site.host))
        return
    if not site.ours:
        yield skip(t("{site} is not a Cozy's", site=site.host))
        return
    from cozydiag.proxies import passing

    yield from passing.look(host, stack, site)
