"""A reverse proxy that does not run, or not as it should: what is wrong, and what to do."""

from __future__ import annotations

from cozydiag.findings import fail, ok, unknown, warn
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.model import Evidence, Finding
from cozydiag.proxies.protocol import NAMES, Configuration, Mistake, Proxy, Running
from cozydiag.stack import Stack, fronts, orders
from cozydiag.stack.words import ourselves, root
from cozydiag.text import t

_ROLE = "proxy"
_DAY = 86400.0

_LAST_WORDS = {
    "nginx": ("[emerg]", "[alert]"),
    "apache": ("ssl:emerg]", "core:emerg]", "proxy:emerg]", "AH00526", "AH00072", "AH00016"),
    "caddy": ('"level":"fatal"', '"level":"error"', "Error: "),
    "haproxy": ("[ALERT]",),
}
"""What their logs have in the line that says why they ended, or could not load what is on disk."""

_END = "AH00020"
"""Apache's `Configuration Failed, exiting`: a reload has ended it."""


def configured(host: Host, stack: Stack, proxy: Proxy, *, serving: bool) -> Finding:
    """Its configuration on disk, parsed."""
    name = NAMES[proxy.name]
    read = _examined(host, stack, proxy)
    if isinstance(read, Failure):
        text = t("{proxy}'s configuration could not be looked at: {why}", proxy=name, why=read.detail)
        return unknown("proxy.config_unknown", text, unlock=ourselves("status", stack.config))
    if read.mistakes:
        return _broken(host, stack, proxy, read.mistakes[0], serving=serving)
    if read.unreadable:
        text = t("{path} cannot be read, so the configuration was not looked at", path=read.unreadable[0])
        return unknown("nginx.unreadable", text, unlock=ourselves("status", stack.config))
    return ok(t("{proxy}'s configuration has no mistakes", proxy=name))


def _examined(host: Host, stack: Stack, proxy: Proxy) -> Configuration | Failure:
    """What is on disk, with its mistakes."""
    from cozydiag.proxies.caddy import Caddy
    from cozydiag.proxies.haproxy import HAProxy
    from cozydiag.proxies.nginx import Nginx

    if isinstance(proxy, Nginx):
        from cozydiag.proxies import nginx_mistakes

        return nginx_mistakes.examine(host, proxy.configuration, proxy.program)
    if isinstance(proxy, Caddy):
        return proxy.adapted(host)
    if isinstance(proxy, HAProxy):
        return proxy.mistakes(host)
    return fronts.configuration(stack, host, proxy)


def _broken(host: Host, stack: Stack, proxy: Proxy, mistake: Mistake, *, serving: bool) -> Finding:
    name = NAMES[proxy.name]
    path = mistake.path or proxy.configuration
    place = f"{path}:{mistake.line}" if mistake.line else path
    proof = host.see(place, _line(host, mistake) or mistake.message)
    foreign = proxy.name == "nginx" and mistake.message.startswith("unknown directive")  # a module's, perhaps
    if serving:
        return warn(
            "nginx.config_on_disk" if proxy.name == "nginx" else "proxy.config_on_disk",
            t("{proxy} still serves, but its configuration on disk is broken: {mistake}",
              proxy=name, mistake=str(mistake)),
            t("Correct {place} before {proxy} is restarted: it would not start again.", place=place, proxy=name),
            role=_ROLE,
            proof=proof,
            by_hand=_test(stack, proxy),
            restart_helps=False,
            certainty="likely" if foreign else "certain",
        )  # fmt: skip
    return fail(
        "nginx.config" if proxy.name == "nginx" else "proxy.config",
        t("{proxy} does not start because its configuration is broken: {mistake}", proxy=name, mistake=str(mistake)),
        t("Correct {place}, test it, then start {proxy}.", place=place, proxy=name),
        role=_ROLE,
        affects=(_ROLE,),
        proof=proof,
        by_hand=_test(stack, proxy),
        restart_helps=False,
        certainty="likely" if foreign else "certain",
    )


def _line(host: Host, mistake: Mistake) -> str:
    """The line itself, for those who correct it."""
    content = host.read(mistake.path) if mistake.path else b""
    lines = [] if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines()
    return lines[mistake.line - 1].strip() if 0 < mistake.line <= len(lines) else ""


