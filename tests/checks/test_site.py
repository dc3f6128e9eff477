"""The way to a site: names on false resolvers, certificates from true servers on this machine's loopback."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy
from cozydiag.config.values import Site as Configured
from cozydiag.host import Failure, Host, Shown, World, tls
from cozydiag.host.commands import Completed
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import REFUSED, FakeClock, FakeHost, Machine, answer, run_check

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

RECORDED = Path(__file__).parents[1] / "recordings" / "certificates"
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc).timestamp()


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded root is all that this machine trusts."""
    monkeypatch.setattr(tls, "AUTHORITIES", (str(RECORDED / "root.crt"),))


def file(folder: Path, *names: str) -> str:
    path = folder / ("-".join(names) + ".pem")
    path.write_bytes(b"".join((RECORDED / f"{name}.crt").read_bytes() for name in names))
    return str(path)


@contextmanager
def serving(certificate: str) -> Iterator[int]:
    """A server that greets everybody with ``certificate``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, str(RECORDED / "cozy.key"))

    def greet() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(10)
                    with context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(1)
                except OSError:
                    pass  # who does not trust it hangs up

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            assert not thread.is_alive()


def site(port: int, name: str = "cozy.test") -> Configured:
    return Configured(f"https://{name}:{port}/", name, ("127.0.0.1", port), tls=True)


def config(port: int, etc: Path | None = None, name: str = "cozy.test") -> Config:
    conf = str(etc / "nginx.conf") if etc else None
    return Config(discover=False, sites=(site(port, name),), proxy=Proxy(conf=conf))


def look(cozy: Cozy, check: str, settings: Config, now: float = NOW) -> list[Finding]:
    host = Host(World(FakeClock(now)), 20.0)
    return run_check(cozy.checks[check], host, Stack(settings))


# --- certificates


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (("valid", "issuer"), ("ok", "")),
        (("valid",), ("warn", "certificate.incomplete")),
        (("expired", "issuer"), ("fail", "certificate.expired")),
        (("not-yet", "issuer"), ("fail", "certificate.not_yet")),
        (("other-name", "issuer"), ("fail", "certificate.name")),
        (("self-signed",), ("warn", "certificate.self_signed")),
        (("common-name",), ("warn", "certificate.self_signed")),
        (("self-signed-expired",), ("fail", "certificate.expired")),
    ],
    ids="+".join,
)
def test_what_a_server_shows(cozy: Cozy, tmp_path: Path, shown: Sequence[str], said: tuple[str, str]) -> None:
    with serving(file(tmp_path, *shown)) as port:
        assert cozy.said(look(cozy, "site.certificate", config(port))) == [said]


@pytest.mark.parametrize("shown", [("private",), ("private", "root"), ("valid", "issuer", "root")], ids="+".join)
def test_an_authority_that_this_machine_does_not_know(
    cozy: Cozy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: Sequence[str]
) -> None:
    monkeypatch.setattr(tls, "AUTHORITIES", (str(RECORDED / "self-signed.crt"),))
    with serving(file(tmp_path, *shown)) as port:
        (finding,) = look(cozy, "site.certificate", config(port))
    assert cozy.said([finding]) == [("warn", "certificate.unknown_authority")]


def test_it_ends_soon(cozy: Cozy, tmp_path: Path) -> None:
    end = datetime(2120, 1, 1, tzinfo=timezone.utc).timestamp()
    with serving(file(tmp_path, "valid", "issuer")) as port:
        said = [cozy.said(look(cozy, "site.certificate", config(port), end - days * 86400)) for days in (15, 13)]
    assert said == [[("ok", "")], [("warn", "certificate.soon")]]


def test_nobody_there_is_not_a_certificate(cozy: Cozy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert cozy.said(look(cozy, "site.certificate", config(port))) == [("unknown", "certificate.not_seen")]


def test_no_tls_is_no_certificate(cozy: Cozy) -> None:
    def talk(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,), daemon=True)
        thread.start()
        (finding,) = look(cozy, "site.certificate", config(listener.getsockname()[1]))
        thread.join(10)
    assert (finding.code, dict(finding.text.params)["why"]) == ("certificate.not_seen", "does not speak TLS")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def told(etc: Path, port: int, certificate: str, names: str = "cozy.test", more: str = "") -> None:
    """nginx's configuration, in which ``certificate`` is the site's."""
    (etc / "nginx.conf").write_text(
        "events {}\nhttp {\n"
        f"server {{\n listen {port} ssl;\n server_name {names};\n ssl_certificate {certificate};\n"
        f" ssl_certificate_key {RECORDED}/cozy.key;\n location / {{ proxy_pass http://127.0.0.1:9104; }}\n}}\n"
        f"{more}}}\n"
    )


@pytest.mark.parametrize(
    ("shown", "kept", "said"),
    [
        (("valid", "issuer"), ("valid", "issuer"), ("ok", "")),
        (("expired", "issuer"), ("valid", "issuer"), ("fail", "certificate.not_reloaded")),
        (("self-signed",), ("expired", "issuer"), ("warn", "certificate.other_shown")),
        (("expired", "issuer"), ("expired", "issuer"), ("fail", "certificate.expired")),
    ],
    ids=["the same", "renewed, not reloaded", "another", "the same, expired"],
)
def test_the_one_on_disk(
    cozy: Cozy, tmp_path: Path, etc: Path, shown: Sequence[str], kept: Sequence[str], said: tuple[str, str]
) -> None:
    with serving(file(tmp_path, *shown)) as port:
        told(etc, port, file(etc, *kept))
        (finding,) = look(cozy, "site.certificate", config(port, etc))
    assert cozy.said([finding]) == [said]


PAIR = f"{RECORDED}/valid.crt"
APACHE = f"""# In file: /etc/httpd/conf/httpd.conf
# 1:
Listen 443
<VirtualHost *:443>
ServerName cozy.test
SSLEngine on
SSLCertificateFile {PAIR}
ProxyPass / http://127.0.0.1:9104/
</VirtualHost>
"""
HAPROXY = f"""frontend web
 bind :443 ssl crt {PAIR}
 default_backend cozy
