"""What a site shows of itself over TLS: whether it is trusted, for its name, for how long, and the one on disk."""

from __future__ import annotations

from collections.abc import Iterator

from cozydiag.certificates import Certificate, MalformedError, covers, parse, pem
from cozydiag.findings import fail, ok, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.proxies.protocol import NAMES
from cozydiag.stack import Site, Stack, fronts, orders
from cozydiag.stack.words import ourselves
from cozydiag.text import Text, When, t

_ROLE = "proxy"
_DAY = 86400.0

# Why OpenSSL does not trust a certificate (its `x509_vfy.h`).
_SELF_SIGNED = 18
_UNTRUSTED_ROOT = 19  # the chain ends at a self-signed one that this machine does not know
_NOT_FOUND = (20, 21)  # the issuer's certificate is neither sent nor known


def look(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    """The one thing that is wrong with it, and whether it is the one on disk."""
    shown = host.handshake(site.host, site.address)
    if isinstance(shown, Failure):
        text = t("no certificate of {site} was seen: {why}", site=site.host, why=shown.detail)
        yield unknown("certificate.not_seen", text)
        return
    try:
        seen = parse(shown.certificate)
    except MalformedError as error:
        yield unknown("certificate.malformed", t("the certificate of {site} cannot be read: {why}", site=site.host,
                                                 why=str(error)))  # fmt: skip
        return
    proof = told_of_itself(host, site, seen)
    path = _path(host, stack, site)
    kept = _kept(host, path) if path else None
    if isinstance(kept, Certificate) and kept.raw != seen.raw:
        yield _not_the_one_on_disk(host, stack, site, seen, kept, path)._replace(proof=proof)
        return
    trouble = _trouble(host, site, seen, shown.code, shown.words)
    valid = t("the certificate of {site} is valid until {end}", site=site.host, end=When(seen.not_after))
    yield trouble._replace(proof=proof) if trouble is not None else ok(valid)
    if isinstance(kept, Failure) and kept.kind == "permission":
        text = t("{path} cannot be read, so it is not known whether it is the one in use", path=path)
        yield unknown("certificate.file_unreadable", text, unlock=ourselves("status", stack.config))


def told_of_itself(host: Host, site: Site, seen: Certificate) -> Evidence:
    """What stands in the certificate that is shown."""
    from time import gmtime, strftime

    first, last = (strftime("%Y-%m-%d", gmtime(moment)) for moment in (seen.not_before, seen.not_after))
    names = ", ".join(seen.names[:8]) or seen.subject
    place = "{}:{}".format(*site.address)
    return host.see(f"TLS {site.host} at {place}", f"for {names}; by {seen.issuer}; from {first} to {last}")


def _path(host: Host, stack: Stack, site: Site) -> str:
    way = None if site.far_away else fronts.way(stack, host, site)
    files = way.server.certificates if way is not None else ()
    return files[0].path if len(files) == 1 else ""  # of several, for several kinds of keys, clients choose


def _kept(host: Host, path: str) -> Certificate | Failure | None:
    """The first certificate of a file: the site's own, before those of its authorities."""
    content = host.read(path)
    if isinstance(content, Failure):
        return content
    try:
        return next(iter(pem(content)), None)
    except MalformedError:
        return None  # nginx would not load it either: told before it is reloaded


def _not_the_one_on_disk(
    host: Host, stack: Stack, site: Site, seen: Certificate, kept: Certificate, path: str
) -> Finding:
    by_hand = _by_hand(site)
    commands, proxy = _reload(host, stack, site)
    if kept.not_after <= seen.not_after:
        return warn(
            "certificate.other_shown",
            t("{site} shows another certificate than the one in {path}", site=site.host, path=path),
            t(
                "Reload {proxy}. If that changes nothing, something else answers for {site}.",
                proxy=proxy,
                site=site.host,
            ),
            role=_ROLE,
            commands=commands,
            by_hand=by_hand,
            certainty="likely",
        )
    expired = seen.not_after < host.clock.now()
    broken = fail if expired else warn
    text = t("{site} still shows the certificate that ended {end}, though a new one is in {path}: it was not reloaded",
             site=site.host, end=When(seen.not_after), path=path) if expired else t(
             "{site} shows the certificate that ends {end}, though a new one is in {path}: it was not reloaded",
             site=site.host, end=When(seen.not_after), path=path)  # fmt: skip
    return broken(
        "certificate.not_reloaded",
        text,
        t("Reload {proxy}, and let the renewal do that by itself (certbot: --deploy-hook).", proxy=proxy),
        role=_ROLE,
        commands=commands,
        by_hand=by_hand,
        restart_helps=True,
        affects=(),
    )


def _reload(host: Host, stack: Stack, site: Site) -> tuple[tuple[str, ...], str | Text]:
    """How the proxy that serves the site is told to load what is on disk, and its name."""
    way = fronts.way(stack, host, site)
    if way is None:
        return (), t("the reverse proxy")
    command = orders.line(host, stack, way.proxy, "reload")
    return (command,) if command else (), NAMES[way.proxy.name]


def _trouble(host: Host, site: Site, seen: Certificate, code: int, words: str) -> Finding | None:
    """The first thing that keeps people away, or will."""
    return (
        _wrong_time(host, site, seen)
        or _wrong_name(site, seen)
        or _wrong_issuer(site, seen, code, words)
        or _soon(host, site, seen)
    )


def _wrong_time(host: Host, site: Site, seen: Certificate) -> Finding | None:
    now = host.clock.now()
    if seen.not_after < now:
        return fail(
            "certificate.expired",
            t("the certificate of {site} has expired ({end})", site=site.host, end=When(seen.not_after)),
            t("Renew it and reload the reverse proxy. With certbot, `certbot renew` says why it did not work."),
            role=_ROLE,
            by_hand=_by_hand(site),
            restart_helps=False,
            affects=(),
        )
    if seen.not_before > now:
        return fail(
            "certificate.not_yet",
            t("the certificate of {site} is valid only from {begin} on", site=site.host, begin=When(seen.not_before)),
            t("See whether the clock of this machine is right; if it is, install a certificate that is valid now."),
            role=_ROLE,
            by_hand=f"date -u; {_by_hand(site)}",
            restart_helps=False,
            affects=(),
        )
    return None


def _wrong_name(site: Site, seen: Certificate) -> Finding | None:
    if covers(seen, site.host):
        return None
    return fail(
        "certificate.name",
        t("the certificate shown for {site} is for other names: {names}", site=site.host,
          names=", ".join(seen.names[:8]) or seen.subject),
        t("Get a certificate for {site} and name it in its site; if there is one, see which site answers in its place.",
          site=site.host),
        role=_ROLE,
        by_hand=_by_hand(site),
        restart_helps=False,
        affects=(),
    )  # fmt: skip


def _wrong_issuer(site: Site, seen: Certificate, code: int, words: str) -> Finding | None:
    by_hand = _by_hand(site)
    if code == _SELF_SIGNED or (code and seen.self_signed):
        return warn(
            "certificate.self_signed",
            t("the certificate of {site} is self-signed: valid, but every browser warns of it", site=site.host),
            t("Let's Encrypt gives certificates for nothing; apps for phones and desktops often refuse others."),
            role=_ROLE,
            by_hand=by_hand,
        )
    if code in _NOT_FOUND and seen.fetchable:
        return warn(
            "certificate.incomplete",
            t("{site} does not send the certificate of its issuer {issuer}: many apps refuse it, some browsers too",
              site=site.host, issuer=seen.issuer),
            t("Let the reverse proxy show the whole chain (certbot: fullchain.pem, not cert.pem), and reload it."),
            role=_ROLE,
            by_hand=by_hand,
        )  # fmt: skip
    if code in (*_NOT_FOUND, _UNTRUSTED_ROOT):
        return warn(
            "certificate.unknown_authority",
            t("the certificate of {site} comes from {issuer}, which this machine does not trust", site=site.host,
              issuer=seen.issuer),
            t("Every device has to be told of your own authority; else get a certificate of a public one."),
            role=_ROLE,
            by_hand=by_hand,
        )  # fmt: skip
    if code:
        return fail(
            "certificate.untrusted",
            t("the certificate of {site} is not trusted: {why}", site=site.host, why=words),
            t("Get a new certificate, with its whole chain, and reload the reverse proxy."),
            role=_ROLE,
            by_hand=by_hand,
            restart_helps=False,
            affects=(),
        )
    return None


def _soon(host: Host, site: Site, seen: Certificate) -> Finding | None:
    """Those of 90 days are renewed with 30 left, shorter ones later: by then something has gone wrong."""
    left = seen.not_after - host.clock.now()
    if left > min(14 * _DAY, seen.lifetime / 6):
        return None
    return warn(
        "certificate.soon",
        t("the certificate of {site} ends soon ({end}) and has not been renewed", site=site.host,
          end=When(seen.not_after)),
        t("Renew it and reload the reverse proxy. With certbot, `certbot renew` says why it did not work."),
        role=_ROLE,
        by_hand=_by_hand(site),
    )  # fmt: skip


def _by_hand(site: Site) -> str:
    address, port = site.address
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return (
        f"openssl s_client -connect {place} -servername {site.host} </dev/null"
        " | openssl x509 -noout -subject -issuer -dates -ext subjectAltName"
    )
