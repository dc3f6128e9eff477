"""The reverse proxy: nginx, and what comes through it."""

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
from cozydiag.proxies import nginx
from cozydiag.proxies.protocol import Mistake, Running
from cozydiag.proxies.serving import serving
from cozydiag.stack.ports import holder
from cozydiag.stack.words import ourselves, root

_ROLE = "proxy"


def _configuration(host: Host, stack: Stack) -> str | None:
    """The main file of nginx's configuration: as configured, else where it usually is; None when not installed."""
    if stack.config.proxy.conf:
        return stack.config.proxy.conf
    if not stack.config.discover:
        return None
    return next((path for path in nginx.CONFIGURATIONS if not isinstance(host.stat(path), Failure)), None)


def _running(host: Host, stack: Stack) -> Running | None:
    return stack.once("nginx", host, lambda host: nginx.running(host, stack.config.proxy.pid, stack.config.discover))


def _program(stack: Stack) -> str:
    return stack.config.programs.get("nginx", "/usr/sbin/nginx")


def _test(stack: Stack) -> str:
    """nginx's own test, for people: run by us it would leave files behind."""
    program = _program(stack)
    conf = f" -c {stack.config.proxy.conf}" if stack.config.proxy.conf else ""
    return f"sudo {program} -t{conf}" if stack.config.discover else f"{program} -t{conf}"


@check("proxy.config", t("nginx's configuration can be read"), role=_ROLE)
def config(host: Host, stack: Stack) -> Iterator[Finding]:
    """Parsed only when it matters: nginx is down, or files are newer than what it has loaded."""
    path = _configuration(host, stack)
    if path is None:
        yield skip(t("nginx is not installed here"))
        return
    found = _running(host, stack)
    tick = 0.02  # the kernel counts starts in hundredths of a second
    if found is not None and nginx.newest_change(host, path) <= found.loaded + tick:
        yield ok(t("nginx runs with the configuration that is on disk"))
        return
    from cozydiag.proxies import nginx_mistakes

    read = nginx_mistakes.examine(host, path, _program(stack))
    if read.mistakes:
        yield _broken(host, stack, read.mistakes[0], serving=found is not None)
    elif read.unreadable:
        text = t("{path} cannot be read, so the configuration was not looked at", path=read.unreadable[0])
        yield unknown("nginx.unreadable", text, unlock=ourselves("status", stack.config))
    else:
        yield ok(t("nginx's configuration has no mistakes"))


def _broken(host: Host, stack: Stack, mistake: Mistake, *, serving: bool) -> Finding:
    place = f"{mistake.path}:{mistake.line}" if mistake.line else mistake.path
    proof = host.see(place, _line(host, mistake) or mistake.message)
    foreign = mistake.message.startswith("unknown directive")  # or one of a module that the parser does not know
    if serving:
        return warn(
            "nginx.config_on_disk",
            t("nginx still serves, but its configuration on disk is broken: {mistake}", mistake=str(mistake)),
            t("Correct {place} before nginx is restarted: it would not start again.", place=place),
            role=_ROLE,
            proof=proof,
            by_hand=_test(stack),
            restart_helps=False,
            certainty="likely" if foreign else "certain",
        )
    return fail(
        "nginx.config",
        t("nginx does not start because its configuration is broken: {mistake}", mistake=str(mistake)),
        t("Mend {place}, test it, then start nginx.", place=place),
        role=_ROLE,
        affects=(_ROLE,),
        proof=proof,
        by_hand=_test(stack),
        restart_helps=False,
        certainty="likely" if foreign else "certain",
    )


def _line(host: Host, mistake: Mistake) -> str:
    """The line itself, for those who mend it."""
    content = host.read(mistake.path)
    lines = [] if isinstance(content, Failure) else content.decode("utf-8", "replace").splitlines()
    return lines[mistake.line - 1].strip() if 0 < mistake.line <= len(lines) else ""


def _closed_pid_file(host: Host, stack: Stack) -> str | None:
    """The only place where nginx was looked for, where this user may not look."""
    path = stack.config.proxy.pid
    seen = host.read(path, max_bytes=64) if path is not None and not stack.config.discover else b""
    return path if isinstance(seen, Failure) and seen.kind == "permission" else None


