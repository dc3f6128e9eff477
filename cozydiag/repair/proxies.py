"""Reverse proxies under repair: tested before they are touched.

What comes of a reload is told in `proof`: Apache that gave up in it (AH00020) runs no more, Caddy stays `reloading`.
`in_its_words` adds what the proxy itself logged of that.
"""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.host.logs import one_line
from cozydiag.managers.service import Service
from cozydiag.proxies import nginx, verdicts
from cozydiag.proxies.protocol import Proxy
from cozydiag.site import before_reload, front
from cozydiag.stack import Stack, fronts
from cozydiag.text import Text, t

_UNITS = {"nginx": "nginx", "apache2": "apache", "httpd": "apache", "caddy": "caddy", "haproxy": "haproxy"}
_LOOK = 5.0


def behind(host: Host, stack: Stack, service: Service) -> Proxy | None:
    """Which proxy a service is: by its name, else the only one that is here; None for what is no proxy."""
    if service.role != "proxy":
        return None
    here = fronts.proxies(stack, host.within(_LOOK, "repair"))
    name = next((kind for word, kind in _UNITS.items() if word in service.unit.lower()), None)
    named = next((proxy for proxy in here if proxy.name == name), None)
    if named is not None or (name is None and here):
        return named or here[0]
    program = stack.config.programs.get("nginx", "nginx")
    return nginx.Nginx(stack.config.proxy.conf or nginx.CONFIGURATIONS[0], program, stack.config.proxy.pid)


def forbids(host: Host, stack: Stack, service: Service) -> Text | None:
    """Why a proxy must not be touched, by its own test and by what that does not see; None for what is no proxy."""
    proxy = behind(host, stack, service)
    if proxy is None:
        return None
    return refused(host, proxy) or _unseen(host, stack, proxy)


def _unseen(host: Host, stack: Stack, proxy: Proxy) -> Text | None:
    """Another program on the port, a certificate that is not that of its key."""
    finding = before_reload.refusal(host.within(10.0, "repair"), stack, proxy)
    return t("it would not come back: {why}", why=finding.text) if finding is not None else None


def refused(host: Host, proxy: Proxy) -> Text | None:
    """Why a proxy must not be touched: with a broken configuration it would not come back.

    This is the one place where a proxy's own test is run: as root `nginx -t` creates the pid file, logs and folders.
    """
    done = host.within(10.0, "repair").run(proxy.test())
    if isinstance(done, Failure):
        return t("its configuration could not be tested: {why}", why=done.detail)
    if done.code == 0:
        return None
    line = _told(done.stderr) if proxy.name == "nginx" else ""
    if not line:
        said = verdicts.one_by_one(done)
        mistakes = [str(one) for one in verdicts.tested(proxy.name, done).mistakes]
        line = " ".join(said) if mistakes[:1] in ([], said[-1:]) else mistakes[0]
    return t("its configuration does not pass its own test: {line}", line=one_line(line, 400))


def in_its_words(host: Host, stack: Stack, service: Service, text: Text, since: float) -> Text:
    """``text``, which says that an act on a proxy has failed, with what the proxy logged since then (epoch seconds)."""
    proxy = behind(host, stack, service)
    line = front.last_words(host.within(_LOOK, "repair"), stack, proxy, since) if proxy is not None else None
    return t("{what}; its log says: {line}", what=text, line=line.line) if line is not None else text


def _told(said: bytes) -> str:
    """nginx's own line: it has file and number in it."""
    lines = said.strip().splitlines()
    return one_line(next((line for mark in (b"[emerg]", b"[alert]") for line in lines if mark in line), b""), 400)
