"""What four real reverse proxies answered and logged for each fault behind them, and what their own tests said of
broken configurations: each recording leads to the right finding."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cozydiag.config.values import Part, Proxy, Site
from cozydiag.host import Answer, Failure
from cozydiag.host.commands import Completed
from cozydiag.proxies import apache, haproxy, verdicts
from cozydiag.stack import Site as Item
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, REFUSED, FakeClock, FakeHost, Machine, Request, Served, answer, run_check

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

RECORDINGS = Path(__file__).parents[1] / "recordings"

REQUESTS = {
    "refused": "proxy.upstream_refused",
    "never": "proxy.upstream_hangs",
    "backlog": "proxy.upstream_full",
    "early": "proxy.upstream_closes",
    "reset": "proxy.upstream_closes",
    "garbage": "proxy.upstream_garbage",
    "partial": "proxy.upstream_cut",
    "bighdr": "proxy.headers_too_big",
    "nosock": "proxy.socket_missing",
    "permsock": "proxy.socket_denied",
    "staleskt": "proxy.socket_stale",
    "baddns": "proxy.upstream_name",
    "noresolver": "proxy.upstream_name",
    "httpmix": "proxy.upstream_tls",
    "app500": "site.app_error",
    "app502": "site.app_error",
    "two": "proxy.upstream_refused",
    "uwsgi": "proxy.upstream_refused",
    "fcgi": "proxy.upstream_refused",
    "refretry": "proxy.upstream_refused",
    "balancer-": "proxy.upstream_refused",
    "rw-x": "proxy.upstream_refused",
    "health": "proxy.upstream_refused",
    "noserver": "proxy.no_upstream",
    "x.php": "proxy.socket_missing",
    "module-proxy_http-missing": "proxy.module_off",
    "": "",
    "sock": "",
    "variable": "",
    "checked": "",
    "denied": "",
    "perm-x": "",
    "nginx_status": "",
    "server-status-auto": "",
}
"""By what was asked for. Apache's `nosock` and `permsock` are well: its workers for sockets of one name are shared."""

SHARED = ("apache2/req-nosock.txt", "apache2/req-permsock.txt")

SERVED: dict[str, Served] = {
    "127.0.0.1:9101": answer(200, "ok\n", Content_Length="3"),
    "127.0.0.1:9102": REFUSED,
    "127.0.0.1:9103": HANGS,
    "127.0.0.1:9104": Failure("closed", "closed without an answer"),
    "127.0.0.1:9105": Failure("reset", "connection reset by peer"),
    "127.0.0.1:9106": Failure("protocol", "garbage not http"),
    "127.0.0.1:9107": answer(200, "ok\n", X_Big="a" * 16000),
    "127.0.0.1:9108": Failure("closed", "closed after 8 of 1000 bytes"),
    "127.0.0.1:9109": answer(500, "oops\n"),
    "127.0.0.1:9110": answer(502, "from app\n"),
    "127.0.0.1:9111": Failure("timeout", "no connection in time"),
    "127.0.0.1:9112": REFUSED,
    "127.0.0.1:9113": REFUSED,
    "nosuch.cozy.invalid:9101": Failure("name", "nosuch.cozy.invalid: Name or service not known"),
}
SOCKETS: dict[str, Served] = {
    "/run/cozy/ok.sock": answer(200, "ok\n", Content_Length="3"),
    "/run/cozy/noperm.sock": Failure("permission", "permission denied"),
    "/run/cozy/stale.sock": REFUSED,
}


class Recording(NamedTuple):
    path: str
    came: Answer | Failure
    log: str
    began: float


