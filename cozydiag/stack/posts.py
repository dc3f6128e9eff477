"""Who of this server's stack sends mail where, and what is to be said of those who should take it."""

from __future__ import annotations

from cozydiag.findings import fail, ok, warn
from cozydiag.host import Failure, Host
from cozydiag.mail.relay import Relay, installed, local, of_cozy_stack, of_postfix
from cozydiag.model import Evidence, Finding
from cozydiag.stack import Stack
from cozydiag.text import t

_ROLE = "mail"
_KEYS = ("host", "port", "use_ssl")


def relays(host: Host, stack: Stack) -> tuple[Relay, ...]:
    """Each address once: that of the configuration, of cozy-stack's settings, of postfix's; else port 25 of this
    machine, where a Cozy v2 hands its mail over and where a mail server listens."""
    return stack.once("relays", host, lambda host: _relays(host, stack))


def _relays(host: Host, stack: Stack) -> tuple[Relay, ...]:
    if stack.config.mail is not None:
        return (Relay(*stack.config.mail, tls=False, origin="mail.address"),)
    if not stack.config.discover:
        return ()
    kinds = {flavour.kind for flavour in stack.flavours(host)}
    found = [_of_stack(host, stack)] if "v3" in kinds else []
    if "v2" in kinds or installed(host):
        found.append(Relay("localhost", 25, tls=False, origin=""))
    onward = of_postfix(host)
    if onward is not None:
        found.append(onward)
    return tuple({(one.host, one.port): one for one in reversed(found)}.values())[::-1]


def _of_stack(host: Host, stack: Stack) -> Relay:
    from cozydiag.cozy import settings

    read = settings.read(host)
    password = read.get("mail.password")
    stack.keep_secret(password)
    mail = {key: read.get(f"mail.{key}") for key in _KEYS}
    return of_cozy_stack(mail, next((origin for key in _KEYS if (origin := read.origin(f"mail.{key}"))), ""))


def asked(host: Host, relay: Relay) -> Finding:
    """What ``relay`` says to those who greet it, or that it says nothing."""
    if relay.tls:
        shown = host.handshake(relay.host, (relay.host, relay.port))
        return _silent(host, relay, shown) if isinstance(shown, Failure) else _well(relay)
    greeted = host.greet(relay.host, relay.port)
    if isinstance(greeted, Failure):
        return _silent(host, relay, greeted)
    if greeted.code == 250:
        return _well(relay)
    return fail(
        "mail.refuses",
        t("the mail server at {place} sends everybody away: {words}", place=relay.place, words=greeted.words),
        t("Its own words are the reason. Mail waits until then."),
        role=_ROLE,
        affects=(),
        proof=host.evidence[-1],
        by_hand=_by_hand(relay),
        restart_helps=None,
    )


def _well(relay: Relay) -> Finding:
    return ok(t("mail is taken at {place}", place=relay.place))


def _silent(host: Host, relay: Relay, why: Failure) -> Finding:
    proof = host.evidence[-1]
    if not local(host, relay.host) or relay.port != 25:  # a tunnel to a relay ends on this machine, too
        return _far(relay, why, proof)
    if why.kind == "refused":
        return _down(relay, why, proof) if installed(host) else _nobody(relay, proof)
    return _hung(relay, proof) if why.kind == "timeout" else _stranger(relay, why, proof)


def _far(relay: Relay, why: Failure, proof: Evidence) -> Finding:
    return fail(
        "mail.relay",
        t("the relay {place} takes no mail: {why}", place=relay.place, why=why.detail),
        t("See whether its name and port are right. Many providers close port 25 to the outside: use port 587.")
        if relay.port == 25
        else t("See whether its name and port are right, and whether a firewall stops the way out."),
        role=_ROLE,
        affects=(),
        proof=proof,
        by_hand=_by_hand(relay),
        restart_helps=False,
    )


def _nobody(relay: Relay, proof: Evidence) -> Finding:
    return warn(
        "mail.nobody",
        t("the Cozy hands its mail over at {place}, and no mail server is installed here", place=relay.place),
        t("Install one (postfix), or tell the Cozy to use a relay: until then it can send no mail."),
        role=_ROLE,
        affects=(),
        proof=proof,
        restart_helps=False,
    )


def _down(relay: Relay, why: Failure, proof: Evidence) -> Finding:
    return fail(
        "service.down",
        t("nothing answers at {place}, the address of {name}: {why}", place=relay.place, name="MTA", why=why.detail),
        t("Start it, then read its log if it does not stay."),
        role=_ROLE,
        affects=(),
        proof=proof,
        by_hand="systemctl status 'postfix@-' || service postfix status",
        restart_helps=True,
    )


def _hung(relay: Relay, proof: Evidence) -> Finding:
    return fail(
        "service.hung",
        t("{name} takes connections at {place} but does not answer", name="MTA", place=relay.place),
        t("Restart it."),
        role=_ROLE,
        affects=(),
        proof=proof,
        by_hand=_by_hand(relay),
        restart_helps=True,
    )


def _stranger(relay: Relay, why: Failure, proof: Evidence) -> Finding:
    return fail(
        "mail.stranger",
        t("what answers at {place} is no mail server: {why}", place=relay.place, why=why.detail),
        t("Another program has the port of the mail server: end it, or give it another one."),
        role=_ROLE,
        affects=(),
        proof=proof,
        by_hand=f"sudo ss -ltnp 'sport = :{relay.port}'",
        restart_helps=False,
    )


def _by_hand(relay: Relay) -> str:
    if relay.tls:
        return f"openssl s_client -connect {relay.place} </dev/null"
    return f"curl -v --max-time 10 smtp://{relay.place}"
