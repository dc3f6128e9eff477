"""Whose fault an error page is: what came through the proxy, what its log says, what the upstream says directly.

The status alone never decides: Apache answers 503 for a refused connection and 502 for a slow one, Caddy 502 for
nearly all, and an app may send any of them itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Union

from cozydiag.findings import fail
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.host.processes import Process
from cozydiag.model import Evidence, Finding
from cozydiag.proxies import lines, wording
from cozydiag.proxies.probe import Probe, big, probe
from cozydiag.proxies.protocol import Upstream
from cozydiag.proxies.wording import Words
from cozydiag.stack import Site, Stack, fronts
from cozydiag.stack.fronts import Way
from cozydiag.stack.ports import holder

Seen = Union[Answer, Failure]

_DECIDES = ("proxy.too_many_files", "proxy.connections_used_up", "proxy.module_off", "proxy.headers_too_big",
            "proxy.connect_denied", "proxy.upstream_name", "proxy.upstream_cut")  # fmt: skip
"""What a log says and no question to the upstream can show."""

_RESTS = ("proxy.upstream_refused", "proxy.upstream_full", "proxy.upstream_unreachable", "proxy.resting")
"""What was so when the proxy last tried; where the upstream answers now, the proxy has not noticed."""

_PAGES = {
    "nginx": (b"<center>nginx",),
    "apache": (b"<address>Apache", b"//DTD HTML 2.0//EN", b"//DTD HTML 4.01//EN"),
    "haproxy": (b"<html><body><h1>50",),
}
PROBES = 3
"""So many members of a group are asked."""


class Facts(NamedTuple):
    """All that was seen. ``line`` is the proxy's own word on our request, ``probes`` those of its upstreams."""

    way: Way
    seen: Seen
    line: Evidence | None
    probes: tuple[Probe, ...]


def triangulate(host: Host, stack: Stack, site: Site, seen: Seen, began: float) -> Finding | None:
    """The finding for a request that began at ``began`` (epoch seconds) and got ``seen`` through the proxy; None where
    nothing more is known than that."""
    way = fronts.way(stack, host, site)
    if way is None or way.location is None:
        return None
    upstreams = way.location.upstreams
    wanted = lines.words(way.proxy.name, site.host, tuple(map(_logged, upstreams)))
    line = way.proxy.last_error(host, way.configuration.logs, int(began), wanted)
    if line is not None and not lines.meaning(line.line):
        line = None
    probes = _probes(host, stack, site, way, upstreams)
    code, chosen = verdict(Facts(way, seen, line, probes), _limits(host, stack, way))
    return _finding(host, stack, site, Facts(way, seen, line, probes), code, chosen) if code else None


def verdict(facts: Facts, limits: str = "") -> tuple[str, Probe | None]:
    """The code, and the upstream it is about; "" where the facts name none."""
    said = lines.meaning(facts.line.line) if facts.line else ""
    worst = next((one for one in facts.probes if one.code), None)
    well = next((one for one in facts.probes if not one.code and one.answer is not None), None)
    if limits or said in _DECIDES:
        return limits or said, worst or well
    if not facts.way.location or not facts.way.location.upstreams:
        return "proxy.no_upstream", None
    if worst is not None and (well is None or said):
        return worst.code, worst
    if well is None or well.answer is None:
        return said, None
    if _is_the_apps(facts, well.answer):
        return "site.app_error", well
    if big(well.answer) and _of_the_proxy(facts):
        return "proxy.headers_too_big", well
    if said in _RESTS or (not said and facts.way.proxy.name in ("haproxy", "apache") and _status(facts.seen) == 503):
        return "proxy.resting", well
    return said, well


def _is_the_apps(facts: Facts, direct: Answer) -> bool:
    """The app's own error: no line of the proxy's, no page of the proxy's, and the same from the app directly."""
    seen = facts.seen
    if isinstance(seen, Failure) or seen.status < 500 or facts.line is not None:
        return False
    return direct.status == seen.status and not _of_the_proxy(facts)


def _of_the_proxy(facts: Facts) -> bool:
    """Whether the proxy itself made this error page (Caddy's is empty)."""
    if isinstance(facts.seen, Failure):
        return True
    name = facts.way.proxy.name
    if name == "caddy":
        return not facts.seen.body
    return any(mark in facts.seen.body for mark in _PAGES[name])


def _status(seen: Seen) -> int:
    return 0 if isinstance(seen, Failure) else seen.status


# -- looking -------------------------------------------------------------------------------------------


def _probes(host: Host, stack: Stack, site: Site, way: Way, upstreams: tuple[Upstream, ...]) -> tuple[Probe, ...]:
    """Each upstream asked. Of a part of the stack its own check tells, so that it gets only what time is left."""
    found = fronts.running(stack, host, way.proxy)
    worker = found.workers[0] if found and found.workers else found.master if found else None
    target = fronts.path_of(site.url)
    probes = []
    for upstream in upstreams[:PROBES]:
        left = host.deadline.remaining() - 0.3
        part = stack.role_at(upstream.port) is not None
        spare = left - (_LONGER - stack.config.timing.local) if part else left
        if spare <= 0.1:
            continue
        view = host.within(min(1.2, spare), host.instance)
        probes.append(probe(view, upstream, site.host, target, worker))
        host.evidence += view.evidence
    return tuple(probes)


