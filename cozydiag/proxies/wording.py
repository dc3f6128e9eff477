"""What is told of each verdict on the way behind a proxy, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from cozydiag.text import Text, t

PROGRAMS = {"nginx": "nginx", "apache": "Apache", "caddy": "Caddy", "haproxy": "HAProxy"}
"""The names that people know them by."""


class Case(NamedTuple):
    """What the sentences are filled with. ``place``: file and line of the upstream, else of the site; ``who``: the
    program that listens there; ``seen``: what was seen, in few words."""

    proxy: str
    site: str
    upstream: str
    place: str
    who: str
    seen: str
    user: str


class Words(NamedTuple):
    code: str
    text: Text
    advice: Text


def words(code: str, case: Case) -> Words:
    """The sentence and the advice for a code. Raises KeyError for one that is none of a way."""
    fill = {"proxy": PROGRAMS[case.proxy], "site": case.site, "upstream": case.upstream, "place": case.place,
            "who": case.who, "seen": case.seen, "user": case.user}  # fmt: skip
    for family in (_nobody, _bad_answers, _sockets, _own):
        for one in family(fill):
            if one.code == code:
                return one
    raise KeyError(code)


def _nobody(f: dict[str, str]) -> tuple[Words, ...]:
    return (
        Words(
            "proxy.upstream_refused",
            t("{proxy} passes {site} to {upstream}, where nothing listens", **_few(f)),
            t("Start what should listen there, or correct the address near {place}.", place=f["place"]),
        ),
        Words(
            "proxy.wrong_address",
            t("{proxy} passes {site} to {upstream}, but the program there listens elsewhere: {seen}",
              seen=f["seen"], **_few(f)),
            t("Write the address at which it listens near {place}, or let it listen at {upstream}.",
              place=f["place"], upstream=f["upstream"]),
        ),
        Words(
            "proxy.upstream_unreachable",
            t("{proxy} passes {site} to {upstream}, and no way leads there", **_few(f)),
            t("See the address near {place}, and the network to it.", place=f["place"]),
        ),
        Words(
            "proxy.upstream_name",
            t("{proxy} passes {site} to {upstream}, a name that is not resolved", **_few(f)),
            t("Correct the name near {place}, or give the machine (or `resolver`) a name server that knows it.",
              place=f["place"]),
        ),
        Words(
            "proxy.no_upstream",
            t("{proxy} has nothing to pass {site} to: the group behind it is empty", proxy=f["proxy"], site=f["site"]),
            t("Add a server near {place}.", place=f["place"]),
        ),
        Words(
            "proxy.stranger",
            t("{proxy} passes {site} to {upstream}, where another program listens: {who}",
              who=f["who"] or f["seen"], **_few(f)),
            t("Give the port back to the Cozy, or correct the address near {place}.", place=f["place"]),
        ),
    )  # fmt: skip


def _bad_answers(f: dict[str, str]) -> tuple[Words, ...]:
    log = t("Read the log of the program that listens there ({who}), then restart it.", who=f["who"] or f["upstream"])
    return (
        Words(
            "proxy.upstream_hangs",
            t("{upstream} behind {proxy} takes the requests for {site} and does not answer them", **_few(f)), log
        ),
        Words(
            "proxy.upstream_full",
            t("{upstream} behind {proxy} takes no more connections for {site}: its queue is full", **_few(f)), log
        ),
        Words(
            "proxy.upstream_closes",
            t("{upstream} behind {proxy} ends the connection for {site} without an answer", **_few(f)), log
        ),
        Words(
            "proxy.upstream_cut",
            t("{upstream} behind {proxy} breaks off in the middle of its answer for {site}", **_few(f)), log
        ),
        Words(
            "proxy.upstream_garbage",
            t("{upstream} behind {proxy} answers {site} with what is no HTTP: {seen}", seen=f["seen"], **_few(f)),
            t("See which program listens there ({who}) and whether the address near {place} is right.",
              who=f["who"] or f["upstream"], place=f["place"]),
        ),
        Words(
            "proxy.upstream_tls",
            t("{proxy} speaks plain HTTP to {upstream} for {site}, but TLS is spoken there", **_few(f)),
            t("Pass it on with https near {place}, or to the port without TLS.", place=f["place"]),
        ),
        Words(
            "proxy.upstream_plain",
            t("{proxy} speaks TLS to {upstream} for {site}, but plain HTTP is spoken there", **_few(f)),
            t("Pass it on with http near {place}, or to the port with TLS.", place=f["place"]),
        ),
        Words(
            "proxy.headers_too_big",
            t("the headers that {upstream} answers {site} with are larger than {proxy} takes", **_few(f)),
            t("Allow larger ones near {place} (nginx: proxy_buffer_size; Apache: ResponseFieldSize; "
              "HAProxy: tune.bufsize), or see why the program sends so much.", place=f["place"]),
        ),
        Words(
            "site.app_error",
            t("the program behind {proxy} itself answers {site} with an error: {seen}",
              proxy=f["proxy"], site=f["site"], seen=f["seen"]),
            t("Not {proxy} but the program at {upstream} says so: read its log.",
              proxy=f["proxy"], upstream=f["upstream"]),
        ),
    )  # fmt: skip


def _sockets(f: dict[str, str]) -> tuple[Words, ...]:
    return (
        Words(
            "proxy.socket_missing",
            t("{proxy} passes {site} to {upstream}, and there is no such socket", **_few(f)),
            t("Start the program that makes it, or correct the path near {place}.", place=f["place"]),
        ),
        Words(
            "proxy.socket_stale",
            t("{proxy} passes {site} to {upstream}, a socket that nobody listens on any more", **_few(f)),
            t("Start the program that listens on it; it removes the old file, or you do."),
        ),
        Words(
            "proxy.socket_denied",
            t("{proxy} passes {site} to {upstream}, which its user {user} may not open: {seen}",
              user=f["user"], seen=f["seen"], **_few(f)),
            t("Let the program make the socket for {user} to write to (its mode, its group), and let {user} pass the "
              "folders above.", user=f["user"]),
        ),
        Words(
            "proxy.connect_denied",
            t("{proxy} is not allowed to connect to {upstream} for {site}: {seen}", seen=f["seen"], **_few(f)),
            t("SELinux or AppArmor forbids it. With SELinux: `setsebool -P httpd_can_network_connect 1`; with AppArmor "
              "add the right to the proxy's profile."),
        ),
    )  # fmt: skip


def _own(f: dict[str, str]) -> tuple[Words, ...]:
    return (
        Words(
            "proxy.resting",
            t("{proxy} still holds {upstream} for broken and does not ask it for {site}, though it answers", **_few(f)),
            t("Look again in half a minute (fail_timeout, retry=, the next check of its health). If it stays so, "
              "reload {proxy}.", proxy=f["proxy"]),
        ),
        Words(
            "proxy.too_many_files",
            t("{proxy} may not open more files or connections", proxy=f["proxy"]),
            t("Raise its limit (nginx: worker_rlimit_nofile; systemd: LimitNOFILE; HAProxy: maxconn), then restart it; "
              "see who holds so many connections open."),
        ),
        Words(
            "proxy.connections_used_up",
            t("{proxy} has as many connections as it may have, and takes no more", proxy=f["proxy"]),
            t("Raise the limit (nginx: worker_connections; Apache: MaxRequestWorkers; HAProxy: maxconn); see who holds "
              "so many connections open."),
        ),
        Words(
            "proxy.module_off",
            t("Apache has no module to pass {site} to {upstream} with", site=f["site"], upstream=f["upstream"]),
            t("Turn it on (Debian: `a2enmod proxy_http`), test, and restart Apache."),
        ),
    )  # fmt: skip


def _few(f: dict[str, str]) -> dict[str, str]:
    return {"proxy": f["proxy"], "site": f["site"], "upstream": f["upstream"]}
