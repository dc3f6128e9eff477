"""What is told of each verdict on the way behind a proxy, and what to do."""

from __future__ import annotations

from typing import Final, NamedTuple

from cozydiag.proxies.denials import Denial
from cozydiag.proxies.protocol import NAMES
from cozydiag.text import Text, t


class Case(NamedTuple):
    """What the sentences are filled with. ``place``: file and line of the upstream, else of the site; ``who``: the
    program that listens there; ``seen``: what was seen, in few words; ``user``: whom the proxy connects as;
    ``expected``: where the Cozy's own proxy is."""

    proxy: str
    site: str
    upstream: str
    place: str
    who: str
    seen: str
    user: str
    expected: str = ""


class Words(NamedTuple):
    code: str
    text: Text
    advice: Text
    commands: tuple[str, ...] = ()


def words(code: str, case: Case) -> Words:
    """The sentence and the advice for a code. Raises KeyError for one that is none of a way."""
    who = case.who or (case.seen if code == "proxy.stranger" else case.upstream)
    text, advice = _WAYS[code]
    case = case._replace(proxy=NAMES[case.proxy], who=who)
    return Words(code, _filled(text, case), _filled(advice, case))


def denied(case: Case, denial: Denial, root: str) -> Words:
    """A connection that SELinux or AppArmor forbade, by the kernel's own line. ``root`` stands before commands."""
    text = t("{by} forbids {proxy} to connect to {upstream} for {site}", by=denial.by, proxy=NAMES[case.proxy],
             upstream=case.upstream, site=case.site)  # fmt: skip
    commands: tuple[str, ...] = ()
    if denial.switch:
        advice = t("Allow it for good: it is a switch of SELinux ({switch}).", switch=denial.switch)
        commands = (f"{root}setsebool -P {denial.switch} 1",)
    elif denial.by == "SELinux":
        advice = t("`ausearch -m avc -ts recent | audit2why` says what would allow it; a wrong label of the socket is "
                   "the usual reason.")  # fmt: skip
    elif denial.network:
        advice = t("Put `network inet stream,` into the profile {profile} (its file in /etc/apparmor.d/local), and "
                   "load it with `apparmor_parser -r`.", profile=denial.profile)  # fmt: skip
    else:
        advice = t("Put `{path} rw,` into the profile {profile} (its file in /etc/apparmor.d/local), and load it with "
                   "`apparmor_parser -r`.", path=case.upstream.removeprefix("unix:"),
                   profile=denial.profile)  # fmt: skip
    return Words("proxy.connect_denied", text, advice, commands)


def _filled(text: Text, case: Case) -> Text:
    """With the words that it has a place for."""
    return text._replace(params=tuple(one for one in case._asdict().items() if f"{{{one[0]}}}" in text.template))


