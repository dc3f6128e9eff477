"""Whose fault an error page is: what came through the proxy, what its log says, what the upstream says directly.

The status alone never decides: Apache answers 503 for a refused connection and 502 for a slow one, Caddy 502 for
nearly all, and an app may send any of them itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Union

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.http import Answer
from cozydiag.model import Evidence, Finding
from cozydiag.proxies import lines
from cozydiag.proxies.probe import Probe, big, probe
from cozydiag.proxies.protocol import Upstream
from cozydiag.stack import Site, Stack, fronts
from cozydiag.stack.fronts import Way

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
    facts = Facts(way, seen, line, probes)
    code, chosen = verdict(facts, _limits(host, stack, way))
    if not code:
        return None
    from cozydiag.proxies import telling

    return telling.finding(host, stack, site, facts, code, chosen, int(began))


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
