"""What the tests of the proxies themselves do not see, and what a reload or a start would stumble over.

`nginx -t` passes with another program on its port, Apache's with a key of another certificate, all with expired ones
and with two sites of one name, of which the second is never asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cozydiag.certificates import MalformedError, pem
from cozydiag.findings import fail, ok, skip, unknown, warn
from cozydiag.host import Host, Listener
from cozydiag.host.failure import Failure
from cozydiag.model import Finding, Status
from cozydiag.proxies.protocol import Certificate, Configuration, Listen, Proxy, Running, Server
from cozydiag.proxies.serving import answers_to
from cozydiag.stack import Site, Stack, fronts
from cozydiag.stack.words import ourselves, root
from cozydiag.text import When, t

_ROLE = "proxy"
_EVERYWHERE = ("", "*", "::", "0.0.0.0")  # noqa: S104
_TICK = 0.02  # seconds: the kernel counts starts in hundredths


def look(host: Host, stack: Stack, proxy: Proxy, sites: Sequence[Site]) -> Iterator[Finding]:
    """What one proxy would meet. Of a configuration that it already runs with only our own sites are looked at."""
    found = fronts.running(stack, host, proxy)
    waits = found is None or fronts.changed(stack, host, proxy) > found.loaded + _TICK
    read = _on_disk(host, stack, proxy) if waits else fronts.ours(stack, host, proxy)
    if isinstance(read, Failure) or read.mistakes or not read.servers:
        yield skip(t("{proxy} has no site that could be looked at", proxy=proxy.name))
        return
    ours = [server for server in read.servers if any(answers_to(server, site.host) for site in sites)]
    told = list(_all(host, stack, read, ours, sites, found, waits=waits))
    yield from told
    if all(finding.status is Status.UNKNOWN for finding in told):
        yield ok(t("nothing would keep {proxy} from loading its configuration", proxy=proxy.name))


def _on_disk(host: Host, stack: Stack, proxy: Proxy) -> Configuration | Failure:
    """What it would load. Caddy's admin API tells what it has loaded already."""
    from cozydiag.proxies.caddy import Caddy

    return proxy.adapted(host) if isinstance(proxy, Caddy) else fronts.configuration(stack, host, proxy)


def refusal(host: Host, stack: Stack, proxy: Proxy) -> Finding | None:
    """The first thing for which it would not come back, whatever it runs with now."""
    read = _on_disk(host, stack, proxy)
    if isinstance(read, Failure):
        return None
    found = proxy.running(host)
    told = (*_keys(host, stack, read.servers, found), *_ports(host, stack, read, found))
    return next((finding for finding in told if finding.status in (Status.FAIL, Status.WARN)), None)


def _all(
    host: Host,
    stack: Stack,
    read: Configuration,
    ours: Sequence[Server],
    sites: Sequence[Site],
    found: Running | None,
    *,
    waits: bool,
) -> Iterator[Finding]:
    yield from _keys(host, stack, read.servers if waits else ours, found)
    if waits:
        yield from _ports(host, stack, read, found)
        yield from _dates(host, ours)
    for site in sites:
        yield from _names(stack, read, site)


# -- ports -------------------------------------------------------------------------------------------


def _ports(host: Host, stack: Stack, read: Configuration, found: Running | None) -> Iterator[Finding]:
    """Ports that another program has; all of one proxy's own processes count as itself."""
    own = {found.master.pid, *(one.pid for one in (*found.workers, *found.orphans))} if found is not None else set()
    wanted = {(one.address, one.port): one for server in read.servers for one in server.listens if one.port}
    for listen in wanted.values():
        for other in host.listeners(listen.port):
            if not _collide(listen, other):
                continue
            pid = host.owner(other.inode, own) or host.owner(other.inode)
            if pid in own or (pid and found is not None and host.descends(pid, found.master.pid)):
                continue
            if pid is None:
                if found is None:
                    yield _taken(host, listen, "another program", serving=False)
                elif host.euid() != 0:
                    text = t("who has port {port} cannot be seen", port=str(listen.port))
                    yield unknown("proxy.port_unseen", text, unlock=ourselves("status", stack.config))
            else:
                process = host.process(pid)
                name = f"{process.name} (PID {pid})" if process is not None else f"PID {pid}"
                yield _taken(host, listen, name, serving=found is not None)
            return


def _collide(listen: Listen, other: Listener) -> bool:
    """Two sockets that listen cannot share a port where their addresses meet (socket(7), ipv6only as nginx has it)."""
    six = listen.address == "*" or (":" in listen.address) == (":" in other.address)
    return six and (listen.address == other.address or listen.address in _EVERYWHERE or other.address in _EVERYWHERE)


