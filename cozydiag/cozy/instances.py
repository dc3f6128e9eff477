"""The instances of a cozy-stack, and whether each can be had through the reverse proxy."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from cozydiag.couchdb import Reply, access
from cozydiag.couchdb.credentials import Credentials
from cozydiag.cozy import app_names
from cozydiag.cozy.files import USER
from cozydiag.cozy.flavour import Flavour
from cozydiag.cozy.secrets import user_of
from cozydiag.cozy.status import ROLE, part_of
from cozydiag.findings import fail, ok, skip, warn
from cozydiag.host import Host
from cozydiag.host import url as urls
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.host.logs import one_line
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Part, Site, Stack, fronts
from cozydiag.text import plural, t

ADMIN: Final = "/etc/cozy/.cozy-admin-passphrase"
"""The admin passphrase in plain words, root's alone (cozy's Debian packages)."""

SIGN_ON: Final = "/yunohost/sso"
"""Where YunoHost sends who is not logged in: the app behind it is well for all that can be seen."""


def look(host: Host, stack: Stack, flavour: Flavour) -> Iterator[Finding]:
    """Whether some site of the reverse proxies is for each instance."""
    domains = listed(host, stack, flavour)
    if domains is None:
        yield skip(t("the instances of {name} cannot be listed from here", name=flavour.name))
        return
    names = _names(host, stack)
    lost = [domain for domain in domains if names and not any(_fits(name, domain) for name in names)]
    for domain in lost:
        yield _unserved(flavour, domain)
    if not domains:
        yield ok(t("{name} has no instance yet: `cozy-stack instances add` makes one", name=flavour.name))
    elif not lost:
        yield ok(plural("{n} instance: {names}", "{n} instances: {names}", n=len(domains), names=", ".join(domains)))


def listed(host: Host, stack: Stack, flavour: Flavour) -> list[str] | None:
    """The domains: by the admin port where its passphrase may be read, else out of CouchDB with the stack's own login.
    None where neither is possible."""
    return stack.once(
        f"instances of {flavour.name}", host, lambda host: _admin(host, stack, flavour) or _couchdb(host, stack)
    )


def _admin(host: Host, stack: Stack, flavour: Flavour) -> list[str] | None:
    if not stack.config.discover:
        return None
    place, words = flavour.place("cozy.admin"), host.read(ADMIN, max_bytes=4096)
    local = place is not None and place.url.startswith(("http://127.", "http://[::1]"))
    if place is None or not local or isinstance(words, Failure) or not words.strip():
        return None
    if not _is_its_own(host, flavour):
        return None
    login = Credentials("admin", words.decode("utf-8", "replace").strip())
    stack.keep_secret(*login.secrets)
    answer = host.get(f"{place.url}/instances", headers=[login.header])
    data = answer.json() if isinstance(answer, Answer) and answer.status == 200 else None
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        return None
    attributes = [row.get("attributes") for row in rows if isinstance(row, dict)]
    return _domains([one.get("domain") for one in attributes if isinstance(one, dict)])


def _is_its_own(host: Host, flavour: Flavour) -> bool:
    """The passphrase goes to nobody but cozy-stack's own user: while it is down anybody could have its port."""
    holders = []
    for place in (flavour.place("cozy.stack"), flavour.place("cozy.admin")):
        parsed = urls.parse(place.url) if place is not None else None
        listener = next(iter(host.listeners(parsed.port)), None) if parsed is not None else None
        holders.append(host.owner(listener.inode) if listener is not None else None)
    process = host.process(holders[0]) if holders[0] and holders[0] == holders[1] else None
    return process is not None and process.uid in (0, user_of(host, USER))


def _couchdb(host: Host, stack: Stack) -> list[str] | None:
    account = access.known(stack, host) if access.is_v3(stack, host) else None
    if account is None:
        return None
    reply = account.ask(host, "/global%2Finstances/_all_docs?include_docs=true&limit=200")
    rows = reply.data.get("rows") if isinstance(reply, Reply) and reply.status == 200 else None
    if not isinstance(rows, list):
        return None
    documents = [row.get("doc") for row in rows if isinstance(row, dict)]
    return _domains([one.get("domain") for one in documents if isinstance(one, dict)])


def _domains(found: list[object]) -> list[str]:
    return sorted(one_line(domain, 200) for domain in found if isinstance(domain, str) and domain)


