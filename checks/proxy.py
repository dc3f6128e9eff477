"""The reverse proxies, and what comes through them."""

from __future__ import annotations

from cozydiag.api import (
    Evidence,
    Failure,
    Finding,
    Host,
    Iterator,
    Site,
    Stack,
    check,
    fail,
    ok,
    plural,
    skip,
    t,
    unknown,
    warn,
)
from cozydiag.host.http import Answer
from cozydiag.proxies.protocol import Configuration, Mistake, Proxy
from cozydiag.stack import fronts
from cozydiag.stack.words import ourselves, root

_ROLE = "proxy"
_TICK = 0.02  # the kernel counts starts in hundredths of a second
_NAMES = {"nginx": "nginx", "apache": "Apache", "caddy": "Caddy", "haproxy": "HAProxy"}
_UNITS = {"nginx": ("nginx",), "apache": ("apache2", "httpd"), "caddy": ("caddy",), "haproxy": ("haproxy",)}


def _test(stack: Stack, proxy: Proxy) -> str:
    """The proxy's own test, for people: run by us as root it would leave files behind."""
    words = " ".join(proxy.test())
    return f"sudo {words}" if stack.config.discover else words


@check("proxy.config", t("The reverse proxy's configuration can be read"), role=_ROLE)
def config(host: Host, stack: Stack) -> Iterator[Finding]:
    """Parsed only when it matters: the proxy is down, or files are newer than what it has loaded."""
    here = fronts.in_use(stack, host)
    for proxy in here:
        yield _configured(host, stack, proxy)
    if not here:
        yield skip(t("no reverse proxy is installed here"))


def _configured(host: Host, stack: Stack, proxy: Proxy) -> Finding:
    name = _NAMES[proxy.name]
    found = fronts.running(stack, host, proxy)
    if found is not None and proxy.changed(host) <= found.loaded + _TICK:
        return ok(t("{proxy} runs with the configuration that is on disk", proxy=name))
    read = _examined(host, stack, proxy)
    if isinstance(read, Failure):
        text = t("{proxy}'s configuration could not be looked at: {why}", proxy=name, why=read.detail)
        return unknown("proxy.config_unknown", text, unlock=ourselves("status", stack.config))
    if read.mistakes:
        return _broken(host, stack, proxy, read.mistakes[0], serving=found is not None)
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
    name = _NAMES[proxy.name]
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


def _closed_pid_file(host: Host, stack: Stack, proxy: Proxy) -> str | None:
    """The only place where nginx was looked for, where this user may not look."""
    path = stack.config.proxy.pid if proxy.name == "nginx" else None
    seen = host.read(path, max_bytes=64) if path is not None and not stack.config.discover else b""
    return path if isinstance(seen, Failure) and seen.kind == "permission" else None


@check(
    "proxy.running",
    t("The reverse proxy is running"),
    role=_ROLE,
    because=["proxy.config", "proxy.before_reload", "supervisor.running", "supervisor.program"],
    essential=True,
)
def running(host: Host, stack: Stack) -> Iterator[Finding]:
    here = fronts.in_use(stack, host)
    for proxy in here:
        yield _runs(host, stack, proxy)
    for proxy in fronts.proxies(stack, host):
        if proxy not in here:
            yield ok(t("{proxy} is installed too and does not run", proxy=_NAMES[proxy.name]))
    if not here:
        yield skip(t("no reverse proxy is installed here"))


def _runs(host: Host, stack: Stack, proxy: Proxy) -> Finding:
    name = _NAMES[proxy.name]
    found = fronts.running(stack, host, proxy)
    if found is None and (closed := _closed_pid_file(host, stack, proxy)) is not None:
        text = t("{path} cannot be read, so it is not known whether nginx runs", path=closed)
        return unknown("nginx.pid_unreadable", text, unlock=ourselves("status", stack.config))
    if found is None:
        return fail(
            "service.down",
            t("{proxy} is not running", proxy=name),
            t("Start {proxy}.", proxy=name),
            role=_ROLE,
            commands=(f"{root(host)}systemctl start {_UNITS[proxy.name][0]}",) if stack.config.discover else (),
            proof=host.evidence[-1] if host.evidence else None,
            by_hand=_test(stack, proxy),
            restart_helps=True,
        )
    if found.master in found.orphans:
        pids = " ".join(str(orphan.pid) for orphan in found.orphans)
        return fail(
            "proxy.orphans",
            t("{proxy}'s master is gone; its workers ({pids}) still hold the ports and serve what they knew",
              proxy=name, pids=pids),
            t("End these workers, then start {proxy}: it cannot have its ports before.", proxy=name),
            role=_ROLE,
            proof=Evidence(f"/proc/{found.master.pid}", f"{found.master.cmdline[:1]}, parent {found.master.ppid}"),
            by_hand="ps -eo pid,ppid,stat,cmd",
            commands=(f"{root(host)}kill -QUIT {pids}",),
            restart_helps=False,
        )  # fmt: skip
    if found.stopped:
        return fail(
            "service.hung",
            t("{proxy} was stopped by a signal (SIGSTOP): it takes connections and answers none", proxy=name),
            t("Restart {proxy}.", proxy=name),
            role=_ROLE,
            proof=Evidence(f"/proc/{found.master.pid}/stat", "state T"),
            by_hand=f"ps -C {found.master.name} -o pid,stat,cmd",
            restart_helps=True,
        )
    if not found.workers and proxy.name in ("nginx", "apache"):
        return warn(
            "nginx.no_workers",
            t("{proxy}'s master runs without any worker", proxy=name),
            t("Read {proxy}'s error log; restart {proxy}.", proxy=name),
            role=_ROLE,
            restart_helps=True,
        )
    return ok(
        plural(
            "{proxy} runs as PID {pid} with {n} worker",
            "{proxy} runs as PID {pid} with {n} workers",
            n=len(found.workers),
            pid=str(found.master.pid),
            proxy=name,
        )
    )


