"""What a Cozy needs to have passed on to it, by the configuration of the proxy in front of it.

Cozy's guides for nginx and Apache keep the name, pass WebSockets and allow uploads of 1 GB
(docs.cozy.io, self-hosting, finalize). X-Forwarded-Proto is in none of them: cozy-stack takes https for granted
(`model/instance`), and Cozy's template for nginx mends addresses on their way back (`proxy_redirect`). So where it is
missing the app is asked: one that sends people of https to http needs it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import ok, skip, warn
from cozydiag.host import Answer, Host
from cozydiag.host import url as urls
from cozydiag.model import Evidence, Finding
from cozydiag.proxies.protocol import Passing
from cozydiag.stack import Site, Stack, fronts
from cozydiag.text import Bytes, Seconds, Text, t

UPLOAD = 100 << 20
"""Bytes: what allows less fails on ordinary photos and films."""

QUIET = 60.0
"""Seconds between two signs of life on a WebSocket of cozy-stack (`web/realtime`, pongWait)."""


def look(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    """What does not get through to the program behind ``site``."""
    way = fronts.way(stack, host, site)
    if way is None or way.location is None or not way.location.upstreams:
        yield skip(t("which program is behind {site} is not known", site=site.host))
        return
    place = f"{way.location.path}:{way.location.line}" if way.location.line else way.location.path
    passes = Evidence(place, f"{way.location.match} -> {', '.join(map(str, way.location.upstreams))}")
    lacks = [one._replace(proof=passes) for one in _lacks(way.location.passing, site.host, place)]
    lacks += _proto(host, site, way.location.passing, place)
    yield from lacks
    if not lacks:
        yield ok(t("what a Cozy needs gets through to it"))


def _lacks(passing: Passing, site: str, place: str) -> Iterator[Finding]:
    if passing.host is False:
        yield broken(
            "proxy.host_changed",
            t("the Cozy does not see the name {site} that was typed, and takes the request for another's", site=site),
            t("Pass the name on near {place} (nginx: `proxy_set_header Host $host;`; Apache: `ProxyPreserveHost On`).",
              place=place),
        )  # fmt: skip
    if passing.upgrade is False:
        yield broken(
            "proxy.no_websocket",
            t("WebSockets do not get through to {site}: what changes elsewhere is not shown until a reload", site=site),
            t("Pass them on near {place} (nginx: proxy_http_version 1.1, Upgrade and Connection; Apache: "
              "upgrade=websocket).", place=place),
        )  # fmt: skip
    if passing.body is not None and 0 < passing.body < UPLOAD:
        yield broken(
            "proxy.small_uploads",
            t("{site} takes uploads of {size} at most; larger files end in an error 413",
              site=site, size=Bytes(passing.body)),
            t("Allow 1 GB near {place} (nginx: `client_max_body_size 1g;`; Apache: LimitRequestBody; Caddy: max_size).",
              place=place),
        )  # fmt: skip
    if passing.read is not None and 0 < passing.read < QUIET:
        yield broken(
            "proxy.short_timeout",
            t("connections to {site} are cut after {time} of silence: WebSockets and long requests break off",
              site=site, time=Seconds(passing.read)),
            t("Allow a minute or more near {place} (nginx: proxy_read_timeout; Apache: timeout=; HAProxy: "
              "timeout tunnel).", place=place),
        )  # fmt: skip


def _proto(host: Host, site: Site, passing: Passing, place: str) -> Iterator[Finding]:
    """The app does not know that people came over https, and sends them away from it."""
    if not site.tls or passing.proto is not False:
        return
    answer = host.get(site.url, connect_to=site.address, verify=False)
    target = urls.parse(answer.header("Location")) if isinstance(answer, Answer) else None
    if target is not None and (target.scheme, target.host) == ("http", site.host):
        yield broken(
            "proxy.proto_lost",
            t("the Cozy takes https for http and sends people of {site} to {target}: they go round in circles, or stay "
              "without TLS", site=site.host, target=target.shown()),
            t("Tell it near {place} (nginx: `proxy_set_header X-Forwarded-Proto $scheme;`; Apache: `RequestHeader set "
              "X-Forwarded-Proto https`; HAProxy: `http-request set-header X-Forwarded-Proto https`).", place=place),
        )  # fmt: skip


def broken(code: str, text: Text, advice: Text) -> Finding:
    return warn(code, text, advice, role="proxy", affects=(), restart_helps=False)
