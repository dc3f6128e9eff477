"""What is told of each verdict on the way behind a proxy, and what to do."""

from __future__ import annotations

from typing import Final, NamedTuple

from cozydiag.proxies.denials import Denial
from cozydiag.proxies.protocol import NAMES
from cozydiag.text import Text, t
from cozydiag.text.phrases import phrase


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
    text, advice = WAYS[code]
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


def _filled(template: str, case: Case) -> Text:
    """With the words that it has a place for."""
    return Text(template, tuple(one for one in case._asdict().items() if f"{{{one[0]}}}" in template))


_LOG: Final = phrase("Read the log of the program that listens there ({who}), then restart it.")
WAYS: Final = {
    "proxy.upstream_refused": (
        phrase("{proxy} passes {site} to {upstream}, where nothing listens"),
        phrase("Start what should listen there, or correct the address near {place}."),
    ),
    "proxy.wrong_upstream": (
        phrase("{proxy} passes {site} to {upstream}, where nothing listens"),
        phrase("The Cozy's proxy is at {expected}: put that in near {place}, test, and reload {proxy}."),
    ),
    "proxy.wrong_address": (
        phrase("{proxy} passes {site} to {upstream}, but the program there listens elsewhere: {seen}"),
        phrase("Write the address at which it listens near {place}, or let it listen at {upstream}."),
    ),
    "proxy.upstream_unreachable": (
        phrase("{proxy} passes {site} to {upstream}, and no way leads there"),
        phrase("See the address near {place}, and the network to it."),
    ),
    "proxy.upstream_name": (
        phrase("{proxy} passes {site} to {upstream}, a name that is not resolved"),
        phrase("Correct the name near {place}, or give the machine (or `resolver`) a name server that knows it."),
    ),
    "proxy.no_upstream": (
        phrase("{proxy} has nothing to pass {site} to: the group behind it is empty"),
        phrase("Add a server near {place}."),
    ),
    "proxy.stranger": (
        phrase("{proxy} passes {site} to {upstream}, where another program listens: {who}"),
        phrase("Give the port back to the Cozy, or correct the address near {place}."),
    ),
    "proxy.upstream_hangs": (
        phrase("{upstream} behind {proxy} takes the requests for {site} and does not answer them"),
        _LOG,
    ),
    "proxy.upstream_full": (
        phrase("{upstream} behind {proxy} takes no more connections for {site}: its queue is full"),
        _LOG,
    ),
    "proxy.upstream_closes": (
        phrase("{upstream} behind {proxy} ends the connection for {site} without an answer"),
        _LOG,
    ),
    "proxy.upstream_cut": (
        phrase("{upstream} behind {proxy} breaks off in the middle of its answer for {site}"),
        _LOG,
    ),
    "proxy.upstream_garbage": (
        phrase("{upstream} behind {proxy} answers {site} with what is no HTTP: {seen}"),
        phrase("See which program listens there ({who}) and whether the address near {place} is right."),
    ),
    "proxy.upstream_tls": (
        phrase("{proxy} speaks plain HTTP to {upstream} for {site}, but TLS is spoken there"),
        phrase("Pass it on with https near {place}, or to the port without TLS."),
    ),
    "proxy.upstream_plain": (
        phrase("{proxy} speaks TLS to {upstream} for {site}, but plain HTTP is spoken there"),
        phrase("Pass it on with http near {place}, or to the port with TLS."),
    ),
    "proxy.headers_too_big": (
        phrase("the headers that {upstream} answers {site} with are larger than {proxy} takes"),
        phrase(
            "Allow larger ones near {place} (nginx: proxy_buffer_size; Apache: ResponseFieldSize; HAProxy: "
            "tune.bufsize), or see why the program sends so much.",
        ),
    ),
    "site.app_error": (
        phrase("the program behind {proxy} itself answers {site} with an error: {seen}"),
        phrase("Not {proxy} but the program at {upstream} says so: read its log."),
    ),
    "proxy.socket_missing": (
        phrase("{proxy} passes {site} to {upstream}, and there is no such socket"),
        phrase("Start the program that makes it, or correct the path near {place}."),
    ),
    "proxy.socket_stale": (
        phrase("{proxy} passes {site} to {upstream}, a socket that nobody listens on any more"),
        phrase("Start the program that listens on it; it removes the old file, or you do."),
    ),
    "proxy.socket_denied": (
        phrase("{proxy} passes {site} to {upstream}, which its user {user} may not open: {seen}"),
        phrase(
            "Let the program make the socket for {user} to write to (its mode, its group), and let {user} pass "
            "the folders above.",
        ),
    ),
    "proxy.connect_denied": (
        phrase("{proxy} is not allowed to connect to {upstream} for {site}: {seen}"),
        phrase(
            "SELinux or AppArmor forbids it. With SELinux: `setsebool -P httpd_can_network_connect 1`; with "
            "AppArmor add the right to the proxy's profile.",
        ),
    ),
    "proxy.resting": (
        phrase("{proxy} still holds {upstream} for broken and does not ask it for {site}, though it answers"),
        phrase(
            "Look again in half a minute (fail_timeout, retry=, the next check of its health). If it stays so, "
            "reload {proxy}.",
        ),
    ),
    "proxy.too_many_files": (
        phrase("{proxy} may not open more files or connections"),
        phrase(
            "Raise its limit (nginx: worker_rlimit_nofile; systemd: LimitNOFILE; HAProxy: maxconn), then restart "
            "it; see who holds so many connections open.",
        ),
    ),
    "proxy.connections_used_up": (
        phrase("{proxy} has as many connections as it may have, and takes no more"),
        phrase(
            "Raise the limit (nginx: worker_connections; Apache: MaxRequestWorkers; HAProxy: maxconn); see who "
            "holds so many connections open.",
        ),
    ),
    "proxy.module_off": (
        phrase("Apache has no module to pass {site} to {upstream} with"),
        phrase("Turn it on (Debian: `a2enmod proxy_http`), test, and restart Apache."),
    ),
}
"""A sentence and an advice for each code; what they have a place for is in `Case`."""
