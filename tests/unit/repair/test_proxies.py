"""Each proxy is tested by its own program before it is touched; what that says is shown with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy
from cozydiag.host.commands import Completed
from cozydiag.managers.service import Service
from cozydiag.repair import proxies
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine
from cozydiag.text.catalogue import ENGLISH, render

SETTINGS = Proxy(apache="/etc/apache2/apache2.conf", caddy="/etc/caddy/Caddyfile", haproxy="/etc/haproxy/haproxy.cfg")
RECORDINGS = Path(__file__).parents[2] / "recordings"


def printed(name: str) -> Completed:
    text = (RECORDINGS / f"{name}.txt").read_text("utf-8")
    out, _, err = text.partition("# --- stdout\n")[2].partition("# --- stderr\n")
    return Completed(int(text.partition("# rc=")[2].split()[0]), out.encode(), err.encode())


@pytest.mark.parametrize(
    ("unit", "name", "program", "recording", "place"),
    [
        ("apache2.service", "apache", "apachectl", "apache2/conf-unknown-directive",
         "/etc/apache2/sites-enabled/broken.conf:1"),
        ("caddy.service", "caddy", "caddy", "caddy/conf-unknown-directive", "/etc/caddy/Caddyfile:20"),
        ("haproxy.service", "haproxy", "haproxy", "haproxy/conf-unknown-keyword", "/etc/haproxy/haproxy.cfg:27"),
    ],
)  # fmt: skip
def test_a_proxy_whose_test_fails_is_shown_with_file_and_line(
    unit: str, name: str, program: str, recording: str, place: str
) -> None:
    host = FakeHost(Machine(commands={program: printed(recording)}))
    proxy = proxies.behind(host, Stack(Config(discover=False, proxy=SETTINGS)), Service("systemd", unit, "proxy"))
    assert proxy is not None
    assert proxy.name == name
    refused = proxies.refused(host, proxy)
    assert refused is not None
    assert place in render(refused, ENGLISH)


def test_what_passes_is_not_refused_and_what_is_no_proxy_has_no_test() -> None:
    host = FakeHost(Machine(commands={"haproxy": Completed(0, b"Configuration file is valid\n", b"")}))
    stack = Stack(Config(discover=False, proxy=SETTINGS))
    proxy = proxies.behind(host, stack, Service("systemd", "haproxy.service", "proxy"))
    assert proxy is not None
    assert proxies.refused(host, proxy) is None
    assert proxies.behind(host, stack, Service("systemd", "haproxy.service", "couchdb")) is None