_LOG: Final = t("Read the log of the program that listens there ({who}), then restart it.")
_WAYS: Final = {
    "proxy.upstream_refused": (
        t("{proxy} passes {site} to {upstream}, where nothing listens"),
        t("Start what should listen there, or correct the address near {place}."),
    ),
    "proxy.wrong_upstream": (
        t("{proxy} passes {site} to {upstream}, where nothing listens"),
        t("The Cozy's proxy is at {expected}: put that in near {place}, test, and reload {proxy}."),
    ),
    "proxy.wrong_address": (
        t("{proxy} passes {site} to {upstream}, but the program there listens elsewhere: {seen}"),
        t("Write the address at which it listens near {place}, or let it listen at {upstream}."),
    ),
    "proxy.upstream_unreachable": (
        t("{proxy} passes {site} to {upstream}, and no way leads there"),
        t("See the address near {place}, and the network to it."),
    ),
    "proxy.upstream_name": (
        t("{proxy} passes {site} to {upstream}, a name that is not resolved"),
        t("Correct the name near {place}, or give the machine (or `resolver`) a name server that knows it."),
    ),
    "proxy.no_upstream": (
        t("{proxy} has nothing to pass {site} to: the group behind it is empty"),
        t("Add a server near {place}."),
    ),
    "proxy.stranger": (
        t("{proxy} passes {site} to {upstream}, where another program listens: {who}"),
        t("Give the port back to the Cozy, or correct the address near {place}."),
    ),
    "proxy.upstream_hangs": (
        t("{upstream} behind {proxy} takes the requests for {site} and does not answer them"),
        _LOG,
    ),
    "proxy.upstream_full": (
        t("{upstream} behind {proxy} takes no more connections for {site}: its queue is full"),
        _LOG,
    ),
    "proxy.upstream_closes": (
        t("{upstream} behind {proxy} ends the connection for {site} without an answer"),
        _LOG,
    ),
    "proxy.upstream_cut": (
        t("{upstream} behind {proxy} breaks off in the middle of its answer for {site}"),
        _LOG,
    ),
    "proxy.upstream_garbage": (
        t("{upstream} behind {proxy} answers {site} with what is no HTTP: {seen}"),
        t("See which program listens there ({who}) and whether the address near {place} is right."),
    ),
    "proxy.upstream_tls": (
        t("{proxy} speaks plain HTTP to {upstream} for {site}, but TLS is spoken there"),
        t("Pass it on with https near {place}, or to the port without TLS."),
    ),
    "proxy.upstream_plain": (
        t("{proxy} speaks TLS to {upstream} for {site}, but plain HTTP is spoken there"),
        t("Pass it on with http near {place}, or to the port with TLS."),
    ),
    "proxy.headers_too_big": (
        t("the headers that {upstream} answers {site} with are larger than {proxy} takes"),
        t(
            "Allow larger ones near {place} (nginx: proxy_buffer_size; Apache: ResponseFieldSize; HAProxy: "
            "tune.bufsize), or see why the program sends so much.",
        ),
    ),
    "site.app_error": (
        t("the program behind {proxy} itself answers {site} with an error: {seen}"),
        t("Not {proxy} but the program at {upstream} says so: read its log."),
    ),
    "proxy.socket_missing": (
        t("{proxy} passes {site} to {upstream}, and there is no such socket"),
        t("Start the program that makes it, or correct the path near {place}."),
    ),
    "proxy.socket_stale": (
        t("{proxy} passes {site} to {upstream}, a socket that nobody listens on any more"),
        t("Start the program that listens on it; it removes the old file, or you do."),
    ),
    "proxy.socket_denied": (
        t("{proxy} passes {site} to {upstream}, which its user {user} may not open: {seen}"),
        t(
            "Let the program make the socket for {user} to write to (its mode, its group), and let {user} pass "
            "the folders above.",
        ),
    ),
    "proxy.connect_denied": (
        t("{proxy} is not allowed to connect to {upstream} for {site}: {seen}"),
        t(
            "SELinux or AppArmor forbids it. With SELinux: `setsebool -P httpd_can_network_connect 1`; with "
            "AppArmor add the right to the proxy's profile.",
        ),
    ),
    "proxy.resting": (
        t("{proxy} still holds {upstream} for broken and does not ask it for {site}, though it answers"),
        t(
            "Look again in half a minute (fail_timeout, retry=, the next check of its health). If it stays so, "
            "reload {proxy}.",
        ),
    ),
    "proxy.too_many_files": (
        t("{proxy} may not open more files or connections"),
        t(
            "Raise its limit (nginx: worker_rlimit_nofile; systemd: LimitNOFILE; HAProxy: maxconn), then restart "
            "it; see who holds so many connections open.",
        ),
    ),
    "proxy.connections_used_up": (
        t("{proxy} has as many connections as it may have, and takes no more"),
        t(
            "Raise the limit (nginx: worker_connections; Apache: MaxRequestWorkers; HAProxy: maxconn); see who "
            "holds so many connections open.",
        ),
    ),
    "proxy.module_off": (
        t("Apache has no module to pass {site} to {upstream} with"),
        t("Turn it on (Debian: `a2enmod proxy_http`), test, and restart Apache."),
    ),
}
"""A sentence and an advice for each code."""
