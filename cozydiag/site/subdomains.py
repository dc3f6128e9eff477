"""The names under which the apps of a Cozy are: `drive.alice.d` (nested) or `alice-drive.d` (flat).

The main page may work while no app does, because a wildcard stands for one label only (RFC 6125).
"""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.certificates import MalformedError, covers, parse
from cozydiag.findings import fail, ok, skip, unknown
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Finding
from cozydiag.stack import Site, Stack, fronts
from cozydiag.text import t

APPS = ("home", "drive", "settings", "store")
"""What every instance of cozy-stack is created with; the rest is installed by choice (docs, `selfhosting`)."""

_SETTINGS = ("/etc/cozy/cozy.yml", "/etc/cozy/cozy.yaml")


def look(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    """Whether the names of the apps resolve and are covered by the certificate."""
    form = _form(host, stack, site)
    if form is None:
        yield skip(t("no app has a name of its own under {site}", site=site.host))
        return
    names = _names(site.host, form)
    local = site.host.endswith(".localhost")  # always this machine, whatever a resolver knows of it (RFC 6761)
    found = ["127.0.0.1"] if local else host.resolve(names[0])
    if isinstance(found, Failure) and found.kind == "name":
        yield fail(
            "name.subdomains",
            t("{name} has no address: the apps of {site} cannot be opened", name=names[0], site=site.host),
            t("Make a record for *.{domain} that leads to the same address as {site}.", domain=_parent(names[0]),
              site=site.host),
            role="name",
            by_hand=f"getent ahosts {names[0]}",
            certainty="likely",
            restart_helps=False,
            affects=(),
        )  # fmt: skip
    if site.tls:
        yield _covered(host, site, names, form)
    elif not isinstance(found, Failure):
        yield ok(t("the apps of {site} have names that lead somewhere", site=site.host))
    elif found.kind != "name":
        yield unknown("name.resolver", t("where {site} leads is not known: the resolver of this machine gives no "
                                         "answer", site=names[0]))  # fmt: skip


def _covered(host: Host, site: Site, names: list[str], form: str) -> Finding:
    shown = host.handshake(site.host, site.address)
    if isinstance(shown, Failure):
        text = t("no certificate of {site} was seen: {why}", site=site.host, why=shown.detail)
        return unknown("certificate.not_seen", text)
    try:
        seen = parse(shown.certificate)
    except MalformedError as error:
        text = t("the certificate of {site} cannot be read: {why}", site=site.host, why=str(error))
        return unknown("certificate.malformed", text)
    missing = [name for name in names if not covers(seen, name)]
    if not missing:
        return ok(t("the certificate of {site} is for its apps too", site=site.host))
    from cozydiag.site.certificate import told_of_itself

    other = "flat" if form == "nested" else "nested"
    mixed = all(covers(seen, name) for name in _names(site.host, other))
    return fail(
        "certificate.subdomains",
        t("the certificate of {site} is not for its apps: {names}", site=site.host, names=", ".join(missing)),
        t("It is for the {other} form of sub-domains and the Cozy uses the {form} one: make both the same in cozy.yml.",
          other=other, form=form) if mixed
        else t("Get a certificate for *.{domain} as well, or one that names every app.", domain=_parent(names[0])),
        role="proxy",
        proof=told_of_itself(host, site, seen),
        by_hand=f"openssl s_client -connect {site.address[0]}:{site.address[1]} -servername {names[0]} </dev/null"
        " | openssl x509 -noout -ext subjectAltName",
        restart_helps=False,
        affects=(),
    )  # fmt: skip


def _form(host: Host, stack: Stack, site: Site) -> str | None:
    """nested or flat, as cozy-stack was told, else as the proxy was; None where the Cozy has no such names."""
    way = None if site.far_away else fronts.way(stack, host, site)
    names = way.server.names if way is not None else ()
    nested, flat = f"*.{site.host}", f"*.{_parent(site.host)}"
    if nested not in names and f".{site.host}" not in names and flat not in names:
        return None
    for path in _SETTINGS:
        content = host.read(path)
        for line in [] if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key == "subdomains" and value.split()[:1] in (["flat"], ["nested"]):
                return value.split()[0]
    return "flat" if flat in names else "nested"


def _names(host: str, form: str) -> list[str]:
    first, _, parent = host.partition(".")
    return [f"{app}.{host}" if form == "nested" else f"{first}-{app}.{parent}" for app in APPS]


def _parent(name: str) -> str:
    return name.partition(".")[2]