def _test(stack: Stack, proxy: Proxy) -> str:
    """The proxy's own test, for people: run by us as root it would leave files behind."""
    words = " ".join(proxy.test())
    return f"sudo {words}" if stack.config.discover else words


# -- processes -------------------------------------------------------------------------------------------


def down(host: Host, stack: Stack, proxy: Proxy) -> Finding:
    """Nobody of its name runs, or nobody may look."""
    closed = _closed_pid_file(host, stack, proxy)
    if closed is not None:
        text = t("{path} cannot be read, so it is not known whether nginx runs", path=closed)
        return unknown("nginx.pid_unreadable", text, unlock=ourselves("status", stack.config))
    name = NAMES[proxy.name]
    proof = host.evidence[-1] if host.evidence else None
    start = orders.line(host, stack, proxy, "start")
    return fail(
        "service.down",
        t("{proxy} is not running", proxy=name),
        t("Start {proxy}.", proxy=name),
        role=_ROLE,
        commands=(start,) if start else (),
        proof=last_words(host, stack, proxy, host.clock.now() - _DAY) or proof,
        by_hand=_test(stack, proxy),
        restart_helps=True,
    )


def _closed_pid_file(host: Host, stack: Stack, proxy: Proxy) -> str | None:
    """The only place where nginx was looked for, where this user may not look."""
    path = stack.config.proxy.pid if proxy.name == "nginx" else None
    seen = host.read(path, max_bytes=64) if path is not None and not stack.config.discover else b""
    return path if isinstance(seen, Failure) and seen.kind == "permission" else None


def last_words(host: Host, stack: Stack, proxy: Proxy, since: float) -> Evidence | None:
    """Why it ended, or did not load what is on disk, in its own words since then (epoch seconds); with Apache's
    AH00020 before the reason where a reload has ended it."""
    read = fronts.configuration(stack, host, proxy)
    logs = () if isinstance(read, Failure) else read.logs
    since = int(since)  # logs have whole seconds
    reason = proxy.last_error(host, logs, since, _LAST_WORDS[proxy.name])
    end = proxy.last_error(host, logs, since, (_END,)) if proxy.name == "apache" else None
    if end is None or reason is None or end.line == reason.line:
        return end or reason
    return host.see(end.source, f"{end.line.rpartition('] ')[2]} ({reason.line.rpartition('] ')[2]})")


def unwell(host: Host, stack: Stack, proxy: Proxy, found: Running) -> Finding | None:
    """What is wrong with those that run; None where nothing is."""
    name = NAMES[proxy.name]
    if found.master in found.orphans:
        return _orphans(host, name, found)
    if found.stopped:
        return fail(
            "service.hung",
            t("{proxy} was stopped by a signal (SIGSTOP): it takes connections and answers none", proxy=name),
            t("Restart {proxy}.", proxy=name),
            role=_ROLE,
            proof=Evidence(f"/proc/{found.master.pid}/stat", "state T"),
            by_hand=f"ps -C {found.master.name} -o pid,stat,cmd",
            restart_helps=True,
            commands=(ourselves("fix --restart", stack.config),),
        )
    if not found.workers and proxy.name in ("nginx", "apache"):
        restart = orders.line(host, stack, proxy, "restart")
        return warn(
            "nginx.no_workers",
            t("{proxy}'s master runs without any worker", proxy=name),
            t("Read {proxy}'s error log; restart {proxy}.", proxy=name),
            role=_ROLE,
            commands=(restart,) if restart else (),
            restart_helps=True,
        )
    return None


def _orphans(host: Host, name: str, found: Running) -> Finding:
    pids = " ".join(str(orphan.pid) for orphan in found.orphans)
    title = " ".join(found.master.cmdline[:1])
    return fail(
        "proxy.orphans",
        t("{proxy}'s master is gone; its workers ({pids}) still hold the ports and serve what they knew",
          proxy=name, pids=pids),
        t("End these workers, then start {proxy}: it cannot have its ports before.", proxy=name),
        role=_ROLE,
        proof=Evidence(f"/proc/{found.master.pid}", f"{title}, parent {found.master.ppid}"),
        by_hand="ps -eo pid,ppid,stat,cmd",
        commands=(f"{root(host)}kill -{'QUIT' if found.master.name == 'nginx' else 'TERM'} {pids}",),
        restart_helps=False,
    )  # fmt: skip