@pytest.fixture(autouse=True)
def where_it_was_recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """nginx, Apache and HAProxy write the local time."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def recording(file: Path) -> Recording:
    text = file.read_text("utf-8")
    head, mark, rest = text.partition("--- response\n")
    response, _, log = (rest if mark else text).partition("\n--- ")
    log = log.partition("\n")[2]
    head = head if mark else "GET / rc=0\ncode=500 total=0.1 err=\n"
    path, code = head.split()[1], re.findall(r"code=(\d+)", head)[0]
    lines, _, body = response.partition("\n\n")
    pairs = [line.partition(": ") for line in lines.splitlines()[1:]]
    headers = tuple((name, value) for name, _, value in pairs)
    came: Answer | Failure = Answer(int(code), "", headers, body.removesuffix("\n").encode(), False)
    if "rc=92" in head or "rc=18" in head:
        came = Failure("closed", "closed after 8 of 1000 bytes")
    elif code == "000":
        came = Failure("protocol", "garbage not http")
    dates = [value for name, value in headers if name.lower() == "date"]
    took = float(re.findall(r"total=([\d.]+)", head)[0])
    ended = parsedate_to_datetime(dates[0]).timestamp() if dates else (haproxy.moment(log) or 0.0) + took
    return Recording(path, came, log, ended - took)


def files(kind: str) -> list[str]:
    found = (p for proxy in ("nginx", "apache2", "caddy", "haproxy") for p in (RECORDINGS / proxy).glob(f"{kind}*.txt"))
    return sorted(str(path.relative_to(RECORDINGS)) for path in found)


def printed(file: str) -> Completed:
    """What a command printed, and how it ended."""
    text = (RECORDINGS / file).read_text("utf-8")
    code = int(re.findall(r"# rc=(\d+)", text)[0])
    out, _, err = text.partition("# --- stdout\n")[2].partition("# --- stderr\n")
    return Completed(code, out.encode(), err.encode())


class Place(NamedTuple):
    """A proxy as it was in the laboratory."""

    config: Proxy
    port: int
    log: str
    machine: Mapping[str, object]


def place(proxy: str, folder: Path) -> Place:
    if proxy == "nginx":
        shutil.copytree(RECORDINGS / "nginx" / "etc", folder / "nginx")
        return Place(Proxy(conf=str(folder / "nginx" / "nginx.conf")), 443, "/var/log/nginx/error.log",
                     {"real": str(folder)})  # fmt: skip
    if proxy == "apache2":
        return Place(Proxy(apache="/etc/apache2/apache2.conf"), 443, "/var/log/apache2/cozy-error.log",
                     {"commands": {"apache2": printed("apache2/dump-config.txt")}})  # fmt: skip
    if proxy == "caddy":
        content = (RECORDINGS / "caddy" / "admin-config.txt").read_text("utf-8")
        loaded = answer(200, next(line for line in content.splitlines() if line.startswith('{"admin"')))
        return Place(Proxy(caddy="/etc/caddy/Caddyfile"), 8444, "/var/log/caddy/cozy.log",
                     {"web": {"127.0.0.1:2019/config/": loaded}})  # fmt: skip
    return Place(Proxy(haproxy="/etc/haproxy/haproxy.cfg", haproxy_socket="/run/haproxy/admin.sock"), 8082,
                 "/logs/haproxy.log", {"sockets": {"/run/haproxy/admin.sock": stats}})  # fmt: skip


def stats(request: Request) -> Answer:
    name = {b"show info\n": "socket-show-info", b"show stat\n": "socket-show-stat"}[request.body]
    return answer(200, printed(f"haproxy/{name}.txt").stdout.decode())


def look(cozy: Cozy, file: str, folder: Path) -> str:
    """The code that the check of a site ends with, "" for none."""
    there = place(file.partition("/")[0], folder)
    came = recording(RECORDINGS / file)
    tls = there.port != 8082
    parts = {name: Part(f"http://127.0.0.1:{port}", ("127.0.0.1", port))
             for port, name in enumerate(("controller", "data-system", "home", "proxy"), 9990)}  # fmt: skip
    url = f"http{'s' if tls else ''}://cozy.test:{there.port}{came.path}"
    settings = cozy.with_config(discover=False, proxy=there.config, parts=parts, sites=())
    settings = settings._replace(paths=settings.paths._replace(logs="/logs"))
    machine = Machine(
        web={**SERVED, f"127.0.0.1:{there.port}": came.came, **there.machine.get("web", {})},  # type: ignore[dict-item]
        sockets={**SOCKETS, **there.machine.get("sockets", {})},  # type: ignore[dict-item]
        files={
            there.log: came.log.encode(),
            "/etc/haproxy/haproxy.cfg": (RECORDINGS / "haproxy" / "haproxy.cfg").read_bytes(),
            "/run/haproxy/admin.sock": b"",
            **dict.fromkeys(SOCKETS, b""),
        },
        commands=there.machine.get("commands", {}),  # type: ignore[arg-type]
        real=there.machine.get("real"),  # type: ignore[arg-type]
        clock=FakeClock(came.began),
    )
    site = Item(url, "cozy.test", ("127.0.0.1", there.port), tls, "configuration")
    stack = Stack(settings._replace(sites=(Site(url, "cozy.test", site.address, tls),)))
    [finding] = run_check(cozy.checks["proxy.gateway"], FakeHost(machine), stack)
    return "" if finding.status == "ok" else finding.code


@pytest.mark.parametrize("file", [*files("req-"), *files("h1-req-")])
def test_each_recorded_request_is_called_what_it_was(cozy: Cozy, tmp_path: Path, file: str) -> None:
    name = file.partition("req-")[2].removesuffix(".txt")
    expected = "" if file in SHARED else REQUESTS[name]
    assert look(cozy, file, tmp_path) == expected


# --- configurations

MISTAKES = {
    "nginx/conf-bad-port": ("/etc/nginx/sites-enabled/broken", 1, "invalid port in"),
    "nginx/conf-cert-missing": ("", 0, 'cannot load certificate "/etc/ssl/lab/none.crt"'),
    "nginx/conf-duplicate-listen": ("/etc/nginx/sites-enabled/default", 22, "a duplicate default server"),
    "nginx/conf-host-not-found-in-upstream-block": ("/etc/nginx/sites-enabled/broken", 1, "host not found in upstream"),
    "nginx/conf-host-not-found-upstream": ("/etc/nginx/sites-enabled/broken", 1, "host not found in upstream"),
    "nginx/conf-include-missing": ("/etc/nginx/sites-enabled/broken", 1, 'open() "/etc/nginx/nothere.conf" failed'),
    "nginx/conf-key-missing": ("", 0, 'cannot load certificate key "/etc/ssl/lab/none.key"'),
    "nginx/conf-missing-semicolon": ("/etc/nginx/sites-enabled/broken", 1, 'unexpected "}"'),
    "nginx/conf-no-cert": ("/etc/nginx/sites-enabled/broken", 1, 'no "ssl_certificate" is defined'),
    "nginx/conf-unexpected-brace": ("/etc/nginx/sites-enabled/broken", 1, 'unexpected "}"'),
    "nginx/conf-unknown-directive": ("/etc/nginx/sites-enabled/broken", 1, 'unknown directive "prxy_pass"'),
    "apache2/conf-cert-missing": ("/etc/apache2/sites-enabled/broken.conf", 4, "SSLCertificateFile: file"),
    "apache2/conf-include-missing": ("/etc/apache2/sites-enabled/broken.conf", 1, "Could not open configuration file"),
    "apache2/conf-module-missing-ssl": ("/etc/apache2/sites-enabled/cozy.conf", 10, "Invalid command 'SSLEngine'"),
    "apache2/conf-unclosed-vhost": ("/etc/apache2/sites-enabled/broken.conf", 1, "<VirtualHost> was not closed"),
    "apache2/conf-unknown-directive": ("/etc/apache2/sites-enabled/broken.conf", 1, "Invalid command 'ProxyPas'"),
    "caddy/conf-cert-missing": ("", 0, "provision tls: loading certificates: open /etc/ssl/lab/none.crt"),
    "caddy/conf-key-mismatch": ("", 0, "provision tls: loading certificates: tls: private key does not match"),
    "caddy/conf-missing-brace": ("/etc/caddy/Caddyfile", 73, "Syntax error: Unexpected token"),
    "caddy/conf-unknown-directive": ("/etc/caddy/Caddyfile", 20, "Error during parsing: unrecognized directive"),
    "haproxy/conf-cert-missing": ("/etc/haproxy/haproxy.cfg", 16, "bind 127.0.0.1:8445' in section 'frontend'"),
    "haproxy/conf-dns": ("/etc/haproxy/haproxy.cfg", 31, "server refused/s1' : could not resolve address"),
    "haproxy/conf-key-missing": ("/etc/haproxy/haproxy.cfg", 16, "bind 127.0.0.1:8445' in section 'frontend'"),
    "haproxy/conf-missing-backend": ("", 0, "Proxy 'http-in': unable to find required default_backend"),
    "haproxy/conf-unknown-keyword": ("/etc/haproxy/haproxy.cfg", 27, "unknown keyword 'default_bckend'"),
}
UNSEEN = {
    "nginx/conf-conflicting-name", "nginx/conf-listen-taken-by-other", "apache2/conf-duplicate-name",
    "apache2/conf-listen-taken", "apache2/conf-module-missing-proxyhttp", "caddy/conf-cert-expired",
    "haproxy/conf-listen-taken",
}  # fmt: skip
"""What the proxies' own tests call well."""