def _names(host: Host, stack: Stack) -> list[str]:
    """The names of all sites of all proxies; none where a configuration cannot be read."""
    names: list[str] = []
    for proxy in fronts.in_use(stack, host):
        found = fronts.names(stack, host, proxy)
        if isinstance(found, Failure):
            return []
        names += [name for site in found for name in site or ("*",)]
    return names


def _fits(name: str, domain: str) -> bool:
    return name.startswith("~") or fnmatchcase(domain, f"*{name}" if name.startswith(".") else name)


def _unserved(flavour: Flavour, domain: str) -> Finding:
    port = domain.rpartition(":")[2].isdigit() and ":" in domain
    return warn(
        "cozystack.domain",
        t("the instance {domain} has a port in its name: it sends people to that port", domain=domain)
        if port
        else t("no site of the reverse proxy is for the instance {domain}", domain=domain),
        t("Add one without the port, then export the data of {domain} and import them there.", domain=domain)
        if port
        else t("Add {domain} and *.{domain} to the site that leads to cozy-stack.", domain=domain),
        role=ROLE,
        affects=(),
        proof=Evidence(flavour.name, domain),
        by_hand="sudo cozy-stack instances ls",
        restart_helps=False,
    )


# -- a site that leads to a cozy-stack -------------------------------------------------------------------


def site(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    """The same name asked of cozy-stack itself and through the proxy: it goes by the Host header alone."""
    part = _behind(host, stack, site)
    if part is None:
        yield skip(t("{site} does not lead to a cozy-stack", site=site.host))
        return
    direct = host.get(f"http://{site.host}/", connect_to=part.address)
    through = host.get(site.url, connect_to=site.address, verify=False)
    if isinstance(direct, Failure) or isinstance(through, Failure) or max(direct.status, through.status) >= 500:
        yield skip(t("{site} was not compared with cozy-stack itself: one of them does not answer", site=site.host))
    elif direct.status == 404:
        yield _no_instance(site, part)
    elif through.status == 404:
        yield _host_lost(site, part)
    elif SIGN_ON in through.header("Location"):
        yield ok(t("{site} asks for YunoHost's sign-on first", site=site.host))
    else:
        well = ok(t("cozy-stack knows {site} (HTTP {status})", site=site.host, status=through.status))
        yield app_names.lost(host, stack, site, part, through) or well


def _behind(host: Host, stack: Stack, site: Site) -> Part | None:
    """The cozy-stack that a site leads to, as the proxies' configurations have it."""
    way = None if site.far_away else fronts.way(stack, host, site)
    upstreams = way.location.upstreams if way is not None and way.location is not None else ()
    parts = [part_of(flavour) for flavour in stack.flavours(host) if flavour.kind == "v3"]
    for part in parts:
        for upstream in upstreams:
            here = upstream.host in ("127.0.0.1", "localhost", "::1") and part is not None
            if part is not None and upstream.port == part.address[1] and (here or upstream.host == part.address[0]):
                return part
    return None


def _curl(name: str, part: Part) -> str:
    return f"curl -sS -i --max-time 5 -H 'Host: {name}' {part.url}/"


def _no_instance(site: Site, part: Part) -> Finding:
    return warn(
        "cozystack.no_instance",
        t("{site} leads to cozy-stack, which has no instance of that name", site=site.host),
        t("Make one with `cozy-stack instances add {site}`; `cozy-stack instances ls` shows those that there are.",
          site=site.host),
        role=ROLE,
        affects=(),
        proof=Evidence(f"GET {part.url}/ for {site.host}", "HTTP 404"),
        by_hand=_curl(site.host, part),
        restart_helps=False,
    )  # fmt: skip


def _host_lost(site: Site, part: Part) -> Finding:
    return fail(
        "cozystack.host_header",
        t("cozy-stack knows {site}, but not when it is asked through the reverse proxy: the name gets lost on the way",
          site=site.host),
        t("Let the proxy pass it on: `proxy_set_header Host $host;` in nginx, `ProxyPreserveHost On` in Apache; then "
          "reload it."),
        role="proxy",
        affects=("proxy",),
        proof=Evidence(f"GET {site.url}", "HTTP 404"),
        by_hand=_curl(site.host, part),
        restart_helps=False,
    )  # fmt: skip
