"""What was seen of a way, as a finding: in words, with the line that decides it and the question to be typed."""

from __future__ import annotations

import re
from shlex import quote

from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.http import Answer
from cozydiag.host.url import LOOPBACK
from cozydiag.model import Evidence, Finding
from cozydiag.proxies import denials, lines, wording
from cozydiag.proxies.denials import Denial
from cozydiag.proxies.probe import Probe
from cozydiag.proxies.protocol import Upstream
from cozydiag.proxies.triangulate import Facts
from cozydiag.stack import Site, Stack, fronts
from cozydiag.stack.ports import holder
from cozydiag.stack.words import root

_BEHIND = ("proxy.upstream_refused", "proxy.upstream_hangs", "proxy.upstream_full", "proxy.upstream_closes",
           "proxy.upstream_cut", "proxy.upstream_garbage", "proxy.stranger", "site.app_error")  # fmt: skip
"""The program behind is at fault; where it is a part of the stack, its own check says so too."""

_MAY_PASS = ("proxy.resting", "proxy.too_many_files", "proxy.connections_used_up")

_MAY_BE_DENIED = ("proxy.connect_denied", "proxy.socket_denied", "proxy.resting")
"""What SELinux and AppArmor look like from outside: HAProxy logs no reason at all."""

_PROGRAMS = {"nginx": ("nginx",), "apache": ("apache2", "httpd"), "caddy": ("caddy",), "haproxy": ("haproxy",)}

_KERNEL = "{0}ausearch -m avc,user_avc -ts recent; {0}journalctl -k | grep -i denied"
"""Where the kernel writes down what SELinux and AppArmor forbade."""


def finding(
    host: Host, stack: Stack, site: Site, facts: Facts, code: str, chosen: Probe | None, since: float
) -> Finding:
    """The finding for a verdict on a request that was sent at ``since`` (epoch seconds)."""
    known = facts.way.location.upstreams if facts.way.location else ()
    upstream = chosen.upstream if chosen else next(iter(known), None)
    role = stack.role_at(upstream.port) if upstream and upstream.host in LOOPBACK else None
    if code == "proxy.upstream_refused" and upstream and _belongs_elsewhere(host, stack, upstream, role):
        code = "proxy.wrong_upstream"
    denial = _denial(host, facts, code, chosen, since)
    proof = denial.proof if denial else _proof(facts, chosen, code)
    case = _case(host, stack, site, facts, upstream, _seen(facts, chosen, code, proof))
    said = wording.denied(case, denial, root(host)) if denial else wording.words(code, case)
    if said.code == "proxy.connect_denied" and not said.commands:
        switch = denials.likely_switch(host, facts.way.proxy.name) if denial is None else ""
        said = said._replace(commands=(f"{root(host)}setsebool -P {switch} 1",) if switch else ())
    behind = said.code in _BEHIND
    return fail(
        said.code,
        said.text,
        said.advice,
        role=role if behind and role else "proxy",
        commands=said.commands,
        proof=proof,
        by_hand=_KERNEL.format(root(host)) if said.code == "proxy.connect_denied" else _by_hand(upstream, site),
        restart_helps=None if behind or said.code in _MAY_PASS else False,
        certainty="certain" if denial or (chosen is not None and chosen.code) else "likely",
        own=not behind and role is None and said.code != "proxy.resting",
        waits_for=(role,) if behind and role else (),
    )


def _belongs_elsewhere(host: Host, stack: Stack, upstream: Upstream, role: str | None) -> bool:
    """Nothing listens here because the Cozy's proxy is somewhere else."""
    if upstream.host not in LOOPBACK or role is not None or not stack.expected(host, "cozy.proxy"):
        return False
    return host.connect(*stack.part("proxy").address) is None


def _denial(host: Host, facts: Facts, code: str, chosen: Probe | None, since: float) -> Denial | None:
    """Where the proxy alone cannot connect, the kernel may have written down why."""
    if code not in _MAY_BE_DENIED or (chosen is not None and chosen.code):
        return None
    view = host.within(min(1.0, host.deadline.remaining()), host.instance)
    return denials.denial(view, _PROGRAMS[facts.way.proxy.name], since)


def _proof(facts: Facts, chosen: Probe | None, code: str) -> Evidence | None:
    """The proxy's own line where it says the same, else what the upstream did."""
    if facts.line is not None and (chosen is None or lines.meaning(facts.line.line) == code):
        return facts.line
    return chosen.proof if chosen else facts.line


def _case(host: Host, stack: Stack, site: Site, facts: Facts, upstream: Upstream | None, seen: str) -> wording.Case:
    server, location = facts.way.server, facts.way.location
    path, line = (upstream.path, upstream.line) if upstream and upstream.path else (server.path, server.line)
    if upstream is None and location is not None:
        path, line = location.path, location.line
    who = holder(host, upstream.port) if upstream and upstream.port else None
    running = fronts.running(stack, host, facts.way.proxy)
    worker = (*running.workers, running.master)[0] if running else None
    return wording.Case(
        facts.way.proxy.name,
        site.host,
        str(upstream or ""),
        f"{path}:{line}" if line else path,
        str(who or ""),
        seen,
        str(worker.uid) if worker else "",
        "{}:{}".format(*stack.part("proxy").address),
    )


def _seen(facts: Facts, chosen: Probe | None, code: str, proof: Evidence | None) -> str:
    if code == "site.app_error" and isinstance(facts.seen, Answer):
        return f"HTTP {facts.seen.status} {facts.seen.text()[:80]}".strip()
    if chosen is not None and chosen.code == code:
        return chosen.proof.line[:120]
    found = re.search(r"\(13[:)][^,]*", proof.line) if proof else None
    return found[0] if found else proof.line[:120] if proof else ""


def _by_hand(upstream: Upstream | None, site: Site) -> str | None:
    """The question to the upstream, to be typed."""
    if upstream is None or upstream.dynamic or upstream.scheme not in ("http", "https"):
        return None
    target = fronts.path_of(site.url)
    header = quote(f"Host: {site.host}")
    if upstream.unix:
        return f"curl -sS -i --max-time 5 --unix-socket {quote(upstream.unix)} -H {header} http://localhost{target}"
    return f"curl -sS -k -i --max-time 5 -H {header} {quote(f'{upstream.scheme}://{upstream}{target}')}"
