"""Where a site's name leads: to this machine, to a router or a proxy before it, or somewhere else.

Asking one's own public name from inside a home network often fails where it works outside (a router without
hairpin NAT): that is told apart, and never a fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import fail, ok, unknown, warn
from cozydiag.host import Answer, Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.stack import Site
from cozydiag.text import t

_ROLE = "name"

_PROXIES = {"cloudflare": "Cloudflare", "cloudfront": "CloudFront", "bunnycdn": "bunny.net", "akamaighost": "Akamai"}
"""The Server header of services that stand before other people's servers."""


def look(host: Host, site: Site) -> Iterator[Finding]:
    """Whether the name is known, and whose addresses it has."""
    found = host.resolve(site.host)
    if isinstance(found, Failure):
        yield unresolved(site, found)
    elif site.far_away:
        yield ok(t("{site} leads to {addresses}", site=site.host, addresses=", ".join(found)))
    else:
        ours = [address for address in found if host.is_ours(address)]
        away = [address for address in found if address not in ours]
        if not ours:
            yield _elsewhere(host, site, away[0])
        elif away:
            yield _in_part(site, away)
        else:
            yield _closed(host, site, ours) or ok(
                t("{site} leads to this machine ({addresses})", site=site.host, addresses=", ".join(ours))
            )


def unresolved(site: Site, why: Failure) -> Finding:
    """The name is not known, or nobody can tell."""
    if why.kind != "name":
        text = t("where {site} leads is not known: the resolver of this machine gives no answer", site=site.host)
        return unknown("name.resolver", text)
    return fail(
        "name.unknown",
        t("the name {site} has no address: nobody who types it gets anywhere", site=site.host),
        t("See whether it is spelled right, whether its domain is still paid for, and whether it has an A record."),
        role=_ROLE,
        by_hand=f"getent ahosts {site.host}",
        certainty="likely",  # another resolver may know better
        restart_helps=False,
    )


def _in_part(site: Site, away: list[str]) -> Finding:
    return warn(
        "name.in_part",
        t("{site} leads to this machine, but also to {addresses}: whoever is sent there gets something else",
          site=site.host, addresses=", ".join(away)),
        t("Take the addresses that are not this machine's from the name's A and AAAA records."),
        role=_ROLE,
        by_hand=f"getent ahosts {site.host}",
        certainty="likely",
    )  # fmt: skip


def _closed(host: Host, site: Site, ours: list[str]) -> Finding | None:
    """An address where nobody listens, while another works; where none does, the proxy's own checks say so."""
    port = port_of(site)
    refused = [address for address in ours if isinstance(host.connect(address, port), Failure)]
    if not refused or refused == ours:
        return None
    return warn(
        "name.closed_address",
        t("{site} also has the address {address}, where nothing takes connections on port {port}", site=site.host,
          address=refused[0], port=str(port)),
        t("Let the reverse proxy listen there as well, as in `listen [::]:443 ssl;`, or drop that record."),
        role=_ROLE,
        by_hand=f"getent ahosts {site.host}; ss -ltn",
    )  # fmt: skip


def _elsewhere(host: Host, site: Site, address: str) -> Finding:
    """Asked both ways: from where the name leads comes the same answer as from this machine, or another, or none."""
    theirs = host.get(site.url, connect_to=(address, port_of(site)), verify=False)
    if isinstance(theirs, Failure):
        return _unreached(host, site, address)
    service = next((name for word, name in _PROXIES.items() if word in theirs.header("Server").lower()), "")
    if service:
        return ok(t("{site} leads to {service} ({address}), which passes on", site=site.host, service=service,
                    address=address))  # fmt: skip
    mine = host.get(site.url, connect_to=site.address, verify=False)
    if isinstance(mine, Failure):
        text = t("whether {address} ({site}) leads to this machine cannot be seen while nothing answers here",
                 site=site.host, address=address)  # fmt: skip
        return unknown("name.not_compared", text)
    if _alike(mine, theirs):
        if _behind_router(host, address):
            return ok(t("{site} leads to {address}, and from there through a router (NAT) to this machine",
                        site=site.host, address=address))  # fmt: skip
        return ok(t("{site} leads to {address}, a proxy that passes on to this machine", site=site.host,
                    address=address))  # fmt: skip
    return warn(
        "name.elsewhere",
        t("{site} leads to {address}, where something else answers", site=site.host, address=address),
        t("Put this machine's public address into the name's A record; at home, see whether it has changed."),
        role=_ROLE,
        by_hand=f"getent ahosts {site.host}; ip -brief address",
        certainty="likely",
    )


def _unreached(host: Host, site: Site, address: str) -> Finding:
    if _behind_router(host, address):
        return unknown(
            "name.hairpin",
            t("{site} leads to {address}, which cannot be reached from inside this network: many routers do not allow "
              "it, and it may well work from outside", site=site.host, address=address),
        )  # fmt: skip
    return warn(
        "name.elsewhere",
        t("{site} leads to {address}, which is not this machine and does not answer", site=site.host, address=address),
        t("Put this machine's public address into the name's A record; at home, see whether it has changed."),
        role=_ROLE,
        by_hand=f"getent ahosts {site.host}; ip -brief address",
        certainty="likely",
    )


def _behind_router(host: Host, address: str) -> bool:
    """A public address, seen from a machine that has only a private one."""
    import ipaddress

    own = host.way_out(address)
    return ipaddress.ip_address(address).is_global and (not own or not ipaddress.ip_address(own).is_global)


def _alike(one: Answer, other: Answer) -> bool:
    """The same server answered: the names of its headers, in their order, are as good as a signature."""
    names = [[name.lower() for name, _ in answer.headers] for answer in (one, other)]
    return one.status == other.status and names[0] == names[1]


def port_of(site: Site) -> int:
    """The port that people connect to, which may be another than that of this machine."""
    parsed = urls.parse(site.url)
    return parsed.port if parsed is not None else site.address[1]
