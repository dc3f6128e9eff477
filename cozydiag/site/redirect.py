"""The plain port beside TLS: it sends people to https and lets the authority see its challenge (RFC 8555, 8.3)."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import ok, skip, unknown, warn
from cozydiag.host import Answer, Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Site, Stack, fronts
from cozydiag.text import t

_CHALLENGE = "/.well-known/acme-challenge/cozydiag"
_WEBROOT = "/var/www/cozy-letsencrypt"
"""Where Cozy's own script lays the answers to challenges (cozy-debian)."""


def look(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    """What the plain port does with a request for the site, and for a challenge."""
    port = _plain_port(host, stack, site)
    if port is None:
        yield skip(t("{site} has no port without TLS", site=site.host))
        return
    place = (site.address[0], port)
    answer = host.get(f"http://{site.host}:{port}/", connect_to=place)
    proof = host.evidence[-1]
    by_hand = f"curl -sS -I --max-time 5 --resolve {site.host}:{port}:{place[0]} http://{site.host}:{port}/"
    if isinstance(answer, Failure):
        yield _closed(site, port, answer, by_hand)
        return
    yield _sent_on(site, port, answer, proof, by_hand)
    if not site.far_away and _uses_webroot(host, site):
        yield from _challenge(host, site, place)


def _plain_port(host: Host, stack: Stack, site: Site) -> int | None:
    """80 beside 443; beside another port the one that the proxy's configuration has for the same name."""
    if site.address[1] == 443:
        return 80
    way = None if site.far_away else fronts.way(stack, host, site)
    for server in way.configuration.servers if way is not None else ():
        for listen in server.listens:
            if site.host in server.names and listen.port and not listen.tls:
                return listen.port
    return None


def _closed(site: Site, port: int, why: Failure, by_hand: str) -> Finding:
    if why.kind != "refused":
        text = t("whether port {port} sends people of {site} to https is not known: {why}", port=str(port),
                 site=site.host, why=why.detail)  # fmt: skip
        return unknown("redirect.not_seen", text)
    return warn(
        "redirect.closed",
        t("nothing listens on port {port} of {site}: whoever types it without https:// may get nowhere",
          port=str(port), site=site.host),
        t("Let the reverse proxy listen there and redirect to https; Let's Encrypt usually asks there too."),
        role="proxy",
        by_hand=by_hand,
    )  # fmt: skip


def _sent_on(site: Site, port: int, answer: Answer, proof: Evidence, by_hand: str) -> Finding:
    target = urls.parse(answer.header("Location"))
    if answer.status in (301, 302, 303, 307, 308):
        if target is not None and target.scheme == "https" and target.host == site.host:
            return ok(t("port {port} sends people of {site} to https", port=str(port), site=site.host))
        where = target.shown() if target is not None else answer.header("Location")
        return warn(
            "redirect.elsewhere",
            t("port {port} sends people of {site} to {target}, not to its https", port=str(port), site=site.host,
              target=where),
            t("Redirect to `https://$host$request_uri` there."),
            role="proxy",
            proof=proof,
            by_hand=by_hand,
        )  # fmt: skip
    return warn(
        "redirect.missing",
        t("port {port} answers for {site} without TLS (HTTP {status}): passwords can be read on the way",
          port=str(port), site=site.host, status=answer.status),
        t("Redirect to `https://$host$request_uri` there."),
        role="proxy",
        proof=proof,
        by_hand=by_hand,
    )  # fmt: skip


def _uses_webroot(host: Host, site: Site) -> bool:
    """Whether this site's certificate is renewed by a file that must be seen on the plain port."""
    settings = host.read(f"/etc/letsencrypt/renewal/{site.host}.conf")
    if not isinstance(settings, Failure):
        return b"authenticator=webroot" in settings.replace(b" ", b"")
    return not isinstance(host.stat(_WEBROOT), Failure)


def _challenge(host: Host, site: Site, place: tuple[str, int]) -> Iterator[Finding]:
    """Nothing has that name, so 404 is the good answer: what comes is neither sent on nor passed to the app."""
    url = f"http://{site.host}:{place[1]}{_CHALLENGE}"
    answer = host.get(url, connect_to=place)
    if not isinstance(answer, Failure) and answer.status not in (200, 404):
        yield warn(
            "redirect.challenge",
            t("port {port} does not leave {path} alone (HTTP {status}): the certificate of {site} will not be renewed",
              port=str(place[1]), path="/.well-known/acme-challenge/", status=answer.status, site=site.host),
            t("Serve that path from the folder of the renewal, before the redirect to https."),
            role="proxy",
            by_hand=f"curl -sS -I --max-time 5 --resolve {site.host}:{place[1]}:{place[0]} {url}",
            certainty="likely",
        )  # fmt: skip
