"""A site on another machine, as everybody on the network sees it. What is at fault there cannot be told from here."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import fail, ok, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.site.name import port_of, unresolved
from cozydiag.stack import Site
from cozydiag.text import t

_ADDRESSES = 4
"""So many addresses of one name are tried."""


def reach(host: Host, site: Site) -> Iterator[Finding]:
    """Whether something takes connections at the addresses of its name."""
    found = host.resolve(site.host)
    if isinstance(found, Failure):
        yield _nowhere(site, found)
        return
    port = port_of(site)
    outcomes = {address: host.connect(address, port) for address in found[:_ADDRESSES]}
    closed = {address: why for address, why in outcomes.items() if why is not None}
    if len(closed) == len(outcomes):
        yield _closed(site, port, closed)
        return
    for address, why in closed.items():
        yield warn(
            "name.closed_address",
            t("{site} also has the address {address}, where nothing takes connections on port {port}", site=site.host,
              address=address, port=str(port)),
            t("Let the reverse proxy listen there as well, as in `listen [::]:443 ssl;`, or drop that record."),
            role="name",
            proof=host.see(f"connect {address}:{port}", why.detail),
            by_hand=f"getent ahosts {site.host}",
        )  # fmt: skip
    taken = [address for address in outcomes if address not in closed]
    yield ok(t("{site} takes connections at {addresses}, port {port}", site=site.host, addresses=", ".join(taken),
                   port=str(port)))  # fmt: skip


def _nowhere(site: Site, why: Failure) -> Finding:
    if why.kind != "name":
        return unresolved(site, why)
    return fail(
        "site.unreachable",
        t("{site} cannot be reached: its name has no address", site=site.host),
        t("Mend its name first."),
        role="name",
        restart_helps=False,
    )


def _closed(site: Site, port: int, closed: dict[str, Failure]) -> Finding:
    places = ", ".join(closed)
    by_hand = f"curl -sS -k -i --max-time 5 {site.url}"
    if all(why.kind == "refused" for why in closed.values()):
        return fail(
            "site.unreachable",
            t("nothing listens on port {port} of {site} ({places})", port=str(port), site=site.host, places=places),
            t("See whether the reverse proxy runs there, and to which machine a router passes that port on."),
            by_hand=by_hand,
        )  # fmt: skip
    why = next(iter(closed.values()))
    return fail(
        "site.unreachable",
        t("{site} cannot be reached on port {port} ({places}): {why}", site=site.host, port=str(port), places=places,
          why=why.detail),
        t("The machine is off or without network, or a firewall or router drops what comes for that port."),
        role="proxy",
        by_hand=by_hand,
        certainty="likely",
    )  # fmt: skip


def answer(host: Host, site: Site) -> Finding:
    """What it answers."""
    answer = host.get(site.url, verify=False)
    by_hand = f"curl -sS -k -i --max-time 5 {site.url}"
    if isinstance(answer, Failure):
        return fail(
            "site.broken_answer",
            t("{site} takes connections, but gives no proper answer: {why}", site=site.host, why=answer.detail),
            t("Run `cozydiag status {url}` on that machine: from here its programs cannot be seen.", url=site.url),
            by_hand=by_hand,
            certainty="likely",
        )
    if answer.status >= 500:
        return fail(
            "site.error",
            t("{site} answers with HTTP {status}: something behind its reverse proxy does not work", site=site.host,
              status=answer.status),
            t("Run `cozydiag status {url}` on that machine: from here its programs cannot be seen.", url=site.url),
            by_hand=by_hand,
            certainty="likely",
        )  # fmt: skip
    if answer.status == 404:
        return warn(
            "site.not_found",
            t("{site} answers 404: another site may be answering in its place", site=site.host),
            t("On that machine, see whether its reverse proxy knows the name {site}.", site=site.host),
            by_hand=by_hand,
            certainty="likely",
        )
    return ok(t("{site} answers (HTTP {status})", site=site.host, status=answer.status))


def behind(site: Site) -> Finding:
    """What nobody can know from here."""
    text = t("what stands behind {site}, and what its logs say, is only seen on that machine: run `cozydiag status "
             "{url}` there", site=site.host, url=site.url)  # fmt: skip
    return unknown("site.outside", text)