def _taken(host: Host, listen: Listen, holder: str, *, serving: bool) -> Finding:
    broken = warn if serving else fail
    return broken(
        "proxy.port_taken",
        t("port {port}, which the reverse proxy's configuration wants, is taken by {holder}", port=str(listen.port),
          holder=holder),
        t("Stop that program, or give one of the two another port; a reload or start is refused until then."),
        role=_ROLE,
        proof=host.see(f"port {listen.port}", holder),
        by_hand=f"{root(host)}ss -ltnp 'sport = :{listen.port}'",
        restart_helps=False,
        own=not serving,
    )  # fmt: skip


# -- certificates ------------------------------------------------------------------------------------


def _keys(host: Host, stack: Stack, servers: Sequence[Server], found: Running | None) -> Iterator[Finding]:
    """Certificates that cannot be loaded with their keys. Files whose names depend on the request are not known."""
    pairs = {(one.path, one.key): one for server in servers for one in server.certificates if "$" not in one.path}
    for pair in pairs.values():
        wrong = host.key_mismatch(pair.path, pair.key)
        if isinstance(wrong, Failure) and wrong.kind == "permission":
            text = t("{path} cannot be read, so it is not known whether it fits its key", path=pair.path)
            yield unknown("certificate.file_unreadable", text, unlock=ourselves("status", stack.config))
        elif wrong:
            yield _mismatch(
                host, pair, wrong.detail if isinstance(wrong, Failure) else wrong, serving=found is not None
            )


def _mismatch(host: Host, pair: Certificate, why: str, *, serving: bool) -> Finding:
    broken = warn if serving else fail
    return broken(
        "certificate.key",
        t("{certificate} and {key} are not a certificate and its key: {why}", certificate=pair.path, key=pair.key,
          why=why),
        t("Put both back as they belong together before anything restarts the reverse proxy: it would not come back."),
        role=_ROLE,
        proof=host.see(f"{pair.path}, {pair.key}", why),
        by_hand=f"openssl x509 -noout -pubkey -in {pair.path}; openssl pkey -pubout -in {pair.key}",
        restart_helps=False,
    )  # fmt: skip


def _dates(host: Host, ours: Sequence[Server]) -> Iterator[Finding]:
    """What would be shown after the reload."""
    for path in dict.fromkeys(one.path for server in ours for one in server.certificates):
        content = host.read(path)
        try:
            found = [] if isinstance(content, Failure) else pem(content)
        except MalformedError:
            continue  # said with its key
        if found and found[0].not_after < host.clock.now():
            yield warn(
                "certificate.expired_on_disk",
                t("the certificate in {path} has expired ({end})", path=path, end=When(found[0].not_after)),
                t("Renew it before the reverse proxy loads it."),
                role=_ROLE,
                by_hand=f"openssl x509 -noout -dates -in {path}",
            )


# -- names -------------------------------------------------------------------------------------------


def _names(stack: Stack, read: Configuration, site: Site) -> Iterator[Finding]:
    """Two sites of one name, and a site that only answers because no other does."""
    port = site.address[1]
    there = [one for one in read.servers if any(listen.port == port for listen in one.listens)]
    same = [one for one in there if site.host in one.names]
    clash = next((b for i, a in enumerate(same) for b in same[i + 1 :] if _share(a, b)), None)
    if clash is not None:
        yield warn(
            "proxy.duplicate_name",
            t("{site} is the name of two sites, {first} and {second}: only the first is ever asked", site=site.host,
              first=_place(same[0]), second=_place(clash)),
            t("Take the name out of one of them."),
            role=_ROLE,
            by_hand=f"grep -rn {site.host} {same[0].path} {clash.path}",
        )  # fmt: skip
    if there and site.host != "localhost" and not any(answers_to(one, site.host) for one in there):
        from cozydiag.proxies.serving import serving

        instead = serving(read.servers, site.host, *site.address)
        parts = {part.address[1] for part in stack.parts()}
        if instead is not None and not any(upstream.port in parts for upstream in instead.upstreams):
            yield warn(
                "proxy.default_answers",
                t("no site has the name {site}: the one in {place} answers in its place", site=site.host,
                  place=_place(instead)),
                t("Give the Cozy's own site the name {site}, test, and reload.", site=site.host),
                role=_ROLE,
                by_hand=f"grep -n {site.host} {instead.path}",
            )  # fmt: skip


def _share(one: Server, other: Server) -> bool:
    places = [{(listen.address, listen.port) for listen in server.listens} for server in (one, other)]
    return bool(places[0] & places[1])


def _place(server: Server) -> str:
    return f"{server.path}:{server.line}"
