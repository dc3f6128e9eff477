"""Which proxies are here, and which of them serve."""

from __future__ import annotations

from cozydiag.config import Config
from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.proxies.protocol import Proxy

APACHE = ("/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf", "/etc/apache2/httpd.conf")
CADDY = ("/etc/caddy/Caddyfile", "/etc/caddy/caddy.json")
HAPROXY = ("/etc/haproxy/haproxy.cfg", "/usr/local/etc/haproxy/haproxy.cfg")
_HAPROXY_MORE, _FEDORA = "/etc/haproxy/conf.d", "/etc/sysconfig/haproxy"
"""Their main files, by package: Debian, Fedora, Alpine; those built by hand. Their modules are imported only for
proxies that are here."""


def proxies(host: Host, config: Config) -> tuple[Proxy, ...]:
    """Those that are configured; with ``discover`` also those whose usual file is here. nginx comes first."""
    found = (_nginx(host, config), _apache(host, config), _caddy(host, config), _haproxy(host, config))
    return tuple(one for one in found if one is not None)


def _nginx(host: Host, config: Config) -> Proxy | None:
    from cozydiag.proxies.nginx import CONFIGURATIONS, Nginx

    path = config.proxy.conf or _first(host, config, CONFIGURATIONS)
    pid = config.proxy.pid
    if path is None and pid is None:
        return None
    return Nginx(path or CONFIGURATIONS[0], _program(config, "nginx"), pid, config.discover)


def _apache(host: Host, config: Config) -> Proxy | None:
    path = config.proxy.apache or _first(host, config, APACHE)
    if path is None:
        return None
    from cozydiag.proxies.apache import Apache

    usual = "apache2" if path == APACHE[0] else "httpd"
    named = config.programs.get("apache2") or config.programs.get("httpd")
    return Apache(path, named or f"/usr/sbin/{usual}", config.discover)


def _caddy(host: Host, config: Config) -> Proxy | None:
    path = config.proxy.caddy or _first(host, config, CADDY)
    if path is None:
        return None
    from cozydiag.proxies.caddy import ADMIN, Caddy

    admin = config.proxy.caddy_admin
    place = (f"[{admin[0]}]" if ":" in admin[0] else admin[0]) + f":{admin[1]}" if admin else ADMIN
    return Caddy(path, config.programs.get("caddy", "caddy"), place, config.discover)


def _haproxy(host: Host, config: Config) -> Proxy | None:
    path = config.proxy.haproxy or _first(host, config, HAPROXY)
    if path is None:
        return None
    from cozydiag.proxies.haproxy import HAProxy

    program, socket = _program(config, "haproxy"), config.proxy.haproxy_socket
    more = _HAPROXY_MORE if _first(host, config, (_FEDORA,)) and path == HAPROXY[0] else None
    return HAProxy(path, program, socket, config.discover, config.paths.logs, more)


def _first(host: Host, config: Config, paths: tuple[str, ...]) -> str | None:
    if not config.discover:
        return None
    return next((path for path in paths if not isinstance(host.stat(path), Failure)), None)


def _program(config: Config, name: str) -> str:
    return config.programs.get(name, f"/usr/sbin/{name}")