def test_no_recorded_test_is_left_out() -> None:
    assert {name.removesuffix(".txt") for name in files("conf-")} == {*MISTAKES, *UNSEEN}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_a_proxys_own_test_is_read_with_file_and_line(name: str) -> None:
    path, line, message = MISTAKES[name]
    [mistake] = verdicts.tested(name.partition("/")[0].replace("apache2", "apache"), printed(f"{name}.txt")).mistakes
    assert (mistake.path, mistake.line) == (path, line)
    assert mistake.message.startswith(message)


@pytest.mark.parametrize("name", sorted(UNSEEN))
def test_nothing_is_read_into_a_test_that_ends_well(name: str) -> None:
    said = verdicts.tested(name.partition("/")[0].replace("apache2", "apache"), printed(f"{name}.txt"))
    assert not said.mistakes


@pytest.mark.parametrize("name", [name for name in sorted(MISTAKES) if not name.startswith("nginx/")])
def test_a_broken_configuration_keeps_a_proxy_down(cozy: Cozy, name: str) -> None:
    proxy = name.partition("/")[0]
    there = {"apache2": Proxy(apache="/etc/apache2/apache2.conf"), "caddy": Proxy(caddy="/etc/caddy/Caddyfile"),
             "haproxy": Proxy(haproxy="/etc/haproxy/haproxy.cfg")}[proxy]  # fmt: skip
    machine = Machine(commands={proxy: printed(f"{name}.txt")})
    config = cozy.with_config(discover=False, proxy=there, sites=())
    [finding] = run_check(cozy.checks["proxy.config"], FakeHost(machine), Stack(config))
    assert (str(finding.status), finding.code) == ("fail", "proxy.config")
    assert finding.restart_helps is False


def test_a_line_of_apache_without_a_time_is_of_no_moment() -> None:
    assert apache.moment("AH00558: apache2: Could not reliably determine the server's name") is None


def test_who_only_knocked_at_haproxy_says_nothing_of_our_request(tmp_path: Path) -> None:
    """Its line has no server in it either, and may stand last in the log."""
    from cozydiag.host import Host, World

    log = tmp_path / "haproxy.log"
    ours = '127.0.0.1:5 [21/Nov/2026:09:02:33.511] web cozy/s0 0/0/0/1/1 500 90 - - ---- 1/1/0/0/0 0/0 "GET /"\n'
    knock = '127.0.0.1:6 [21/Nov/2026:09:02:33.600] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - CR-- 1/1/0/0/0 "<BADREQ>"\n'
    log.write_text(ours + knock)
    began = haproxy.moment(ours) or 0.0
    found = haproxy.HAProxy("x", discover=False).last_error(Host(World(), 5.0), (str(log),), began, ())
    assert found is not None
    assert found.line == ours.strip()