@check(
    "proxy.gateway",
    t("The reverse proxy reaches the Cozy"),
    each="sites",
    needs=["proxy.running"],
    because=["site.name", "stack.proxy", "stack.home", "stack.data-system", "couchdb.reach"],
    essential=True,
    timeout=6.0,
)
def gateway(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    began = host.clock.now()
    view = host.within(min(stack.config.timing.local, host.deadline.remaining()), host.instance)
    try:
        answer = view.get(site.url, connect_to=site.address, verify=False)
    finally:
        host.evidence += view.evidence
    if not isinstance(answer, Failure) and not _odd(answer):
        yield _answered(host, stack, site, answer)
        return
    from cozydiag.proxies.triangulate import triangulate

    yield triangulate(host, stack, site, answer, began) or _answered(host, stack, site, answer)


def _odd(answer: Answer) -> bool:
    """What may come from the way behind the proxy; also an answer without any header of a body, which Apache makes of
    what is no HTTP, and a body that broke off."""
    if answer.status >= 500 or (answer.status == 400 and b"HTTPS" in answer.body):
        return True
    marks = ("Content-Type", "Content-Length", "Location", "Set-Cookie")
    return answer.status == 200 and not any(answer.header(name) for name in marks)


def _answered(host: Host, stack: Stack, site: Site, answer: Answer | Failure) -> Finding:
    """What is known from the outside alone."""
    if isinstance(answer, Failure):
        return _no_answer(host, site, answer)
    if answer.status in (502, 503, 504):
        return _bad_gateway(host, site, answer)
    if answer.status >= 500:
        return fail(
            "site.error",
            t("{site} answers with HTTP {status}", site=site.host, status=answer.status),
            t("The error comes from behind the reverse proxy: read the log of the Cozy's proxy."),
            role="cozy.proxy",
            certainty="likely",
            by_hand=_curl(site),
        )
    if answer.status == 404:
        return warn(
            "site.not_found",
            t("{site} answers 404: another site of the reverse proxy may be answering in its place", site=site.host),
            t("See whether {site} is a name of the right site in its configuration.", site=site.host),
            role=_ROLE,
            certainty="likely",
            by_hand=_curl(site),
        )
    return ok(t("{site} answers through the reverse proxy (HTTP {status})", site=site.host, status=answer.status))


def _curl(site: Site) -> str:
    address, port = site.address
    return f"curl -sS -k -i --max-time 5 --resolve {site.host}:{port}:{address} {site.url}"


def _no_answer(host: Host, site: Site, why: Failure) -> Finding:
    place = f"{site.address[0]}:{site.address[1]}"
    if why.kind == "timeout":
        return fail(
            "site.no_answer",
            t("{site} takes connections at {place} but gives no answer", site=site.host, place=place),
            t("The reverse proxy's error log says what it waits for."),
            role=_ROLE,
            certainty="likely",
            by_hand=_curl(site),
        )
    if why.kind == "refused":
        return fail(
            "proxy.not_listening",
            t("the reverse proxy runs but does not listen at {place}", place=place),
            t("See where {site} listens in its configuration, then test and reload it.", site=site.host),
            role=_ROLE,
            by_hand=f"{root(host)}ss -ltnp",
        )
    return fail(
        "site.broken_answer",
        t("{site} gives no proper answer at {place}: {why}", site=site.host, place=place, why=why.detail),
        t("See the reverse proxy's error log, and whether this address speaks HTTP or HTTPS."),
        role=_ROLE,
        certainty="likely",
        by_hand=_curl(site),
    )


def _bad_gateway(host: Host, site: Site, answer: Answer) -> Finding:
    return fail(
        "proxy.bad_gateway",
        t("{site} answers with HTTP {status}: the reverse proxy got no proper answer from behind",
          site=site.host, status=answer.status),
        t("The last lines of its error log say what it asked and what it got."),
        role=_ROLE,
        proof=host.evidence[-1],
        certainty="likely",
        by_hand=_curl(site),
        restart_helps=False,
    )  # fmt: skip


@check("proxy.passes", t("What a Cozy needs gets through the reverse proxy"), each="sites", because=["proxy.config"])
def passes(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    if not site.tls and not stack.config.discover:
        yield skip(t("{site} is asked for without TLS", site=site.host))
        return
    from cozydiag.proxies import passing

    yield from passing.look(host, stack, site)
