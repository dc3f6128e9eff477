"""Where Debian, Fedora and Alpine put what belongs to a proxy: trees as their packages lay them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy as Named
from cozydiag.host import Failure
from cozydiag.proxies import discovery
from cozydiag.proxies.haproxy import HAProxy
from cozydiag.proxies.nginx import Nginx
from cozydiag.stack import Stack, orders
from cozydiag.testing import FakeHost, Machine

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

SITE = "server {{ listen 80; server_name {name}; location / {{ proxy_pass http://127.0.0.1:9104; }} }}\n"
DEBIAN = "include {etc}/modules-enabled/*.conf;\nevents {{}}\nhttp {{\n include {etc}/conf.d/*.conf;\n include {etc}/sites-enabled/*;\n}}\n"  # noqa: E501
FEDORA = "include {etc}/modules.d/*.conf;\nevents {{}}\nhttp {{\n include {etc}/conf.d/*.conf;\n server {{ listen 80; server_name _; root /usr/share/nginx/html; include {etc}/default.d/*.conf; }}\n}}\n"  # noqa: E501
ALPINE = "include {etc}/conf.d/*.conf;\nevents {{}}\nhttp {{\n include {etc}/http.d/*.conf;\n}}\n"

NGINX = {
    "debian": (DEBIAN, "sites-enabled/cozy"),
    "debian, deb of Cozy": (DEBIAN, "conf.d/cozy.conf"),
    "fedora": (FEDORA, "conf.d/cozy.conf"),
    "alpine": (ALPINE, "http.d/cozy.conf"),
}


@pytest.mark.parametrize("layout", NGINX)
def test_sites_of_nginx_are_found_and_their_change_is_seen(tmp_path: Path, layout: str) -> None:
    main, place = NGINX[layout]
    etc = tmp_path / "etc" / "nginx"
    site = etc / place
    if layout == "debian":  # a link, as a2ensite's sister makes it
        (etc / "sites-available").mkdir(parents=True)
        (etc / "sites-available" / "cozy").write_text(SITE.format(name="cozy.test"))
        site.parent.mkdir()
        site.symlink_to("../sites-available/cozy")
    else:
        site.parent.mkdir(parents=True)
        site.write_text(SITE.format(name="cozy.test"))
    (etc / "nginx.conf").write_text(main.format(etc=etc))
    proxy, host = Nginx(str(etc / "nginx.conf")), FakeHost(Machine(real=str(tmp_path)))
    read = proxy.read(host)
    assert not isinstance(read, Failure)
    assert read.mistakes == ()
    [ours] = [server for server in read.servers if "cozy.test" in server.names]
    assert (ours.path, ours.upstreams[0].port) == (str(site), 9104)
    os.utime(site, (4e9, 4e9))
    assert proxy.changed(host) == 4e9


def test_certificates_without_a_slash_are_beside_the_main_file(tmp_path: Path) -> None:
    site = "server { listen 443 ssl; ssl_certificate own.crt; ssl_certificate_key data:$key; }\n"
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "a").write_text(site)
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include sites/*; }\n")
    read = Nginx(str(tmp_path / "nginx.conf")).read(FakeHost(Machine(real=str(tmp_path))))
    assert not isinstance(read, Failure)
    [pair] = read.servers[0].certificates
    assert (pair.path, pair.key) == (str(tmp_path / "own.crt"), "data:$key")


@pytest.mark.parametrize("place", ["conf/httpd.conf", "conf.d/ssl.conf", "conf.modules.d/00-base.conf"])
def test_a_change_of_fedoras_apache_is_seen(tmp_path: Path, place: str) -> None:
    for name in ("conf/httpd.conf", place):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    os.utime(tmp_path / place, (4e9, 4e9))
    from cozydiag.proxies.apache import Apache

    proxy = Apache(str(tmp_path / "conf" / "httpd.conf"))
    assert proxy.changed(FakeHost(Machine(real=str(tmp_path)))) == 4e9


@pytest.mark.parametrize(
    ("file", "name", "test", "start"),
    [
        ("/etc/nginx/nginx.conf", "nginx", "/usr/sbin/nginx -t", "nginx"),
        ("/etc/apache2/apache2.conf", "apache", "apachectl configtest", "apache2"),
        ("/etc/httpd/conf/httpd.conf", "apache", "/usr/sbin/httpd -t -f /etc/httpd/conf/httpd.conf", "httpd"),
        ("/etc/apache2/httpd.conf", "apache", "/usr/sbin/httpd -t -f /etc/apache2/httpd.conf", "apache2"),
        ("/etc/caddy/Caddyfile", "caddy", "caddy validate --config /etc/caddy/Caddyfile", "caddy"),
        ("/etc/haproxy/haproxy.cfg", "haproxy", "/usr/sbin/haproxy -c -f /etc/haproxy/haproxy.cfg", "haproxy"),
    ],
)
def test_what_is_typed(file: str, name: str, test: str, start: str) -> None:
    """With systemd, with OpenRC, and with neither."""
    said = []
    for init in ("/run/systemd/system", "/run/openrc", "/nothing"):
        machine = Machine(files={file: b"", init: b""})
        host, stack = FakeHost(machine), Stack(Config())
        [proxy] = discovery.proxies(host, stack.config)
        assert (proxy.name, " ".join(proxy.test())) == (name, test)
        said.append(orders.line(host, stack, proxy, "start"))
    assert said == [f"systemctl start {start}", f"rc-service {start} start", f"service {start} start"]


@pytest.mark.parametrize(
    ("proxy", "line"),
    [
        (Named(conf="/x/nginx.conf", pid="/x/pid"), "nginx -s reload -c /x/nginx.conf"),
        (Named(apache="/x/apache.conf"), "apache2 -f /x/apache.conf -k graceful"),
        (Named(caddy="/x/Caddyfile"), "caddy reload --config /x/Caddyfile --force"),
        (Named(haproxy="/x/haproxy.cfg"), "kill -USR2 700"),
    ],
)
def test_what_nobody_manages_is_told_to_reload_itself(cozy: Cozy, proxy: Named, line: str) -> None:
    from cozydiag.host import Process

    name = line.split(maxsplit=1)[0] if "kill" not in line else "haproxy"
    master = Process(700, 1, "S", name, 0.0, (name, "-f", "/x/haproxy.cfg"), 0)
    files = {"/x/pid": b"700\n", "/x/apache.conf": b"PidFile /x/pid\n"}
    listening = {2019: 700}
    machine = Machine(files=files, processes=(master,), listening=listening)
    config = Config(discover=False, proxy=proxy, programs={name: name})
    host, stack = FakeHost(machine), Stack(config)
    [found] = discovery.proxies(host, config)
    assert orders.line(host, stack, found, "reload") == line


MAIN = "defaults\n mode http\nfrontend web\n bind :80\n"
MAIN += " use_backend cozy if { hdr(host),field(1,:) -m end -i .cozy.test }\n"
MORE = "backend cozy\n server one 127.0.0.1:9104\n"


@pytest.mark.parametrize("fedora", [True, False])
def test_fedoras_haproxy_has_a_folder_of_more_files(fedora: bool) -> None:
    files = {"/etc/haproxy/haproxy.cfg": MAIN.encode(), "/etc/haproxy/conf.d/cozy.cfg": MORE.encode()}
    if fedora:
        files["/etc/sysconfig/haproxy"] = b""
    host = FakeHost(Machine(files=files))
    [proxy] = discovery.proxies(host, Config())
    assert isinstance(proxy, HAProxy)
    read = proxy.read(host)
    assert not isinstance(read, Failure)
    assert proxy.test()[3:] == (("/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/conf.d") if fedora else
                                ("/etc/haproxy/haproxy.cfg",))  # fmt: skip
    if fedora:
        [ours] = [server for server in read.servers if server.names]
        assert ours.names == ("*.cozy.test",)
        assert [(one.port, one.path, one.line) for one in ours.upstreams] == [(9104, "/etc/haproxy/conf.d/cozy.cfg", 2)]
        assert read.mistakes == ()
    else:
        assert [(one.path, one.line) for one in read.mistakes] == [("/etc/haproxy/haproxy.cfg", 5)]
