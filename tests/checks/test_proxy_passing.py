"""What a Cozy needs and a proxy does not pass on, by its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config.values import Proxy, Site
from cozydiag.host.commands import Completed
from cozydiag.model import Evidence
from cozydiag.testing import Served, answer

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

GOOD = {
    "Host": "proxy_set_header Host $host;",
    "Upgrade": "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_http_version 1.1;",
    "body": "client_max_body_size 1g;",
    "time": "proxy_read_timeout 1h;",
}
SITE = Site("https://cozy.test/", "cozy.test", ("127.0.0.1", 443), tls=True)
APACHE = """\
# In file: /etc/apache2/apache2.conf
#   1:
Listen 443
#   2:
<VirtualHost *:443>
  #   3:
  ServerName cozy.test
  #   4:
  SSLEngine on
  #   5:
  {preserve}
  #   6:
  ProxyPass / http://127.0.0.1:8080/ retry=0 {words}
</VirtualHost>
"""


def codes(cozy: Cozy, proxy: Proxy, **machine: Any) -> list[str]:
    config = cozy.with_config(proxy=proxy, sites=(SITE,), discover=False)
    return [finding.code for finding in cozy.look("proxy.passes", cozy.machine(**machine), config)]


@pytest.mark.parametrize(
    ("without", "instead", "code"),
    [
        ("", "", ""),
        ("Host", "", "proxy.host_changed"),
        ("Host", "proxy_set_header Host localhost;", "proxy.host_changed"),
        ("Upgrade", "", "proxy.no_websocket"),
        ("body", "", "proxy.small_uploads"),
        ("body", "client_max_body_size 0;", ""),
        ("time", "proxy_read_timeout 30s;", "proxy.short_timeout"),
        ("time", "", ""),
    ],
)
def test_nginx(cozy: Cozy, tmp_path: Path, without: str, instead: str, code: str) -> None:
    lines = " ".join([*(line for name, line in GOOD.items() if name != without), instead])
    (tmp_path / "nginx.conf").write_text(
        "events {}\nhttp { server { listen 443 ssl; server_name cozy.test;\n"
        f"location / {{ {lines} proxy_pass http://127.0.0.1:8080; }} }} }}\n"
    )
    assert codes(cozy, Proxy(conf=str(tmp_path / "nginx.conf")), real=str(tmp_path)) == [code]


def test_what_passes_on_is_shown_with_its_place(cozy: Cozy, tmp_path: Path) -> None:
    path = tmp_path / "nginx.conf"
    path.write_text(
        "events {}\nhttp { server { listen 443 ssl; server_name cozy.test;\n"
        "location / { proxy_set_header Host x; proxy_pass http://127.0.0.1:8080; } } }\n"
    )
    config = cozy.with_config(proxy=Proxy(conf=str(path)), sites=(SITE,), discover=False)
    found = cozy.look("proxy.passes", cozy.machine(real=str(tmp_path)), config)
    assert {one.proof for one in found} == {Evidence(f"{path}:3", "/ -> 127.0.0.1:8080")}


@pytest.mark.parametrize(
    ("preserve", "words", "found"),
    [
        ("ProxyPreserveHost On", "timeout=1600 upgrade=websocket", [""]),
        ("ProxyPreserveHost Off", "timeout=1600 upgrade=websocket", ["proxy.host_changed"]),
        ("ProxyPreserveHost On", "timeout=20", ["proxy.no_websocket", "proxy.short_timeout"]),
    ],
)
def test_apache(cozy: Cozy, preserve: str, words: str, found: list[str]) -> None:
    dump = Completed(0, APACHE.format(preserve=preserve, words=words).encode(), b"")
    assert codes(cozy, Proxy(apache="/etc/apache2/apache2.conf"), commands={"apache2": dump}) == found


def test_caddy_passes_it_all_on_without_being_told(cozy: Cozy) -> None:
    route = {"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:8080"}]}
    server = {"listen": [":443"], "routes": [{"match": [{"host": ["cozy.test"]}], "handle": [route]}]}
    import json

    loaded = answer(200, json.dumps({"apps": {"http": {"servers": {"srv0": server}}}}))
    web: dict[str, Served] = {"127.0.0.1:2019/config/": loaded}
    assert codes(cozy, Proxy(caddy="/etc/caddy/Caddyfile"), web=web) == [""]


# --- X-Forwarded-Proto

PROTO = "proxy_set_header X-Forwarded-Proto {};"


@pytest.mark.parametrize(
    ("header", "location", "code"),
    [
        ("", "http://cozy.test/login", "proxy.proto_lost"),
        (PROTO.format("http"), "http://cozy.test/login", "proxy.proto_lost"),
        (PROTO.format("$scheme"), "http://cozy.test/login", ""),  # it is told: what it makes of that is its own
        ("", "https://cozy.test/login", ""),
        ("", "/login", ""),
        ("", "http://other.test/", ""),
    ],
)
def test_an_app_that_is_not_told_of_https(cozy: Cozy, tmp_path: Path, header: str, location: str, code: str) -> None:
    lines = " ".join([*GOOD.values(), header])
    (tmp_path / "nginx.conf").write_text(
        "events {}\nhttp { server { listen 443 ssl; server_name cozy.test;\n"
        f"location / {{ {lines} proxy_pass http://127.0.0.1:8080; }} }} }}\n"
    )
    web: dict[str, Served] = {"127.0.0.1:443": answer(302, Location=location)}
    assert codes(cozy, Proxy(conf=str(tmp_path / "nginx.conf")), real=str(tmp_path), web=web) == [code]


HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client {client}
  timeout server {server}
  {tunnel}
frontend web
  bind :443 ssl crt /x.pem
  http-request set-header X-Forwarded-Proto https
  {more}
  default_backend cozy
backend cozy
  server one 127.0.0.1:8080
"""


@pytest.mark.parametrize(
    ("client", "server", "tunnel", "more", "found"),
    [
        ("1h", "1h", "", "", [""]),
        ("30s", "30s", "timeout tunnel 1h", "", [""]),
        ("30s", "1h", "", "", ["proxy.short_timeout"]),
        ("1h", "20s", "", "", ["proxy.short_timeout"]),
        ("1h", "1h", "", "http-request set-header Host localhost", ["proxy.host_changed"]),
    ],
)
def test_haproxy(cozy: Cozy, client: str, server: str, tunnel: str, more: str, found: list[str]) -> None:
    text = HAPROXY.format(client=client, server=server, tunnel=tunnel, more=more)
    assert codes(cozy, Proxy(haproxy="/x.cfg"), files={"/x.cfg": text.encode()}) == found


def test_caddy_with_a_host_of_its_own_and_a_limit(cozy: Cozy) -> None:
    import json

    headers = {"request": {"set": {"Host": ["localhost"]}}}
    proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:8080"}], "headers": headers}
    handle = [{"handler": "request_body", "max_size": 1 << 20}, proxy]
    server = {"listen": [":443"], "routes": [{"match": [{"host": ["cozy.test"]}], "handle": handle}]}
    loaded = answer(200, json.dumps({"apps": {"http": {"servers": {"srv0": server}}}}))
    web: dict[str, Served] = {"127.0.0.1:2019/config/": loaded}
    found = codes(cozy, Proxy(caddy="/etc/caddy/Caddyfile"), web=web)
    assert found == ["proxy.host_changed", "proxy.small_uploads"]