backend cozy
 server a 127.0.0.1:9104
"""
ROUTE = {"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:9104"}]}
SERVER = {"routes": [{"match": [{"host": ["cozy.test"]}], "handle": [ROUTE]}], "tls_connection_policies": [{}]}
LOADED = {"certificates": {"load_files": [{"certificate": PAIR, "key": "x"}]}}
CADDY = json.dumps({"apps": {"http": {"servers": {"one": SERVER}}, "tls": LOADED}})


@pytest.mark.parametrize(
    ("name", "files", "more"),
    [
        ("httpd", {"/etc/httpd/conf/httpd.conf": ""}, {"commands": {"httpd": Completed(0, APACHE.encode(), b"")}}),
        ("haproxy", {"/etc/haproxy/haproxy.cfg": HAPROXY}, {}),
        ("caddy", {"/etc/caddy/Caddyfile": ""}, {"web": {"127.0.0.1:2019/config/": answer(200, CADDY)}}),
    ],
)
def test_who_serves_is_told_to_load_the_new_one(
    cozy: Cozy, name: str, files: dict[str, str], more: dict[str, Any]
) -> None:
    """By its own name and with its own command, whichever it is."""
    there = {path: content.encode() for path, content in files.items()}
    there |= {"/run/systemd/system": b"", PAIR: (RECORDED / "valid.crt").read_bytes()}
    expired = ssl.PEM_cert_to_DER_cert((RECORDED / "expired.crt").read_text())
    shown = {"127.0.0.1:443": Shown(expired, 10, "certificate has expired")}
    machine = Machine(files=there, certificates=shown, clock=FakeClock(NOW), **more)
    (finding,) = run_check(cozy.checks["site.certificate"], FakeHost(machine), Stack(Config(sites=(site(443),))))
    assert (finding.code, finding.commands) == ("certificate.not_reloaded", (f"systemctl reload {name}",))


# --- sub-domains of apps


@pytest.mark.parametrize(
    ("shown", "names", "said"),
    [
        ("valid", "cozy.test *.cozy.test", ("ok", "")),
        ("flat", "cozy.test *.test", ("ok", "")),
        ("valid", "cozy.test *.test", ("fail", "certificate.subdomains")),
        ("flat", "cozy.test *.cozy.test", ("fail", "certificate.subdomains")),
        ("self-signed", "cozy.test *.cozy.test", ("fail", "certificate.subdomains")),
        ("valid", "cozy.test", ("skip", "")),
    ],
    ids=["nested", "flat", "flat, certificate nested", "nested, certificate flat", "one name only", "no sub-domains"],
)
def test_the_certificate_is_for_the_apps(
    cozy: Cozy,
    tmp_path: Path,
    etc: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    names: str,
    said: tuple[str, str],
) -> None:
    monkeypatch.setattr(Host, "resolve", lambda _host, _name: ["127.0.0.1"])
    with serving(file(tmp_path, shown)) as port:
        told(etc, port, file(etc, shown), names)
        (finding,) = look(cozy, "site.subdomains", config(port, etc))
    assert cozy.said([finding]) == [said]
    if said[0] == "fail":
        assert finding.proof is not None
        assert finding.proof.line.startswith("for ")  # what the certificate names, and not that it could be had


def test_apps_whose_names_lead_nowhere(cozy: Cozy, tmp_path: Path, etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "resolve", lambda _host, name: Failure("name", f"{name}: no such name"))
    with serving(file(tmp_path, "valid")) as port:
        told(etc, port, file(etc, "valid"), "cozy.test *.cozy.test")
        found = look(cozy, "site.subdomains", config(port, etc))
    assert cozy.said(found) == [("fail", "name.subdomains"), ("ok", "")]
    assert dict(found[0].text.params)["name"] == "home.cozy.test"


# --- the port without TLS

SECURE = Configured("https://cozy.test/", "cozy.test", ("127.0.0.1", 443), tls=True)
TO_HTTPS = answer(301, Location="https://cozy.test/")


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (TO_HTTPS, ("ok", "")),
        (answer(308, Location="https://cozy.test/x"), ("ok", "")),
        (answer(301, Location="http://cozy.test/login"), ("warn", "redirect.elsewhere")),
        (answer(301, Location="https://other.test/"), ("warn", "redirect.elsewhere")),
        (answer(302, Location="/login"), ("warn", "redirect.elsewhere")),
        (answer(200, "hello"), ("warn", "redirect.missing")),
        (answer(404), ("warn", "redirect.missing")),
        (REFUSED, ("warn", "redirect.closed")),
        (Failure("timeout", "no answer in time"), ("unknown", "redirect.not_seen")),
    ],
)
def test_the_plain_port(cozy: Cozy, served: object, said: tuple[str, str]) -> None:
    machine = Machine(web={"127.0.0.1:80": served})  # type: ignore[dict-item]
    found = run_check(cozy.checks["site.redirect"], FakeHost(machine), Stack(Config(sites=(SECURE,))))
    assert cozy.said(found) == [said]


@pytest.mark.parametrize(
    ("renewal", "challenge", "codes"),
    [
        (b"authenticator = webroot\n", answer(404), [""]),
        (b"authenticator = webroot\n", TO_HTTPS, ["", "redirect.challenge"]),
        (b"authenticator = webroot\n", answer(502), ["", "redirect.challenge"]),
        (b"authenticator = nginx\n", TO_HTTPS, [""]),
        (None, TO_HTTPS, [""]),
    ],
)
def test_the_challenge_of_the_authority(cozy: Cozy, renewal: bytes | None, challenge: object, codes: list[str]) -> None:
    files = {} if renewal is None else {"/etc/letsencrypt/renewal/cozy.test.conf": renewal}
    path = "127.0.0.1:80/.well-known/acme-challenge/cozydiag"
    machine = Machine(web={"127.0.0.1:80": TO_HTTPS, path: challenge}, files=files)  # type: ignore[dict-item]
    found = run_check(cozy.checks["site.redirect"], FakeHost(machine), Stack(Config(sites=(SECURE,))))
    assert [finding.code for finding in found] == codes


# --- names

PUBLIC, ROUTER, OTHER_HOME = "93.184.216.34", "10.0.0.7", "10.0.0.9"
HOME = answer(200, "home", Server="nginx", X_Cozy="1")
STRANGER = answer(200, "hello", Server="Apache")


def named(cozy: Cozy, found: Sequence[str] | Failure, own: Sequence[str] = (), **web: object) -> list[tuple[str, str]]:
    """What is said of a name with these addresses on a machine that has ``own`` beside its loopback."""
    served = {"127.0.0.1:80": HOME, **{f"{place.replace('_', '.').strip('a')}:80": one for place, one in web.items()}}
    machine = Machine(names={"cozy.test": found}, addresses=("127.0.0.1", "::1", *own), web=served)  # type: ignore[arg-type]
    return cozy.said(run_check(cozy.checks["site.name"], FakeHost(machine), Stack(cozy.config)))


@pytest.mark.parametrize(
    ("found", "own", "public", "said"),
    [
        (["127.0.0.1"], (), None, ("ok", "")),
        ([PUBLIC], (PUBLIC,), HOME, ("ok", "")),
        ([PUBLIC], (ROUTER,), HOME, ("ok", "")),
        ([PUBLIC], (ROUTER,), REFUSED, ("unknown", "name.hairpin")),
        ([PUBLIC], (ROUTER,), Failure("timeout", "no connection in time"), ("unknown", "name.hairpin")),
        ([PUBLIC], ("198.51.100.7", ROUTER), REFUSED, ("unknown", "name.hairpin")),
        ([PUBLIC], ("1.1.1.1",), REFUSED, ("warn", "name.elsewhere")),
        ([PUBLIC], ("1.1.1.1",), HOME, ("ok", "")),
        ([PUBLIC], (ROUTER,), STRANGER, ("warn", "name.elsewhere")),
        ([PUBLIC], (ROUTER,), answer(200, Server="cloudflare"), ("ok", "")),
        ([OTHER_HOME], (ROUTER,), None, ("warn", "name.elsewhere")),
        (["127.0.0.1", PUBLIC], (), HOME, ("warn", "name.in_part")),
        (["127.0.0.1", "::1"], (), None, ("warn", "name.closed_address")),
        (Failure("name", "no such name"), (), None, ("fail", "name.unknown")),
        (Failure("resolver", "temporary failure in name resolution"), (), None, ("unknown", "name.resolver")),
        (Failure("timeout", "not resolved in time"), (), None, ("unknown", "name.resolver")),
    ],
)
def test_where_a_name_leads(
    cozy: Cozy, found: Sequence[str] | Failure, own: Sequence[str], public: object, said: tuple[str, str]
) -> None:
    web = {} if public is None else {PUBLIC.replace(".", "_"): public}
    assert named(cozy, found, own, **web) == [said]


def test_names_that_need_no_resolver(cozy: Cozy) -> None:
    for name, status in (("cozy.localhost", "ok"), ("192.0.2.1", "skip"), ("::1", "skip")):
        settings = Config(sites=(Configured(f"http://{name}/", name, ("127.0.0.1", 80), tls=False),))
        (finding,) = run_check(cozy.checks["site.name"], FakeHost(Machine()), Stack(settings))
        assert finding.status == status


def test_a_router_and_a_resolver_are_never_why_a_site_is_down(cozy: Cozy) -> None:
    for fault in ([PUBLIC], Failure("resolver", "temporary failure")):
        machine = cozy.machine(names={"cozy.test": fault}, addresses=("127.0.0.1", "::1", ROUTER))
        diagnosis = cozy.examine(machine)
        assert [cause.code for cause in diagnosis.causes if cause.severity == "fail" or cause.role == "name"] == []


@pytest.mark.parametrize(("shown", "said"), [(Failure("protocol", "no TLS"), "fail"), (Shown(b"", 0, ""), "skip")])
def test_port_443_without_tls(cozy: Cozy, shown: Failure | Shown, said: str) -> None:
    site = Configured("http://cozy.test:443/", "cozy.test", ("127.0.0.1", 443), tls=False)
    machine = cozy.machine(certificates={"127.0.0.1:443": shown})
    (finding,) = cozy.look("site.certificate", machine, Config(sites=(site,)))
    assert str(finding.status) == said
    assert finding.code in ("site.plain_443", "")
