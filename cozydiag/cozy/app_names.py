"""Whether the names of the apps of an instance (`home.alice.d`, flat `alice-home.d`) lead to cozy-stack as well."""

from __future__ import annotations

from typing import Final

from cozydiag.cozy import settings
from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Part, Site, Stack
from cozydiag.text import t

APP: Final = "home"
"""The one that every instance has."""

_CUT_OFF: Final = ("closed", "reset", "tls")
"""How a proxy turns away a name that it does not know (nginx `return 444`, `ssl_reject_handshake`)."""


def lost(host: Host, stack: Stack, site: Site, part: Part, main: Answer) -> Finding | None:
    """That the proxy gives the name of an app to somebody else, while ``main``, its answer for the instance itself, is
    cozy-stack's. None as well where cozy-stack has no such app, or one of both cannot be asked."""
    name, wildcard = _names(host, stack, site)
    direct = host.get(f"http://{name}/", connect_to=part.address)
    if isinstance(direct, Failure) or direct.status == 404 or direct.status >= 500:
        return None
    url = site.url.replace(site.host, name, 1)
    through = host.get(url, connect_to=site.address, verify=False)
    if isinstance(through, Failure):
        away = through.kind in _CUT_OFF
    else:
        away = through.status not in (direct.status, main.status) and not 300 <= through.status < 400
        away = away and through.status < 500
    if not away:
        return None
    seen = through.detail if isinstance(through, Failure) else f"HTTP {through.status}"
    return fail(
        "cozystack.app_names",
        t("the apps of {site} cannot be opened: the reverse proxy gives {name} to somebody else than cozy-stack",
          site=site.host, name=name),
        t("Add {wildcard} to the names of the site that leads to cozy-stack (`server_name` in nginx, `ServerAlias` in "
          "Apache), then reload the proxy.", wildcard=wildcard),
        role="proxy",
        affects=(),
        proof=Evidence(f"GET {url}", f"{seen} (cozy-stack itself: HTTP {direct.status})"),
        by_hand=f"curl -sS -i -k --max-time 5 --connect-to ::{_place(site)} {url}",
        restart_helps=False,
    )  # fmt: skip


def _names(host: Host, stack: Stack, site: Site) -> tuple[str, str]:
    """Of one app, and of all: nested unless cozy-stack was told otherwise (`subdomains` in its cozy.yml)."""
    form = settings.read(host).get("subdomains", "nested") if stack.config.discover else "nested"
    first, _, parent = site.host.partition(".")
    return (f"{first}-{APP}.{parent}", f"*.{parent}") if form == "flat" else (f"{APP}.{site.host}", f"*.{site.host}")


def _place(site: Site) -> str:
    name, port = site.address
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