_LONGER = 6.0
"""Seconds that the check of a site has (`checks/proxy.py`): for the way through the proxy, and for the way past it."""


def _limits(host: Host, stack: Stack, way: Way) -> str:
    """HAProxy says itself when it is full, the others write it into their logs; how many files a process has open, the
    kernel tells."""
    from cozydiag.proxies.haproxy import HAProxy

    running = fronts.running(stack, host, way.proxy)
    if running and any(_out_of_files(host, one.pid) for one in (*running.workers, running.master)):
        return "proxy.too_many_files"
    if not isinstance(way.proxy, HAProxy):
        return ""
    said = dict(line.split(": ", 1) for line in way.proxy.ask(host, "show info").splitlines() if ": " in line)
    current, most = said.get("CurrConns", ""), said.get("Maxconn", "")
    if current.isdigit() and most.isdigit() and 0 < int(most) <= int(current):
        return "proxy.connections_used_up"
    return ""


def _out_of_files(host: Host, pid: int) -> bool:
    """proc_pid_limits(5), proc_pid_fd(5); two are kept back for what comes and goes."""
    content, opened = host.read(f"/proc/{pid}/limits"), host.listdir(f"/proc/{pid}/fd")
    if isinstance(content, Failure) or isinstance(opened, Failure):
        return False
    found = re.search(rb"Max open files\s+(\d+)", content)
    return found is not None and len(opened) >= int(found[1]) - 2


def _logged(upstream: Upstream) -> str:
    """As Apache writes it into its log."""
    return upstream.unix or str(upstream)


# -- telling -------------------------------------------------------------------------------------------


def _finding(host: Host, stack: Stack, site: Site, facts: Facts, code: str, chosen: Probe | None) -> Finding:
    known = facts.way.location.upstreams if facts.way.location else ()
    upstream = chosen.upstream if chosen else next(iter(known), None)
    role = stack.role_at(upstream.port) if upstream and upstream.host in ("127.0.0.1", "localhost", "::1") else None
    if code == "proxy.upstream_refused" and upstream and _belongs_elsewhere(host, stack, upstream, role):
        code = "proxy.wrong_upstream"
    proof = _proof(facts, chosen, code)
    case = _case(host, stack, site, facts, upstream, _seen(facts, chosen, code, proof))
    said = _wrong(stack, case) if code == "proxy.wrong_upstream" else wording.words(code, case)
    behind = code in _BEHIND
    return fail(
        code,
        said.text,
        said.advice,
        role=role if behind and role else "proxy",
        proof=proof,
        by_hand=_by_hand(upstream, site),
        restart_helps=None if behind or code in _MAY_PASS else False,
        certainty="certain" if chosen is not None and chosen.code else "likely",
        own=not behind and role is None and code != "proxy.resting",
    )


_BEHIND = ("proxy.upstream_refused", "proxy.upstream_hangs", "proxy.upstream_full", "proxy.upstream_closes",
           "proxy.upstream_cut", "proxy.upstream_garbage", "proxy.stranger", "site.app_error")  # fmt: skip
"""The program behind is at fault; where it is a part of the stack, its own check says so too."""


_MAY_PASS = ("proxy.resting", "proxy.too_many_files", "proxy.connections_used_up")


def _belongs_elsewhere(host: Host, stack: Stack, upstream: Upstream, role: str | None) -> bool:
    """Nothing listens here because the Cozy's proxy is somewhere else."""
    local = upstream.host in ("127.0.0.1", "localhost", "::1")
    if not local or role is not None or not stack.expected(host, "cozy.proxy"):
        return False
    return host.connect(*stack.part("proxy").address) is None


def _wrong(stack: Stack, case: wording.Case) -> Words:
    from cozydiag.text import t

    proxy = wording.PROGRAMS[case.proxy]
    expected = "{}:{}".format(*stack.part("proxy").address)
    return Words(
        "proxy.wrong_upstream",
        t("{proxy} passes {site} to {upstream}, where nothing listens",
          proxy=proxy, site=case.site, upstream=case.upstream),
        t("The Cozy's proxy is at {expected}: put that in near {place}, test, and reload {proxy}.",
          expected=expected, place=case.place, proxy=proxy),
    )  # fmt: skip


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
    worker: Process | None = None
    if running := fronts.running(stack, host, facts.way.proxy):
        worker = running.workers[0] if running.workers else running.master
    place = f"{path}:{line}" if line else path
    user = str(worker.uid) if worker else ""
    return wording.Case(
        facts.way.proxy.name, site.host, str(upstream or ""), place, str(who) if who else "", seen, user
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
    from shlex import quote

    if upstream is None or upstream.dynamic or upstream.scheme not in ("http", "https"):
        return None
    target = fronts.path_of(site.url)
    header = quote(f"Host: {site.host}")
    if upstream.unix:
        return f"curl -sS -i --max-time 5 --unix-socket {quote(upstream.unix)} -H {header} http://localhost{target}"
    return f"curl -sS -k -i --max-time 5 -H {header} {quote(f'{upstream.scheme}://{upstream}{target}')}"
