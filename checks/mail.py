"""Mail: whether somebody takes it, and whether it goes on. Everything else of a Cozy works without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.api import Failure, Finding, Host, Iterator, Stack, When, check, fail, ok, plural, skip, t, unknown, warn

if TYPE_CHECKING:
    from cozydiag.mail.relay import Relay

_ROLE = "mail"


@check("mail.settings", t("Mail is handed over as the relay wants it"), role=_ROLE)
def settings(host: Host, stack: Stack) -> Iterator[Finding]:
    found = _relays(host, stack)
    bare = [one for one in found if one.lacks_tls]
    for one in bare:
        yield fail(
            "mail.tls_missing",
            t("mail is sent to {place} without TLS, which begins there before the first word", place=one.place),
            t("Say so to the Cozy (`use_ssl: true` in the section mail) or to postfix (`smtp_tls_wrappermode = yes`); "
              "or use port 587."),
            role=_ROLE,
            affects=(_ROLE,),
            proof=host.see(one.origin, one.place),
            by_hand=f"openssl s_client -connect {one.place} </dev/null",
            restart_helps=False,
        )  # fmt: skip
    if not any(one.origin for one in found):
        yield skip(t("no relay for mail is configured"))
    elif not bare:
        yield ok(t("mail is handed over to {places}", places=", ".join(one.place for one in found)))


@check("mail.answers", t("Somebody takes the mail"), role=_ROLE,
       because=["mail.settings", "supervisor.program", "manager.service"])  # fmt: skip
def answers(host: Host, stack: Stack) -> Iterator[Finding]:
    found = [one for one in _relays(host, stack) if not one.lacks_tls]
    for relay in found:
        from cozydiag.stack import posts

        yield posts.asked(host, relay)
    if not found:
        yield skip(t("nobody sends mail here"))


def _relays(host: Host, stack: Stack) -> tuple[Relay, ...]:
    if stack.config.mail is None and not stack.config.discover:
        return ()
    from cozydiag.stack import posts

    return posts.relays(host, stack)


@check("mail.queue", t("Mail does not pile up"), role=_ROLE, because=["mail.settings", "mail.answers"])
def queue(host: Host, stack: Stack) -> Iterator[Finding]:
    """An hour in the queue is long: postfix tries again after five minutes at first."""
    if not stack.config.discover or isinstance(host.stat("/var/spool/postfix"), Failure):
        yield skip(t("there is no postfix here"))
        return
    from cozydiag.mail import queue as waiting

    empty = waiting.is_empty(host)
    if empty or empty is None:
        yield ok(t("no mail waits")) if empty else skip(t("there is no postfix here"))
        return
    found = waiting.messages(host, stack.keep_secret)
    if isinstance(found, Failure):
        yield unknown("mail.queue_unseen", t("the queue of mails could not be seen: {why}", why=found.detail),
                      unlock="sudo postqueue -p")  # fmt: skip
        return
    oldest = min((one.arrived for one in found), default=host.clock.now())
    if host.clock.now() - oldest < 3600 and len(found) < 100:
        yield ok(plural("{n} mail is on its way", "{n} mails are on their way", n=len(found)))
        return
    reason = waiting.usual_reason(found)
    yield warn(
        "mail.queue",
        plural("{n} mail waits to be sent, since {when}: {reason}",
               "{n} mails wait to be sent, the oldest since {when}: {reason}",
               n=len(found), when=When(oldest), reason=reason or t("nobody has tried to deliver it")),
        waiting.advice(reason),
        role=_ROLE,
        affects=(),
        proof=host.see("postqueue -j", reason or found[0].queue),
        by_hand="sudo postqueue -p | tail -n 20",
        restart_helps=False,
    )  # fmt: skip
