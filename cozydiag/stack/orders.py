"""What a person types to start, restart or reload a reverse proxy: to the manager that has it, else to itself."""

from __future__ import annotations

import os
from shlex import quote

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Manager, Service
from cozydiag.proxies.protocol import Proxy
from cozydiag.stack import Stack, fronts, ownership, words

UNITS = {"nginx": ("nginx",), "apache": ("apache2", "httpd"), "caddy": ("caddy",), "haproxy": ("haproxy",)}
"""What packages call their services (Debian and Alpine, Fedora)."""


def line(host: Host, stack: Stack, proxy: Proxy, verb: str) -> str:
    """The command line; "" where nobody is known to have it. ``verb`` is start, restart or reload."""
    program = next((one for one in _main(host, stack) if _is(stack, proxy, one)), None)
    if program is not None:
        own = _itself(host, stack, proxy) if verb == "reload" else ""
        return own or words.supervisorctl(host, stack, "restart" if verb == "reload" else verb, program)
    found = _owner(host, stack, proxy)
    if found is not None and verb in found[0].verbs:
        return ownership.line(host, *found, verb)
    if not stack.config.discover:
        return _itself(host, stack, proxy) if verb == "reload" else ""
    return words.root(host) + _system(host, proxy, verb)


def _main(host: Host, stack: Stack) -> list[str]:
    seen = stack.supervisor(host)
    return [] if isinstance(seen, Failure) else [program.name for program in seen.programs]


def _owner(host: Host, stack: Stack, proxy: Proxy) -> tuple[Manager, Service] | None:
    """Who has it, of all managers that answer."""
    for owned in stack.owned(host):
        for one in () if isinstance(owned.services, Failure) else owned.services:
            if _is(stack, proxy, one.service.unit):
                return owned.manager, one.service
    return None


def _is(stack: Stack, proxy: Proxy, unit: str) -> bool:
    """By the configuration, else by its usual name."""
    bound = stack.config.services.get("proxy")
    bare = unit.removesuffix(".service").rpartition(":")[2].rpartition("/")[2]
    return unit == bound.unit if bound is not None else bare in UNITS[proxy.name]


def _system(host: Host, proxy: Proxy, verb: str) -> str:
    """To the service manager of the machine, where it could not be asked."""
    unit = "httpd" if proxy.configuration.startswith("/etc/httpd/") else UNITS[proxy.name][0]
    if not isinstance(host.stat("/run/systemd/system"), Failure):
        return f"systemctl {verb} {unit}"
    if not isinstance(host.stat("/run/openrc"), Failure):
        return f"rc-service {unit} {verb}"
    return f"service {unit} {verb}"


def _itself(host: Host, stack: Stack, proxy: Proxy) -> str:
    """How the running proxy is told to load its configuration anew; "" where it does not run."""
    found = fronts.running(stack, host, proxy)
    if found is None:
        return ""
    test = proxy.test()
    program, conf = quote(test[0]), quote(proxy.configuration)
    graceful = " graceful" if os.path.basename(program) == "apachectl" else f" -f {conf} -k graceful"
    said = {
        "nginx": f"{program} -s reload" + (f" -c {conf}" if "-c" in test else ""),
        "apache": program + graceful,
        "caddy": f"{program} reload --config {conf} --force",
        "haproxy": f"kill -USR2 {found.master.pid}",
    }[proxy.name]
    return words.root(host) + said
