"""What a Cozy needs to have passed on to it, by the configuration of the proxy in front of it.

Cozy's guides for nginx and Apache keep the name, pass WebSockets and allow uploads of 1 GB
(docs.cozy.io, self-hosting, finalize). X-Forwarded-Proto is in none of them: cozy-stack takes https for granted
(`model/instance`), so that nothing is said where it is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.findings import ok, skip, warn
from cozydiag.host import Host
from cozydiag.model import Finding
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
    lacks = list(_lacks(way.location.passing, site.host, place))
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


def broken(code: str, text: Text, advice: Text) -> Finding:
    return warn(code, text, advice, role="proxy", affects=(), restart_helps=False)