@check(
    "proxy.running",
    t("nginx is running"),
    role=_ROLE,
    because=["proxy.config", "supervisor.running", "supervisor.program", "manager.service"],
    essential=True,
)
def running(host: Host, stack: Stack) -> Iterator[Finding]:
    path = _configuration(host, stack)
    found = _running(host, stack)
    if found is None and path is None:
        yield skip(t("nginx is not installed here"))
    elif found is None and (closed := _closed_pid_file(host, stack)) is not None:
        text = t("{path} cannot be read, so it is not known whether nginx runs", path=closed)
        yield unknown("nginx.pid_unreadable", text, unlock=ourselves("status", stack.config))
    elif found is None:
        yield fail(
            "service.down",
            t("nginx is not running"),
            t("Start nginx."),
            role=_ROLE,
            commands=(f"{root(host)}systemctl start nginx",) if stack.config.discover else (),
            proof=host.evidence[-1] if host.evidence else None,
            by_hand=_test(stack),
            restart_helps=True,
        )
    elif found.stopped:
        yield fail(
            "service.hung",
            t("nginx was stopped by a signal (SIGSTOP): it takes connections and answers none"),
            t("Restart nginx."),
            role=_ROLE,
            proof=Evidence(f"/proc/{found.master.pid}/stat", "state T"),
            by_hand="ps -C nginx -o pid,stat,cmd",
            restart_helps=True,
        )
    elif not found.workers:
        yield warn(
            "nginx.no_workers",
            t("nginx's master runs without any worker"),
            t("Read nginx's error log; restart nginx."),
            role=_ROLE,
            restart_helps=True,
        )
    else:
        yield ok(
            plural(
                "nginx runs as PID {pid} with {n} worker",
                "nginx runs as PID {pid} with {n} workers",
                n=len(found.workers),
                pid=str(found.master.pid),
            )
        )


@check(
    "proxy.gateway",
    t("The reverse proxy reaches the Cozy"),
    each="sites",
    needs=["proxy.running"],
    because=["stack.proxy", "stack.home", "stack.data-system", "couchdb.reach"],
    essential=True,
)
def gateway(host: Host, stack: Stack, site: Site) -> Iterator[Finding]:
    answer = host.get(site.url, connect_to=site.address, verify=False)
    if isinstance(answer, Failure):
        yield _no_answer(host, site, answer)
    elif answer.status in (502, 503, 504):
        yield _bad_gateway(host, stack, site, answer)
    elif answer.status >= 500:
        yield fail(
            "site.error",
            t("{site} answers with HTTP {status}", site=site.host, status=answer.status),
            t("The error comes from behind nginx: read the log of the Cozy's proxy."),
            role="cozy.proxy",
            certainty="likely",
            by_hand=_curl(site),
        )
    elif answer.status == 404:
        yield warn(
            "site.not_found",
            t("{site} answers 404: another site of nginx may be answering in its place", site=site.host),
            t("See whether server_name in nginx's configuration is {site}.", site=site.host),
            role=_ROLE,
            certainty="likely",
            by_hand=_curl(site),
        )
    else:
        yield ok(t("{site} answers through nginx (HTTP {status})", site=site.host, status=answer.status))


def _curl(site: Site) -> str:
    address, port = site.address
    return f"curl -sS -k -i --max-time 5 --resolve {site.host}:{port}:{address} {site.url}"


def _no_answer(host: Host, site: Site, why: Failure) -> Finding:
    place = f"{site.address[0]}:{site.address[1]}"
    if why.kind == "timeout":
        return fail(
            "site.no_answer",
            t("{site} takes connections at {place} but gives no answer", site=site.host, place=place),
            t("See what it waits for in nginx's error log."),
            role=_ROLE,
            certainty="likely",
            by_hand=_curl(site),
        )
    if why.kind == "refused":
        return fail(
            "proxy.not_listening",
            t("nginx runs but does not listen at {place}", place=place),
            t("See the `listen` lines of {site}, then test and reload nginx.", site=site.host),
            role=_ROLE,
            by_hand=f"{root(host)}ss -ltnp",
        )
    return fail(
        "site.broken_answer",
        t("{site} gives no proper answer at {place}: {why}", site=site.host, place=place, why=why.detail),
        t("See nginx's error log, and whether this address speaks HTTP or HTTPS."),
        role=_ROLE,
        certainty="likely",
        by_hand=_curl(site),
    )


def _bad_gateway(host: Host, stack: Stack, site: Site, answer: Answer) -> Finding:
    """nginx could not get an answer. Where the Cozy's proxy is well, nginx asks in the wrong place."""
    proof = host.evidence[-1]
    path = _configuration(host, stack)
    server = serving(nginx.parse(path).servers, site.host, *site.address) if path else None
    for upstream in server.upstreams if server is not None else ():
        if upstream.host not in ("127.0.0.1", "localhost", "::1") or stack.role_at(upstream.port):
            continue  # of a part that is down, its own check tells
        if holder(host, upstream.port) is None:
            expected = "{}:{}".format(*stack.part("proxy").address)
            return fail(
                "proxy.wrong_upstream",
                t("nginx passes {site} to {upstream}, where nothing listens", site=site.host, upstream=str(upstream)),
                t("The Cozy's proxy is at {expected}: put that into proxy_pass near {place}, test, and reload nginx.",
                  expected=expected, place=f"{server.path}:{server.line}" if server else ""),
                role=_ROLE,
                proof=proof,
                by_hand=_curl(site),
                restart_helps=False,
                own=True,
            )  # fmt: skip
    return fail(
        "proxy.bad_gateway",
        t(
            "{site} answers with HTTP {status}: nginx got no proper answer from behind",
            site=site.host,
            status=answer.status,
        ),
        t("The last lines of nginx's error log say what it asked and what it got."),
        role=_ROLE,
        proof=proof,
        certainty="likely",
        by_hand=_curl(site),
        restart_helps=False,
    )
