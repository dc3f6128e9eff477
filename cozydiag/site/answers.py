"""What comes through the reverse proxy that is not what a Cozy says to somebody who has not logged in."""

from __future__ import annotations

from cozydiag.findings import fail, ok, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.model import Evidence, Finding
from cozydiag.proxies.probe import start_page
from cozydiag.proxies.protocol import NAMES, Server
from cozydiag.proxies.serving import answers_to
from cozydiag.stack import Site, Stack, fronts
from cozydiag.stack.words import root
from cozydiag.text import t

_ROLE = "proxy"

_NO_INSTANCE = b"Instance not found"
"""cozy-stack itself answers: of its instances `cozystack.site` tells (cozy-stack `web/errors`)."""


def look(host: Host, stack: Stack, site: Site, answer: Answer | Failure, began: float) -> Finding:
    """Whose fault it is, or that it is none. The request was sent at ``began`` (epoch seconds)."""
    came = host.evidence[-1] if host.evidence else None
    said = _another(host, stack, site, answer, came) if site.ours and not isinstance(answer, Failure) else None
    if said is None and (isinstance(answer, Failure) or _odd(answer)):
        from cozydiag.proxies.triangulate import triangulate

        said = triangulate(host, stack, site, answer, began)
    return said or _answered(host, stack, site, answer)


def _odd(answer: Answer) -> bool:
    """What may come from the way behind the proxy; also an answer without any header of a body, which Apache makes of
    what is no HTTP, and a body that broke off."""
    if answer.status >= 500 or (answer.status == 400 and b"HTTPS" in answer.body):
        return True
    marks = ("Content-Type", "Content-Length", "Location", "Set-Cookie")
    return answer.status == 200 and not any(answer.header(name) for name in marks)


def _another(host: Host, stack: Stack, site: Site, answer: Answer, came: Evidence | None) -> Finding | None:
    """Another site answers in place of ours: by what it shows, or by what the proxy was told."""
    page = t("the start page of a web server") if start_page(answer) else None
    way = fronts.way(stack, host, site)
    known = way is not None and _is_meant(way.server, site)
    parts = {part.address[1] for part in stack.parts()}
    ours = way is not None and any(upstream.port in parts for upstream in way.server.upstreams)
    if not page and (way is None or known or ours):
        return None
    place = f"{way.server.path}:{way.server.line}" if way is not None else ""
    if way is not None and not known:
        text = t("no site of {proxy} has the name {site}: the one in {place} answers in its place",
                 proxy=NAMES[way.proxy.name], site=site.host, place=place)  # fmt: skip
    elif place:
        text = t("{site} shows {page} and no Cozy: the site in {place} does not lead to one", site=site.host,
                 page=page or "", place=place)  # fmt: skip
    else:
        text = t("{site} shows {page} and no Cozy: another site answers in its place", site=site.host, page=page or "")
    return fail(
        "proxy.default_answers",
        text,
        t("Give the Cozy's own site the name {site} and let it lead to the Cozy, test, and reload.", site=site.host),
        role=_ROLE,
        certainty="certain" if page or way is not None else "likely",
        proof=came,
        by_hand=_curl(site),
        restart_helps=False,
        own=True,
    )


def _is_meant(server: Server, site: Site) -> bool:
    """It was told of that name, or is for every name and leads somewhere."""
    nameless = not set(server.names) - {"_", ""} and bool(server.upstreams)
    return nameless or site.host == "localhost" or answers_to(server, site.host)


def _answered(host: Host, stack: Stack, site: Site, answer: Answer | Failure) -> Finding:
    """What is known from the outside alone."""
    if isinstance(answer, Failure):
        return _no_answer(host, stack, site, answer)
    if answer.status in (502, 503, 504):
        return _bad_gateway(host, site, answer)
    if answer.status >= 500:
        return fail(
            "site.error",
            t("{site} answers with HTTP {status}", site=site.host, status=answer.status),
            t("The error comes from behind the reverse proxy: read the log of the Cozy's proxy.")
            if site.ours
            else t("The error comes from behind the reverse proxy: read the log of the program there."),
            role="cozy.proxy" if site.ours else None,
            certainty="likely",
            by_hand=_curl(site),
        )
    if answer.status == 404 and site.ours and _NO_INSTANCE not in answer.body:
        return warn(
            "site.not_found",
            t("{site} answers 404: another site of the reverse proxy may be answering in its place", site=site.host),
            t("See whether {site} is a name of the right site in its configuration.", site=site.host),
            role=_ROLE,
            certainty="likely",
            by_hand=_curl(site),
        )
    return well(host, stack, site, answer)


def well(host: Host, stack: Stack, site: Site, answer: Answer) -> Finding:
    """It answers as it should."""
    if not fronts.in_use(stack, host):
        return ok(t("{site} answers (HTTP {status})", site=site.host, status=answer.status))
    return ok(t("{site} answers through the reverse proxy (HTTP {status})", site=site.host, status=answer.status))


def _curl(site: Site) -> str:
    address, port = site.address
    return f"curl -sS -k -i --max-time 5 --resolve {site.host}:{port}:{address} {site.url}"


def _no_answer(host: Host, stack: Stack, site: Site, why: Failure) -> Finding:
    place = f"{site.address[0]}:{site.address[1]}"
    asked = [one for one in host.evidence if one.source.startswith("GET ") and site.host in one.source]
    proof = asked[-1] if asked else None
    if why.kind == "timeout":
        return fail(
            "site.no_answer",
            t("{site} takes connections at {place} but gives no answer", site=site.host, place=place),
            t("The reverse proxy's error log says what it waits for."),
            role=_ROLE,
            proof=proof,
            certainty="likely",
            by_hand=_curl(site),
        )
    if why.kind == "refused":
        return _refused(host, stack, site, place)
    return fail(
        "site.broken_answer",
        t("{site} gives no proper answer at {place}: {why}", site=site.host, place=place, why=why.detail),
        t("See the reverse proxy's error log, and whether this address speaks HTTP or HTTPS."),
        role=_ROLE,
        proof=proof,
        certainty="likely",
        by_hand=_curl(site),
    )


def _refused(host: Host, stack: Stack, site: Site, place: str) -> Finding:
    if not fronts.in_use(stack, host):
        return fail(
            "proxy.missing",
            t("nothing listens at {place}, where {site} should be, and no reverse proxy is installed here",
              place=place, site=site.host),
            t("Install nginx, Apache, Caddy or HAProxy for {site}; where one is under another path or in a container, "
              "name it in cozydiag.toml.", site=site.host),
            role=_ROLE,
            by_hand=f"{root(host)}ss -ltnp",
            restart_helps=False,
        )  # fmt: skip
    return fail(
        "proxy.not_listening",
        t("the reverse proxy runs but does not listen at {place}", place=place),
        t("See where {site} listens in its configuration, then test and reload it.", site=site.host),
        role=_ROLE,
        by_hand=f"{root(host)}ss -ltnp",
    )


def _bad_gateway(host: Host, site: Site, answer: Answer) -> Finding:
    return fail(
        "proxy.bad_gateway",
        t("{site} answers with HTTP {status}: the reverse proxy got no proper answer from behind",
          site=site.host, status=answer.status),
        t("The last lines of its error log say what it asked and what it got."),
        role=_ROLE,
        proof=host.evidence[-1],
        certainty="likely",
        by_hand=_curl(site),
        restart_helps=False,
    )  # fmt: skip
